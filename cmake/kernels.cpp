// The kernels, the layers, networks and their training, compiled once for many units.

#define ABELL_DEFINE_KERNELS
#include <abell/training/fit.hpp>

namespace abell::kernels {
template const KernelTable<float>& kernels_for<float>(Isa);
template const KernelTable<double>& kernels_for<double>(Isa);
template const NormalizedTable<float>& normalized_kernels_for<float>(Isa);
template const NormalizedTable<double>& normalized_kernels_for<double>(Isa);
}  // namespace abell::kernels
