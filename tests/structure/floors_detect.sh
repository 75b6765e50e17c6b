# The floors test accepts a sound tree and fails on each kind of broken one.

set -euo pipefail
floors=${BASH_SOURCE%/*}/floors.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# verdict FILE INCLUDE: what floors.sh says of a tree in which FILE holds this one include.
verdict() {
  rm -rf "$work/include"
  mkdir -p "$work/include/abell/${1%/*}"
  echo "#include $2" >"$work/include/abell/$1"
  if bash "$floors" "$work" >/dev/null; then echo sound; else echo broken; fi
}

# expect VERDICT FILE INCLUDE
expect() {
  local found
  found=$(verdict "$2" "$3")
  [[ $found == "$1" ]] || { echo "$2 with $3: expected $1, found $found" >&2; exit 1; }
}

expect sound data/table.hpp '<abell/images/image.hpp>'
expect sound data/table.hpp '<abell/data/split.hpp>'
expect sound data/table.hpp '<vector>'
expect broken core/shape.hpp '<abell/data/table.hpp>'
expect broken data/table.hpp '<abell/sky/simulate.hpp>'
expect broken training/fit.hpp '<abell/abell.hpp>'
expect broken cellar/wine.hpp '<abell/core/shape.hpp>'
expect broken core/shape.hpp '"error.hpp"'
