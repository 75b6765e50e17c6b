#!/bin/bash
# abell-classify on many rows: memory hardly grows with them, in every form of the output, nor is an id lost.
. "$(dirname "$0")/common.sh"
command -v python3 >/dev/null || {
  echo "$script: skipped: no python3"
  exit 77
}

few=1000 many=20000
cd "$folder" || exit 1
for i in 0 1 2 3; do
  for ((k = 0; k < 192; ++k)); do printf '%02x' $(((k * 37 + i * 61) % 256)); done >hex
  bytes "$(cat hex)" | fits image$i.fits "3 8 8 3" 8
done
table() {
  awk -v n="$1" 'BEGIN { print "id,image,class,split,ra,dec"
    for (i = 0; i < n; ++i) printf "object %d,image%d.fits,%s,%s,%d.5,%d\n", i, i % 4, i % 3 ? "cluster" : "other", i % 5 ? "train" : "test", i % 360, i % 90 }'
}
table $few >few.csv
table $many >many.csv
echo '{"input": [8, 8, 3], "layers": [{"kind": "Flatten"}, {"kind": "Dense", "units": 2}, {"kind": "Softmax"}]}' >tiny.json
expect 0 abell-train few.csv --out run --network tiny.json --iterations 2 --batch 4 --validation-fraction 0.2 --quiet

# Sanitizers keep back what is freed.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=0

# memory FILE ARGUMENT...: the KiB that abell-classify needs at most.
memory() {
  python3 -c '
import resource, subprocess, sys
with open(sys.argv[1], "wb") as out:
    code = subprocess.call(sys.argv[2:], stdout=out)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)' "$1" "$ABELL_BIN/abell-classify" --model run --threads 1 "${@:2}" 2>words || fail "abell-classify $*: $(cat words)"
}

most_per_row=150
for form in stdout csv ecsv reg fits vot; do
  needed=()
  for size in few many; do
    out=$size.out.$form
    if [ $form = stdout ]; then
      needed+=($(memory $out $size.csv))
    else
      needed+=($(memory none $size.csv --out $out))
    fi
  done
  per_row=$(((needed[1] - needed[0]) * 1024 / (many - few)))
  [ $per_row -le $most_per_row ] || fail "$form: expected at most $most_per_row bytes a row, found $per_row (${needed[*]} KiB)"
  grep -q "^test: $((many / 5)) of known class (positive: cluster)" words || fail "$form: wrong metrics: $(cat words)"
done
same many.out.stdout many.out.csv
[ "$(cut -d, -f1,2,8,9 many.out.csv | tail -n +2)" = "$(cut -d, -f1,3,5,6 many.csv | tail -n +2)" ] || fail "other rows than the table's"
[ "$(head -n $((few + 1)) many.out.csv)" = "$(cat few.out.csv)" ] || fail "the first rows have other numbers in a longer table"
[ "$(grep -c ^circle many.out.reg)" = $many ] || fail "expected a region for each row"
tr -d '\0' <many.out.fits | head -c 8640 | grep -qE "NAXIS2  = +$many " || fail "expected a row of the FITS table for each object"

# Ids that are there twice, far apart: in one table, and in two.
{ cat many.csv; echo "object 7,image0.fits,other,test,1,1"; } >twice.csv
refused "twice.csv:$((many + 2)): duplicate id 'object 7', first at twice.csv:9" abell-classify --model run twice.csv --out none.csv
{ table 0; echo "object $((many - 1)),image0.fits,other,test,1,1"; } >other.csv
refused "other.csv: duplicate id 'object $((many - 1))', first in many.csv" abell-classify --model run many.csv other.csv --out none.csv

# An image at the end that cannot be read leaves nothing; nor does a pipe, which cannot be read twice, make anybody wait.
echo "no image" >text.png
{ cat few.csv; echo "last,text.png,other,test,1,1"; } >broken.csv
refused "text.png: expected a PNG, JPEG or FITS" abell-classify --model run broken.csv --threads 1 --out none.fits --quiet
mkfifo pipe.csv
refused "pipe.csv: expected a folder or a table" abell-classify --model run pipe.csv --out none.csv
[ -z "$(ls none.* 2>/dev/null)" ] || fail "a refused table leaves $(ls none.*)"

no_parts "$folder"
echo "$script: passed"
