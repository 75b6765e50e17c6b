#!/usr/bin/env bash
# CFITSIO 4.2.0: an image section that flips or steps changes CRPIX and CDELT, but not the SIP polynomials beside them.
# Seen on 2026-12-01: A_2_0 is 1.0E-05 in the whole file, after [-*,*], which needs -1E-05, and after [1:2000:2,*],
# which needs 2E-05. A pixel 800 pixels from CRPIX1 is moved by 6.4 pixels to one side, and in the flipped copy by as
# much to the other: 12.8 pixels apart, or 4.6" with the pixels of 0.36" here.
# Why it matters: sections are a usual way to cut or bin distorted images, and what comes out looks like a sound header.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
packages libcfitsio-bin=4.2.0-3 libcfitsio10=4.2.0-3

/usr/bin/python3 - <<'PY'
cards = ["SIMPLE  =                    T", "BITPIX  =                    8", "NAXIS   =                    2",
         "NAXIS1  =                 2000", "NAXIS2  =                    4",
         "CTYPE1  = 'RA---TAN-SIP'", "CTYPE2  = 'DEC--TAN-SIP'", "CRPIX1  =               1000.0",
         "CRPIX2  =                  2.0", "CRVAL1  =                 10.0", "CRVAL2  =                 20.0",
         "CDELT1  =              -0.0001", "CDELT2  =               0.0001", "A_ORDER =                    2",
         "B_ORDER =                    2", "A_2_0   =               1.0E-05", "B_2_0   =               1.0E-05", "END"]
open("whole.fits", "wb").write("".join(card.ljust(80) for card in cards).ljust(2880).encode() + bytes(8640))
PY
value() { head -c 5760 "$1.fits" | fold -w 80 | sed -n "s/^$2 *= *\([^ ]*\).*/\1/p" | head -1; }
imcopy 'whole.fits[-*,*]' flipped.fits
imcopy 'whole.fits[1:2000:2,*]' halved.fits
expect "CRPIX1 flipped" 1.001000000000000E+03 "$(value flipped CRPIX1)"
expect "CDELT1 flipped" 1.000000000000000E-04 "$(value flipped CDELT1)"
expect "A_2_0 flipped" 1.0E-05 "$(value flipped A_2_0)"
expect "CDELT1 halved" -2.000000000000000E-04 "$(value halved CDELT1)"
expect "A_2_0 halved" 1.0E-05 "$(value halved A_2_0)"
