# The README's program: the first ```cpp block after the line <!-- consumer --> is built against the
# installed abell and run, with the ```cmake block after <!-- consumer-cmake --> as its project.

source "${BASH_SOURCE%/*}/common.sh"

page=$ABELL_SOURCE/README.md

# block MARKER LANGUAGE: the lines of the first ```LANGUAGE block after the line <!-- MARKER -->.
block() {
  awk -v marker="<!-- $1 -->" -v fence="\`\`\`$2" '
    $0 == marker { seen = 1 }
    inside && /^```/ { exit }
    inside
    seen && $0 == fence { inside = 1 }' "$page"
}

block consumer cpp >"$work/main.cpp"
[[ -s $work/main.cpp ]] || fail 'README.md: expected a ```cpp block after <!-- consumer -->, found none'
block consumer-cmake cmake >"$work/CMakeLists.txt"
[[ -s $work/CMakeLists.txt ]] || cp "$consumers/find_package/CMakeLists.txt" "$work"
build "$work" -DCMAKE_PREFIX_PATH="$ABELL_PREFIX" -DCONSUMER_SOURCE="$work/main.cpp"
program=$(find "$work/build" -maxdepth 1 -type f -executable)
(cd "$work" && "$program")
