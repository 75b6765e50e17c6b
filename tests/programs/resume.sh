#!/bin/bash
# abell-train: SIGINT saves and exits with 130; --resume goes on to the bits of an uninterrupted run.
. "$(dirname "$0")/common.sh"

simulated 14 set
options=(--batch 2 --validation-fraction 0.4 --seed 7 --learning-rate 0.01 --early-stopping 50 --quiet)

# tensor FILE NAME: the bytes of one tensor of a safetensors file.
tensor() {
  local length offsets
  length=$(od -An -tu8 -N8 "$1" | tr -d ' ')
  offsets=$(tail -c +9 "$1" | head -c "$length" | grep -o "\"$2\":{[^}]*}" | grep -o '\[[0-9]*,[0-9]*\]}' | tr -d '[]}')
  [ -n "$offsets" ] || fail "no tensor $2 in $1"
  tail -c +$((9 + length + ${offsets%,*})) "$1" | head -c $((${offsets#*,} - ${offsets%,*}))
}

# interrupt FILE ARGUMENT...: runs abell-train until it has written FILE of the run, then sends SIGINT.
interrupt() {
  local file=$folder/broken/$1
  shift
  touch "$folder/start"
  start abell-train "$@"
  while [ ! "$file" -nt "$folder/start" ]; do
    alive
    sleep 0.02
  done
  kill -INT $job
  ends 130
  no_parts "$folder/broken"
}

# --resume starts a run that has no folder yet.
expect 0 abell-train "$folder/set" --out "$folder/whole" "${options[@]}" --epochs 4 --threads 2 --resume

# as_whole RUN: the promised bytes of the uninterrupted run.
as_whole() {
  local file
  for file in model.safetensors predictions.csv metrics.json; do same "$folder/whole/$file" "$1/$file"; done
  [ "$(without_seconds "$folder/whole/history.csv")" = "$(without_seconds "$1/history.csv")" ] ||
    fail "the history of the resumed run differs: $1"
}
# stamps RUN: what changes when a file is written.
stamps() { find "$1" -type f -printf '%p %i %T@ %s\n' | sort; }

# Killed as soon as there is a checkpoint, in the first epoch; --resume needs nothing else, from any folder.
cd "$folder" || exit 1
"$ABELL_BIN/abell-train" set --out killed "${options[@]}" --epochs 4 --checkpoint-minutes 0.000001 --threads 1 2>stderr &
job=$!
while [ ! -e killed/last.checkpoint ]; do
  kill -0 $job 2>/dev/null || fail "abell-train ended by itself: $(cat stderr)"
  sleep 0.02
done
kill -KILL $job
wait $job 2>/dev/null
[ ! -e killed/metrics.json ] || fail "a killed run has metrics"
cd / || exit 1
expect 0 abell-train --out "$folder/killed" --resume --quiet
as_whole "$folder/killed"

interrupt history.csv "$folder/set" --out "$folder/broken" "${options[@]}" --epochs 4
[ ! -e "$folder/broken/metrics.json" ] || fail "an interrupted run has metrics"
[ -s "$folder/broken/model.safetensors" ] || fail "an interrupted run has no model"
cp -r "$folder/broken" "$folder/kept"

# Other options or another set: refused, with all differences in a line, and the run is as it was.
simulated 12 other
for change in "momentum --momentum 0.8" "decay --decay 0" "optimizer --optimizer adam" "augment --no-augment" \
  "preprocessing --scale standard" "class_weights --class-weights balanced"; do
  read -r name changed <<<"$change"
  refused "the run to resume has $name" \
    abell-train "$folder/set" --out "$folder/broken" "${options[@]}" $changed --epochs 4 --resume
done
refused "the run to resume has seed 7 (this command 8), augment true (this command false), momentum 0.9 (this command 0.8), augmentation " \
  abell-train --out "$folder/broken" --seed 8 --momentum 0.8 --no-augment --resume
refused "the set has changed since the run began" abell-train "$folder/other" --out "$folder/broken" --resume
cp -r "$folder/set" "$folder/cut"
image=$(find "$folder/cut/train_images" -type f | head -n 1)
head -c 100 "$image" >"$folder/head" && mv "$folder/head" "$image"
refused "the set has changed since the run began" abell-train "$folder/cut" --out "$folder/broken" --resume
expect 2 abell-train --out "$folder/broken" --resume --epochs 3 --iterations 3
expect 2 abell-train --out "$folder/broken" --resume --iterations 1
grep -q "expected [0-9]* steps or more, which the run has done, found 1$" "$folder/stderr" || fail "a shorter run: $(cat "$folder/stderr")"
diff -r "$folder/kept" "$folder/broken" >/dev/null || fail "a refused --resume changes the run"

# The same set elsewhere, a second interruption, at once: goes on from there all the same.
cp -r "$folder/set" "$folder/moved"
interrupt config.json "$folder/moved" --out "$folder/broken" --resume --threads 2
expect 0 abell-train --out "$folder/broken" --resume --threads 1 --checkpoint-minutes 0
as_whole "$folder/broken"
[ "$(wc -l <"$folder/broken/history.csv")" = 5 ] || fail "expected 4 epochs in history.csv"
for name in parameters/conv2d_1/kernel parameters/conv2d_6/bias parameters/dense_1/kernel parameters/dense_2/bias optimizer \
  best_parameters state/updates state/learning_rate state/best_loss; do
  tensor "$folder/whole/last.checkpoint" "$name" >"$folder/a"
  tensor "$folder/broken/last.checkpoint" "$name" >"$folder/b"
  [ -s "$folder/a" ] || fail "tensor $name is empty"
  same "$folder/a" "$folder/b"
done

# A finished run: nothing is decoded or written.
stamps "$folder/broken" >"$folder/before"
expect 0 abell-train --out "$folder/broken" --resume
stamps "$folder/broken" | cmp -s - "$folder/before" || fail "a finished run is written again"
grep -q 'best (epoch [1-4])' "$folder/stdout" || fail "a finished run does not tell its figures"
grep -q decoded "$folder/stderr" && fail "a finished run is decoded"

# Stopped before its first checkpoint, or never started: --resume starts it.
mkdir "$folder/early"
cp "$folder/whole/config.json" "$folder/early"
refused "the run to resume has batch 2 (this command 3)" abell-train --out "$folder/early" --resume --batch 3
expect 0 abell-train --out "$folder/early" --resume --quiet
as_whole "$folder/early"
mkdir "$folder/empty"
for run in empty missing; do
  expect 2 abell-train --out "$folder/$run" --resume
  grep -q "DATA is required" "$folder/stderr" || fail "no word about DATA: $(cat "$folder/stderr")"
done
expect 0 abell-train "$folder/set" --out "$folder/empty" --resume --quiet --iterations 1 --batch 2
[ -s "$folder/empty/report.html" ] || fail "--resume does not start a run in an empty folder"
refused "folder is not empty" abell-train "$folder/set" --out "$folder/set" --resume

# A checkpoint within an epoch: the second step cannot be done.
for minutes in 0 0.000001; do
  run=$folder/minutes-$minutes
  refused "epoch 1, batch 2: " abell-train "$folder/set" --out "$run" --batch 2 --learning-rate 1e30 --epochs 1 --quiet \
    --checkpoint-minutes $minutes
  [ $minutes = 0 ] || [ -s "$run/last.checkpoint" ] || fail "no checkpoint within an epoch"
  [ $minutes != 0 ] || [ ! -e "$run/last.checkpoint" ] || fail "a checkpoint within an epoch although there should be none"
  [ ! -e "$run/history.csv" ] || fail "a history without an epoch"
done

# A damaged checkpoint, none beside the model, a config.json written by hand.
cp -r "$folder/kept" "$folder/bad"
head -c 100000 "$folder/kept/last.checkpoint" >"$folder/bad/last.checkpoint"
refused "bad/last.checkpoint: " abell-train --out "$folder/bad" --resume
rm "$folder/bad/last.checkpoint"
refused "bad/last.checkpoint: expected beside model.safetensors, found none" abell-train --out "$folder/bad" --resume
cp "$folder/kept/last.checkpoint" "$folder/bad"
edit() {
  sed "$1" "$folder/kept/config.json" >"$folder/bad/config.json"
  cmp -s "$folder/kept/config.json" "$folder/bad/config.json" && fail "no change of config.json: $1"
}
edit 's/"learning-rate": 0.01/"learning-rate": 0.02/'
refused "the run to resume has learning_rate 0.01 (this command 0.02)" abell-train --out "$folder/bad" --resume
edit 's/"early-stopping"/"early-start"/'
refused "bad/config.json: unknown option 'early-start'" abell-train --out "$folder/bad" --resume
edit 's/"learning-rate": 0.01/"learning-rate": "much"/'
refused "bad/config.json: " abell-train --out "$folder/bad" --resume
echo '[]' >"$folder/bad/config.json"
refused "bad/config.json: expected a JSON object" abell-train --out "$folder/bad" --resume
same "$folder/kept/model.safetensors" "$folder/bad/model.safetensors"
expect 0 abell-train --help
for option in --epochs --iterations --threads --tta --checkpoint-minutes; do
  sed -n '/Options that may change/,$p' "$folder/stdout" | grep -q -- $option || fail "--help does not say that $option may change"
done
echo "$script: passed"
