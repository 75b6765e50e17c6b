# Read by the other scripts. The environment comes from consumers.cmake.

set -euo pipefail

consumers=$(cd "${BASH_SOURCE%/*}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# build FOLDER [OPTIONS...]: configures and builds the project in FOLDER, warnings as errors.
build() {
  local folder=$1
  shift
  cmake -S "$folder" -B "$work/build" -G Ninja -DCMAKE_CXX_COMPILER="$ABELL_CXX" \
    -DCMAKE_CXX_FLAGS="-Wall -Wextra -Werror" -DCMAKE_BUILD_TYPE=Release "$@"
  cmake --build "$work/build"
}

fail() {
  echo "$*" >&2
  exit 1
}

# readme_program FILE: writes the README's own program.
readme_program() {
  block consumer cpp >"$1"
  [[ -s $1 ]] || fail 'README.md: expected a ```cpp block after <!-- consumer -->, found none'
}

# block MARKER LANGUAGE: the lines of the README's first ```LANGUAGE block after the line <!-- MARKER -->.
block() {
  awk -v marker="<!-- $1 -->" -v fence="\`\`\`$2" '
    $0 == marker { seen = 1 }
    inside && /^```/ { exit }
    inside
    seen && $0 == fence { inside = 1 }' "$ABELL_SOURCE/README.md"
}
