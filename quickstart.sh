#!/usr/bin/env bash
# quickstart.sh: from a fresh machine to a trained network: installs what is missing, builds the programs, simulates
# a small set of cluster candidates, trains the custom network on it, classifies the test images.

set -euo pipefail
if [[ ${1-} == -h || ${1-} == --help ]]; then
  sed -n '2,/^$/s/^# \?//p' "${BASH_SOURCE[0]}"
  exit
fi
if (($#)); then
  echo "quickstart.sh: expected no argument, found '$*'" >&2
  exit 2
fi
cd "$(dirname "${BASH_SOURCE[0]}")"

data=build/quickstart-data
run=build/quickstart
bin=build/release/bin

step() { printf '\n== %s\n' "$*"; }

step "Packages"
cmake/install-debian.sh

step "Build"
cmake --preset release
cmake --build --preset release --target abell-programs

step "Simulate"
"$bin/abell-simulate" --objects 800 --out "$data" --overwrite

step "Train"
"$bin/abell-train" "$data" --out "$run" --overwrite --epochs 10 --optimizer adam --scale standard

step "Classify"
"$bin/abell-classify" --model "$run" "$data" --out "$run/classified.csv" --overwrite

step "Done"
echo "Report:        $PWD/$run/report.html"
echo "Probabilities: $PWD/$run/classified.csv"
