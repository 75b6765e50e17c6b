#!/bin/bash
# abell-cutout: sets that abell-classify reads, the best of several images, flags, and bad input.
. "$(dirname "$0")/common.sh"
cd "$folder"

# sky RA DEC: cards of a tangent plane of 101 x 101 pixels of 4".
sky() {
  echo "CTYPE1 'RA---TAN' CTYPE2 'DEC--TAN' CRPIX1 51 CRPIX2 51 CRVAL1 $1 CRVAL2 $2 CDELT1 -0.00111111111 CDELT2 0.00111111111"
}
# pixels N BYTES: N pixels of these bytes.
pixels() { bytes "$(printf "$2%.0s" $(seq "$1"))"; }
size=10201
pixels $size 0003 | fits west.fits "2 101 101" 16 $(sky 150 2)
pixels $size 0005 | fits 'east [1] (x).fits' "2 101 101" 16 $(sky 149.9 2)
pixels $size 0064 | fits expmap.fits "2 101 101" 16 $(sky 150 2)
{ pixels 5000 000a; pixels 5201 0064; } | fits short.fits "2 101 101" 16 $(sky 150 2)
pixels $size 0400 | fits plate.fits "2 101 101" 16 $(sky 150 2)
: | fits zero.fits "2 101 101" 16 $(sky 150 2)
printf 'Name,RAJ2000,DEJ2000,class\na/b c,150,2,cluster\nside,149.99,02:00:00,other\n' >c.csv

expect 0 abell-cutout --catalogue c.csv --xray west.fits --exposure expmap.fits --optical plate.fits --third zero.fits \
  --class class --out set --pixels 90 --quiet
head -n 1 set/table.csv | grep -q '^id,class,ra,dec,xray,exposure,optical,third,counts,' || fail "columns: $(head -n 1 set/table.csv)"
grep -q '^a/b c,cluster,150,2,images/a_b_c_xray.fits,images/a_b_c_exposure.fits,' set/table.csv || fail "$(cat set/table.csv)"
# Of 6' = 90 pixels of 4" each has 3 counts, and all were exposed.
grep -q ',24300,1,100,1,west.fits,1,plate.fits,1,zero.fits,$' set/table.csv || fail "$(cat set/table.csv)"
expect 1 abell-cutout --catalogue c.csv --xray west.fits --out set --quiet
grep -q "set: folder is not empty" stderr || fail "an old set is written over"
# --overwrite removes what the earlier table names, and nothing else.
: >set/images/mine.fits
head -n 2 c.csv >one.csv
expect 0 abell-cutout --catalogue one.csv --xray west.fits --out set --pixels 90 --quiet --overwrite
[ "$(ls set/images | tr '\n' ' ')" = "a_b_c_xray.fits mine.fits " ] || fail "after --overwrite: $(ls set/images)"
rm set/images/mine.fits
expect 0 abell-cutout --catalogue c.csv --xray west.fits --exposure expmap.fits --optical plate.fits --third zero.fits \
  --out set --pixels 90 --quiet --overwrite
expect 0 abell-cutout --catalogue one.csv --xray set/images/a_b_c_xray.fits --out set --pixels 90 --quiet --overwrite
expect 0 abell-cutout --catalogue c.csv --xray west.fits --out set --pixels 90 --quiet --overwrite

# What a map tells of itself goes into its cut-outs; units by their standard names, seconds only where they are.
pixels $size 0003 | fits told.fits "2 101 101" 16 $(sky 150 2) BUNIT "'\"counts\"'" TELESCOP "'XMM'" INSTRUME "'EPN'" \
  OBS_ID "'0201901401'" OBJECT "'A 907'" EXPOSURE 1234.5 DATE-OBS "'2003-11-21'" FILTER "'Thin1'"
pixels $size 0064 | fits area.fits "2 101 101" 16 $(sky 150 2) BUNIT "'cm2 s'"
expect 0 abell-cutout --catalogue one.csv --xray told.fits --exposure area.fits --out told --pixels 30 --quiet
header() { head -c 8640 "$1" | fold -w 80; }
for card in "BUNIT   = 'count   '" "TELESCOP= 'XMM" "INSTRUME= 'EPN" "OBS_ID  = '0201901401'" "OBJECT  = 'A 907" \
  "EXPOSURE= 1234.5" "DATE-OBS= '2003-11-21'" "FILTER  = 'Thin1"; do
  header told/images/a_b_c_xray.fits | grep -q "^$card" || fail "no card $card: $(header told/images/a_b_c_xray.fits)"
done
header told/images/a_b_c_exposure.fits | grep -q "^BUNIT   = 'cm2 s" || fail "another unit of the exposure map"
head -n 1 told/table.csv | grep -q 'exposure_s,' && fail "cm2 s are told as seconds: $(cat told/table.csv)"
grep -q ',1,1,told.fits,' told/table.csv || fail "$(cat told/table.csv)"

# What counts cannot be is told once a file; a map of rates may be negative.
{ pixels 10200 3f800000; bytes bfc00000; } | fits odd.fits "2 101 101" -32 $(sky 150 2)
{ pixels 10200 3f800000; bytes bfc00000; } | fits rate.fits "2 101 101" -32 $(sky 150 2) BUNIT "'count/s'"
expect 0 abell-cutout --catalogue c.csv --xray odd.fits west.fits rate.fits --out odd --pixels 30
[ "$(grep -c 'odd.fits: 1 of 10201 pixels are negative or no whole number' stderr)" = 1 ] || fail "$(cat stderr)"
grep -q 'west.fits:\|rate.fits:' stderr && fail "told of good counts: $(cat stderr)"

# The true share of optical and third images that cover less than a half: 81 of 360 arcseconds.
pixels $size 0400 | fits strip.fits "2 101 101" 16 $(sky 150 2.0835)
expect 0 abell-cutout --catalogue one.csv --xray west.fits --optical strip.fits --third strip.fits --out strip --pixels 30 --quiet
grep -q ',0.24,,0.24,,no_optical;no_third,cluster$' strip/table.csv || fail "$(cat strip/table.csv)"

# An exposure map on another grid is brought to that of the counts: its pixels are 8" wide.
coarse="CTYPE1 'RA---TAN' CTYPE2 'DEC--TAN' CRPIX1 26 CRPIX2 26 CRVAL1 150 CRVAL2 2 CDELT1 -0.00222222222 CDELT2 0.00222222222"
pixels 2601 0064 | fits coarse.fits "2 51 51" 16 $coarse
expect 0 abell-cutout --catalogue one.csv --xray west.fits --exposure coarse.fits --out coarse --pixels 90
grep -q 'coarse.fits: another grid than west.fits' stderr || fail "$(cat stderr)"
grep -q ',24300,1,100,1,west.fits,' coarse/table.csv || fail "$(cat coarse/table.csv)"

# The image that covers a position best, names with brackets, regions in pixels, the frame that they need.
printf 'ra,dec\n149.9,2\n150,2\n' >two.csv
expect 0 abell-cutout --catalogue two.csv --xray west.fits 'east [1] (x).fits' --out two --pixels 30 --quiet
[ "$(cut -d, -f8 two/table.csv | tr '\n' ' ')" = "xray_source east [1] (x).fits west.fits " ] || fail "$(cat two/table.csv)"
printf 'global color=red\nimage;circle(51,51,9) # text={mid} color=green\n' >p.reg
expect 0 abell-cutout --catalogue p.reg --xray west.fits --out regions --pixels 30 --quiet
grep -q '^mid,150,2,green,' regions/table.csv || fail "$(cat regions/table.csv)"
refused "p.reg:2: these are pixels" abell-cutout --catalogue p.reg --xray west.fits 'east [1] (x).fits' --out x --quiet
expect 0 abell-cutout --catalogue p.reg --xray west.fits 'east [1] (x).fits' --region-image west.fits --out frame --pixels 30 --quiet
printf 'circle(51,51,9) # text={mid}\nline(1,1,9,9)\n' >ciao.reg
expect 0 abell-cutout --catalogue ciao.reg --xray west.fits --out ciao --pixels 30
grep -q '^mid,150,2,green,' ciao/table.csv || fail "$(cat ciao/table.csv)"
grep -qF 'ciao.reg:2: no object: 1 shape (line) left out' stderr || fail "$(cat stderr)"
refused "ciao.reg:2: no object" abell-cutout --catalogue ciao.reg --xray west.fits --strict --out x --quiet

# Columns and frames that are named; all columns are carried, those that a set of ours has as cat_*; rows without a
# position are left out and told.
printf 'who,x,y,z,class,xray,p_cluster,Flags\nA,150,2,0.3,star,f.fits,0.5,7\nB,,,,,,,\n' >named.csv
expect 0 abell-cutout --catalogue named.csv --ra x --dec y --id who --xray west.fits --out named --pixels 30
grep -q "named.csv:3: expected a right ascension in column 'x', found ''; 1 of 2 rows have no position and are left out" stderr \
  || fail "a row without a position is not told: $(cat stderr)"
head -n 1 named/table.csv | grep -q '^id,ra,dec,.*,flags,z,cat_class,cat_xray,cat_p_cluster,cat_Flags$' || fail "$(cat named/table.csv)"
grep -q '^A,150,2,.*,0.3,star,f.fits,0.5,7$' named/table.csv || fail "$(cat named/table.csv)"
refused "named.csv:3: expected a right ascension" abell-cutout --catalogue named.csv --ra x --dec y --strict --xray west.fits --out x
printf 'Name,RAh,RAm,RAs,DE-,DEd,DEm,DEs\nB,10,00,00.0,+,02,00,00\n' >sixtieths.csv
expect 0 abell-cutout --catalogue sixtieths.csv --xray west.fits --out sixtieths --pixels 30 --quiet
grep -q '^B,150,2,' sixtieths/table.csv || fail "$(cat sixtieths/table.csv)"
printf 'l,b\n%s\n' '236.95458298,41.90511038' >galactic.csv  # by astropy 5.2.1
expect 0 abell-cutout --catalogue galactic.csv --xray west.fits --out galactic --pixels 30 --quiet
grep -qE '^object-0001,(149.9999999|150,|150.0000000)' galactic/table.csv || fail "$(cat galactic/table.csv)"
expect 2 abell-cutout --catalogue c.csv --frame planetary --xray west.fits --out x

# Flags: the edge of the field, a short exposure, no optical image.
printf 'id,ra,dec\nlow,150,1.99\nedge,150.05,2.05\n' >f.csv
expect 0 abell-cutout --catalogue f.csv --xray west.fits --exposure short.fits --optical plate.fits --out flags --pixels 30 --quiet
grep -q '^low,.*,low_exposure$' flags/table.csv || fail "$(cat flags/table.csv)"
grep -q '^edge,.*,edge;no_optical$' flags/table.csv || fail "$(cat flags/table.csv)"
expect 0 abell-cutout --catalogue c.csv --xray west.fits --out threads --pixels 60 --threads 1 --quiet

# An event list needs no brackets: 8 events in one pixel of 1", of 404 x 404 about (150, 2).
cards() { printf '%-8s= %-70s' "$@"; }
columns=""
for i in 1 2; do
  columns+=$(cards TFORM$i "'1I'" TLMIN$i 1 TLMAX$i 404 TCRPX$i 202.5)
done
columns+=$(cards TTYPE1 "'X'" TCTYP1 "'RA---TAN'" TCRVL1 150 TCDLT1 -0.0002777777778)
columns+=$(cards TTYPE2 "'Y'" TCTYP2 "'DEC--TAN'" TCRVL2 2 TCDLT2 0.0002777777778)
{
  printf '%-2880s' "$(cards SIMPLE T BITPIX 8 NAXIS 0 EXTEND T)$(printf '%-80s' END)"
  printf '%-2880s' "$(cards XTENSION "'BINTABLE'" BITPIX 8 NAXIS 2 NAXIS1 4 NAXIS2 8 PCOUNT 0 GCOUNT 1 TFIELDS 2)$columns$(
    cards TELESCOP "'Einstein'"
  )$(printf '%-80s' END)"
  { pixels 8 00ca00ca; cat /dev/zero; } | head -c 2880
} >events.fits
expect 0 abell-cutout --catalogue one.csv --xray events.fits --out events --pixels 90
grep -qF 'events.fits: events, binned to pixels of 4' stderr || fail "$(cat stderr)"
grep -qF ',8,1,"events.fits[1][bin (X,Y)=::4]",' events/table.csv || fail "$(cat events/table.csv)"
header events/images/a_b_c_xray.fits | grep -q "^TELESCOP= 'Einstein'" || fail "events lose their telescope"
expect 0 abell-cutout --catalogue one.csv --xray events.fits --bin 8 --out events8 --pixels 90
grep -qF 'pixels of 8' stderr || fail "$(cat stderr)"
printf 'circle(202.5,202.5,9)\n' >physical.reg  # columns X and Y
expect 0 abell-cutout --catalogue physical.reg --xray events.fits --out physical --pixels 90 --quiet
grep -qE '^object-0001,(149\.999999|150)[0-9.]*,(1\.999999|2)[0-9.]*,.*,8,1,' physical/table.csv || fail "$(cat physical/table.csv)"

# The sky that all X-ray images cover: two fields, of whose 404" x 404" a half is measured: 2 * 0.0063 square degrees.
{ pixels 5101 00000000; pixels 5100 7fc00000; } | fits half.fits "2 101 101" -32 $(sky 150 2)
{ pixels 5101 00000000; pixels 5100 7fc00000; } | fits 'half east.fits' "2 101 101" -32 $(sky 149.8 2)
moc() { "$ABELL_BIN/abell-cutout" --catalogue one.csv --xray half.fits 'half east.fits' --pixels 30 --quiet "$@"; }
moc --out moc --moc moc.fits || fail "no coverage map"
header moc.fits | grep -q "^MOCORD_S= *14 " || fail "another order: $(header moc.fits)"
header moc.fits | grep -q "^HISTORY abell-cutout --catalogue one.csv" || fail "no history: $(header moc.fits)"
# Of cells 4 * 4^order + number, those of an order have 4^-order of the sky each.
square_degrees() {
  tail -c +5761 "$1" | od -An -v -tu8 --endian=big -w8 | head -n "$(header "$1" | awk '/^NAXIS2/ { print $3 }')" |
    awk '{ order = int(log($1 / 4) / log(4) + 1e-9); sum += 41252.96125 / 12 / 4 ^ order } END { printf "%.4f", sum }'
}
area=$(square_degrees moc.fits)
awk "BEGIN { exit !($area > 0.0123 && $area < 0.0142) }" || fail "$area square degrees are covered"
moc --out moc --moc moc.fits && fail "a coverage map is written over"
moc --out moc --moc moc.fits --moc-order 9 --overwrite || fail "no coarser map"
area=$(square_degrees moc.fits)
awk "BEGIN { exit !($area > 0.0123 && $area < 0.2) }" || fail "$area square degrees are covered by coarse cells"
expect 2 abell-cutout --catalogue one.csv --xray half.fits --out x --moc x.fits --moc-order 15
grep -qF -- "--moc-order: expected at most 14, whose cells are wider than two pixels of half.fits, found 15" stderr || fail "$(cat stderr)"
refused "half.fits: is an input too" abell-cutout --catalogue one.csv --xray half.fits --out x --moc half.fits --overwrite

# The classifier reads all of them, keeps positions, and colours regions.
simulated 12 simulated
expect 0 abell-train simulated --out run --iterations 2 --batch 2 --validation-fraction 0 --quiet
for set in set two flags; do
  expect 0 abell-classify --model run $set --out $set.reg --quiet
  [ "$(grep -c '^circle(.*color=#' $set.reg)" = 2 ] || fail "regions of $set: $(cat $set.reg)"
done
expect 0 abell-classify --model run set --out set.fits --quiet
expect 0 abell-cutout --catalogue set.fits --class class --xray west.fits --out again --pixels 30 --quiet
[ "$(cut -d, -f1-4 again/table.csv)" = "$(cut -d, -f1-4 set/table.csv)" ] || fail "a FITS catalogue changes: $(cat again/table.csv)"

# Bad input: one line that names the file, and no set.
: | fits nowcs.fits "2 101 101" 16
pixels $size 7fc00000 | fits nan.fits "2 101 101" -32 $(sky 150 2)
pixels $size 0064 | fits far.fits "2 101 101" 16 $(sky 160 2)
head -c 9000 west.fits >cut.fits
printf 'x,y\n1,2\n' >names.csv
printf 'ra,dec\n150,2\n10,2\n' >off.csv
refused "nowcs.fits: no usable sky coordinates" abell-cutout --catalogue c.csv --xray nowcs.fits --out x
refused "cut.fits: truncated FITS" abell-cutout --catalogue c.csv --xray cut.fits --out x
refused "names.csv: expected columns of right ascension and declination, found: x, y" abell-cutout --catalogue names.csv --xray west.fits --out x
refused "off.csv:3: object 'object-0002' at 10 2 lies on none of the X-ray images" abell-cutout --catalogue off.csv --xray west.fits --out x
refused "has no measured X-ray pixel" abell-cutout --catalogue c.csv --xray nan.fits --out x
refused "far.fits: expected positive exposure on the sky of west.fits" abell-cutout --catalogue c.csv --xray west.fits --exposure far.fits --out x --quiet
refused "zero.fits: expected positive exposure" abell-cutout --catalogue c.csv --xray west.fits --exposure zero.fits --out x
refused "missing.fits: no such file" abell-cutout --catalogue c.csv --xray west.fits --optical missing.fits --out x
refused "missing.csv: no such file" abell-cutout --catalogue missing.csv --xray west.fits --out x
expect 2 abell-cutout --catalogue c.csv --xray west.fits --exposure expmap.fits expmap.fits --out x
[ ! -e x ] || fail "bad input leaves a set"
expect 0 abell-cutout --catalogue off.csv --xray west.fits --out skipped --skip --pixels 30 --quiet
[ "$(wc -l <skipped/table.csv)" = 2 ] || fail "$(cat skipped/table.csv)"

no_parts "$folder"
echo "$script: passed"
