// All leaf kernels of one instruction set. Each file beside this one says what it includes; a guard that toggles with
// ABELL_ISA_TOGGLE lets it in once for each instruction set.
//
// These files stand within a namespace and a target pragma: none of them may include a header. What they need of
// headers, table.hpp has included before, outside; alone.inl does so for an editor that opens one of them by itself.

#include <abell/kernels/isa/table.inl>

#ifdef ABELL_ISA_TOGGLE
#undef ABELL_ISA_TOGGLE
#else
#define ABELL_ISA_TOGGLE
#endif
