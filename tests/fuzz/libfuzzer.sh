# libfuzzer.sh PROGRAM CORPUS: gives every file of CORPUS to a fuzz target. With ABELL_FUZZ_SECONDS it goes on from there for
# so long; what it finds is left in the folder that it names.

set -euo pipefail
program=$1 corpus=$2

"$program" "$corpus"/*
((${ABELL_FUZZ_SECONDS:-0} > 0)) || exit 0

if [[ $("$program" -help=1 2>&1) != *libFuzzer* ]]; then
  echo "libfuzzer.sh: expected the preset sanitize (libFuzzer) for ABELL_FUZZ_SECONDS" >&2
  exit 1
fi
found=$(mktemp -d)
echo "libfuzzer.sh: new inputs in $found"
"$program" -max_total_time="$ABELL_FUZZ_SECONDS" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
  -artifact_prefix="$found/" "$found" "$corpus"
