#!/usr/bin/env bash
# wcslib 7.12 (through astropy 5.2.1): PV1_1 and PV1_2 of CTYPE RA---TAN are the native coordinates of the reference
# point, as the FITS standard has them; headers of SCAMP 1.x mean a polynomial by the same keywords and the same CTYPE.
# Seen on 2026-12-01: with the nearly plain polynomial PV1_1 = PV2_1 = 1, PV1_2 = PV2_2 = 0.001 pixel (600, 700) lies at
# 330.3 88.0 instead of 150.0 2.0, without a warning; with CTYPE RA---TPV it is where the polynomial puts it.
# Why it matters: archives are full of such headers, and SExtractor reads them as they were meant. Read TAN with PV2_m
# as TPV.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
packages "${packages_of_astropy[@]}"

position() {
  /usr/bin/python3 -W error - "$1" <<'PY'
import sys
from astropy.io import fits
from astropy.wcs import WCS

header = fits.Header()
for axis, name, value in ((1, "RA--", 150.0), (2, "DEC-", 2.0)):
    header[f"CTYPE{axis}"] = f"{name}-{sys.argv[1]}"
    header[f"CRVAL{axis}"] = value
    header[f"CRPIX{axis}"] = 500.0
    header[f"CUNIT{axis}"] = "deg"
    header[f"CD{axis}_{axis}"] = -1e-4 if axis == 1 else 1e-4
    header[f"PV{axis}_1"] = 1.0
    header[f"PV{axis}_2"] = 1e-3
print("{:.1f} {:.1f}".format(*WCS(header).wcs_pix2world([[600.0, 700.0]], 1)[0]))
PY
}
expect "pixel (600, 700) with TPV" "150.0 2.0" "$(position TPV)"
expect "pixel (600, 700) with TAN" "330.3 88.0" "$(position TAN)"
