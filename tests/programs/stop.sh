#!/bin/bash
# Programs that are asked to stop: exit codes by signal, what is ignored stays ignored, and no long wait anywhere.
. "$(dirname "$0")/common.sh"
env --default-signal true 2>/dev/null || {
  echo "$script: skipped: env has no --default-signal"
  exit 77
}
cd "$folder"

# What was done is saved, whatever the signal, also when it comes twice (but SIGINT).
for pair in INT:130 TERM:143 HUP:129 USR1:138; do
  signal=${pair%:*}
  start abell-simulate --objects 100000 --out $signal --quiet
  until ls $signal/t*_images/*.png >/dev/null 2>&1; do alive; sleep 0.02; done
  kill -$signal $job
  [ $signal = INT ] || kill -$signal $job
  ends ${pair#*:}
  no_parts $signal
  [ "$(($(wc -l <$signal/truth.csv) - 1))" = "$(find $signal -name '*.png' | wc -l)" ] || fail "SIG$signal: truth.csv does not list the images"
done

# As under nohup, and as a job in the background of a script.
for signal in HUP INT TERM USR1; do
  env --ignore-signal=$signal "$ABELL_BIN/abell-simulate" --objects 6 --out ignored --overwrite --quiet 2>stderr &
  job=$!
  there ignored/.abell-lock
  kill -$signal $job
  ends 0
  [ "$(wc -l <ignored/truth.csv)" = 7 ] || fail "SIG$signal was ignored at the start, but it stopped the program"
done

# A set that takes long to decode: a request ends that soon, and the run leaves nothing.
simulated 12 set
expect 0 abell-train set --out run --iterations 1 --batch 2 --validation-fraction 0 --quiet
ls set/train_images/*.png | awk '{ image[NR] = $0 } END { print "id,image,class,split"
  for (i = 1; i <= 4000; ++i) print "o" i "," image[i % NR + 1] "," (i % 2 ? "cluster" : "other") "," (i % 5 ? "train" : "test") }' >long.csv
start abell-train long.csv --out decoding --quiet
there decoding/.abell-lock
kill -TERM $job
ends 143
[ ! -e decoding ] || fail "a run that was stopped while it decoded images leaves $(ls -A decoding)"
start abell-experiment long.csv --out decoding --rows CN-E --quiet
there decoding/.abell-lock
kill -HUP $job
ends 129
[ ! -e decoding ] || fail "an experiment that was stopped while it decoded images leaves $(ls -A decoding)"

start abell-train long.csv --out previews --preview 4000 --quiet
there previews/previews
kill -USR1 $job
ends 138
start abell-classify --model run long.csv --out long.fits --quiet
listens
kill -TERM $job
ends 143
[ ! -e long.fits ] || fail "a stopped abell-classify writes a catalogue"

start abell-votes subjects long.csv --out subjects --quiet
there subjects/images
kill -TERM $job
ends 143
[ ! -e subjects/manifest.csv ] || fail "stopped subjects have a manifest"
start abell-votes page long.csv --single-file --out page.html --quiet
listens
kill -TERM $job
ends 143
[ ! -e page.html ] || fail "a stopped page is there"
expect 0 abell-simulate --objects 4 --votes --out votes --quiet
awk 'NR == 1 { print } NR > 1 { row[NR] = $0 } END { for (i = 1; i < 200; ++i) for (n = 2; n <= NR; ++n) print row[n] }' votes/classifications.csv >export.csv
start abell-votes export.csv --out counted --quiet
there counted/.abell-lock
kill -TERM $job
ends 143
[ ! -e counted ] || fail "votes that were not counted leave $(ls -A counted)"

expect 0 abell-simulate --objects 2 --fits --out sky --quiet
awk -F, 'NR == 1 { for (i = 1; i <= NF; ++i) at[$i] = i; print "id,ra,dec" } NR == 2 { for (n = 1; n < 3000; ++n) print n "," $at["ra"] "," $at["dec"] }' \
  sky/truth.csv >positions.csv
start abell-cutout --catalogue positions.csv --xray sky/fits/sim000000_counts.fits --out cut --quiet
there cut/images
kill -TERM $job
ends 143
[ ! -e cut/table.csv ] || fail "a stopped abell-cutout writes a table"
start abell-validate --objects 100000 --out validation --quiet
there validation/.abell-lock
kill -TERM $job
ends 143
[ ! -e validation ] || fail "a stopped abell-validate leaves $(ls -A validation)"

no_parts "$folder"
echo "$script: passed"
