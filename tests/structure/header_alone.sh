# header_alone.sh HEADER: HEADER (such as abell/core/shape.hpp) compiles as the only include, without
# a warning; one that belongs to abell::abell reaches no library but Eigen and OpenMP.

source "${BASH_SOURCE%/*}/compile.sh"

header=$1
echo "#include <$header>" >"$work/unit.cpp"
compile -fsyntax-only -MD -MF "$work/unit.d" "$work/unit.cpp"

case $header in
  abell/training/checkpoint.hpp) ;; # a file, for abell::weights
  abell/abell.hpp | abell/core/* | abell/kernels/* | abell/metrics/* | abell/losses/* | abell/layers/* | abell/network/* | \
    abell/models/* | abell/inference/* | abell/training/* | abell/testing/* | abell/data/samples.hpp)
    if grep -oE '[^ ]*(/stb/|/nlohmann/|/CLI/|fitsio\.h|/wcslib|/hdf5|/onnx/|/google/protobuf)[^ ]*' "$work/unit.d"; then
      fail "$header: expected Eigen and OpenMP only, found the files above"
    fi
    ;;
esac
