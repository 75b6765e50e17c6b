# floors.sh [ROOT]: reads every include of an abell header under ROOT/include/abell and fails when a
# file includes a higher floor, or another folder of its own floor.

set -euo pipefail
cd "${1:-$ABELL_SOURCE}/include"

find abell -name '*.hpp' -o -name '*.inl' | LC_ALL=C sort | xargs awk '
  BEGIN {
    split("core=1 kernels=2 images=2 metrics=2 losses=2 votes=2 layers=3 data=3 sky=3 report=3 network=4 models=5 weights=5 inference=6 training=7 testing=7", pairs, " ")
    for (i in pairs) { split(pairs[i], pair, "="); floor_of[pair[1]] = pair[2] }
  }
  function complain(what) { printf "%s:%d: %s\n", FILENAME, FNR, what; broken = 1 }
  FNR == 1 {
    split(FILENAME, path, "/")
    folder = path[2]
    umbrella = FILENAME == "abell/abell.hpp"
    if (!umbrella && !(folder in floor_of)) complain("the folder " folder " stands on no floor")
  }
  /^[ \t]*#[ \t]*include[ \t]*"/ && !/\.inl"/ { complain("expected #include <abell/...>, found " $0) }
  match($0, /^[ \t]*#[ \t]*include[ \t]*<abell\/[^>]*>/) {
    name = substr($0, RSTART, RLENGTH)
    gsub(/^[^<]*<abell\/|>$/, "", name)
    other = name
    sub(/\/.*/, "", other)
    if (umbrella) next
    if (other == "abell.hpp") complain("the library never includes its own umbrella")
    else if (!(other in floor_of)) complain("the folder " other " stands on no floor")
    else if (other != folder && floor_of[other] >= floor_of[folder])
      complain(folder " (floor " floor_of[folder] ") includes " other " (floor " floor_of[other] ")")
  }
  END { exit broken }
'
