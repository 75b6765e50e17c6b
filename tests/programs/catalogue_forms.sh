#!/bin/bash
# Catalogues of abell-classify in every form, read by STILTS and astropy, saved by them in other forms, and read again by
# the other one and by abell-cutout: always the same columns, units and nulls.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/common.sh"
for python in python3 /usr/bin/python3 ''; do
  [ -n "$python" ] && "$python" -c 'import astropy' 2>/dev/null && break
done
if [ -z "$python" ] || ! command -v stilts >/dev/null; then
  echo "$script: skipped: needs stilts and python3-astropy"
  exit 77
fi
cd "$folder" || exit 1
equal() { "$python" "$here/catalogue_forms.py" check "$@" || fail "not the same: $*"; }
check() { equal c.csv "$@"; }
save() { "$python" "$here/catalogue_forms.py" save "$1" "$2" || fail "astropy cannot save $1 as $2"; }
stilts_save() { stilts tcopy in="$1" ifmt="$2" out="$3" ofmt="$4" >words 2>&1 || fail "STILTS cannot save $1 as $3: $(cat words)"; }

# Objects with numbers and texts of all kinds, and with gaps in them; columns whose names are ours.
for i in 0 1 2; do
  { bytes "7fc000003f8000004000000$i"; bytes "$(printf '3e800000%.0s' {1..61})"; } | fits image$i.fits "2 8 8" -32
done
cat >table.csv <<'END'
id,image,class,ra,dec,redshift,flux_x,members,name,p_cluster,flags
a & <b>,image0.fits,cluster,150.01,1.995,0.25,1e-14,12,"007, ""x""",0.125,edge
b,image1.fits,other,149.99,2.005,,2.5e-13,,'n',,
c,image2.fits,,150.005,2.0025,1.5,,-3,,0.5,
END
echo '{"input": [8, 8, 3], "layers": [{"kind": "Flatten"}, {"kind": "Dense", "units": 2}, {"kind": "Softmax"}]}' >tiny.json
printf 'image,class,split\nimage0.fits,cluster,train\nimage1.fits,other,train\nimage2.fits,other,test\n' >known.csv
expect 0 abell-train known.csv --out run --network tiny.json --iterations 2 --batch 2 --validation-fraction 0 --nan zero --quiet
for form in csv ecsv fits vot reg; do
  expect 0 abell-classify --model run table.csv --out c.$form --threads 1 --quiet
done
[ "$(head -n 1 c.csv)" = "id,class,p_cluster,predicted,masked_pixels,file,ra,dec,redshift,flux_x,members,name,cat_p_cluster,cat_flags" ] ||
  fail "wrong columns: $(head -n 1 c.csv)"
grep -qE '^a & <b>,cluster,0\.[0-9]+,[01],1,image0.fits,150.01,1.995,0.25,1e-14,12,"007, ""x""",0.125,edge$' c.csv ||
  fail "columns are not carried: $(cat c.csv)"

# What astropy reads, and what STILTS saves. STILTS of Debian has no ECSV.
for form in ecsv fits vot; do check c.$form units ucds; done
check c.csv
stilts_save c.fits fits stilts_fits.vot votable-tabledata
stilts_save c.vot votable stilts_vot.vot votable-binary2-inline
stilts_save c.vot votable stilts_vot.fits fits-basic
for file in stilts_fits.vot stilts_vot.vot stilts_vot.fits; do check $file units ucds; done
stilts_save c.csv csv stilts_csv.csv csv
check stilts_csv.csv

# What astropy saves, STILTS reads.
save c.fits astropy_fits.vot
save c.fits astropy_fits.ecsv
save c.ecsv astropy_ecsv.vot
save c.vot astropy_vot.fits
stilts_save astropy_fits.vot votable from_fits.csv csv
stilts_save astropy_ecsv.vot votable from_ecsv.csv csv
stilts_save astropy_vot.fits fits from_vot.csv csv
for file in from_fits from_ecsv from_vot; do check $file.csv; done

# All of them, ours first, give the same set of cut-outs.
bytes "$(printf '0003%.0s' {1..10201})" | fits sky.fits "2 101 101" 16 CTYPE1 "'RA---TAN'" CTYPE2 "'DEC--TAN'" CRPIX1 51 \
  CRPIX2 51 CRVAL1 150 CRVAL2 2 CDELT1 -0.00111111111 CDELT2 0.00111111111
for file in c.csv c.ecsv c.fits c.vot stilts_*.vot stilts_vot.fits astropy_fits.vot astropy_fits.ecsv astropy_ecsv.vot astropy_vot.fits; do
  expect 0 abell-cutout --catalogue $file --class class --xray sky.fits --out cut/$file --pixels 8 --quiet
  equal cut/c.csv/table.csv cut/$file/table.csv
done
head -n 1 cut/c.csv/table.csv | grep -q ',cat_p_cluster,cat_predicted,cat_masked_pixels,cat_file,redshift,flux_x,members,name,cat_cat_p_cluster,' ||
  fail "wrong columns of the cut-outs: $(head -n 1 cut/c.csv/table.csv)"
expect 0 abell-cutout --catalogue c.reg --xray sky.fits --out cut/c.reg --pixels 8 --quiet
[ "$(cut -d, -f2,3 cut/c.reg/table.csv)" = "$(cut -d, -f3,4 cut/c.csv/table.csv)" ] || fail "regions lie elsewhere: $(cat cut/c.reg/table.csv)"

no_parts "$folder"
echo "$script: passed"
