# The README's program is built against the installed abell and run, with the page's own project.

source "${BASH_SOURCE%/*}/common.sh"

readme_program "$work/main.cpp"
block consumer-cmake cmake >"$work/CMakeLists.txt"
[[ -s $work/CMakeLists.txt ]] || cp "$consumers/find_package/CMakeLists.txt" "$work"
build "$work" -DCMAKE_PREFIX_PATH="$ABELL_PREFIX" -DCONSUMER_SOURCE="$work/main.cpp"
program=$(find "$work/build" -maxdepth 1 -type f -executable)
(cd "$work" && "$program")
