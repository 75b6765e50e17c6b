#!/bin/bash
# abell-train: the files of a run, the same bytes for any number of threads, exit codes, progress.
. "$(dirname "$0")/common.sh"

simulated 20 set
options=(--epochs 2 --batch 4 --validation-fraction 0.4 --seed 7)
expect 0 abell-train "$folder/set" --out "$folder/run" "${options[@]}" --threads 1
run=$folder/run

# Plain lines, no bar, when standard error is no terminal.
if grep -q $'[\r\033]' "$folder/stderr"; then fail "a bar is drawn although there is no terminal"; fi
grep -q "^20/20 images decoded, " "$folder/stderr" || fail "no line about the decoded images"
grep -q "^[0-9]*/[0-9]* images, .*epoch 2, loss " "$folder/stderr" || fail "no line about the finished training"
[ "$(grep -c "^epoch  *loss  *accuracy  *loss  *accuracy  *learning rate  *time$" "$folder/stderr")" = 1 ] || fail "no heading of the epochs"
grep -qE "^ +2 +[0-9.]+ +[01]\.[0-9]{3} +[0-9.]+ +[01]\.[0-9]{3} +0\.0001 +[0-9.]+ s(  best)?$" "$folder/stderr" || fail "no line about the last epoch"
grep -q "^[0-9]*/[0-9]* images evaluated, " "$folder/stderr" && grep -q "^2/2 examples explained, " "$folder/stderr" ||
  fail "what follows the training shows no progress"
[ "$(wc -l <"$folder/stderr")" -le 12 ] || fail "too many lines without a terminal: $(cat "$folder/stderr")"
grep -qE "^All objects +[0-9]+ +[0-9]+ +2$" "$folder/stdout" || fail "no table of the splits: $(cat "$folder/stdout")"
grep -q "held out of the training split, by class: [0-9] of 18 objects" "$folder/stdout" || fail "nothing about what is held out"
grep -q "^Note: Simulated data" "$folder/stdout" || fail "no note"
grep -qE "^ +best \(epoch [12]\) +last$" "$folder/stdout" && grep -qE "^accuracy +[01]\.[0-9]{3} +[01]\.[0-9]{3}$" "$folder/stdout" || fail "no table of results"
grep -q "{" "$folder/stdout" && fail "JSON on standard output"
grep -q "total .*352,930" "$folder/stdout" || fail "no summary of the network"

[ "$(ls -A "$run" | tr '\n' ' ')" = "config.json history.csv last.checkpoint metrics.json model.safetensors predictions.csv report.html " ] ||
  fail "the run has other files: $(ls -A "$run")"

[ "$(head -n 1 "$run/history.csv")" = "epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,seconds,waited_seconds" ] ||
  fail "wrong header of history.csv"
[ "$(wc -l <"$run/history.csv")" = 3 ] || fail "expected 2 epochs in history.csv"
awk -F, 'NR > 1 && !($1 == NR - 1 && $2 > 0 && $3 >= 0 && $3 <= 1 && $4 > 0 && $5 >= 0 && $5 <= 1 && $6 == 0.0001 && $7 > 0 && $8 >= 0) { bad = 1 } END { exit bad }' \
  "$run/history.csv" || fail "values out of range in history.csv"

[ "$(head -n 1 "$run/predictions.csv")" = "id,class,p_cluster,predicted,masked_pixels" ] || fail "wrong header of predictions.csv"
[ "$(cut -d, -f1-2 "$run/predictions.csv" | tail -n +2)" = "$(tail -n +2 "$folder/set/test.csv")" ] ||
  fail "predictions.csv does not list the test split"
awk -F, 'NR > 1 && !($3 >= 0 && $3 <= 1 && $4 == ($3 > 0.5) && $5 == 0) { bad = 1 } END { exit bad }' "$run/predictions.csv" ||
  fail "values out of range in predictions.csv"

for file in config.json metrics.json; do
  [ "$(head -c 1 "$run/$file")$(tail -n 1 "$run/$file")" = "{}" ] || fail "$file is no JSON object"
done
for key in accuracy precision recall auc; do
  [ "$(grep -c "\"$key\": " "$run/metrics.json")" = 2 ] || fail "expected $key of the best and the last weights in metrics.json"
done
awk -F'[:,]' '/"(accuracy|precision|recall|auc)"/ && $2 != " null" && !($2 >= 0 && $2 <= 1) { bad = 1 } END { exit bad }' "$run/metrics.json" ||
  fail "values out of range in metrics.json"
[ "$(($(grep -E '^  "(tp|fp|tn|fn)": ' "$run/metrics.json" | tr -dc '0-9\n' | paste -sd+)))" = 2 ] ||
  fail "tp, fp, tn and fn do not add up in metrics.json"
grep -q '^  "split": "test"' "$run/metrics.json" || fail "metrics.json does not describe the test split"
for key in version data network seed batch optimizer learning_rate momentum decay preprocessing augmentation positive classes epochs threads command options set; do
  grep -q "^  \"$key\": " "$run/config.json" || fail "no $key in config.json"
done
head -c 15 "$run/report.html" | grep -qi '<!doctype html>' || fail "report.html is no page"
for map in Grad-CAM occlusion; do
  [ "$(grep -o "alt=\"$map, " "$run/report.html" | wc -l)" = 2 ] || fail "report.html does not show where the network looks: $map"
done
tail -n 1 "$run/report.html" | grep -q '</html>' || fail "report.html is cut short"

# safetensors: the length of the header, the header, as many bytes as its last tensor ends at.
length=$(od -An -tu8 -N8 "$run/model.safetensors" | tr -d ' ')
header=$(tail -c +9 "$run/model.safetensors" | head -c "$length")
end=$(grep -o '"data_offsets":\[[0-9]*,[0-9]*\]' <<<"$header" | tail -n 1 | sed 's/.*,\([0-9]*\)\]/\1/')
[ "$end" = $((352930 * 4)) ] || fail "expected 352930 weights in model.safetensors"
[ "$(stat -c %s "$run/model.safetensors")" = $((8 + length + end)) ] || fail "model.safetensors has another size than it says"
grep -qF "$folder" <<<"$header" && fail "model.safetensors holds a path"

# The same bits again, and for any number of threads.
for threads in 1 2; do
  expect 0 abell-train "$folder/set" --out "$folder/run$threads" "${options[@]}" --threads $threads --quiet
  [ ! -s "$folder/stdout" ] && [ ! -s "$folder/stderr" ] || fail "--quiet is not quiet"
  for file in model.safetensors predictions.csv metrics.json; do same "$run/$file" "$folder/run$threads/$file"; done
  [ "$(without_seconds "$run/history.csv")" = "$(without_seconds "$folder/run$threads/history.csv")" ] ||
    fail "the history depends on the number of threads"
done

# --tta: the same network, other probabilities; metrics.json has the figures without, too.
expect 0 abell-train "$folder/set" --out "$folder/run2" "${options[@]}" --tta --overwrite --quiet
same "$run/model.safetensors" "$folder/run2/model.safetensors"
[ "$(cut -d, -f1,2,5 "$run/predictions.csv")" = "$(cut -d, -f1,2,5 "$folder/run2/predictions.csv")" ] ||
  fail "--tta evaluates other objects"
[ "$(paste -d, "$run/predictions.csv" "$folder/run2/predictions.csv" | awk -F, 'NR > 1 && $3 != $8 && $8 > 0 && $8 < 1' | wc -l)" = 2 ] ||
  fail "--tta gives no other probabilities"
figures='"(accuracy|precision|recall|auc|tp|fp|tn|fn)": '
[ "$(sed -n '/"without_tta"/,/}/p' "$folder/run2/metrics.json" | grep -E "$figures" | tr -d ' ,')" = \
  "$(grep -E "^  $figures" "$run/metrics.json" | tr -d ' ,')" ] || fail "metrics.json has not the figures without --tta"
[ "$(grep -c '"auc": ' "$folder/run2/metrics.json")" = 3 ] || fail "expected three figures of each kind with --tta"
for file in config metrics; do
  grep -q '^  "tta": true' "$folder/run2/$file.json" || fail "$file.json does not say that --tta was given"
  grep -q '^  "tta": false' "$run/$file.json" || fail "$file.json does not say that --tta was not given"
done
grep -q "8 flips and quarter turns" "$folder/run2/report.html" || fail "the report does not say that --tta was given"

# MobileNet has Table 4's defaults of its own, says that it began from scratch, resumes and classifies.
expect 0 abell-train "$folder/set" --out "$folder/mobile" --network mobilenet --iterations 2 --validation-fraction 0
grep -q "3,230,914" "$folder/stdout" || fail "no summary of MobileNet"
grep -q "not the paper's MN-E" "$folder/stdout" || fail "MobileNet from scratch is not called so"
grep -q "not the paper" "$folder/mobile/report.html" || fail "the report does not say that MobileNet began from scratch"
for value in '"optimizer": "adadelta"' '"batch": 20' '"decay": 0.95' '"patience": 4'; do
  grep -q "${value/patience/plateau_patience}" "$folder/mobile/config.json" || fail "no $value in MobileNet's config.json"
done
expect 0 abell-train "$folder/set" --out "$folder/mobile" --network mobilenet --iterations 3 --validation-fraction 0 --resume --quiet
[ "$(tail -n 1 "$folder/mobile/history.csv" | cut -d, -f1)" = 3 ] || fail "MobileNet's run did not go on"
expect 0 abell-classify --model "$folder/mobile" "$folder/set" --out "$folder/mobile.csv" --quiet
[ -s "$folder/mobile.csv" ] || fail "no catalogue by MobileNet"

# A folder with something in it is left alone unless asked.
refused "$run: folder is not empty" abell-train "$folder/set" --out "$run" "${options[@]}"
same "$run/model.safetensors" "$folder/run1/model.safetensors"
expect 0 abell-train "$folder/set" --out "$folder/run1" --iterations 1 --batch 2 --overwrite --quiet
cmp -s "$run/model.safetensors" "$folder/run1/model.safetensors" && fail "--overwrite keeps the old weights"
[ "$(wc -l <"$folder/run1/history.csv")" = 2 ] || fail "--overwrite keeps the old history"

# Wrong options: exit code 2, the option named, no folder made, no run removed.
for wrong in "--epochs 1 --iterations 1" "--iterations 0" "--iterations -1" "--epochs 0" "--epochs 1.5" "--batch 0" \
  "--network resnet" "--channels green" "--optimizer sdg" "--optimizer adadelta --rho 1" "--optimizer adamw --weight-decay -1" "--learning-rate 0" "--learning-rate nan" "--momentum 1" \
  "--decay -1" "--patience 0" "--factor nan" "--min-rate nan" "--validation-fraction 1" "--class-weights some" \
  "--resize lanczos" "--crop 0" "--nan skip" "--scale log" "--rotation -1" "--shift 1,2,3" "--shift nan" "--zoom 1" \
  "--flips up" "--positive quasar" "--seed -1" "--seed one" "--threads -1" "--unknown" "-q --verbose" "--resume --overwrite"; do
  expect 2 abell-train "$folder/set" --out "$folder/none" $wrong
  [ ! -e "$folder/none" ] || fail "wrong options leave a folder: $wrong"
  flag=--${wrong##*--}
  grep -qF -- "${flag%% *}" "$folder/stderr" || fail "${flag%% *} is not named: $(cat "$folder/stderr")"
done
expect 2 abell-train "$folder/set"
expect 2 abell-train --out "$folder/none"
expect 2 abell-train "$folder/set" --out "$run" --overwrite --learning-rate -1
[ -s "$run/report.html" ] || fail "wrong options remove an earlier run"

expect 0 abell-train --version
grep -qE '^abell-train [0-9]+\.[0-9]+\.[0-9]+$' "$folder/stdout" || fail "wrong --version"
expect 0 abell-train --help
for option in network alpha iterations epochs batch optimizer learning-rate momentum rho weight-decay decay patience factor min-rate early-stopping \
  validation-fraction positive class-weights channels resize crop nan scale no-augment rotation shift zoom flips weights cache tta checkpoint-minutes \
  resume overwrite out seed threads quiet verbose version; do
  grep -q -- "--$option" "$folder/stdout" || fail "no --$option in --help"
done

no_parts "$folder"
echo "$script: passed"
