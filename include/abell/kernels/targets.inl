// Includes a file of functions once for each instruction set, each time in a namespace of that name, with the vectors'
// size and number as ABELL_VECTOR_BYTES and ABELL_VECTOR_REGISTERS. Who includes this one has said before
//
//     #define ABELL_TARGETS_FILE <abell/kernels/isa/all.inl>
//     #define ABELL_TARGETS_NAMESPACE abell::kernels
//
// and included all headers that the file needs: one that came in here first would lie in that namespace, and its
// functions would be compiled for that instruction set and called by all. Then in that namespace
//
//     ABELL_OF_ISA(isa, table<T>())
//
// is what has that name in the instruction set's own.

// Vectors wider than the baseline's never cross a function call, so the ABI note does not apply.
#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wunused-function"
#else
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpsabi"
#pragma GCC diagnostic ignored "-Wunused-function"
#endif

namespace ABELL_TARGETS_NAMESPACE::baseline {
#define ABELL_VECTOR_BYTES 16
#define ABELL_VECTOR_REGISTERS 16
#include ABELL_TARGETS_FILE
#undef ABELL_VECTOR_BYTES
#undef ABELL_VECTOR_REGISTERS
}  // namespace ABELL_TARGETS_NAMESPACE::baseline

#if defined(__x86_64__)

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,bmi,bmi2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,bmi,bmi2")
#endif
namespace ABELL_TARGETS_NAMESPACE::avx2 {
#define ABELL_VECTOR_BYTES 32
#define ABELL_VECTOR_REGISTERS 16
#include ABELL_TARGETS_FILE
#undef ABELL_VECTOR_BYTES
#undef ABELL_VECTOR_REGISTERS
}  // namespace ABELL_TARGETS_NAMESPACE::avx2
#if defined(__clang__)
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx2,fma,bmi,bmi2,avx512f,avx512dq,avx512vl,avx512bw"))), \
                             apply_to = function)
#else
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx2,fma,bmi,bmi2,avx512f,avx512dq,avx512vl,avx512bw,prefer-vector-width=512")
#endif
namespace ABELL_TARGETS_NAMESPACE::avx512 {
#define ABELL_VECTOR_BYTES 64
#define ABELL_VECTOR_REGISTERS 32
#include ABELL_TARGETS_FILE
#undef ABELL_VECTOR_BYTES
#undef ABELL_VECTOR_REGISTERS
}  // namespace ABELL_TARGETS_NAMESPACE::avx512
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif  // __x86_64__

#if defined(__clang__)
#pragma clang diagnostic pop
#else
#pragma GCC diagnostic pop
#endif

#if defined(__x86_64__)
#define ABELL_OF_ISA(isa, ...) \
  ((isa) == Isa::avx512 ? avx512::__VA_ARGS__ : (isa) == Isa::avx2 ? avx2::__VA_ARGS__ : baseline::__VA_ARGS__)
#else
#define ABELL_OF_ISA(isa, ...) (static_cast<void>(isa), baseline::__VA_ARGS__)
#endif

#undef ABELL_TARGETS_FILE
#undef ABELL_TARGETS_NAMESPACE
