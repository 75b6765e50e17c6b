# abell::kernels, installed: the README's program links against it and gives what it gives by headers alone, and layers
# from outside join those that are compiled.

source "${BASH_SOURCE%/*}/common.sh"

cmake --install "$ABELL_BUILD" --prefix "$ABELL_PREFIX" --component abell_kernels
readme_program "$work/main.cpp"
mkdir "$work/headers" "$work/kernels"
for way in headers kernels; do
  component=abell
  [[ $way == kernels ]] && component=kernels
  cat >"$work/$way/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.25)
project(consumer LANGUAGES CXX)
set(CMAKE_BUILD_TYPE Release)
find_package(abell REQUIRED COMPONENTS $component)
add_executable(consumer ../main.cpp)
target_link_libraries(consumer PRIVATE abell::$component)
END
  cmake -S "$work/$way" -B "$work/$way/build" -G Ninja -DCMAKE_PREFIX_PATH="$ABELL_PREFIX" -DCMAKE_CXX_COMPILER="$ABELL_CXX" >/dev/null
  cmake --build "$work/$way/build" >/dev/null
  (cd "$work/$way" && build/consumer) >"$work/$way.out"
done
build "$consumers/find_package" -DCMAKE_PREFIX_PATH="$ABELL_PREFIX" -DCONSUMER_SOURCE="$consumers/extend.cpp" \
  -DCONSUMER_COMPONENT=kernels -DCMAKE_BUILD_TYPE=Debug
"$work/build/consumer"
cmp "$work/headers.out" "$work/kernels.out"
