# The README's program, header-only, compiles and runs with GCC's undefined-behaviour sanitizer.

source "${BASH_SOURCE%/*}/common.sh"

readme_program "$work/main.cpp"
"$ABELL_CXX" -std=c++20 -O1 -fsanitize=undefined -fno-sanitize-recover=all -fopenmp -I "$ABELL_SOURCE/include" \
  $(pkg-config --cflags eigen3) "$work/main.cpp" -o "$work/program"
"$work/program"
