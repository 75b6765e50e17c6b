# Read by the other scripts: how they compile. The environment comes from structure.cmake.

set -euo pipefail

includes=($ABELL_INCLUDES)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# compile ARGUMENTS...: the compiler with this project's warnings as errors.
compile() {
  "$ABELL_CXX" -std=c++20 $ABELL_OPENMP -Wall -Wextra -Wconversion -Wshadow -Werror -DABELL_UNOPTIMISED_OK \
    -I "$ABELL_SOURCE/include" ${includes[@]/#/-isystem} "$@"
}

# fail MESSAGE...: one line, and the test fails.
fail() {
  echo "$*" >&2
  exit 1
}
