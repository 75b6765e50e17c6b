#!/bin/bash
# abell-votes serve: volunteers vote over HTTP and in a browser, the server is killed, and its export is counted.
. "$(dirname "$0")/common.sh"
driver=$(realpath "$(dirname "$0")/live_hunt.py")
if ! command -v python3 >/dev/null || ! "$ABELL_BIN/abell-votes" serve --help >/dev/null 2>&1; then
  echo "$script: skipped: needs python3, and abell-votes with serve"
  exit 77
fi

simulated 4 set
cd "$folder"
expect 2 abell-votes serve live
refused "nowhere" abell-votes serve live --set nowhere
[ ! -e live ] || fail "a hunt of nothing"
refused "hunt.sqlite" abell-votes export live --out hunt.csv
[ ! -e live ] || fail "an export makes a hunt"
timeout 180 python3 -B "$driver" "$ABELL_BIN/abell-votes" set . || fail "the hunt does not do what it should"
rows=$(($(wc -l <hunt.csv) - 1))
expect 0 abell-votes hunt.csv --out counted
[ "$(tail -n 1 stdout)" = "read $rows rows, used $rows, duplicates 0, other workflows 0, bad 0" ] || fail "wrong count: $(cat stdout)"
[ "$(cut -d, -f1 counted/consensus.csv | sed 1d | sort)" = "$(cut -d, -f1 set/truth.csv | sed 1d | sort)" ] || fail "wrong ids"
awk -F, 'NR > 1 && $6 < 3 {exit 1}' counted/consensus.csv || fail "a candidate is not complete: $(cat counted/consensus.csv)"
# Two volunteers of one name are two.
[ "$(cut -d, -f1 counted/volunteers.csv | sed 1d | sort | uniq -c | awk '{print $2 $1}' | tr '\n' ' ')" = "Ada2 Bea1 Dora1 " ] ||
  fail "wrong volunteers: $(cat counted/volunteers.csv)"
refused "hunt.csv: already exists" abell-votes export live --out hunt.csv
simulated 5 other
refused "live: expected a hunt of the 5 candidates" abell-votes serve live --set other --port 0
no_parts "$folder"
[ -z "${KEEP-}" ] || cp live-*.png "$KEEP"
echo "$script: passed"
