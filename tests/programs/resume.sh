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

expect 0 abell-train "$folder/set" --out "$folder/whole" "${options[@]}" --epochs 4

interrupt history.csv "$folder/set" --out "$folder/broken" "${options[@]}" --epochs 4
[ ! -e "$folder/broken/metrics.json" ] || fail "an interrupted run has metrics"
[ -s "$folder/broken/model.safetensors" ] || fail "an interrupted run has no model"
cp -r "$folder/broken" "$folder/kept"

# Other options or another set: refused, and the run is as it was.
simulated 12 other
for change in "momentum --momentum 0.8" "decay --decay 0" "optimizer --optimizer adam" "augment --no-augment" \
  "preprocessing --scale standard" "class_weights --class-weights balanced"; do
  read -r name changed <<<"$change"
  refused "the run to resume has $name" \
    abell-train "$folder/set" --out "$folder/broken" "${options[@]}" $changed --epochs 4 --resume
done
refused "the run to resume has seed" \
  abell-train "$folder/set" --out "$folder/broken" "${options[@]/%7/8}" --epochs 4 --resume
refused "the run to resume has data" abell-train "$folder/other" --out "$folder/broken" "${options[@]}" --epochs 4 --resume
diff -r "$folder/kept" "$folder/broken" >/dev/null || fail "a refused --resume changes the run"

# A second interruption, at once: goes on from there all the same.
interrupt config.json "$folder/set" --out "$folder/broken" "${options[@]}" --epochs 4 --resume
expect 0 abell-train "$folder/set" --out "$folder/broken" "${options[@]}" --epochs 4 --resume --threads 1
for file in model.safetensors predictions.csv metrics.json; do same "$folder/whole/$file" "$folder/broken/$file"; done
[ "$(without_seconds "$folder/whole/history.csv")" = "$(without_seconds "$folder/broken/history.csv")" ] ||
  fail "the history of the resumed run differs"
[ "$(wc -l <"$folder/broken/history.csv")" = 5 ] || fail "expected 4 epochs in history.csv"
for name in parameters/conv2d_1/kernel parameters/conv2d_6/bias parameters/dense_1/kernel parameters/dense_2/bias optimizer \
  best_parameters state/updates state/learning_rate state/best_loss; do
  tensor "$folder/whole/last.checkpoint" "$name" >"$folder/a"
  tensor "$folder/broken/last.checkpoint" "$name" >"$folder/b"
  [ -s "$folder/a" ] || fail "tensor $name is empty"
  same "$folder/a" "$folder/b"
done

# A damaged checkpoint.
head -c 100000 "$folder/kept/last.checkpoint" >"$folder/broken/last.checkpoint"
refused "broken/last.checkpoint: " abell-train "$folder/set" --out "$folder/broken" "${options[@]}" --epochs 4 --resume
same "$folder/whole/model.safetensors" "$folder/broken/model.safetensors"
echo "$script: passed"
