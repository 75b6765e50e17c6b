#!/bin/bash
# Programs that are killed at random moments, and resumed or repeated, end in the bytes of an undisturbed run and leave
# nothing else. ABELL_KILLS=N kills each N times (default 3), ABELL_KILL_SEED=N draws the same moments again.
. "$(dirname "$0")/common.sh"
env --default-signal true 2>/dev/null || {
  echo "$script: skipped: env has no --default-signal"
  exit 77
}
kills=${ABELL_KILLS:-3}
seed=${ABELL_KILL_SEED:-$(od -An -N2 -tu2 /dev/urandom | tr -d ' ')}
RANDOM=$seed
cd "$folder"

milliseconds() { echo $(($(date +%s%N) / 1000000)); }

# disturbed NAME AGAIN COMPARE PROGRAM ARGUMENT...: runs the program in the folder NAME.whole to its end, and in
# NAME.broken until it has been killed often enough; after a kill it goes on with the option AGAIN. `COMPARE` is
# called in $folder with the two folders, whenever a run has come to its end.
disturbed() {
  local name=$1 again=$2 compare=$3 killed=0 next= took code from moment signal
  local whole=$folder/$name.whole broken=$folder/$name.broken
  shift 3
  fail() {
    echo "$script: $name, seed $seed, after $killed kills: $*" >&2
    exit 1
  }
  mkdir "$whole" "$broken"
  cd "$whole"
  from=$(milliseconds)
  expect 0 "$@"
  took=$(($(milliseconds) - from))
  cd "$broken"
  while [ $killed -lt $kills ]; do
    moment=$((RANDOM % (took + took / 10 + 1)))
    case $((RANDOM % 12)) in
      0) signal=INT code=130 ;;
      1) signal=TERM code=143 ;;
      2) signal=HUP code=129 ;;
      3) signal=USR1 code=138 ;;
      *) signal=KILL code=137 ;;
    esac
    start "$@" $next
    sleep $((moment / 1000)).$(printf %03d $((moment % 1000)))
    kill -$signal $job 2>/dev/null
    { wait $job; } 2>/dev/null
    case $? in
      0) # it was faster
        (cd "$folder" && $compare $name.whole $name.broken) || exit 1
        rm -rf "${broken:?}"/*
        next=
        ;;
      $code)
        killed=$((killed + 1))
        next=$again
        ;;
      *) fail "expected exit code 0 or $code: $(cat "$folder/stderr")" ;;
    esac
  done
  expect 0 "$@" $next
  cd "$folder"
  no_parts $name.broken
  [ "$(cd $name.whole && find . | sort)" = "$(cd $name.broken && find . | sort)" ] ||
    fail "other files are left: $(diff -rq $name.whole $name.broken)"
  ($compare $name.whole $name.broken) || exit 1
}

every_file() { diff -r "$1" "$2" >&2 || fail "other bytes"; }

# run WHOLE BROKEN: what a run of abell-train promises.
run() {
  local file
  for file in model.safetensors predictions.csv metrics.json; do same "$1/$file" "$2/$file"; done
  [ "$(without_seconds "$1/history.csv")" = "$(without_seconds "$2/history.csv")" ] || fail "another history"
}
training() { run "$1/out" "$2/out"; }
experiment() {
  local file
  for file in results.csv results.md results.tex; do same "$1/out/$file" "$2/out/$file"; done
  for file in seed-1 seed-2; do run "$1/out/CN-E/$file" "$2/out/CN-E/$file"; done
}
counts() {
  local file
  for file in consensus.csv volunteers.csv table1.csv table1.md table1.tex; do same "$1/out/$file" "$2/out/$file"; done
}
# undated FILE: the cards of a FITS header without times (the comment of DATASUM has one, too) and the command line,
# and the pixels.
undated() { fold -b -w 80 "$1" | sed '/^DATE    =/d; /^CHECKSUM=/d; /^HISTORY /d; /^DATASUM =/s| / .*||'; }
cutouts() {
  local file
  same "$1/out/table.csv" "$2/out/table.csv"
  for file in "$1"/out/images/*; do
    [ "$(undated "$file" | sha256sum)" = "$(undated "$2/out/images/${file##*/}" | sha256sum)" ] || fail "other bytes: $file"
  done
}

expect 0 abell-simulate --objects 10 --votes --fits --out set --seed 3 --quiet
awk -F, 'NR == 1 { for (i = 1; i <= NF; ++i) at[$i] = i; print "id,ra,dec" }
  NR == 2 { for (n = 0; n < 10; ++n) print "o" n "," $at["ra"] + n / 500 "," $at["dec"] }' set/truth.csv >positions.csv
awk 'NR == 1 { print } NR > 1 { row[NR] = $0 } END { for (i = 0; i < 40; ++i) for (n = 2; n <= NR; ++n) print row[n] }' \
  set/classifications.csv >export.csv

image=../set/fits/sim000000
disturbed simulate --overwrite every_file abell-simulate --objects 6 --fits --votes --out out --seed 5 --quiet
disturbed cutout --overwrite cutouts abell-cutout --catalogue ../positions.csv --xray ${image}_counts.fits \
  --exposure ${image}_exposure.fits --optical ${image}_optical.fits --out out --quiet
disturbed votes --overwrite counts abell-votes ../export.csv --experts ../set/truth.csv --out out --quiet
disturbed train --resume training abell-train ../set --epochs 2 --batch 4 --validation-fraction 0.3 --learning-rate 0.01 \
  --out out --quiet
disturbed experiment --resume experiment abell-experiment ../set --rows CN-E --runs 2 --epochs 1 --batch 4 \
  --validation-fraction 0.3 --learning-rate 0.01 --out out --quiet
for form in onnx h5 safetensors; do
  disturbed $form --overwrite every_file abell-export --model ../train.whole/out --out model.$form --quiet
done
echo "$script: passed"
