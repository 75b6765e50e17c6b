# leaf_alone.sh FILE: an editor can open FILE (such as abell/kernels/isa/gemm.inl) by itself: it compiles alone.

source "${BASH_SOURCE%/*}/compile.sh"

compile -fsyntax-only -Wno-unused-function -x c++ "$ABELL_SOURCE/include/$1"
