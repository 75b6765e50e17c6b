// The kernels, compiled once for the programs and tests of this build.

#define ABELL_DEFINE_KERNELS
#include <abell/kernels/table.hpp>

namespace abell::kernels {
template const KernelTable<float>& kernels_for<float>(Isa);
template const KernelTable<double>& kernels_for<double>(Isa);
}  // namespace abell::kernels
