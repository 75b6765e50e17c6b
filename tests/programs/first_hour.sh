#!/bin/bash
# A new user's first hour, with his mistakes: the transcripts in first_hour/ are typed again, command by command, and
# what the programs say and their exit codes must be the same. ABELL_UPDATE=1 writes the transcripts anew.
. "$(dirname "$0")/common.sh"
transcripts=$(cd "$(dirname "$0")/first_hour" && pwd)
export PATH=$ABELL_BIN:$PATH
cd "$folder"

# Numbers that depend on the machine become ~, and progress is left out: a slow machine prints more of it.
masked() {
  sed -E -e '/^[0-9]+\/[0-9]+ [a-z ]+, /d' -e '/^Results on/,/^report:/s/[0-9]+|–/~/g' \
    -e 's/^(warning: )[0-9]+( of [0-9]+ images: values)/\1~\2/' -e 's/[0-9]+\.[0-9]+(e-?[0-9]+)?|undefined/~/g' -e 's/ +/ /g' -e 's/ +$//'
}

# typed FILE: the transcript of its comments and commands, as it is now.
typed() {
  local line output code first=1
  while IFS= read -r line; do
    case $line in
      '# '*) [ $first ] || echo; echo "$line" ;;
      '$ '*)
        echo "$line"
        output=$(eval "${line#'$ '}" 2>&1 </dev/null)
        code=$?
        [ -z "$output" ] || masked <<<"$output"
        [ $code = 0 ] || echo "[exit $code]"
        ;;
    esac
    first=
  done <"$1"
}

for file in "$transcripts"/*.txt; do
  typed "$file" >"$folder/found"
  if [ "${ABELL_UPDATE:-}" ]; then
    cp "$folder/found" "$file"
  else
    diff -u --label "$(basename "$file")" --label "now" "$file" "$folder/found" >&2 || fail "another transcript than $(basename "$file")"
  fi
done
echo "$script: passed"
