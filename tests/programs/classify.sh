#!/bin/bash
# abell-classify: what it takes, what it writes, the same numbers as abell-train.
. "$(dirname "$0")/common.sh"

simulated 20 set
expect 0 abell-train "$folder/set" --out "$folder/run" --iterations 2 --batch 2 --validation-fraction 0.2 --scale standard --quiet
cd "$folder"
header="id,class,p_cluster,predicted,masked_pixels,warning,file"

# A set: all its objects, in its order; for the test split what abell-train found.
expect 0 abell-classify --model run set --out set.csv --threads 1
[ "$(head -n 1 set.csv)" = "$header" ] || fail "wrong header"
[ "$(tail -n +2 set.csv | cut -d, -f1-2)" = "$(tail -q -n +2 set/train.csv set/test.csv)" ] || fail "other objects than the set's"
[ "$(tail -n 2 set.csv | cut -d, -f1-5)" = "$(tail -n +2 run/predictions.csv)" ] || fail "other numbers than abell-train's"
[ "$(tail -n 1 set.csv | cut -d, -f7)" = "set/test_images/$(tail -n 1 set/test.csv | cut -d, -f1).png" ] || fail "wrong file"
grep -qE '^train: 18 of known class \(positive: hi-z, low-z\), accuracy [01]\.[0-9]+, precision .*, recall .*, AUC ' stderr ||
  fail "no metrics of the training split"
grep -qE '^test: 2 of known class .*, AUC ' stderr || fail "no metrics of the test split"
if grep -q $'[\r\033]' stderr; then fail "a bar is drawn although there is no terminal"; fi
# The numbers do not depend on the threads, nor on the images that stand beside.
expect 0 abell-classify --model run/model.safetensors set --threads 3 --quiet
same stdout set.csv
[ ! -s stderr ] || fail "--quiet is not quiet"
# --tta: all other columns stay; the same numbers for any number of threads and in abell-train.
for threads in 1 3; do
  expect 0 abell-classify --model run set --tta --threads $threads --quiet
  cp stdout tta$threads.csv
done
same tta1.csv tta3.csv
[ "$(cut -d, -f1,2,5-7 tta1.csv)" = "$(cut -d, -f1,2,5-7 set.csv)" ] || fail "--tta changes more than the probability"
[ "$(paste -d, set.csv tta1.csv | awk -F, 'NR > 1 && $3 != $10 && $10 > 0 && $10 < 1' | wc -l)" = 20 ] || fail "--tta gives no other probabilities"
expect 0 abell-train set --out tta --iterations 2 --batch 2 --validation-fraction 0.2 --scale standard --tta --quiet
same run/model.safetensors tta/model.safetensors
[ "$(tail -n 2 tta1.csv | cut -d, -f1-5)" = "$(tail -n +2 tta/predictions.csv)" ] || fail "--tta: other numbers than abell-train's"
# --threshold: a number, or what was best on the validation split, which the model's file tells.
best=$(sed -n 's/^  "best_threshold": \([0-9.e-]*\),\?$/\1/p' run/metrics.json)
[ -n "$best" ] || fail "no best threshold in metrics.json"
# called THRESHOLD: set.csv has 1 under predicted where p_cluster is above it.
called() { awk -F, -v t="$1" 'NR > 1 && $4 != ($3 > t) { print "expected predicted " ($3 > t) " above " t ": " $0; wrong = 1 } END { exit wrong }' stdout; }
expect 0 abell-classify --model run set --threshold BEST
called "$best" || fail "--threshold best"
for threshold in 0 "$(sed -n 7p set.csv | cut -d, -f3)" 1; do
  expect 0 abell-classify --model run set --threshold "$threshold"
  called "$threshold" || fail "--threshold $threshold"
  grep -q "^test: 2 of known class (positive: hi-z, low-z; threshold $threshold), accuracy" stderr || fail "metrics at another threshold: $(cat stderr)"
  [ "$(cut -d, -f1-3 stdout)" = "$(cut -d, -f1-3 set.csv)" ] || fail "--threshold changes more than the prediction"
done
expect 0 abell-train set --out unvalidated --iterations 1 --batch 2 --validation-fraction 0 --quiet
refused "unvalidated/model.safetensors: --threshold best: expected a model with the threshold that was best on its validation split, found none" \
  abell-classify --model unvalidated set --threshold best
for wrong in 1.5 -0.1 nan good; do expect 2 abell-classify --model run set --threshold="$wrong"; done
grep -qF "expected best, or 0 to 1, found 'good'" stderr || fail "a wrong threshold: $(cat stderr)"
image=$(sed -n 5p set.csv)
expect 0 abell-classify --model run "${image##*,}" --quiet
file=${image##*,}
[ "$(tail -n +2 stdout | cut -d, -f1,3-)" = "${file%.png},$(cut -d, -f3- <<<"$image")" ] || fail "one image alone has other numbers"

# Images, a folder of images, class folders; ids that say where from.
cp -r set/test_images plain
echo "notes" >plain/notes.txt
mkdir -p folders/test/{cluster,other}
first=$(ls plain | grep png | head -n 1)
second=$(ls plain | grep png | tail -n 1)
cp "plain/$first" folders/test/cluster/1.png
cp "plain/$second" folders/test/other/2.png
expect 0 abell-classify --model run plain folders "set/test_images/$first" --out all.csv
[ "$(tail -n +2 all.csv | cut -d, -f1,2)" = "${first%.png},
${second%.png},
test/cluster/1,cluster
test/other/2,other
set/test_images/${first%.png}," ] || fail "wrong objects: $(cat all.csv)"
[ "$(cut -d, -f3 all.csv | tail -n +2 | sort -u | wc -l)" = 2 ] || fail "the same image has several probabilities"
grep -q "2 of known class (positive: cluster)" stderr || fail "no metrics of the class folders"
expect 0 abell-classify --model run folders --positive other
grep -q "2 of known class (positive: other)" stderr || fail "--positive is not heard"

# A table with positions, without classes; an X-ray and an optical image; masked pixels.
{ bytes "7fc00000 7fc00000 3f800000"; } | fits xray.fits "2 8 8" -32
printf 'id,xray,optical,RA,DEC\n"a, {b}",xray.fits,set/test_images/%s,150.10,-2.5\n' "$first" >table.csv
: | fits optical.fits "2 5 7" 16
sed -i "s#set/test_images/$first#optical.fits#" table.csv
expect 0 abell-classify --model run table.csv
[ "$(head -n 1 stdout)" = "$header,ra,dec" ] || fail "no positions"
grep -qE '^"a, \{b\}",,0\.[0-9]+,[01],2,[a-z_;]*kind_xray[a-z_;]*,xray.fits;optical.fits,150.10,-2.5$' stdout || fail "wrong row: $(cat stdout)"
grep -q "known class" stderr && fail "metrics without a class"

# FITS and regions.
expect 0 abell-classify --model run table.csv --out t.fits --quiet
sha=$(sha256sum run/model.safetensors | cut -d' ' -f1)
for text in "XTENSION= 'BINTABLE'" "TTYPE3  = 'p_cluster'" "TUNIT8  = 'deg " "MODELSHA= '$sha'" "CHECKSUM= " "DATASUM = " \
  "CMDLINE = 'abell-classify --model run table.csv --out t.fits"; do
  grep -qaF "$text" t.fits || fail "no $text in the FITS table"
done
[ $(($(stat -c %s t.fits) % 2880)) = 0 ] || fail "the FITS table is no multiple of 2880 bytes"
expect 0 abell-classify --model run table.csv --out t.reg --quiet
grep -qE '^circle\(150\.1,-2\.5,60"\) # color=#[0-9a-f]{6} text=\{a, \(b\) 0\.[0-9]{3}\}$' t.reg || fail "wrong region: $(cat t.reg)"
grep -qx icrs t.reg || fail "regions without a frame"

# A file on standard output has an id's own bytes; a terminal, and what is said of a class, only show them.
printf 'id,image,class\n\e[1mi,optical.fits,c\x9b\nj,optical.fits,d\n' >escape.csv
expect 0 abell-classify --model run escape.csv --positive $'c\x9b'
LC_ALL=C grep -qa $'^\e\\[1mi,' stdout || fail "the id has other bytes: $(cat -v stdout)"
grep -qF '2 of known class (positive: c\x9b)' stderr || fail "the class is not shown: $(cat -v stderr)"
if command -v script >/dev/null; then
  script -qec "'$ABELL_BIN/abell-classify' --model run escape.csv --quiet" /dev/null >terminal </dev/null
  grep -qaF '\x1b[1mi,' terminal || fail "a terminal obeys an id: $(cat -v terminal)"
fi

# --gallery: the likeliest first, with positions and North where FITS files have them, as many as are asked for.
expect 0 abell-simulate --objects 12 --out sky --fits --seed 3 --quiet
expect 0 abell-train sky/fits.csv --out skyrun --iterations 2 --batch 2 --quiet
expect 0 abell-classify --model skyrun sky/fits.csv --out sky.csv --gallery sky.html --gallery-objects 5
# captions FILE: "PROBABILITY ID" of each candidate on the page.
captions() { sed -n 's/.*<figcaption>\([^ ]*\) · \([^ <]*\).*/\1 \2/p' "$1"; }
[ "$(captions sky.html)" = "$(tail -n +2 sky.csv | sort -t, -k3,3gr -s | head -n 5 | awk -F, '{ printf "%.3f %s\n", $3, $1 }')" ] ||
  fail "other candidates: $(captions sky.html)"
[ "$(grep -c 'class="sky"' sky.html)" = 5 ] || fail "candidates without a scale bar and directions"
ra=$(awk -F, -v id="$(captions sky.html | head -n 1 | cut -d' ' -f2)" 'NR == 1 { for (i = 1; i <= NF; ++i) at[$i] = i } $1 == id { printf "%.4f", $at["ra"] }' sky.csv)
grep -qF "($ra " sky.html || fail "no position $ra on the page"
for text in "<title>sky/fits.csv: candidates</title>" "Grad-CAM" "Colours of X-ray" "<dt>SHA-256</dt><dd>$(sha256sum skyrun/model.safetensors | cut -d' ' -f1)" "<dt>Time</dt>"; do
  grep -qF "$text" sky.html || fail "no $text on the page of candidates"
done
expect 0 abell-classify --model skyrun sky/fits.csv --out sky.reg --quiet
[ "$(grep -c '^circle' sky.reg)" = 12 ] || fail "the simulated FITS set does not reach DS9: $(cat sky.reg)"
expect 0 abell-classify --model run plain --gallery pages --quiet
[ "$(captions pages/gallery.html | wc -l)" = 2 ] || fail "wrong page of a folder of images"
refused "sky.html: already exists" abell-classify --model run plain --gallery sky.html
refused "nowhere/g.html" abell-classify --model run plain --gallery nowhere/g.html
expect 2 abell-classify --model run plain --gallery-objects 5
# Previews are of any images.
expect 0 abell-train plain --out look --preview 2 --quiet
[ "$(ls look/previews | wc -l)" = 2 ] || fail "no previews of a folder of images"

# An output is replaced only when asked, and never an input.
expect 0 abell-classify --model run table.csv --out t.csv --quiet
cp t.csv before.csv
refused "t.csv: already exists" abell-classify --model run plain --out t.csv
same t.csv before.csv
expect 0 abell-classify --model run plain --out t.csv --overwrite --quiet
[ "$(wc -l <t.csv)" = 3 ] || fail "--overwrite does not replace"
refused "table.csv: is an input too" abell-classify --model run table.csv --out table.csv --overwrite
refused "nowhere/t.csv" abell-classify --model run plain --out nowhere/t.csv
refused "plain: expected a table with columns ra and dec" abell-classify --model run plain --out p.reg
refused "duplicate id '${first%.png}'" abell-classify --model run plain set/test_images
refused "plain: this input is named twice" abell-classify --model run plain plain
sed -i 's/150.10/10:00:24/' table.csv
refused "expected ra in degrees from 0 to 360, found '10:00:24'" abell-classify --model run table.csv --out p.reg
expect 0 abell-classify --model run table.csv --quiet
[ ! -e p.reg ] || fail "a refused output exists"

# SIGINT, once it is listened to: exit code 130, nothing written.
start abell-classify --model run set --out i.csv --quiet
listens
kill -INT $job
ends 130
[ ! -e i.csv ] || fail "an interrupted run writes a catalogue"

expect 2 abell-classify --model run plain --out p.txt
expect 2 abell-classify --model run folders --positive quasar
expect 2 abell-classify --model run
expect 2 abell-classify plain
expect 2 abell-classify --model run plain --threads -1
expect 0 abell-classify --version
expect 0 abell-classify --help
for option in model out overwrite tta threshold positive seed threads quiet verbose version; do
  grep -q -- "--$option" stdout || fail "no --$option in --help"
done

no_parts "$folder"
echo "$script: passed"
