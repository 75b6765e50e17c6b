#!/usr/bin/env bash
# test.sh [--all]: installs what is missing, builds, runs the tests. The whole suite with GCC, but for the
# compilation of each header by itself; reduced grids with Clang and its sanitizers. --all runs the whole suite with
# GCC and with the sanitizers, the unit tests once more with Clang optimised, each header by itself with both compilers,
# the kernels with GCC's undefined-behaviour sanitizer and what threads share with the thread sanitizer.

set -uo pipefail
if [[ ${1-} == -h || ${1-} == --help ]]; then
  sed -n '2,/^$/s/^# \?//p' "${BASH_SOURCE[0]}"
  exit
fi
cd "$(dirname "${BASH_SOURCE[0]}")"

all=false
case ${1-} in
  '') ;;
  --all) all=true ;;
  *)
    echo "test.sh: expected no argument or --all, found '$1'" >&2
    exit 2
    ;;
esac

jobs=$(nproc)
failed=()

# Threads of neighbouring tests share the processors: waiting ones must not spin.
export OMP_WAIT_POLICY=passive
export UBSAN_OPTIONS=print_stacktrace=1
if [[ -z ${ABELL_REAL_DATA-} && -d ../shared/data ]]; then
  ABELL_REAL_DATA=$(cd ../shared/data && pwd)
  export ABELL_REAL_DATA
fi

# stage PRESET TARGET [CTEST OPTIONS...]: builds a target of a preset and runs its tests.
stage() {
  local preset=$1 target=$2
  shift 2
  printf '\n== %s\n' "$preset"
  if ! cmake --preset "$preset" -DABELL_BUILD_EXAMPLES=ON -DABELL_BUILD_TESTS=ON ||
    ! cmake --build --preset "$preset" --parallel "$jobs" --target "$target"; then
    failed+=("$preset (build)")
  elif ! ctest --preset "$preset" --parallel "$jobs" --no-tests=error "$@"; then
    failed+=("$preset (tests)")
  fi
}

cmake/install-debian.sh --tests || exit 1

if $all; then
  stage sanitize all --label-exclude '^header-alone$'
  stage ubsan-gcc abell-kernel-tests --label-regex '^(kernels|sanitized)$'
  stage tsan abell-thread-tests --label-regex '^threads$'
  stage clang abell-test-programs --label-exclude '^(programs|consumers|fuzz)$'
  stage release all
else
  # What a compiler or a sanitizer can change: the numbers and the bytes, on small grids.
  ABELL_TEST_REDUCED=1 stage sanitize abell-test-programs --label-regex '^(kernels|threads|core|files|fuzz|headers)$'
  stage release all --label-exclude '^header-alone$'
fi

if ((${#failed[@]})); then
  printf 'test.sh: failed: %s\n' "${failed[@]}" >&2
  exit 1
fi
