#!/bin/bash
# Catalogues of abell-classify in the viewers of astronomers: regions (of astropy), DS9 and Aladin.
. "$(dirname "$0")/common.sh"
for python in python3 /usr/bin/python3 ''; do
  [ -n "$python" ] && "$python" -c 'import regions' 2>/dev/null && break
done
if [ -z "$python" ] || ! command -v ds9 xvfb-run aladin >/dev/null; then
  echo "$script: skipped: needs python3-regions, saods9, aladin, default-jre and xvfb"
  exit 77
fi
cd "$folder" || exit 1
export HOME=$folder # where Aladin keeps its settings

for i in 0 1 2; do bytes "$(printf '3e800000%.0s' {1..64})" | fits image$i.fits "2 8 8" -32; done
cat >table.csv <<'END'
id,image,class,ra,dec,redshift,members,name
a & <b>,image0.fits,cluster,150.01,1.995,0.25,12,"007, ""x"""
b,image1.fits,other,149.99,2.005,,,'n'
c,image2.fits,,150.005,2.0025,1.5,-3,
END
echo '{"input": [8, 8, 3], "layers": [{"kind": "Flatten"}, {"kind": "Dense", "units": 2}, {"kind": "Softmax"}]}' >tiny.json
printf 'image,class,split\nimage0.fits,cluster,train\nimage1.fits,other,train\nimage2.fits,other,test\n' >known.csv
expect 0 abell-train known.csv --out run --network tiny.json --iterations 2 --batch 2 --validation-fraction 0 --quiet
for form in csv ecsv fits vot reg; do
  expect 0 abell-classify --model run table.csv --out c.$form --threads 1 --quiet
done
p=$(sed -n 's/^b,other,\([^,]*\),.*/\1/p' c.csv)
label=$(sed -n 's/.*text={b \(.*\)}/\1/p' c.reg)
[ -n "$p" ] && [ -n "$label" ] || fail "no probability of b: $(cat c.csv c.reg)"

"$python" - "$label" <<'END' || fail "regions reads something else"
import sys
from regions import Regions
found = [(r.meta["text"], r.center.frame.name, round(r.center.ra.deg, 9), round(r.center.dec.deg, 9), r.radius.to_value("arcsec"))
         for r in Regions.read("c.reg", format="ds9")]
label = sys.argv[1]
expected = [("a & <b> " + label, "icrs", 150.01, 1.995, 60), ("b " + label, "icrs", 149.99, 2.005, 60),
            ("c " + label, "icrs", 150.005, 2.0025, 60)]
assert found == expected, found
END

# DS9 of Debian reads no VOTable, not even a plain one.
bytes "$(printf '0003%.0s' {1..10201})" | fits sky.fits "2 101 101" 16 CTYPE1 "'RA---TAN'" CTYPE2 "'DEC--TAN'" CRPIX1 51 \
  CRPIX2 51 CRVAL1 150 CRVAL2 2 CDELT1 -0.00111111111 CDELT2 0.00111111111
timeout 100 xvfb-run -a ds9 sky.fits -regions load c.reg -regions system wcs -regions sky icrs -regions skyformat degrees \
  -regions save ds9.reg -catalog import fits c.fits -catalog export tsv ds9.tsv -exit >words 2>&1 || fail "DS9: $(cat words)"
grep -q "circle(149.9900000,2.0050000,60.000\") # color=#[0-9a-f]* width=2 text={b $label}" ds9.reg || fail "DS9 reads other regions: $(cat ds9.reg)"
columns=$(head -n 1 c.csv | tr , '\t')
[ "$(head -n 1 ds9.tsv)" = "$columns" ] || fail "DS9 reads other columns: $(cat ds9.tsv)"
grep -q "^a & <b>.cluster.$p.*150.01.1.995.0.25.12.007, \"x\"$" ds9.tsv || fail "DS9 reads other values: $(cat ds9.tsv)"

for form in vot fits csv ecsv; do
  printf '%s\n' "load $PWD/c.$form" sync "export 1 $PWD/aladin_$form.tsv" sync "rm all" sync
done >script.ajs
echo quit >>script.ajs
timeout 200 xvfb-run -a aladin -local -nogui -nobanner -nohub -noplugin "-scriptfile=$PWD/script.ajs" >words 2>&1 </dev/null ||
  fail "Aladin: $(cat words)"
for form in vot fits csv ecsv; do
  found=aladin_$form.tsv
  [ "$(head -n 1 $found)" = "$columns" ] || fail "Aladin reads other columns of c.$form: $(cat $found words)"
  grep -q "^a & <b>.cluster.$p.*image0.fits.150.01.1.995.0.25.12.007, " $found || fail "Aladin reads other values of c.$form: $(cat $found)"
  [ "$(grep -c . $found)" = 5 ] || fail "Aladin reads other rows of c.$form: $(cat $found)" # two are the heading
done

no_parts "$folder"
echo "$script: passed"
