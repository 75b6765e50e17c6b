# Installs abell afresh, for the other scripts of this folder; and the programs, where they are built, with the manual
# pages and completions that they write themselves.

set -euo pipefail
shopt -s nullglob

rm -rf "$ABELL_PREFIX"
cmake --install "$ABELL_BUILD" --prefix "$ABELL_PREFIX" --component abell_headers

[[ -x $ABELL_BUILD/bin/abell-train ]] || exit 0
cmake --install "$ABELL_BUILD" --prefix "$ABELL_PREFIX" --component abell_programs
for program in "$ABELL_PREFIX"/bin/abell-*; do
  name=${program##*/}
  grep -q "^\.SH OPTIONS" "$ABELL_PREFIX/share/man/man1/$name.1"
  completion=$ABELL_PREFIX/share/bash-completion/completions/$name
  bash -n "$completion"
  grep -q " $name\$" "$completion"
done
[[ $name == abell-votes ]] # the last of them
