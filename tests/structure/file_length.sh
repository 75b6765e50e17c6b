# No file that people read is longer than 450 lines.

set -euo pipefail
cd "$ABELL_SOURCE"

find include examples tests benchmarks cmake ./*.sh ./*.txt -type f \
  \( -name '*.hpp' -o -name '*.inl' -o -name '*.cpp' -o -name '*.sh' -o -name '*.cmake' -o -name '*.txt' -o -name '*.py' \) \
  -exec wc -l {} + | awk '
    $2 != "total" && $1 > 450 { print $2 ": expected at most 450 lines, found " $1; long = 1 }
    END { exit long }'
