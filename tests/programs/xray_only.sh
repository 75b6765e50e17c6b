#!/bin/bash
# X-ray images alone: from a table without optical images to a catalogue; tables of other forms, and what they tell.
. "$(dirname "$0")/common.sh"
cd "$folder"

for i in 1 2 3 4; do
  bytes "0$i" | fits x$i.fits "2 12 12" 8
  bytes "$(printf '64%.0s' $(seq 144))" | fits e$i.fits "2 12 12" 8
done
{
  echo id,class,xray,exposure
  for i in 1 2 3 4; do echo "$i,$([ $i -lt 3 ] && echo cluster || echo point),x$i.fits,e$i.fits"; done
} >set.csv
train() { expect 0 abell-train "$1" --out "$2" --channels xray --exposure divide --iterations 2 --batch 2 --validation-fraction 0.5 "${@:3}"; }
train set.csv run --quiet
expect 0 abell-classify --model run set.csv --quiet
[ "$(cut -d, -f1,2,7 stdout | tr '\n' ' ')" = "id,class,file 1,cluster,x1.fits 2,cluster,x2.fits 3,point,x3.fits 4,point,x4.fits " ] ||
  fail "$(cat stdout)"
cp stdout alone.csv
# A network of both bands needs both columns.
refused "set.csv: expected a column 'optical', found: id, class, xray, exposure" \
  abell-train set.csv --out x --iterations 2 --batch 2 --validation-fraction 0
[ ! -e x ] || fail "bad input leaves a run"

# The same set as a VOTable, of which a service sent a part, and as a FITS table.
{
  echo '<VOTABLE><RESOURCE><INFO name="QUERY_STATUS" value="OVERFLOW"/><TABLE>'
  for name in id class xray exposure; do echo "<FIELD name=\"$name\" datatype=\"char\" arraysize=\"*\"/>"; done
  echo '<DATA><TABLEDATA>'
  tail -n +2 set.csv | sed 's/^/<TR><TD>/; s/,/<\/TD><TD>/g; s/$/<\/TD><\/TR>/'
  echo '</TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>'
} >set.vot
told="set.vot: the service sent a part of the rows only (OVERFLOW)"
train set.vot run-vot
[ "$(grep -cF "$told" stderr)" = 1 ] || fail "abell-train tells: $(cat stderr)"
same run/model.safetensors run-vot/model.safetensors
expect 0 abell-classify --model run set.vot --out vot.csv
[ "$(grep -cF "$told" stderr)" = 1 ] || fail "abell-classify tells: $(cat stderr)"
same alone.csv vot.csv
expect 0 abell-classify --model run set.vot --quiet
[ ! -s stderr ] || fail "--quiet tells: $(cat stderr)"

cards() { printf '%-8s= %-70s' "$@"; }
{
  printf '%-2880s' "$(cards SIMPLE T BITPIX 8 NAXIS 0 EXTEND T)$(printf '%-80s' END)"
  printf '%-2880s' "$(cards XTENSION "'BINTABLE'" BITPIX 8 NAXIS 2 NAXIS1 22 NAXIS2 4 PCOUNT 0 GCOUNT 1 TFIELDS 4 \
    TTYPE1 "'id'" TFORM1 "'1A'" TTYPE2 "'class'" TFORM2 "'7A'" TTYPE3 "'xray'" TFORM3 "'7A'" \
    TTYPE4 "'exposure'" TFORM4 "'7A'")$(printf '%-80s' END)"
  { tail -n +2 set.csv | awk -F, '{ printf "%-1s%-7s%-7s%-7s", $1, $2, $3, $4 }'; cat /dev/zero; } | head -c 2880
} >set.fits
expect 0 abell-classify --model run set.fits --quiet
same alone.csv stdout

echo "$script: passed"
