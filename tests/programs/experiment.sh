#!/bin/bash
# abell-experiment: its runs are abell-train's, Ctrl-C and --resume give the uninterrupted table, rows without labels,
# the volunteers' labels, --quick.
. "$(dirname "$0")/common.sh"

expect 0 abell-simulate --objects 20 --out "$folder/set" --seed 3 --quiet
# Volunteers who miss one cluster in three, and are wrong about all of the test.
awk -F, 'FNR == 1 { if (NR == 1) print "id,class,p_cluster"; next }
  { cluster = $2 ~ /low-z|hi-z/; if (FILENAME ~ /test/) cluster = !cluster; else if (cluster && ++seen % 3 == 0) cluster = 0
    print $1 "," (cluster ? "cluster,0.9" : "non-cluster,0.1") }' "$folder/set/train.csv" "$folder/set/test.csv" >"$folder/consensus.csv"
options=(--epochs 2 --batch 4 --validation-fraction 0.4 --learning-rate 0.01)
experiment=$folder/whole
expect 0 abell-experiment "$folder/set" --out "$experiment" --rows CN-Z,CN-E --runs 2 --seed 7 "${options[@]}" --threads 1
grep -qE '^2 runs, 0 of them done; the others take about [0-9]' "$folder/stdout" || fail "no estimate: $(cat "$folder/stdout")"
grep -q "^run 2 of 2: CN-E, seed 8$" "$folder/stderr" || fail "no line about the second run"
grep -q "^CN-Z *no labels " "$folder/stdout" || fail "CN-Z has labels from nowhere: $(cat "$folder/stdout")"
grep -qE "^CN-E +[01]\.[0-9]{3} ± " "$folder/stdout" && grep -qE "^  paper +0\.90 ± 0\.03 " "$folder/stdout" ||
  fail "no table on standard output: $(cat "$folder/stdout")"
[ "$(ls "$experiment" | tr '\n' ' ')" = "CN-E config.json report.html results.csv results.md results.tex times.csv " ] ||
  fail "other files: $(ls "$experiment")"

# A run is the one that abell-train makes.
expect 0 abell-train "$folder/set" --out "$folder/run" --seed 8 "${options[@]}" --quiet
[ "$(ls -A "$experiment/CN-E/seed-8")" = "$(ls -A "$folder/run")" ] || fail "the run has other files than abell-train's"
for file in model.safetensors predictions.csv metrics.json; do same "$folder/run/$file" "$experiment/CN-E/seed-8/$file"; done
cmp -s "$experiment/CN-E/seed-7/model.safetensors" "$folder/run/model.safetensors" && fail "two seeds give one model"

# field ROW COLUMN FILE: a field of results.csv by its names.
field() { awk -F, -v row="$1" -v column="$2" 'NR == 1 { for (i = 1; i <= NF; ++i) at[$i] = i } $1 == row { print $at[column] }' "$3"; }
[ "$(cut -d, -f1 "$experiment/results.csv" | paste -sd' ')" = "row CN-E CN-Z" ] || fail "wrong rows in results.csv"
[ "$(field CN-Z status "$experiment/results.csv") $(field CN-Z runs "$experiment/results.csv")" = "no labels 0" ] || fail "wrong line of CN-Z"
[ "$(field CN-E runs "$experiment/results.csv") $(field CN-E paper_auc "$experiment/results.csv")" = "2 0.96" ] || fail "wrong line of CN-E"
accuracy() { grep -m 1 -o '"accuracy": [0-9.]*' "$1/metrics.json" | cut -d' ' -f2; }
awk -v a="$(accuracy "$experiment/CN-E/seed-7")" -v b="$(accuracy "$experiment/CN-E/seed-8")" \
  -v mean="$(field CN-E accuracy "$experiment/results.csv")" -v sd="$(field CN-E accuracy_sd "$experiment/results.csv")" \
  'BEGIN { d = (a - b) ^ 2 / 2 - sd ^ 2; exit !((a + b) / 2 == mean && d < 1e-12 && d > -1e-12) }' || fail "wrong mean in results.csv"
grep -q "^| CN-Z | no labels |" "$experiment/results.md" || fail "CN-Z is not in results.md"
grep -q "^CN-Z & no labels &" "$experiment/results.tex" || fail "CN-Z is not in results.tex"
grep -q "Simulated data" "$experiment/results.md" || fail "results.md does not say that the data are simulated"
tail -n 1 "$experiment/report.html" | grep -q '</html>' || fail "report.html is cut short"

# Times stand apart from the results.
[ "$(head -n 1 "$experiment/times.csv")" = "row,runs,seconds,seconds_sd,images_per_second,images_per_second_sd" ] || fail "wrong header of times.csv"
awk -F, '$1 == "CN-E" { exit !($2 == 2 && $3 > 0 && $5 > 0) }' "$experiment/times.csv" || fail "no times in times.csv"
head -n 1 "$experiment/results.csv" | grep -qE 'seconds|per_second' && fail "results.csv holds times"
# same_results OUT: the promised bytes of the uninterrupted experiment.
same_results() { for file in results.csv results.md results.tex; do same "$experiment/$file" "$1/$file"; done; }
stamps() { find "$1" -type f -printf '%p %i %T@ %s\n' | sort; }

# Ctrl-C in the first run, then in the second; the rest afterwards.
command=("$folder/set" --out "$folder/broken" --rows CN-E,CN-Z --runs 2 --seed 7 "${options[@]}" --quiet)
interrupt() {
  local file=$folder/broken/CN-E/$1
  shift
  start abell-experiment "$@"
  there "$file"
  kill -INT $job
  ends 130
}
interrupt seed-7/history.csv "${command[@]}"
grep -q "Incomplete: [01] of 2 runs" "$folder/broken/results.md" || fail "an interrupted experiment does not say so"
refused "folder is not empty" abell-experiment "${command[@]}"
for rows in CN-E CN-Z; do
  refused "the run to resume has seed 7 (this command 8), custom dropout 0.65 (this command 0.5)" \
    abell-experiment --out "$folder/broken" --rows $rows --resume --dropout 0.5 --seed 8
done
interrupt seed-8/config.json --out "$folder/broken" --resume --quiet
stamp=$(stat -c %Y.%i "$folder/broken/CN-E/seed-7/model.safetensors")
expect 0 abell-experiment --out "$folder/broken" --resume --threads 2 --quiet
[ "$stamp" = "$(stat -c %Y.%i "$folder/broken/CN-E/seed-7/model.safetensors")" ] || fail "a run that is done was repeated"
same_results "$folder/broken"
for seed in 7 8; do same "$experiment/CN-E/seed-$seed/model.safetensors" "$folder/broken/CN-E/seed-$seed/model.safetensors"; done
expect 2 abell-experiment "${command[@]/--epochs/--iterations}" --resume
grep -q "expected 6 steps or more, which the run has done, found 2$" "$folder/stderr" || fail "a shorter experiment: $(cat "$folder/stderr")"

# All done: nothing is written, and its runs are finished ones to abell-train.
stamps "$folder/broken" >"$folder/before"
expect 0 abell-experiment --out "$folder/broken" --resume
grep -qE "^CN-E +[01]\.[0-9]{3} ± " "$folder/stdout" || fail "no table of a finished experiment"
expect 0 abell-train --out "$folder/broken/CN-E/seed-8" --resume --quiet
stamps "$folder/broken" | cmp -s - "$folder/before" || fail "a finished experiment is written again"

# What was not asked for the first time: only the scores are made.
expect 0 abell-experiment "${command[@]}" --resume --tta --mc-dropout 3 --labels-z "$folder/consensus.csv"
[ "$stamp" = "$(stat -c %Y.%i "$folder/broken/CN-E/seed-7/model.safetensors")" ] || fail "new scores repeat the training"
table=$folder/broken/results.csv
for column in tta_accuracy dropout_sd; do
  [ -n "$(field CN-E $column "$table")" ] || fail "no $column in results.csv"
  [ -z "$(field CN-E $column "$experiment/results.csv")" ] || fail "$column without being asked"
done
awk -v sd="$(field CN-E dropout_sd "$table")" 'BEGIN { exit !(sd > 0 && sd < 0.5) }' || fail "dropout does nothing"

# The volunteers' labels: of training and validation, never of the test.
[ "$(field CN-Z status "$table") $(field CN-Z runs "$table")" = "ok 2" ] || fail "CN-Z did not run"
refused "the run to resume has mc_dropout 3 (this command 4)" abell-experiment --out "$folder/broken" --resume --mc-dropout 4
refused "the run to resume has labels" abell-train --out "$folder/broken/CN-Z/seed-7" --resume
grep -q '"differ_from_set": [1-9]' "$folder/broken/CN-Z/seed-7/config.json" || fail "the volunteers err nowhere"
labels() { awk -F, '$1 == "test" { print $2 "," $3 }' "$1"; }
[ "$(labels "$folder/broken/CN-Z/seed-7.scores.csv")" = "$(labels "$folder/broken/CN-E/seed-7.scores.csv")" ] || fail "CN-Z has other test labels"
cmp -s "$folder/broken/CN-Z/seed-7/model.safetensors" "$folder/broken/CN-E/seed-7/model.safetensors" && fail "labels make no difference"
printf 'id,class\nsim000000,quasar\n' >"$folder/bad.csv"
refused "bad.csv:2: expected cluster, non-cluster or a class of the set, found 'quasar'" \
  abell-experiment "${command[@]}" --resume --labels-z "$folder/bad.csv"

# --quick says so everywhere.
expect 0 abell-experiment "$folder/set" --out "$folder/quick" --rows CN-E-optical --quick --epochs 1
[ "$(field CN-E-optical quick "$folder/quick/results.csv") $(field CN-E-optical runs "$folder/quick/results.csv")" = "yes 2" ] || fail "wrong quick run"
for file in stdout quick/results.md quick/results.tex quick/report.html; do
  grep -q "Quick look (--quick): 2 runs of 1 epoch with" "$folder/$file" || fail "$file does not say that the look is quick"
done
grep -q '"channels": "optical"' "$folder/quick/CN-E-optical/seed-1/config.json" || fail "CN-E-optical sees other channels"

# Longer: the runs that are done go on.
expect 0 abell-experiment --out "$folder/quick" --resume --epochs 2 --runs 1 --quiet
[ "$(wc -l <"$folder/quick/CN-E-optical/seed-1/history.csv") $(field CN-E-optical runs "$folder/quick/results.csv")" = "3 1" ] ||
  fail "the longer experiment did not go on"

# A network of one's own has a row of its own, without values of the paper's, and goes on like the others.
echo '{"input": [32, 32, 3], "layers": [{"kind": "Flatten"}, {"kind": "Dense", "units": 2}, {"kind": "Softmax"}]}' >"$folder/flat.json"
expect 0 abell-experiment "$folder/set" --out "$folder/mine" --network "$folder/flat.json" --rows flat-E --quick --epochs 1 --runs 1 --quiet
[ "$(field flat-E runs "$folder/mine/results.csv")$(field flat-E paper_accuracy "$folder/mine/results.csv")" = 1 ] || fail "wrong row of flat.json"
[ "$(field flat-E network "$folder/mine/results.csv")" = flat ] || fail "the network in results.csv is not called flat"
grep -q "dense_1" "$folder/mine/report.html" || fail "the report does not describe flat.json"
expect 0 abell-experiment --out "$folder/mine" --resume --runs 2 --quiet
[ "$(field flat-E runs "$folder/mine/results.csv")" = 2 ] || fail "the experiment with flat.json did not go on"
expect 0 abell-train --out "$folder/mine/flat-E/seed-1" --resume --epochs 1 --quiet
expect 2 abell-experiment "$folder/set" --out "$folder/none" --network "$folder/flat.json,$folder/flat.json"
grep -q "expected another name than that of the row flat-E" "$folder/stderr" || fail "two rows of one name: $(cat "$folder/stderr")"
# Another network joins, by the name of one of the paper's; one that has changed is told by its row.
own=$(dirname "$0")/../../examples/networks/custom.json
expect 0 abell-experiment --out "$folder/mine" --resume --network "$folder/flat.json,$own" --rows flat-E,custom-E --runs 1 --quiet
[ "$(field custom-E network "$folder/mine/results.csv") $(field custom-E runs "$folder/mine/results.csv")" = "custom 1" ] || fail "custom.json did not join"
for row in flat-E custom-E; do grep -q "Network: $row" "$folder/mine/report.html" || fail "the report does not tell the network of $row"; done
stamps "$folder/mine" >"$folder/before"
expect 0 abell-experiment --out "$folder/mine" --resume --quiet
stamps "$folder/mine" | cmp -s - "$folder/before" || fail "an experiment that a network has joined is written again"
sed -i 's/{"kind": "Flatten"}/&, {"kind": "Relu"}/' "$folder/flat.json"
refused "config.json: the run to resume has other network flat-E layers" abell-experiment --out "$folder/mine" --resume
grep -q '"kind"' "$folder/stderr" && fail "a refusal shows all layers"

# Without a layer of dropout in it, nothing can be dropped.
expect 2 abell-experiment "$folder/set" --out "$folder/none" --network "$folder/flat.json" --rows flat-E --mc-dropout 2
grep -q -- "--mc-dropout: expected networks with dropout, found flat$" "$folder/stderr" || fail "dropout of none: $(cat "$folder/stderr")"
[ ! -e "$folder/none" ] || fail "networks without dropout leave a folder"

for wrong in "--rows CN-X" "--runs 0" "--network custom" "--network flat.json --rows flat" "--no-augment" "--mc-dropout 1" "--epochs 1 --iterations 1" "--resume --overwrite"; do
  expect 2 abell-experiment "$folder/set" --out "$folder/none" $wrong
  [ ! -e "$folder/none" ] || fail "wrong options leave a folder: $wrong"
done
no_parts "$folder"
[ -z "${KEEP-}" ] || cp -r "$folder/broken" "$KEEP"
echo "$script: passed"
