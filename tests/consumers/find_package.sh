# An installed abell, found by find_package: nothing about the architecture or about our warnings
# reaches the consumer.

source "${BASH_SOURCE%/*}/common.sh"

build "$consumers/find_package" -DCMAKE_PREFIX_PATH="$ABELL_PREFIX" -DCONSUMER_SOURCE="$consumers/main.cpp" \
  -DCMAKE_EXPORT_COMPILE_COMMANDS=ON
if grep -oE -- '-march[^ ]*|-mtune[^ ]*|-mavx[^ ]*|-ffast-math|-Wshadow' "$work/build/compile_commands.json"; then
  fail "expected no flag of ours but -std and OpenMP, found the ones above"
fi
# In programs only a debugger's words name it.
if grep -rnF --exclude-dir=bin "$ABELL_SOURCE" "$ABELL_PREFIX" || readelf -d "$ABELL_PREFIX"/bin/* | grep -E '\(R(UN)?PATH\)'; then
  fail "expected no path of the source tree in the installed files, found the ones above"
fi
"$work/build/consumer"
