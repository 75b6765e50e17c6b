# Two translation units with the whole library (Eigen and OpenMP only) link into one program that runs.

source "${BASH_SOURCE%/*}/compile.sh"

cat >"$work/one.cpp" <<'END'
#include <abell/abell.hpp>
const void* two();
int main() { return two() == &abell::version ? 0 : 1; }
END
cat >"$work/two.cpp" <<'END'
#include <abell/abell.hpp>
const void* two();
const void* two() { return &abell::version; }
END
compile "$work/one.cpp" "$work/two.cpp" -o "$work/program"
"$work/program" || fail "abell::version: expected one object in both units, found two"
