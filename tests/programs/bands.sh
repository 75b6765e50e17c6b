#!/bin/bash
# The steps of the bands: recorded in the run, applied again at classification, shown by --preview.
. "$(dirname "$0")/common.sh"
cd "$folder"

# counts K: 24 x 24 16-bit counts; the object's number makes the pattern.
counts() {
  local i hex=
  for ((i = 0; i < 576; ++i)); do hex+=$(printf '%04x' $(((i * i + $1 * i) % (11 + $1)))); done
  bytes "$hex"
}
mkdir set
echo "id,xray,optical,third,exposure,class,split" >set/table.csv
for k in 1 2 3 4 5 6; do
  counts $k | fits set/x$k.fits "2 24 24" 16
  counts $((k + 9)) | fits set/o$k.fits "2 24 24" 16
  printf '\x03\xe8%.0s' {1..576} | fits set/e$k.fits "2 24 24" 16
  third=
  [ $k = 3 ] && third=o1.fits
  split=train
  [ $k -gt 4 ] && split=test
  echo "n$k,x$k.fits,o$k.fits,$third,e$k.fits,$([ $((k % 2)) = 0 ] && echo cluster || echo other),$split" >>set/table.csv
done

steps=(--exposure divide --smooth xray=adaptive:20,optical=gaussian:1.5 --filter third=edge
  --interval xray=percentile:99.5,optical=zscale --stretch asinh)
expect 0 abell-train set --out run --epochs 1 --batch 2 --validation-fraction 0 --quiet "${steps[@]}"
for text in '"exposure":"divide:0.1"' '"combine":"channels"' \
  '"optical":{"filter":"identity","interval":"zscale:0.25","smooth":"gaussian:1.5","stretch":"asinh:0.1"}' \
  '"third":{"filter":"edge","interval":"file","smooth":"none","stretch":"asinh:0.1"}' \
  '"xray":{"filter":"identity","interval":"percentile:0.25:99.75","smooth":"adaptive:20","stretch":"asinh:0.1"}'; do
  head -c 8000 run/model.safetensors | tr -d '\\' | grep -qaF "$text" || fail "no $text in model.safetensors"
  tr -d ' \n' <run/config.json | grep -qF "$text" || fail "no $text in config.json"
done

# The same probabilities at classification, to the last digit, without telling the steps again.
expect 0 abell-classify --model run set --out all.csv --quiet
grep -E '^n[56],' all.csv | cut -d, -f1,3 >classified
tail -n +2 run/predictions.csv | cut -d, -f1,3 >trained
same classified trained
# They are the steps of the model: without one of them the probabilities differ.
expect 0 abell-train set --out plain --epochs 1 --batch 2 --validation-fraction 0 --quiet
cut -d, -f1,3 plain/predictions.csv | tail -n +2 | cmp -s - trained && fail "the steps change nothing"
refused preprocessing abell-train set --out run --epochs 2 --batch 2 --validation-fraction 0 --resume --quiet --stretch sqrt

cut -d, -f1-3 set/table.csv >set/bare.csv
refused "x1.fits: expected an exposure map" abell-classify --model run set/bare.csv --out bare.csv
counts 1 | fits set/e1.fits "2 12 48" 16
refused "e1.fits: expected an exposure map of the size of set/x1.fits, 24 x 24" abell-classify --model run set --out no.csv
[ -e no.csv ] && fail "a catalogue is left after an error"

# Previews in place of a run.
expect 0 abell-train set --out look --preview 4 --stretch xray=log --combine lupton:0.3
[ "$(ls look look/previews | tr '\n' ' ')" = "look: previews  look/previews: 001_n1.png 002_n2.png 003_n4.png 004_n5.png " ] ||
  fail "other previews: $(ls look look/previews)"
refused "folder is not empty" abell-train set --out look --preview 1
cp look/previews/001_n1.png first.png
expect 0 abell-train set --out look --preview 4 --overwrite --stretch xray=linear --combine lupton:0.3 --quiet
cmp -s first.png look/previews/001_n1.png && fail "a stretch does not change the preview"

for wrong in "--stretch gamma" "--stretch radio=asinh" "--interval manual:3:1" "--smooth gaussian" "--filter blur" \
  "--exposure divide:2" "--combine lupton:0" "--stretch xray=asinh,optical=2" "--preview 0"; do
  expect 2 abell-train set --out wrong $wrong
  [ -e wrong ] && fail "a folder is left after wrong options"
  grep -q -e " ${wrong%% *}: " stderr || fail "${wrong%% *} is not named: $(cat stderr)"
done

no_parts "$folder"
echo "$script: passed"
