# An installed abell, found by pkg-config, in one compiler line.

source "${BASH_SOURCE%/*}/common.sh"

export PKG_CONFIG_PATH=$ABELL_PREFIX/share/pkgconfig
[[ $(pkg-config --modversion abell) == $(sed -n 's/.*version = "\(.*\)".*/\1/p' "$ABELL_SOURCE/include/abell/core/version.hpp") ]] ||
  fail "abell.pc: expected the version of core/version.hpp, found $(pkg-config --modversion abell)"
"$ABELL_CXX" -std=c++20 -O2 "$consumers/main.cpp" $(pkg-config --cflags --libs abell) -o "$work/consumer"
"$work/consumer"
