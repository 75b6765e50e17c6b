#!/bin/bash
# abell-experiment's report in headless Chromium: no console message, no external request, all images decoded.
. "$(dirname "$0")/common.sh"
driver=$(realpath "$(dirname "$0")/experiment_page.py")
if ! command -v chromium >/dev/null || ! command -v python3 >/dev/null; then
  echo "$script: skipped: needs chromium and python3"
  exit 77
fi

simulated 20 set
expect 0 abell-experiment "$folder/set" --out "$folder/experiment" --rows CN-E,CN-Z,CN-E-noaug --quick --epochs 2 --quiet
timeout 300 python3 -B "$driver" "$folder/experiment/report.html" "$folder" || fail "the report is not as it should be"
[ -z "${KEEP-}" ] || cp "$folder"/report-*.png "$KEEP"
echo "$script: passed"
