#!/usr/bin/env bash
# wcslib 7.12 (through astropy 5.2.1): the polynomial of TPV is right behind a CD matrix and wrong behind CDELT, where
# it is given pixels instead of degrees.
# Seen on 2026-12-01: one projection, PV1_4 = 0.01 and pixels of 0.0001 degrees, written once with CD1_1 and CD2_2 and
# once with CDELT1 and CDELT2: pixel (600, 500) lies 0.0100 degrees (36") apart. The term is 0.01 (0.01)^2 = 1e-6 degrees.
# Without the term both agree.
# Why it matters: both forms are standard, and a program that tidies CD matrices into CDELT moves the sky. Fold CDELT
# into CD before wcslib sees the header.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
packages "${packages_of_astropy[@]}"

apart() {
  /usr/bin/python3 -W error - "$1" <<'PY'
import sys
from astropy.io import fits
from astropy.wcs import WCS

def right_ascension(scale):
    header = fits.Header()
    for axis, name, value in ((1, "RA--", 150.0), (2, "DEC-", 0.0)):
        header[f"CTYPE{axis}"] = f"{name}-TPV"
        header[f"CRVAL{axis}"] = value
        header[f"CRPIX{axis}"] = 500.0
        header[f"CUNIT{axis}"] = "deg"
        header[scale(axis)] = -1e-4 if axis == 1 else 1e-4
        header[f"PV{axis}_1"] = 1.0
    header["PV1_4"] = float(sys.argv[1])
    return WCS(header).wcs_pix2world([[600.0, 500.0]], 1)[0][0]

print(f"{abs(right_ascension('CD{0}_{0}'.format) - right_ascension('CDELT{0}'.format)):.4f}")
PY
}
expect "degrees apart without the term" 0.0000 "$(apart 0)"
expect "degrees apart with PV1_4 = 0.01" 0.0100 "$(apart 0.01)"
