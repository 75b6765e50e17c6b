#!/usr/bin/env bash
# astropy 5.2.1: when a column of a FITS table is removed, the UCDs of the columns behind it stay where they were.
# Seen on 2026-12-01: a table FLUX, RA, DEC with TUCD1 to TUCD3 keeps all three cards once FLUX is removed, so RA has
# the UCD of the flux and DEC that of the right ascension; Table.remove_column and ColDefs.del_col do the same.
# Why it matters: who finds positions by UCD takes declinations for right ascensions; go by the names first.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
packages "${packages_of_astropy[@]}"

/usr/bin/python3 - >found <<'PY'
import numpy as np
from astropy.io import fits
from astropy.table import Table

columns = [fits.Column(name=name, format="D", array=np.array([1.0])) for name in ("FLUX", "RA", "DEC")]
hdu = fits.BinTableHDU.from_columns(columns)
for number, ucd in enumerate(("phot.flux", "pos.eq.ra", "pos.eq.dec"), 1):
    hdu.header[f"TUCD{number}"] = ucd
hdu.writeto("whole.fits")

table = Table.read("whole.fits")
table.remove_column("FLUX")
table.write("table.fits")
with fits.open("whole.fits") as file:
    file[1].columns.del_col("FLUX")
    file.writeto("columns.fits")
for name in ("table.fits", "columns.fits"):
    header = fits.getheader(name, 1)
    print(*(f"{header[f'TTYPE{i}']} {header[f'TUCD{i}']}," for i in (1, 2)), header["TUCD3"])
PY
for line in 1 2; do expect "UCDs" "RA phot.flux, DEC pos.eq.ra, pos.eq.dec" "$(sed -n ${line}p found)"; done
