#!/bin/bash
# Images that were packed with loss are told by the programs that read them.
. "$(dirname "$0")/common.sh"
cd "$folder"

cards() { printf '%-8s= %-70s' "$@"; }
# An image of 101 x 101 pixels of 4" about (150, 2), packed with GZIP_1 as floats that were rounded to halves.
for _ in $(seq 10201); do printf "\x00\x00\x00\x02"; done | gzip -nc >tile
length=$(printf '%08x' "$(stat -c %s tile)")
{
  printf '%-2880s' "$(cards SIMPLE T BITPIX 8 NAXIS 0 EXTEND T)$(printf '%-80s' END)"
  printf '%-2880s' "$(cards XTENSION "'BINTABLE'" BITPIX 8 NAXIS 2 NAXIS1 24 NAXIS2 1 PCOUNT $((0x$length)) GCOUNT 1 \
    TFIELDS 3 TTYPE1 "'COMPRESSED_DATA'" TFORM1 "'1PB($((0x$length)))'" TTYPE2 "'ZSCALE'" TFORM2 "'1D'" TTYPE3 "'ZZERO'" \
    TFORM3 "'1D'" ZIMAGE T ZBITPIX -32 ZNAXIS 2 ZNAXIS1 101 ZNAXIS2 101 ZTILE1 101 ZTILE2 101 ZCMPTYPE "'GZIP_1'" \
    ZQUANTIZ "'NO_DITHER'" CTYPE1 "'RA---TAN'" CTYPE2 "'DEC--TAN'" CRPIX1 51 CRPIX2 51 CRVAL1 150 CRVAL2 2 \
    CDELT1 -0.00111111111 CDELT2 0.00111111111)$(printf '%-80s' END)"
  { bytes "$length 00000000 3fe0000000000000 3ff0000000000000"; cat tile /dev/zero; } | head -c 2880
} >packed.fits.fz
printf 'ra,dec\n150,2\n' >c.csv
printf '%s\n' id,image,class,split 1,packed.fits.fz,cluster,train 2,packed.fits.fz,other,train 3,packed.fits.fz,other,test >table.csv

# told NAME: of this file, once, and not with --quiet.
told() { [ "$(grep -cF "$1: packed with loss, which changes counts" stderr)" = 1 ] || fail "$(cat stderr)"; }
untold() { grep -q 'packed with loss' stderr && fail "told with --quiet: $(cat stderr)"; }

expect 0 abell-cutout --catalogue c.csv --xray packed.fits.fz --out set --pixels 30
told packed.fits.fz
expect 0 abell-train table.csv --out run --iterations 2 --batch 2 --validation-fraction 0
told packed.fits.fz
grep -q 'so are images of 3 of 3 objects' stderr || fail "$(cat stderr)"
expect 0 abell-train table.csv --out run --iterations 2 --batch 2 --validation-fraction 0 --overwrite --quiet
untold
expect 0 abell-classify --model run table.csv
told packed.fits.fz
expect 0 abell-classify --model run table.csv --quiet
untold

no_parts "$folder"
echo "$script: passed"
