# libfuzzer.sh PROGRAM CORPUS: gives every file of the folder CORPUS (if it is there) and the seeds that the target
# makes itself to a fuzz target. With ABELL_FUZZ_SECONDS it goes on from there for so long, with the dictionary
# CORPUS.dict if there is one. Only a finding is kept, in the folder that it names: what is new may be what makes another
# library fail.

set -euo pipefail
shopt -s nullglob
program=$1 corpus=$2

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/seeds" "$work/new"
ABELL_FUZZ_SEEDS=$work/seeds "$program" -runs=0
known=("$corpus"/* "$work"/seeds/*)
"$program" "${known[@]}"
((${ABELL_FUZZ_SECONDS:-0} > 0)) || exit 0

if [[ $("$program" -help=1 2>&1) != *libFuzzer* ]]; then
  echo "libfuzzer.sh: expected the preset sanitize (libFuzzer) for ABELL_FUZZ_SECONDS" >&2
  exit 1
fi
# Longer than the two minutes that a child with a Keras file may take.
options=(-max_total_time="$ABELL_FUZZ_SECONDS" -timeout=150 -report_slow_units=150 -rss_limit_mb=2048
  -print_final_stats=1)
[[ -f $corpus.dict ]] && options+=(-dict="$corpus.dict")
folders=("$work/new" "$work/seeds")
[[ -d $corpus ]] && folders+=("$corpus")
found=$(mktemp -d)
"$program" "${options[@]}" -artifact_prefix="$found/" "${folders[@]}" || {
  echo "libfuzzer.sh: a finding in $found" >&2
  exit 1
}
rmdir "$found"
