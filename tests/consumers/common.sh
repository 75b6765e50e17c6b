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
