#!/bin/bash
# abell-votes: an export becomes labels, Table 1 and a report; bad exports, experts and mappings; pictures to vote on.
. "$(dirname "$0")/common.sh"

# line TEXT: the last line on standard output.
line() { [ "$(tail -n 1 "$folder/stdout")" = "$1" ] || fail "expected '$1', found: $(tail -n 3 "$folder/stdout")"; }
# has FILE TEXT: a whole line of a file.
has() { grep -qxF -- "$2" "$1" || fail "expected '$2' in $1: $(cat "$1")"; }
# said TEXT: somewhere on standard output.
said() { grep -qF -- "$1" "$folder/stdout" || fail "expected '$1', found: $(cat "$folder/stdout")"; }

expect 0 abell-simulate --objects 40 --out "$folder/set" --seed 3 --quiet --votes
cd "$folder"
export=set/classifications.csv
rows=$(($(wc -l <$export) - 1))

# What abell-simulate wrote is what abell-votes makes of it; the same bytes for any number of threads.
expect 0 abell-votes $export --experts set/truth.csv --seed 3 --out counted
line "read $rows rows, used 1200, duplicates $((rows - 1200)), other workflows 0, bad 0"
same counted/consensus.csv set/consensus.csv
[ "$(head -n 1 counted/consensus.csv)" = id,class,p_cluster,code,agreement,votes,a,b,c,d,e,f,g ] || fail "wrong header"
[ "$(wc -l <counted/consensus.csv)" = 41 ] || fail "expected 40 subjects"
[ "$(sed 1d counted/volunteers.csv | awk -F, '{n += $2} END {print n}')" = 1200 ] || fail "votes of volunteers"
[ "$(cut -d, -f1-3 counted/table1.csv | sed 1d | tr '\n' ' ')" = "all overlapping,40,unweighted all overlapping,40,agreement balanced spectroscopic,4,unweighted balanced spectroscopic,4,agreement " ] ||
  fail "wrong rows: $(cat counted/table1.csv)"
[ -s counted/table1.md ] && [ -s counted/table1.tex ] || fail "no table"
grep -q 'Simulated volunteers' counted/report.html || fail "the report does not say simulated"
refused "folder is not empty" abell-votes $export --out counted
for scheme in unweighted zooniverse swap dawid-skene; do
  expect 0 abell-votes count $export --experts set/truth.csv --scheme $scheme --out $scheme --quiet
  [ ! -s stdout ] || fail "--quiet is not quiet"
done
# SWAP and Dawid-Skene tell how they are set.
expect 0 abell-votes $export --experts set/truth.csv --scheme dawid-skene --out dawid
said "dawid-skene: smoothing 1 (votes that each volunteer is taken to have given with each true code), "
expect 0 abell-votes $export --experts set/truth.csv --scheme swap --out paper
said "swap: the paper's form: skepticism 0, PL and PD from 0 to 1, posteriors from 0 on, prior 0."
same paper/consensus.csv swap/consensus.csv
expect 0 abell-votes $export --experts set/truth.csv --scheme swap --swap space-warps --out shipped
said "swap: Space Warps' configuration: skepticism 2, PL and PD from 0.01 to 0.99, posteriors from 2e-08 on, prior 0."
grep -q "Space Warps&#39; configuration\|Space Warps' configuration" shipped/report.html || fail "the report does not say which SWAP"
cmp -s paper/consensus.csv shipped/consensus.csv && fail "Space Warps' configuration changes nothing"
expect 2 abell-votes $export --experts set/truth.csv --swap space-warps --out none
# Without experts: no Table 1, and schemes that learn from them are wrong options.
expect 0 abell-votes $export --out plain --threshold 1
[ ! -e plain/table1.csv ] || fail "a Table 1 without experts"
grep -q ',cluster,' plain/consensus.csv && fail "p_cluster above 1"
expect 2 abell-votes $export --scheme swap --out none
expect 2 abell-votes $export --scheme loudest --out none
expect 2 abell-votes --out none
expect 2 abell-votes
expect 0 abell-votes --help
expect 0 abell-votes page --help
expect 0 abell-votes --version

# Experts who know nothing of this export, or only a part of it.
printf 'image_id,class\nx1,cluster\nx2,point\n' >other.csv
refused "other.csv: none of its 2 objects of known class was voted on (the first is 'x1')" abell-votes $export --experts other.csv --out none
{ cat other.csv; sed -n '2,9p' set/train.csv; } >part.csv
expect 0 abell-votes $export --experts part.csv --positive cluster,low-z,hi-z --out part
said "experts: 8 of 10 objects were voted on (the first that was not: 'x1')"
printf 'image_id,class\nx1,\n' >other.csv
refused "none of its 0 objects" abell-votes $export --experts other.csv --out none
printf 'name,class\nx1,point\n' >other.csv
refused "other.csv: expected a column 'id', found: name, class" abell-votes $export --experts other.csv --out none

# Bad exports.
head -n 4 $export >bad.csv
sed -n 5p $export | sed 's/{""task"":""T0""/{""task""/' >>bad.csv
sed -n 6,9p $export >>bad.csv
expect 0 abell-votes bad.csv --out bad
line "read 8 rows, used 7, duplicates 0, other workflows 0, bad 1"
grep -q '^skipped: bad.csv:5: annotations: expected a JSON list' stderr || fail "the row is not named: $(cat stderr)"
refused "bad.csv:5: annotations" abell-votes bad.csv --out none --strict
head -c 3000 $export >cut.csv
refused "cut.csv:" abell-votes cut.csv --out none
cut -d, -f2- set/truth.csv >columns.csv
refused "columns.csv: expected a Panoptes classification export with a column 'user_name', found: class, split" abell-votes columns.csv --out none
: >empty.csv
refused "empty.csv: expected a Panoptes classification export, found an empty file" abell-votes empty.csv --out none
refused "none.csv: no such file" abell-votes none.csv --out none
head -n 1 $export >empty.csv
expect 0 abell-votes empty.csv --out empty
line "read 0 rows, used 0, duplicates 0, other workflows 0, bad 0"

# Two projects in one file: the one that the mapping knows counts, unless told otherwise.
project() { sed 1d $export | head -n 1000 | sed 's/,1,The Hunt for Galaxy Clusters (simulated),1.1,/,77,Penguins,4.2,/; s/""value"":""[^"]*""/""value"":""Yes""/g'; }
{ head -n 101 $export; project; } >mixed.csv
expect 0 abell-votes mixed.csv --out mixed
line "read 1100 rows, used 100, duplicates 0, other workflows 1000, bad 0"
said "left out: workflow 77 'Penguins' version 4, 1000 rows"
expect 0 abell-votes mixed.csv --out penguins --workflow 77 --workflow-version 4
said "no code: T0: Yes, "
said "p_cluster is empty"
head -n 2 penguins/consensus.csv | tail -n 1 | grep -q '^sim[0-9]*,,,,,' || fail "a p_cluster without a mapping"
refused "expected workflow 77 version 5, found: 1 version 1, 77 version 4" abell-votes mixed.csv --out none --workflow 77 --workflow-version 5
echo '{"answers": {"T0": {"Yes": "f"}, "*": {"Yes": null}}}' >yes.json
expect 0 abell-votes mixed.csv --out yes --mapping yes.json
line "read 1100 rows, used $(sed 1d yes/consensus.csv | awk -F, '{n += $6} END {print n}'), duplicates $(sed -n 's/.*duplicates \([0-9]*\).*/\1/p' stdout | tail -n 1), other workflows 100, bad 0"
awk -F, 'NR > 1 && ($2 != "cluster" || $3 != 1) {exit 1}' yes/consensus.csv || fail "the mapping has no effect"
echo '{"answers": {"T0": {"Yes": "z"}}}' >no.json
refused "no.json: expected a code" abell-votes mixed.csv --out none --mapping no.json
[ ! -e none ] || fail "a wrong input leaves a folder"

# Exports are joined: cut in two, and one part twice, they say what the whole one says.
{ head -n 1 $export && sed -n '2,400p' $export; } >first.csv
{ head -n 1 $export && sed -n '300,$p' $export; } >second.csv
expect 0 abell-votes second.csv first.csv --out joined
line "read $((rows + 101)) rows, used 1200, duplicates $((rows - 1200 + 101)), other workflows 0, bad 0"
expect 0 abell-votes $export --out whole
sorted() { sort "$1/consensus.csv" | cut -d, -f1-13; }
[ "$(sorted joined)" = "$(sorted whole)" ] || fail "joined exports say something else"
expect 0 abell-votes mixed.csv --workflow 1,77 --mapping yes.json --out both
line "read 1100 rows, used $(sed 1d both/consensus.csv | awk -F, '{n += $6} END {print n}'), duplicates $(sed -n 's/.*duplicates \([0-9]*\).*/\1/p' stdout | tail -n 1), other workflows 0, bad 0"

# Rows are chosen, and the others told: the votes are 97 s apart from 2015-06-01 on, an eighth of the volunteers anonymous.
expect 0 abell-votes $export --from 2015-06-02 --to '2015-06-02 01:00:00' --out hour
said "left out: --from, 891 rows"
line "read $rows rows, used 37, duplicates 0, other workflows 0, bad 0, not chosen $((rows - 37))"
grep -q '<td>--to</td>' hour/report.html || fail "the report does not tell the choice"
anonymous=$(grep -c not-logged-in $export)
expect 0 abell-votes $export --logged-in-only --out known
said "left out: --logged-in-only, $anonymous rows"
expect 0 abell-votes $export --live-only --out live
said "left out: --live-only, $(sed "s/...$/,&/" <<<$rows) rows"
expect 0 abell-votes $export --anonymous each --out each
line "read $rows rows, used $(sed 1d each/volunteers.csv | awk -F, '{n += $2} END {print n}'), duplicates $(sed -n 's/.*duplicates \([0-9]*\).*/\1/p' stdout | tail -n 1), other workflows 0, bad 0"
[ "$(grep -c not-logged-in each/volunteers.csv)" = "$anonymous" ] || fail "expected $anonymous anonymous volunteers"
refused "expected workflow 1 version 1.2..1.9, found: 1 version 1.1" abell-votes $export --workflow-version 1.2..1.9 --out none
expect 2 abell-votes $export --from yesterday --out none
expect 2 abell-votes $export --from 2015-06-02 --to 2015-06-01 --out none
expect 2 abell-votes $export --workflow-version new --out none
expect 2 abell-votes $export --anonymous all --out none
printf 'image_id,class,spectroscopic\n%s,cluster,TRUE\n%s,point,f\n' $(sed -n '2,3p' whole/consensus.csv | cut -d, -f1) >spectra.csv
expect 0 abell-votes $export --experts spectra.csv --out spectra
grep -q '^balanced spectroscopic,2,' spectra/table1.csv || fail "TRUE is not yes: $(cat spectra/table1.csv)"
sed -i s/TRUE/perhaps/ spectra.csv
refused "spectra.csv:2: spectroscopic: expected yes or no, found 'perhaps'" abell-votes $export --experts spectra.csv --out none

# Pictures to vote on.
expect 0 abell-votes subjects set --out upload
has stdout "upload: 40 subjects"
[ "$(head -n 1 upload/manifest.csv)" = '"#image_id",image_1,image_2,image_3' ] || fail "wrong manifest"
[ "$(ls upload/images | wc -l)" = 120 ] || fail "expected three images a subject"
sed 1d upload/manifest.csv | tr ',' '\n' | grep png | while read -r file; do [ -s "upload/$file" ] || fail "no $file"; done || exit 1
refused "folder is not empty" abell-votes subjects set --out upload
refused "nowhere" abell-votes page nowhere --single-file --out page.html
[ ! -e page.html ] || fail "a page of nothing"
no_parts "$folder"
echo "$script: passed"
