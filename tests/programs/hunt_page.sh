#!/bin/bash
# The Hunt's page in headless Chromium: ten candidates are classified, saved and counted.
. "$(dirname "$0")/common.sh"
driver=$(realpath "$(dirname "$0")/hunt_page.py")
if ! command -v chromium >/dev/null || ! command -v python3 >/dev/null; then
  echo "$script: skipped: needs chromium and python3"
  exit 77
fi

simulated 10 set
cd "$folder"
expect 0 abell-votes page set --out hunt --quiet
refused "hunt: folder is not empty" abell-votes page set --out hunt
[ "$(ls hunt/images | wc -l)" = 20 ] || fail "expected two images a candidate"
expect 0 abell-votes page set --single-file --out hunt.html --quiet
refused "hunt.html: already exists" abell-votes page set --single-file --out hunt.html
expect 2 abell-votes page set --out other.html
# The ids of a folder of images are those of the set.
expect 0 abell-votes page set/train_images --out images --quiet
grep -q '"id":"[^"]*\.png"' images/index.html && fail "ids end in .png"
timeout 120 python3 -B "$driver" hunt/index.html hunt.html . || fail "the page does not do what it should"
[ "$(wc -l <hunt-classifications.csv)" = 11 ] || fail "expected ten rows, found: $(cat hunt-classifications.csv)"
expect 0 abell-votes hunt-classifications.csv --out counted
[ "$(tail -n 1 stdout)" = "read 10 rows, used 10, duplicates 0, other workflows 0, bad 0" ] || fail "wrong count: $(cat stdout)"
# Subjects are called after their set, so that pages do not share them.
[ "$(sed 1d hunt-classifications.csv | sed 's/.*,//' | grep -cx '[0-9]*-[0-9]*')" = 10 ] || fail "wrong subject_ids"
[ "$(grep -c '""volunteer"":""[0-9a-f]\{12\}""' hunt-classifications.csv)" = 10 ] || fail "no volunteer ids"
# Every candidate of the set once, with the codes that the keys stand for.
[ "$(cut -d, -f1 counted/consensus.csv | sed 1d | sort)" = "$(cut -d, -f1 set/truth.csv | sed 1d | sort)" ] || fail "wrong ids"
[ "$(cut -d, -f4 counted/consensus.csv | sed 1d | tr -d '\n')" = abcdefgabg ] || fail "wrong codes: $(cat counted/consensus.csv)"
# A name that a spreadsheet would evaluate is guarded in both tables.
grep -q "^1,\"'@Expert, A\"," hunt-classifications.csv || fail "no guard: $(cat hunt-classifications.csv)"
grep -q "^\"'@Expert, A\",10," counted/volunteers.csv || fail "wrong name: $(cat counted/volunteers.csv)"
# What the expert said serves as truth.
expect 0 abell-votes hunt-classifications.csv --experts counted/consensus.csv --out again
grep -q '^all overlapping,10,agreement,3,7,0,0,1.000,1.000,1.000$' again/table1.csv || fail "wrong table: $(cat again/table1.csv)"
no_parts "$folder"
[ -z "${KEEP-}" ] || cp page-*.png "$KEEP"
echo "$script: passed"
