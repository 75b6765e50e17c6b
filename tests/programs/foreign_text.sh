#!/bin/bash
# Foreign text: control characters reach neither terminal nor log, ids stay in their folder, and only what lies in a
# set's folder is published.
. "$(dirname "$0")/common.sh"

escape=$'\e'
# harmless: no control character but line feeds in what the last program printed.
harmless() {
  for stream in stdout stderr; do
    LC_ALL=C tr -d '\n' <"$folder/$stream" | LC_ALL=C grep -qa '[[:cntrl:]]' && fail "a control character on $stream: $(cat -v "$folder/$stream")"
  done
  return 0
}
# shown TEXT PROGRAM ARGUMENT...: refused with TEXT in one line without a control character.
shown() { refused "$@"; harmless; }
# said TEXT: a whole line of what the last program printed, which holds no control character.
said() {
  grep -qxF -- "$1" "$folder/stdout" "$folder/stderr" -h || fail "expected '$1', found: $(cat -v "$folder/stdout" "$folder/stderr")"
  harmless
}

simulated 12 set
expect 0 abell-simulate --objects 40 --out "$folder/voted" --seed 3 --quiet --votes
cd "$folder"
train() { shown "$1" abell-train "${2:-broken}" --out none; }
columns() { printf "$1" >broken/train.csv; }

# The name of a file and of an option, a class, a column, an id.
train '\x1b[31mred.csv: no such file' "${escape}[31mred.csv"
expect 2 abell-train set --out none "--${escape}[31m"
harmless
cp -r set broken
sed -i "3s/,.*/,low-z${escape}]0;title\a/" broken/train.csv
train "broken/train.csv:3: expected a class of low-z, hi-z, galaxy, point, other, found 'low-z\x1b]0;title\x07'"
columns 'image_id,\xc2\x9bclass,\u202esalc\n'
train "expected a column 'class', found: image_id, \xc2\x9bclass, \xe2\x80\xaesalc"
columns 'image_id,class\n"a\r\x1b[1A",point\n'
train 'broken/train.csv:2: no such file: broken/train_images/a\x0d\x1b[1A.png'
columns 'image_id,class\nGr\xfc\xc3\xbc\xc3\x9f,point\n'
train 'broken/train_images/Gr\xfcüß.png'

# JSON: a mapping, the answers and the workflow of an export, whose line feeds begin no line either; bad rows.
printf '{"answers": {"\\u001b[2J": {"Yes": "z"}}}' >map.json
shown "in task '\x1b[2J'" abell-votes voted/classifications.csv --mapping map.json --out none
{
  head -n 1 voted/classifications.csv
  sed -n 2,30p voted/classifications.csv |
    sed "s/The Hunt for Galaxy Clusters (simulated)/\"a${escape}c\nerror: b\"/; s/\"\"value\"\":\"\"[^\"]*\"\"/\"\"value\"\":\"\"\\\\u001b[5mx\\\\nread y\"\"/"
  sed -n 31p voted/classifications.csv | sed "s/{\"\"task\"\":/${escape}[7m/"
} >foreign.csv
expect 0 abell-votes foreign.csv --out counted
said "counted: workflow 1 'a\x1bc\x0aerror: b' version 1, 29 rows"
said 'no code: T0: \x1b[5mx\x0aread y, 29'
grep -q "^skipped: foreign.csv:[0-9]*: annotations: .*\\\\x1b\[7m" stderr || fail "the bad row is not named: $(cat -v stderr)"
LC_ALL=C grep -qa "$escape" counted/report.html && fail "a control character in a report"

# An image_id stays in its folder of images.
columns 'image_id,class\n../../set/train_images/a,point\n'
train "broken/train.csv:2: expected an image_id that is a file name without a folder, found '../../set/train_images/a'"

# Tables may name any file, but published is only what lies in the set's folder, links and ".." resolved.
image=$(ls set/train_images/*.png | head -n 1)
mkdir -p mine/inner there
cp "$image" mine/inner/in.png
cp "$image" there/out.png
ln -s ../there/out.png mine/link.png
ln -s inner mine/alias
ln -s mine other
publish() { printf '%s\n' id,image "$@" >mine/table.csv; }
outside() {
  publish "n,inner/in.png" "x,$1"
  for source in mine mine/table.csv other; do
    shown "$1 lies outside the set's folder (--allow-outside publishes it)" abell-votes subjects $source --out none
    grep -q "object 'x': " stderr || fail "the object is not named: $(cat stderr)"
    shown "lies outside the set's folder" abell-votes page $source --single-file --out none.html
  done
  [ ! -e none ] && [ ! -e none.html ] || fail "a refused set is published: $1"
}
for name in ../there/out.png link.png inner/../../there/out.png "$folder/there/out.png"; do outside "$name"; done
expect 0 abell-votes page mine --single-file --out all.html --allow-outside --quiet
expect 0 abell-votes subjects mine --out all --allow-outside --quiet
publish "n,inner/in.png" "=m,alias/../inner/in.png" "o,$folder/mine/alias/in.png"
(cd mine && expect 0 abell-votes subjects table.csv --out ../inside --quiet) || exit 1
expect 0 abell-votes page mine --single-file --out inside.html --quiet
expect 0 abell-votes page mine/link.png --single-file --out one.html --quiet
# The manifest's ids are guarded from spreadsheets.
grep -q "^'=m,images/" inside/manifest.csv || fail "no guard in the manifest: $(cat inside/manifest.csv)"
[ ! -e none ] || fail "a refused input leaves a folder"
no_parts "$folder"
echo "$script: passed"
