#!/usr/bin/env bash
# STILTS 3.4.7 and astropy 5.2.1: a FITS table with two lines of HISTORY, saved as VOTable by STILTS, cannot be read by
# astropy.
# Seen on 2026-12-01: STILTS makes one PARAM of the lines, with datatype="char" and arraysize="72x2", a fixed array of
# strings as the standard has it; astropy ends with E01, "Invalid size specifier '72x2' for a char field". Without
# HISTORY the same table is read.
# Why it matters: most FITS tables have a history, and the VOTable is sound; write no HISTORY into tables that are to
# travel this way, or keep the FITS file.
# Needs a Java runtime (Debian's default-jre-headless).
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
packages "${packages_of_astropy[@]}" \
  adql-java=1.5-2 jel-java=2.1.2-2 starlink-dpac-java=1.0+2022.07.21-1 starlink-fits-java=0.1+2022.07.21-1 \
  starlink-pal-java=1.0.1+2020.10.01-1 starlink-registry-java=1.2+2020.10.01-1 starlink-table-java=4.1.3-1 \
  starlink-task-java=0.2+2022.07.21-1 starlink-tfcat-java=1.0+2022.09.09-3 starlink-tjoin-java=1.0.+2022.10.03-1 \
  starlink-ttools-java=3.4.7-4 starlink-util-java=1.0+2022.09.23-2 starlink-vo-java=0.2+2022.08.12-1 \
  starlink-votable-java=2.0+2022.08.30-1 stilts=3.4.7-4

/usr/bin/python3 - <<'PY'
import numpy as np
from astropy.io import fits

hdu = fits.BinTableHDU.from_columns([fits.Column(name="RA", format="D", array=np.array([1.0]))])
hdu.writeto("plain.fits")
hdu.header.add_history("made by one program, then extended by another one: more than a line of a card")
hdu.writeto("history.fits")
PY
read_by_astropy() {
  java -cp "$root/usr/share/java/*" uk.ac.starlink.ttools.Stilts tcopy in="$1.fits" out="$1.vot" ofmt=votable-tabledata
  /usr/bin/python3 - "$1.vot" <<'PY'
import sys
from astropy.table import Table

try:
    print(len(Table.read(sys.argv[1], format="votable")), "row")
except Exception as error:
    print(str(error).split(": ", 1)[1])
PY
}
expect "without HISTORY" "1 row" "$(read_by_astropy plain)"
expect "with HISTORY" "E01: Invalid size specifier '72x2' for a char field (in field 'HISTORY')" "$(read_by_astropy history)"
expect "STILTS's PARAM" 'arraysize="72x2" datatype="char" name="HISTORY"' "$(grep -o 'arraysize.*HISTORY"' history.vot)"
