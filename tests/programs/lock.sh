#!/bin/bash
# Two runs in one folder: one works, the other is told at once; the lock goes with its process.
. "$(dirname "$0")/common.sh"
cd "$folder"

simulated 8 set
train=(set --batch 2 --validation-fraction 0 --quiet)
expect 0 abell-simulate --objects 2 --votes --fits --out small --quiet

# Every program that writes a folder is kept out of one that is held, with and without --overwrite.
start abell-simulate --objects 100000 --out held --quiet
until ls held/t*_images/*.png >/dev/null 2>&1; do alive; sleep 0.02; done
told() {
  refused "held is in use by another run (process $job on $(uname -n))" "$@" --out held
  refused "held is in use by another run (process $job on $(uname -n))" "$@" --out held --overwrite
}
told abell-simulate --objects 2
told abell-train "${train[@]}" --iterations 1
told abell-train "${train[@]}" --preview 1
told abell-experiment "${train[@]}" --epochs 1 --rows CN-E
told abell-votes small/classifications.csv
told abell-votes subjects set
told abell-validate --objects 20
printf 'id,ra,dec\na,%s\n' "$(awk -F, 'NR == 1 { for (i = 1; i <= NF; ++i) at[$i] = i } NR == 2 { print $at["ra"] "," $at["dec"] }' small/truth.csv)" >c.csv
told abell-cutout --catalogue c.csv --xray small/fits/sim000000_counts.fits

# A killed run leaves files; the next one takes over and removes them.
kill -KILL $job
ends 137
[ -e held/.abell-lock ] || fail "no lock was there"
half=held/train_images/sim000009.png.part-abell-abcdefghijklmnop
touch $half held/truth.csv.part-abell-abcdefghijklmnop
refused "held: folder is not empty" abell-simulate --objects 2 --out held
expect 0 abell-simulate --objects 2 --votes --fits --out held --overwrite --quiet
diff -r small held >/dev/null || fail "a killed run leaves something: $(diff -r small held)"
no_parts held

# A folder that holds nothing but what a killed run left counts as empty.
mkdir empty
touch empty/.abell-lock empty/truth.csv.part-abell-abcdefghijklmnop
expect 0 abell-simulate --objects 2 --votes --fits --out empty --quiet
diff -r small empty >/dev/null || fail "leftovers stay: $(ls -A empty)"

# Both at once: one set, whole, and one line.
twice=(abell-simulate --objects 12 --out twice --seed 3 --quiet)
"$ABELL_BIN/${twice[0]}" "${twice[@]:1}" 2>first &
one=$!
"$ABELL_BIN/${twice[0]}" "${twice[@]:1}" 2>second &
two=$!
wait $one
codes=$?
wait $two
codes+=$?
[ "$codes" = 01 ] || [ "$codes" = 10 ] || fail "expected one run to work and one to be told: $codes: $(cat first second)"
[ "$(cat first second | wc -l)" = 1 ] && grep -q "twice is in use by another run (process [0-9]* on " first second ||
  fail "wrong words: $(cat first second)"
simulated 12 once
diff -r once twice >/dev/null || fail "two runs at once made another set"

# A run that is resumed while it runs.
start abell-train "${train[@]}" --iterations 100000 --out run
there run/last.checkpoint
refused "run is in use by another run (process $job on " abell-train "${train[@]}" --iterations 100000 --out run --resume
kill -TERM $job
ends 143

no_parts "$folder"
echo "$script: passed"
