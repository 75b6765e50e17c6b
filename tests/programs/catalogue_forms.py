"""Catalogues of abell by astropy.

check REFERENCE.csv FILE [units] [ucds]: FILE has the columns and texts of the reference, with our units and UCDs.
save FILE OTHER: saves FILE in another form, told by the ending.
"""

import csv
import sys
import warnings

import numpy
from astropy.table import Table

warnings.filterwarnings("ignore", message=".*has been deprecated in the VOUnit standard")
warnings.filterwarnings("ignore", message="The unit .* has been deprecated")
FORMATS = {"fits": "fits", "vot": "votable", "ecsv": "ascii.ecsv"}
UNITS = {"ra": "deg", "dec": "deg", "masked_pixels": "pix"}
UCDS = {
    "id": "meta.id;meta.main",
    "class": "src.class",
    "p_cluster": "stat.probability;src.class",
    "predicted": "meta.code;src.class",
    "masked_pixels": "meta.number;instr.pixel",
    "warning": "meta.code.qual",
    "file": "meta.ref;meta.file",
    "ra": "pos.eq.ra;meta.main",
    "dec": "pos.eq.dec;meta.main",
}
KINDS = {"predicted": "b", "masked_pixels": "i", "members": "i", "p_cluster": "f", "ra": "f", "redshift": "f", "flux_x": "f"}


def read(path):
    return Table.read(path, format=FORMATS[path.rsplit(".", 1)[1]])


def text(value):
    """A cell as our tables have it."""
    if value is numpy.ma.masked:
        return ""
    if isinstance(value, (bool, numpy.bool_)):
        return "1" if value else "0"
    if isinstance(value, bytes):
        value = value.decode()
    if isinstance(value, float) and numpy.isnan(value):
        return ""
    return str(value)


def equal(found, wanted):
    found = {"true": "1", "false": "0", "True": "1", "False": "0"}.get(found, found)
    if found == wanted:
        return True
    try:
        return float(found) == float(wanted)
    except ValueError:
        return False


def ucds_of(table):
    """Of columns, or of keywords of FITS."""
    in_header = {name: table.meta.get(f"TUCD{i + 1}") for i, name in enumerate(table.colnames)}
    return {name: table[name].meta.get("ucd") or in_header[name] for name in table.colnames}


def check(reference, path, *wanted):
    with open(reference, newline="") as file:
        header, *rows = csv.reader(file)
    if path.endswith(".csv"):
        with open(path, newline="") as file:
            names, *cells = csv.reader(file)
    else:
        table = read(path)
        names = table.colnames
        cells = [[text(value) for value in row] for row in table.iterrows()]
        kinds = {name: table[name].dtype.kind for name in KINDS}
        assert kinds == KINDS, kinds
        assert all(table[name].dtype.itemsize == 8 for name, kind in KINDS.items() if kind != "b")
    assert names == header, names
    assert len(cells) == len(rows), cells
    for found, expected in zip(cells, rows):
        for name, a, b in zip(header, found, expected):
            assert equal(a, b), f"column {name}: expected '{b}', found '{a}'"
    if "units" in wanted:
        units = {name: str(table[name].unit) for name in names if table[name].unit}
        assert units == UNITS, units
    if "ucds" in wanted:
        ucds = {name: ucd for name, ucd in ucds_of(table).items() if ucd}
        assert ucds == UCDS, ucds


def save(path, other):
    read(path).write(other, format=FORMATS[other.rsplit(".", 1)[1]])


{"check": check, "save": save}[sys.argv[1]](*sys.argv[2:])
