# libfuzzer.sh PROGRAM CORPUS: gives every file of the folder CORPUS (if it is there) and the seeds that the target
# makes itself to a fuzz target. With ABELL_FUZZ_SECONDS it goes on from there for so long, with the dictionary
# CORPUS.dict if there is one; what it finds is left in the folder that it names.

set -euo pipefail
shopt -s nullglob
program=$1 corpus=$2

seeds=$(mktemp -d)
trap 'rm -rf "$seeds"' EXIT
ABELL_FUZZ_SEEDS=$seeds "$program" -runs=0
known=("$corpus"/* "$seeds"/*)
"$program" "${known[@]}"
((${ABELL_FUZZ_SECONDS:-0} > 0)) || exit 0

if [[ $("$program" -help=1 2>&1) != *libFuzzer* ]]; then
  echo "libfuzzer.sh: expected the preset sanitize (libFuzzer) for ABELL_FUZZ_SECONDS" >&2
  exit 1
fi
options=(-max_total_time="$ABELL_FUZZ_SECONDS" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1)
[[ -f $corpus.dict ]] && options+=(-dict="$corpus.dict")
found=$(mktemp -d)
echo "libfuzzer.sh: new inputs in $found"
folders=("$found" "$seeds")
[[ -d $corpus ]] && folders+=("$corpus")
"$program" "${options[@]}" -artifact_prefix="$found/" "${folders[@]}"
