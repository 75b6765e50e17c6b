#!/bin/bash
# abell-simulate: layout, exact numbers, same bytes for any thread count, exit codes, SIGINT.
set -u
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
simulate="$ABELL_BIN/abell-simulate"

fail() {
  echo "simulate.sh: $*" >&2
  exit 1
}
# expect CODE ARGUMENT...: the exit code and, on errors, one line on standard error.
expect() {
  local code=$1
  shift
  "$simulate" "$@" >"$folder/stdout" 2>"$folder/stderr"
  local found=$?
  [ "$found" = "$code" ] || fail "expected exit code $code, found $found: abell-simulate $*"
  if [ "$code" != 0 ]; then
    [ "$(wc -l <"$folder/stderr")" = 1 ] || fail "expected one line on standard error: abell-simulate $*"
  fi
}

expect 0 --objects 20 --out "$folder/one" --seed 5 --threads 1 --quiet
[ ! -s "$folder/stderr" ] || fail "--quiet is not quiet"
expect 0 --objects 20 --out "$folder/two" --seed 5 --threads 3
diff -r "$folder/one" "$folder/two" >/dev/null || fail "the bytes depend on the number of threads"
[ "$(head -n 1 "$folder/one/train.csv")" = "image_id,class" ] || fail "wrong header of train.csv"
[ "$(ls "$folder/one/train_images" | wc -l)" = 18 ] || fail "expected 18 images for training"
[ "$(ls "$folder/one/test_images" | wc -l)" = 2 ] || fail "expected 2 images for testing"
[ "$(wc -l <"$folder/one/train.csv")" = 19 ] || fail "expected 18 rows in train.csv"
[ "$(wc -l <"$folder/one/truth.csv")" = 21 ] || fail "expected 20 rows in truth.csv"
[ "$(head -n 1 "$folder/one/truth.csv" | cut -d, -f1-6)" = "id,class,split,kind,ra,dec" ] || fail "wrong header of truth.csv"
while IFS=, read -r id class; do
  [ "$id" = image_id ] || [ -s "$folder/one/train_images/$id.png" ] || fail "no image $id of class $class"
done <"$folder/one/train.csv"

# FITS files: the same bytes too, north up and east left, counts as the truth tells.
expect 0 --objects 4 --out "$folder/fits" --seed 5 --threads 1 --fits --quiet
expect 0 --objects 4 --out "$folder/fits2" --seed 5 --threads 3 --fits --quiet
diff -r "$folder/fits" "$folder/fits2" >/dev/null || fail "the bytes of FITS files depend on the number of threads"
[ "$(ls "$folder/fits/fits" | wc -l)" = 12 ] || fail "expected counts, exposure and optical of 4 objects"
[ "$(sed -n 2p "$folder/fits/fits.csv")" = "$(awk -F, -v OFS=, 'NR == 2 { print $1, $2, "fits/" $1 "_counts.fits", "fits/" $1 "_exposure.fits", "fits/" $1 "_optical.fits", $3, $5, $6 }' "$folder/fits/truth.csv")" ] ||
  fail "fits.csv: $(cat "$folder/fits/fits.csv")"
header=$(head -c 2880 "$folder/fits/fits/sim000000_counts.fits" | fold -w 80)
for card in "BITPIX  = *32 " "CTYPE1  = 'RA---TAN'" "CTYPE2  = 'DEC--TAN'" "CRPIX1  = *45.5" "CDELT1  = *-1.11111" \
  "CDELT2  = *1.11111" "CHECKSUM= '" "DATASUM = '"; do
  grep -q "^$card" <<<"$header" || fail "no card $card in the header of counts"
done
cmp -s "$folder/fits/train_images/sim000000.png" "$folder/one/train_images/sim000000.png" || fail "--fits changes images"
expect 0 --objects 2 --out "$folder/epic" --seed 5 --cameras epic --quiet
cmp -s "$folder/epic/train_images/sim000000.png" "$folder/one/train_images/sim000000.png" && fail "--cameras does nothing"
expect 2 --objects 2 --out "$folder/none" --cameras hubble

expect 1 --objects 4 --out "$folder/one"
expect 0 --objects 4 --out "$folder/one" --overwrite --seed 6
[ "$(ls "$folder/one/train_images" "$folder/one/test_images" | grep -c png)" = 4 ] || fail "--overwrite leaves old images"
touch "$folder/file"
expect 1 --objects 4 --out "$folder/file"
expect 2 --objects 0 --out "$folder/none"
expect 2 --out "$folder/none"
expect 2 --objects 4 --out "$folder/none" --unknown
[ ! -e "$folder/none" ] || fail "wrong options leave a folder"
expect 0 --help
expect 0 --version

env --default-signal "$simulate" --objects 100000 --out "$folder/long" --quiet & # bash would let it ignore SIGINT
job=$!
while ! ls "$folder"/long/train_images/*.png >/dev/null 2>&1; do sleep 0.1; done
kill -INT $job
wait $job
[ $? = 130 ] || fail "expected exit code 130 after SIGINT"
[ -z "$(find "$folder/long" -name '*.part-*')" ] || fail "SIGINT leaves temporary files"
images=$(find "$folder/long" -name '*.png' | wc -l)
[ "$(($(wc -l <"$folder/long/truth.csv") - 1))" = "$images" ] || fail "truth.csv does not list the images that exist"
echo "simulate.sh: passed"
