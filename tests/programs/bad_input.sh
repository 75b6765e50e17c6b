#!/bin/bash
# Bad input to abell-train and abell-classify: one line that names the file, exit code 1, and nothing
# half-written under its final name.
. "$(dirname "$0")/common.sh"

simulated 12 set
quick=(--iterations 2 --batch 2 --validation-fraction 0 --quiet)
expect 0 abell-train "$folder/set" --out "$folder/run" "${quick[@]}"
cd "$folder"
mkdir bad
good=$(ls -d set/train_images/*.png | head -n 1)
other=$(ls -d set/train_images/*.png | tail -n 1)

# Images that cannot be read. Each must be refused alone, in a set of good ones, and by abell-train.
head -c 20000 "$good" >bad/truncated.png
{ head -c 20000 "$good"; bytes 00; tail -c +20002 "$good"; } >bad/flipped.png
base64 -d >whole.jpg <<'END'
/9j/4AAQSkZJRgABAQAAAQABAAD/2wCEABsSFBcUERsXFhceHBsgKEIrKCUlKFE6PTBCYFVlZF9VXVtqeJmBanGQc1tdhbWGkJ6jq62rZ4C8
ybqmx5moq6QBHB4eKCMoTisrTqRuXW6kpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpP/AABEIABAA
EAMBIgACEQEDEQH/xAGiAAABBQEBAQEBAQAAAAAAAAAAAQIDBAUGBwgJCgsQAAIBAwMCBAMFBQQEAAABfQECAwAEEQUSITFBBhNRYQcicRQy
gZGhCCNCscEVUtHwJDNicoIJChYXGBkaJSYnKCkqNDU2Nzg5OkNERUZHSElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6g4SFhoeIiYqSk5SV
lpeYmZqio6Slpqeoqaqys7S1tre4ubrCw8TFxsfIycrS09TV1tfY2drh4uPk5ebn6Onq8fLz9PX29/j5+gEAAwEBAQEBAQEBAQAAAAAAAAEC
AwQFBgcICQoLEQACAQIEBAMEBwUEBAABAncAAQIDEQQFITEGEkFRB2FxEyIygQgUQpGhscEJIzNS8BVictEKFiQ04SXxFxgZGiYnKCkqNTY3
ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqCg4SFhoeIiYqSk5SVlpeYmZqio6Slpqeoqaqys7S1tre4ubrCw8TFxsfIycrS
09TV1tfY2dri4+Tl5ufo6ery8/T19vf4+fr/2gAMAwEAAhEDEQA/AMn+zT6N+Yo/s0+jfmKt/wBsf9Q/9f8A61H9sf8AUP8A1/8ArUAf/9k=
END
head -c 400 whole.jpg >bad/truncated.jpg
echo "this is no image" >bad/text.png
: >bad/empty.png
mkdir bad/folder.png
# A signature and IHDR: 30000 x 30000, 8 bits, colour.
bytes "89504e470d0a1a0a 0000000d 49484452 00007530 00007530 08 02 00 00 00 00000000" >bad/absurd.png
: | fits whole.fits "2 20 20" -32
head -c 3000 whole.fits >bad/truncated.fits
head -c 2000 whole.fits >bad/header.fits
: | fits bad/planes.fits "3 20 20 2" 16
: | fits bad/cube.fits "4 9 9 2 2" 16
: | fits bad/line.fits "1 20" 16
: | fits bad/wide.fits "2 20001 1" 8
for i in {1..201}; do bytes 7fc00000; done | fits bad/nan.fits "2 20 20" -32
for i in {1..201}; do bytes 8000; done | fits bad/blank.fits "2 20 20" 16
# BLANK stands where END was, and END after it.
{ head -c 400 bad/blank.fits; printf '%-8s= %20s%50s%-80s' BLANK -32768 "" END; tail -c +561 bad/blank.fits; } >blank.fits
mv blank.fits bad/blank.fits
gzip -c whole.fits | head -c 60 >bad/truncated.fits.gz

expect 0 abell-classify --model run whole.jpg whole.fits "$good"
for file in bad/*; do
  name=${file#bad/}
  if [ -d "$file" ]; then
    refused "$file: " abell-classify --model run "$file" --out out.csv
  else
    refused "$file: " abell-classify --model run "$file" --out out.csv --quiet
    refused "$file: " abell-classify --model run set "$file" --out out.fits --quiet
  fi
  printf 'image,class,split\n%s,cluster,train\n%s,other,train\n%s,other,test\n' "$good" "$file" "$other" >t.csv
  refused "$file" abell-train t.csv --out train "${quick[@]}"
  [ -z "$(ls -A train 2>/dev/null)" ] || fail "$name: abell-train leaves $(ls train)"
  rm -rf train
done
[ ! -e out.csv ] && [ ! -e out.fits ] || fail "an unreadable image leaves a catalogue"
for kind in "truncated.png truncated PNG" "flipped.png damaged PNG" "truncated.jpg truncated JPEG" "text.png expected a PNG, JPEG or FITS" \
  "empty.png an empty file" "absurd.png found 30000 x 30000" "truncated.fits truncated FITS" "planes.fits expected 1 or 3 channels, found 2" \
  "wide.fits found 20001 x 1" "nan.fits found 201 of 400 pixels masked" "blank.fits found 201 of 400 pixels masked"; do
  read -r name text <<<"$kind"
  refused "$text" abell-classify --model run "bad/$name" --quiet
done

# Files and folders that are not there, or not for us.
refused "missing.png: no such file" abell-classify --model run missing.png
refused "missing.csv: no such file" abell-classify --model run missing.csv
refused "missing: no such file" abell-train missing --out train "${quick[@]}"
refused "missing" abell-train set --out train --weights missing "${quick[@]}"
refused "missing" abell-classify --model missing set
refused "bad/model.safetensors: no such file" abell-classify --model bad set
mkdir -p empty
refused "empty: " abell-classify --model run empty
refused "empty: " abell-train empty --out train "${quick[@]}"
if [ "$(id -u)" != 0 ]; then
  mkdir locked readonly
  cp "$good" locked
  chmod 000 locked
  refused "locked" abell-classify --model run locked
  refused "locked" abell-train locked --out train "${quick[@]}"
  chmod 555 readonly
  refused "readonly/o.csv" abell-classify --model run set --out readonly/o.csv
  refused "readonly/train" abell-train set --out readonly/train "${quick[@]}"
fi
[ ! -e train ] || fail "a missing set leaves a folder"

# Sets: a class without an image, classes and splits that are unknown, ids that are there twice.
mkdir -p folders/train/{cluster,other,none} folders/test/cluster
cp "$good" folders/train/cluster
cp "$good" folders/train/other
cp "$good" folders/test/cluster
refused "folders/train/none: class 'none' has no image" abell-train folders --out train "${quick[@]}"
rmdir folders/train/none
mkdir folders/test/point
cp "$good" folders/test/point
refused "folders/test/point: unknown class 'point'" abell-train folders --out train "${quick[@]}"
cp -r set broken
sed -i '3s/,.*/,quasar/' broken/train.csv
refused "broken/train.csv:3: expected a class of low-z, hi-z, galaxy, point, other, found 'quasar'" abell-train broken --out train "${quick[@]}"
{ cat set/train.csv; sed -n 2p set/train.csv; } >broken/train.csv
refused "broken/train.csv:$(wc -l <broken/train.csv): duplicate id" abell-train broken --out train "${quick[@]}"
{ cat set/train.csv; echo 'sim999999,point'; } >broken/train.csv
refused "sim999999.png" abell-train broken --out train "${quick[@]}"
{ cat set/train.csv; echo 'sim999999'; } >broken/train.csv
refused "broken/train.csv:$(wc -l <broken/train.csv): expected 2 fields, found 1" abell-train broken --out train "${quick[@]}"
echo 'image_id,class' >broken/train.csv
refused "broken: no image in the training split" abell-train broken --out train "${quick[@]}"
grep -E 'class|low-z|hi-z' set/train.csv >broken/train.csv
refused "broken: the training split has no image of a negative class" abell-train broken --out train "${quick[@]}"
printf 'image,class\n"%s,cluster\n' "$good" >t.csv
refused "t.csv:2: " abell-train t.csv --out train "${quick[@]}"
printf 'id,image,class\n1,%s,cluster\n1,whole.jpg,other\n' "$good" >t.csv
refused "t.csv:3: duplicate id '1'" abell-train t.csv --out train "${quick[@]}"
refused "t.csv:3: duplicate id '1'" abell-classify --model run t.csv
[ ! -e train ] || fail "a wrong set leaves a folder"

# What a later stage needs is told before the first image is decoded.
early() {
  refused "$@"
  grep -q "images decoded" stderr && fail "told too late: $*"
}
printf 'image,class\n%s,cluster\n%s,other\n' "$good" "$other" >t.csv
early "t.csv: expected a test or validation split to evaluate on, found none" abell-train t.csv --out train --validation-fraction 0
early "t.csv: expected a test or validation split to evaluate on" abell-experiment t.csv --out train --validation-fraction 0
early "expected an exposure map for --exposure divide" abell-train set --out train --exposure divide
echo '{"input": [64, 64, 3], "layers": [{"kind": "GlobalAveragePool2d"}, {"kind": "Dense", "units": 2}, {"kind": "Softmax"}]}' >tiny.json
early "--cache ram: expected to need at most 100.0 KiB" abell-train set --out train --network tiny.json --batch 1 --cache ram --max-memory 100K
printf 'id,image,class,z,split\n1,%s,a,0.5,train\n2,%s,b,,validation\n3,%s,b,,test\n' "$good" "$other" "$good" >t.csv
early "t.csv: expected numbers to learn in the validation split, found none" abell-train t.csv --out train --task regress --target z
early "weights of another network" abell-experiment set --out train --rows MN-E --weights run/model.safetensors
early "nowhere/o.onnx" abell-export --model run --out nowhere/o.onnx
early "empty: is not a file" abell-votes page set --single-file --out empty --overwrite
early "nowhere.csv" abell-votes set/train.csv --experts nowhere.csv --out train
expect 2 abell-votes set/train.csv --positive cluster --out train
[ ! -e train ] || fail "what is told before the work leaves a folder"

# Models: no safetensors file, cut short, of another network.
model=run/model.safetensors
refused "run/config.json: " abell-classify --model run/config.json set --out out.csv
head -c 100000 $model >cut.safetensors
refused "cut.safetensors: " abell-classify --model cut.safetensors set --out out.csv
refused "cut.safetensors: " abell-train set --out train --weights cut.safetensors "${quick[@]}"
refused "run/last.checkpoint: " abell-classify --model run/last.checkpoint set --out out.csv
refused "run/last.checkpoint: weights of another network" abell-train set --out train --weights run/last.checkpoint "${quick[@]}"
# Words of the same length keep the header's length.
while read -r old new text; do
  sed "s/$old/$new/" $model >other.safetensors
  cmp -s $model other.safetensors && fail "no $old in the model"
  refused "$text" abell-classify --model other.safetensors set --out out.csv
  grep -q "^abell-classify: other.safetensors: " stderr || fail "the model is not named: $(cat stderr)"
done <<'END'
\\"Softmax\\" \\"Softmin\\" Softmin
\[356,356,3\] [999,999,3] weights of another network
\[356,356,3\] [356,35,33] expected trained_on of 33 channels, found 3
\\"filters\\":64 \\"filters\\":65 weights of another network
\\"filters\\":64 \\"filters\\":-4 whole number
conv2d_3.kernel conv2d_3.kernet conv2d_3
bilinear bicubics bicubics
\\"crop\\":1.0 \\"crop\\":7.0 crop
\\"crop\\":1.0 \\"crop\\":[1] preprocessing
\\"stretch\\":\\"linear\\" \\"stretch\\":\\"linean\\" preprocessing: stretch: expected
\\"smooth\\":\\"none\\" \\"smooth\\":12345678 preprocessing
format_version\\":2 format_version\\":3 format version
END
# A weight that is no number.
size=$(stat -c %s $model)
{ head -c $((size - 4)) $model; bytes "0000c07f"; } >other.safetensors
refused "other.safetensors: " abell-classify --model other.safetensors set --out out.csv
[ ! -e out.csv ] || fail "a wrong model leaves a catalogue"

# Disk full. A limit on the size of files says "file too large" where a full disk says "no space
# left"; the way through the programs is the same, and needs no rights.
limited() {
  local kib=$1
  shift
  (
    ulimit -f "$kib"
    exec "$@"
  ) >stdout 2>stderr
  [ $? = 1 ] || fail "expected exit code 1 on a full disk: $*: $(cat stderr)"
  [ "$(wc -l <stderr)" = 1 ] || fail "expected one line on a full disk: $*: $(cat stderr)"
}
cp -r run before
limited 100 "$ABELL_BIN/abell-train" set --out full "${quick[@]}"
grep -q "full: cannot write the scratch file .*(--cache)" stderr || fail "the scratch file is not named: $(cat stderr)"
[ ! -e full ] || fail "a full disk leaves a folder: $(ls -A full)"
limited 2000 "$ABELL_BIN/abell-train" set --out full "${quick[@]}" --cache ram
grep -q "full/last.checkpoint: cannot be written" stderr || fail "the checkpoint is not named: $(cat stderr)"
[ "$(ls -A full)" = config.json ] || fail "a full disk leaves $(ls -A full)"
for i in {1..5}; do printf '%020000d,whole.fits\n' $i; done | sed '1iid,image' >long.csv
for file in full.fits full.csv; do
  limited 60 "$ABELL_BIN/abell-classify" --model run long.csv --out $file --quiet
  grep -q "$file: cannot be written" stderr || fail "the catalogue is not named: $(cat stderr)"
  [ ! -e $file ] || fail "a full disk leaves half of $file"
done
"$ABELL_BIN/abell-classify" --model run whole.fits --quiet >/dev/full 2>stderr
[ $? = 1 ] && grep -q "standard output: cannot be written" stderr || fail "a full standard output is not noticed"
if [ "$(id -u)" = 0 ] && mkdir tiny && mount -t tmpfs -o size=60k tmpfs tiny 2>/dev/null; then
  trap 'umount "$folder/tiny"; rm -rf "$folder"' EXIT
  refused "tiny/o.fits: cannot be written: No space left on device" abell-classify --model run long.csv --out tiny/o.fits --quiet
  refused "tiny: expected room for" abell-train set --out tiny "${quick[@]}"
  [ -z "$(ls -A tiny)" ] || fail "a full disk leaves $(ls -A tiny)"
fi
diff -r run before >/dev/null || fail "the model's run was changed"

# Sizes: told before anything is decoded or taken.
megapixels="megapixels (--max-megapixels), found"
bytes "89504e470d0a1a0a 0000000d 49484452 00002710 00002710 08 02 00 00 00 00000000" >large.png  # announces 10000 x 10000
refused "large.png: expected at most 64 $megapixels 100 (10000 x 10000)" abell-classify --model run large.png
refused "large.png: damaged PNG: wrong checksum" abell-classify --model run large.png --max-megapixels 100
refused "whole.jpg: expected at most 0.0001 $megapixels 0.000256 (16 x 16)" abell-classify --model run whole.jpg --max-megapixels 0.0001
refused "expected at most 0.1 $megapixels" abell-train set --out train "${quick[@]}" --max-megapixels 0.1
refused "expected at most 0.1 $megapixels" abell-votes subjects set --out votes --max-megapixels 0.1
: | fits wide.fits "2 50 40" -32
printf 'ra,dec\n10,10\n' >positions.csv
refused "wide.fits: expected at most 0.001 $megapixels 0.002 (50 x 40)" abell-cutout --catalogue positions.csv --xray wide.fits --out cut --max-megapixels 0.001
expect 2 abell-cutout --catalogue positions.csv --xray wide.fits --out cut --max-megapixels 0
memory="expected to need at most 1.0 MiB of memory (--max-memory), found"
refused "$model: $memory a file, which needs about" abell-classify --model run "$good" --max-memory 1M
refused "$model: $memory a file, which needs about" abell-export --model run --out run.onnx --max-memory 1M
refused "$model: $memory a file, which needs about" abell-train set --out train --weights $model "${quick[@]}" --max-memory 1M
refused "--batch 2: $memory the network custom" abell-train set --out train "${quick[@]}" --max-memory 1M
refused "found an input of 356x356x3, which needs about" abell-classify --model run "$good" --max-memory 4M
refused "--batch 4096: expected to need at most 1.0 GiB" abell-train set --out train --validation-fraction 0 --batch 4096 --max-memory 1G
expect 2 abell-classify --model run "$good" --max-memory much
[ ! -e out.csv ] && [ ! -e run.onnx ] && [ ! -e cut ] || fail "a limit leaves something"

no_parts "$folder"
echo "$script: passed"
