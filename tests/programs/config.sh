#!/bin/bash
# Options in files (--config): TOML, JSON and the config.json of a run; unknown options, those without use, choices in
# any case.
. "$(dirname "$0")/common.sh"

simulated 12 set
cd "$folder" || exit 1
typed=(--iterations 2 --batch 3 --validation-fraction 0 --optimizer adam --positive low-z,hi-z --seed 5)
expect 0 abell-train set --out typed "${typed[@]}" --quiet

# TOML, JSON and the run's own config.json give the run that was typed.
cat >train.toml <<'END'
# A short run.
DATA = "set"
iterations = 2
batch = 3  # images
validation-fraction = 0
optimizer = "adam"
positive = ["low-z", "hi-z"]
seed = 5
quiet = true
END
cat >train.json <<'END'
{"DATA": "set", "out": "by-json", "iterations": 2, "batch": 3, "validation-fraction": 0, "optimizer": "adam",
 "positive": ["low-z", "hi-z"], "seed": 5, "quiet": true}
END
expect 0 abell-train --config train.toml --out by-toml
expect 0 abell-train --config train.json
(cd / && expect 0 abell-train --config "$folder/typed/config.json" --out "$folder/by-run" --quiet) || exit 1
for run in by-toml by-json by-run; do
  same typed/model.safetensors $run/model.safetensors
  sed -n '/"options"/,$p' typed/config.json | cmp -s - <(sed -n '/"options"/,$p' $run/config.json) ||
    fail "$run has other options: $(sed -n '/"options"/,$p' $run/config.json)"
done

# The command line has the last word, also by what it excludes.
expect 0 abell-train --config typed/config.json --out other --epochs 1 --batch 6 --quiet
grep -q '^  "batch": 6,' other/config.json || fail "a file wins over the command line"
grep -q '"iterations": null' other/config.json || fail "--epochs does not take the place of a file's iterations"
expect 0 abell-train --out other --resume --quiet

# Every program takes a file, and names what is wrong in it.
for program in abell-simulate abell-cutout abell-validate abell-train abell-classify abell-experiment abell-export abell-votes; do
  [ -x "$ABELL_BIN/$program" ] || continue
  refused "nowhere.toml: cannot be opened" $program --config nowhere.toml
  expect 0 $program --help
  grep -q -- --config stdout || fail "$program --help does not tell of --config"
  awk 'length > 80 { exit 1 }' stdout || fail "$program --help has lines of more than 80 columns"
  expect 0 $program --generate bash
  bash -n stdout || fail "$program writes a completion that bash does not read"
  expect 0 $program --generate man
  grep -q '^\.SH OPTIONS$' stdout || fail "$program writes no manual page"
done
echo '{"objects": 2, "out": "two", "seed": 3}' >two.json
expect 0 abell-simulate --config two.json --quiet
[ "$(wc -l <two/truth.csv)" = 3 ] || fail "abell-simulate did not read its file"
expect 0 abell-simulate --config two.json --objects 3 --votes --overwrite --quiet
(
  COMP_WORDS=(abell-train --optimizer ad) COMP_CWORD=2
  . <("$ABELL_BIN/abell-train" --generate bash) && _abell_train && [ "${COMPREPLY[*]}" = "adam adamw adadelta" ]
) || fail "bash does not complete --optimizer"
printf 'EXPORT = "two/classifications.csv"\nthreshold = 1\nout = "votes"\n' >votes.toml
expect 0 abell-votes --config votes.toml
grep -q ',cluster,' votes/consensus.csv && fail "abell-votes did not read its file"
bad() {
  printf '%b\n' "$1" >bad.toml
  refused "bad.toml: $2" abell-train --config bad.toml --out none
}
bad 'epoch = 3' "unknown option 'epoch' (did you mean epochs?)"
bad 'config = "train.toml"' "unknown option 'config'"
bad 'epochs = 0' "--epochs: expected 1 to 1000000000, found '0'"
bad 'epochs = 3\nbatch = 2\nepochs = 4' "epochs is given twice"
bad '[train]\nepochs = 3' "expected no sections, found train"
bad '{"epochs": ' "expected a JSON object"
bad '{"options": 3}' "expected options as a JSON object, found 3"
bad '{"optimizer": ["adam", "sgd"]}' "--optimizer"

# usage TEXT PROGRAM ARGUMENT...: exit code 2 with TEXT in the line.
usage() {
  local text=$1
  shift
  expect 2 "$@"
  grep -qF -- "$text" stderr || fail "expected '$text' in the error: $*: $(cat stderr)"
}
usage "unknown option --epoch (did you mean --epochs?)" abell-train set --out none --epoch 3
usage "unknown option --Epoch (did you mean --epochs?)" abell-train set --out none --Epoch=3
usage "unknown option --oout (did you mean --out?)" abell-train set --oout none
usage "unknown option --xyzzy (see abell-train --help)" abell-train set --out none --xyzzy
usage "unknown option --expert (did you mean --experts?)" abell-votes two/classifications.csv --out none --expert two/truth.csv
usage "--optimizer: expected sgd, adam, adamw or adadelta, found 'rmsprop'" abell-train set --out none --optimizer rmsprop

# Choices in any case.
expect 0 abell-train set --out choices --network CUSTOM --optimizer Adam --cache RAM --scale Unit --stretch 'XRAY=SQRT' \
  --iterations 1 --batch 2 --validation-fraction 0 --quiet
for value in '"network": "custom"' '"optimizer": "adam"' '"scale": "unit"' '"stretch": "sqrt"'; do
  grep -q "$value" choices/config.json || fail "no $value in config.json"
done
expect 2 abell-experiment set --out none --rows cn-e,cn-x
grep -q "found 'cn-x'" stderr || fail "the name of a row in small letters is not known: $(cat stderr)"

# Options that nothing uses: typed, they are refused; out of a file, they are left out.
while read -r option expected; do
  usage "${option%%=*}: expected ${expected#*: }" abell-train set --out none ${option//=/ } ${expected%%:*}
done <<'END'
--momentum=0.8 --optimizer adam: --optimizer sgd, found adam
--momentum=0.8 --network mobilenet: --optimizer sgd, found adadelta
--rho=0.9 : --optimizer adadelta, found sgd
--weight-decay=0.1 --optimizer adam: --optimizer adamw, found adam
--factor=0.5 --schedule constant: --schedule plateau, found constant
--warm-up=3 : --schedule cosine, found plateau
--dropout=0.5 --task segment: --network custom or mobilenet, found unet
--alpha=1 : --network mobilenet, found custom
--size=64 --task segment --network net.json: --network unet, found net.json
--rotation=5 --no-augment: random changes of the images, found --no-augment
END
[ ! -e none ] || fail "wrong options leave a folder"
printf 'momentum = 0.8\niterations = 1\nbatch = 2\nvalidation-fraction = 0\n' >left.toml
expect 0 abell-train set --out left --config left.toml --optimizer adam
grep -q "^momentum is left out: expected --optimizer sgd, found adam" stderr || fail "an option that is left out is not told"
grep -q momentum left/config.json && fail "an option without use is recorded"
usage "--rho: expected --optimizer adadelta, found sgd" abell-experiment set --out none --rows CN-E --rho 0.9

no_parts "$folder"
echo "$script: passed"
