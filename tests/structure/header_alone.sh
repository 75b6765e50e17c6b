# header_alone.sh HEADER: HEADER (such as abell/core/shape.hpp) compiles as the only include, without
# a warning; one that belongs to abell::abell reaches no library but Eigen and OpenMP.

source "${BASH_SOURCE%/*}/compile.sh"

header=$1
echo "#include <$header>" >"$work/unit.cpp"
compile -fsyntax-only -MD -MF "$work/unit.d" "$work/unit.cpp"

case $header in
  # They need files, for abell::weights and more.
  abell/training/checkpoint.hpp | abell/inference/load_network.hpp | abell/inference/load_onnx.hpp | abell/inference/classifier.hpp) ;;
  abell/abell.hpp | abell/core/* | abell/kernels/* | abell/metrics/* | abell/losses/* | abell/layers/* | abell/network/* | \
    abell/models/* | abell/inference/* | abell/training/* | abell/testing/* | abell/data/samples.hpp)
    if grep -oE '[^ ]*(/stb/|/nlohmann/|/CLI/|fitsio\.h|/wcslib|/erfa|/pugi|/yaml-cpp|/hdf5|/onnx/|/google/protobuf)[^ ]*' "$work/unit.d"; then
      fail "$header: expected Eigen and OpenMP only, found the files above"
    fi
    ;;
esac
