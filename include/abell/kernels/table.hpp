#pragma once
/// The leaf kernels, compiled once for each instruction set and chosen at run time.
///
/// The sources under isa/ know only pointers and sizes; each instruction set includes them in a
/// namespace of its own, between pragmas that set the target, with internal linkage and without the
/// standard library, so that no code of one set can be called in place of another's.
/// Sizes are in elements of T. "Scratch" belongs to one thread for the length of one call.

#include <abell/core/cpu.hpp>
#include <abell/core/parallel.hpp>
#include <abell/kernels/geometry.hpp>
#include <abell/kernels/operands.hpp>
#include <abell/kernels/rows.hpp>
#include <abell/kernels/tuning.hpp>

namespace abell::kernels {

/// One instruction set's leaf functions for scalar T. Each works on part of one image or matrix.
template <class T>
struct KernelTable {
  using Geometry = Conv2dGeometry;

  Isa isa;
  int lanes;  ///< values in a vector

  // Matrix products: B [depth][columns] is packed with the bias, then C = A B + bias.
  long (*packed_size)(int depth, int columns);
  void (*pack_matrix)(int depth, int columns, const Matrix<const T>& b, bool transposed, const T* bias, T* packed);
  // `edge`: scratch of gemm_edge_size values.
  void (*gemm)(const Product<T>&, const T* packed, T* edge);
  long gemm_edge_size;
  /// As gemm; C is written past the cache where its lines allow it.
  void (*gemm_streamed)(const Product<T>&, const T* packed, T* edge);
  /// As gemm for few rows and B as it lies; at least `lanes` columns. `bias` may be null.
  void (*gemm_unpacked)(const Product<T>&, const Matrix<const T>& b, const T* bias);
  /// C += A^T B, or C = A^T B when `fresh`.
  void (*gemm_transposed)(const Product<T>&, const Matrix<const T>& b, bool fresh);
  /// C = A^T B for some hundred rows and columns at most; `column_sums` (of B's columns) may be null. `next_a` and
  /// `next_b` of a later call are prefetched.
  long (*gemm_transposed_chunk_scratch_size)(int rows, int columns);
  void (*gemm_transposed_chunk)(const Product<T>&, const Matrix<const T>& b, T* column_sums, const T* next_a,
                                const T* next_b, T* scratch);

  // Plain convolution, a range of output rows of one image.
  void (*pack_conv2d)(const Geometry&, const T* weights, const T* bias, T* packed);
  void (*pack_conv2d_transposed)(const Geometry&, const TransposedPhase&, const T* weights, T* packed);
  long (*conv2d_scratch_size)(const Geometry&);
  void (*conv2d_rows)(const Geometry&, const T* image, const T* packed, T* out, const OutputStrides&, Range,
                      T* scratch);
  /// Sums of the weights' gradient: conv2d_weights_rows adds to them, or assigns when `fresh`.
  long (*conv2d_weights_size)(const Geometry&);
  long (*conv2d_weights_scratch_size)(const Geometry&);
  void (*conv2d_weights_rows)(const Geometry&, const T* image, const T* gradient_at_begin, bool fresh, T* sums, Range,
                              T* scratch);
  void (*conv2d_weights_finish)(const Geometry&, const T* sums, T* weights, T* bias);

  // 3x3 SAME convolution + ReLU + 2x2 SAME max-pool, a range of pooled rows of one image.
  long (*conv_pool_forward_packed_size)(const Geometry&);
  void (*conv_pool_forward_pack)(const Geometry&, const T* weights, const T* bias, T* packed);
  long (*conv_pool_forward_scratch_size)(const Geometry&);
  /// The range begins with an even row: a tile is two pooled rows.
  void (*conv_pool_forward_rows)(const Geometry&, const T* image, const T* packed, const Pooled<T>&, Range, T* scratch);
  long (*conv_pool_weights_size)(const Geometry&);
  long (*conv_pool_weights_scratch_size)(const Geometry&);
  void (*conv_pool_weights_rows)(const Geometry&, const T* image, const Pooled<const T>& gradient, T* sums, Range,
                                 T* scratch);
  void (*conv_pool_weights_finish)(const Geometry&, const T* sums, T* weights, T* bias);
  long (*conv_pool_input_packed_size)(const Geometry&);
  void (*conv_pool_input_pack)(const Geometry&, const T* weights, T* packed);
  long (*conv_pool_input_scratch_size)(const Geometry&);
  void (*conv_pool_input_rows)(const Geometry&, const Pooled<const T>& gradient, const T* packed, T* input_gradient,
                               unsigned long size_of_all, Range, T* scratch);
};

/// What networks with batch normalisation or depthwise convolutions need besides: a table of its own, so that others
/// need not compile it.
template <class T>
struct NormalizedTable {
  using Geometry = Conv2dGeometry;

  // Batch normalisation: `pixels` pixels, results one value a channel.
  /// Writes `rows` as they are meant.
  void (*read_rows)(const Rows<T>& rows, long pixels, int channels, const Matrix<T>& to);
  /// The mean, and the sum of squared distances from it.
  void (*moments)(const T* values, long pixels, int channels, T* mean, T* squares);
  /// Takes the gradient g back through relu6 (where z.relu6) to `cut`, and sums it and its product with
  /// (z - mean) inverse. `cut` may be g; without relu6 it is not touched.
  void (*norm_gradient)(const Normalized<T>&, long pixels, int channels, const T* g, T* cut, T* sum, T* product);

  // Depthwise convolution (filters = channels x multiplier), a range of output rows of one image.
  long (*depthwise_packed_size)(const Geometry&);
  void (*depthwise_pack)(const Geometry&, const T* weights, const T* scale, const T* bias, bool flipped, T* packed);
  long (*depthwise_scratch_size)(const Geometry&);
  /// The first row's pixels are the first of `out`, a row each. The results of `multiplier` neighbouring filters are
  /// added up to one output: more than 1 in the backward pass of a depth multiplier.
  void (*depthwise_rows)(const Geometry&, const Rows<T>& image, const T* packed, bool relu6, int multiplier,
                         const Matrix<T>& out, Range, T* scratch);
  long (*depthwise_weights_scratch_size)(const Geometry&);
  /// Adds to sums of depthwise_packed_size.
  void (*depthwise_weights_rows)(const Geometry&, const Rows<T>& image, const Rows<T>& gradient, T* sums, Range,
                                 T* scratch);
  void (*depthwise_weights_finish)(const Geometry&, const T* sums, T* weights, T* bias);
};

}  // namespace abell::kernels

// A program of many units may compile the kernels once: with ABELL_COMPILED_KERNELS defined they are
// only declared, and the one unit that also defines ABELL_DEFINE_KERNELS instantiates them.
#if !defined(ABELL_COMPILED_KERNELS) || defined(ABELL_DEFINE_KERNELS)

#if !defined(__OPTIMIZE__) && !defined(ABELL_UNOPTIMISED_OK)
#pragma message( \
    "abell is compiled without optimisation, about twenty times slower: use -O2, or define ABELL_UNOPTIMISED_OK")
#endif

#define ABELL_TARGETS_FILE <abell/kernels/isa/all.inl>
#define ABELL_TARGETS_NAMESPACE abell::kernels
#include <abell/kernels/targets.inl>

namespace abell::kernels {

// In every unit its own: what a target's namespace holds has internal linkage.
#if defined(ABELL_DEFINE_KERNELS)
#define ABELL_UNIT_LOCAL
#else
#define ABELL_UNIT_LOCAL static
#endif

/// The leaf functions of an instruction set that this processor supports.
template <class T>
ABELL_UNIT_LOCAL const KernelTable<T>& kernels_for(Isa isa) {
  return ABELL_OF_ISA(isa, table<T>());
}
template <class T>
ABELL_UNIT_LOCAL const NormalizedTable<T>& normalized_kernels_for(Isa isa) {
  return ABELL_OF_ISA(isa, normalized_table<T>());
}
#undef ABELL_OF_ISA
#undef ABELL_UNIT_LOCAL

}  // namespace abell::kernels

#else

namespace abell::kernels {
template <class T>
const KernelTable<T>& kernels_for(Isa isa);
template <class T>
const NormalizedTable<T>& normalized_kernels_for(Isa isa);
}  // namespace abell::kernels

#endif
