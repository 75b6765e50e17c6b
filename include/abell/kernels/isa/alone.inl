// Lets a file of this folder be opened alone, as editors do: what table.hpp and targets.inl say before they include it.

#define ABELL_VECTOR_BYTES 16
#define ABELL_VECTOR_REGISTERS 16
#ifndef ABELL_COMPILED_KERNELS
#define ABELL_COMPILED_KERNELS
#endif
#include <abell/kernels/table.hpp>

using namespace abell;
using namespace abell::kernels;
