// The kernels and the stages of the layers, compiled once for many units.

#define ABELL_DEFINE_KERNELS
#include <abell/layers/layers.hpp>

namespace abell::kernels {
template const KernelTable<float>& kernels_for<float>(Isa);
template const KernelTable<double>& kernels_for<double>(Isa);
}  // namespace abell::kernels
