#!/bin/bash
# abell-validate: figures of a simulated set alone; beside real data (when $ABELL_REAL_DATA names them) none misses.
. "$(dirname "$0")/common.sh"

expect 0 abell-validate --objects 60 --out "$folder/alone" --quiet
[ "$(head -n 1 "$folder/alone/figures.csv")" = "figure,real,simulated,difference,limit,verdict" ] || fail "wrong header"
for file in gallery.html simulated.png; do [ -s "$folder/alone/$file" ] || fail "expected $file"; done
refused "not empty" abell-validate --objects 60 --out "$folder/alone"
# What --real lacks is told before anything is simulated.
refused "nowhere/catalogues/efeds_xray_cluster_candidates.csv" \
  abell-validate --objects 100000 --out "$folder/none" --real "$folder/nowhere"
[ ! -e "$folder/none" ] || fail "missing real data leave a folder"
expect 2 abell-validate --objects 60

if [ -z "${ABELL_REAL_DATA-}" ]; then
  echo "$script: passed; skipped beside real data: ABELL_REAL_DATA does not name a folder"
  exit 0
fi
expect 0 abell-validate --objects 600 --out "$folder/beside" --real "$ABELL_REAL_DATA" --quiet
missed=$(grep MISSED "$folder/beside/figures.csv") && fail "missed: $missed"
[ "$(grep -c ',within$' "$folder/beside/figures.csv")" = 46 ] || fail "expected 46 figures with limits"
echo "$script: passed"
