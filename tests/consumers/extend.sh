# A layer (in 40 lines at most), a loss and an optimizer from outside an installed abell. Unoptimised: kernels take long.

source "${BASH_SOURCE%/*}/common.sh"

lines=$(awk '/^struct LogCosh/ { exit } /^template <class T>$/ { layer = 1 } layer && NF && !/^\/\/\//' \
  "$consumers/extend.cpp" | wc -l)
((lines > 0 && lines <= 40)) || fail "extend.cpp: expected a layer of at most 40 lines, found $lines"
build "$consumers/find_package" -DCMAKE_PREFIX_PATH="$ABELL_PREFIX" -DCONSUMER_SOURCE="$consumers/extend.cpp" \
  -DCMAKE_BUILD_TYPE=Debug
"$work/build/consumer"
