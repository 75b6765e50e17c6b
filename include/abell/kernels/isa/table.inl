// The functions of one instruction set.

#if defined(ABELL_ISA_TABLE_INL) == defined(ABELL_ISA_TOGGLE)
#ifdef ABELL_ISA_TABLE_INL
#undef ABELL_ISA_TABLE_INL
#else
#define ABELL_ISA_TABLE_INL
#endif

#include <abell/kernels/isa/conv_pool_input.inl>
#include <abell/kernels/isa/conv_pool_weights.inl>
#include <abell/kernels/isa/conv_pool_winograd.inl>
#include <abell/kernels/isa/depthwise.inl>

template <class T>
static const KernelTable<T>& table() {
  static constexpr KernelTable<T> functions{
      .isa = ABELL_VECTOR_BYTES == 64   ? Isa::avx512
             : ABELL_VECTOR_BYTES == 32 ? Isa::avx2
                                        : Isa::baseline,
      .lanes = lanes<T>,
      .packed_size = packed_size<T>,
      .pack_matrix = pack_matrix<T>,
      .gemm = gemm<T>,
      .gemm_edge_size = edge_size<T>,
      .gemm_streamed = gemm_streamed<T>,
      .gemm_unpacked = gemm_unpacked<T>,
      .gemm_transposed = gemm_transposed<T>,
      .gemm_transposed_chunk_scratch_size = gemm_transposed_chunk_scratch_size<T>,
      .gemm_transposed_chunk = gemm_transposed_chunk<T>,
      .pack_conv2d = pack_conv2d<T>,
      .pack_conv2d_transposed = pack_conv2d_transposed<T>,
      .conv2d_scratch_size = conv2d_scratch_size<T>,
      .conv2d_rows = conv2d_rows<T>,
      .conv2d_weights_size = conv2d_weights_size<T>,
      .conv2d_weights_scratch_size = conv2d_weights_scratch_size<T>,
      .conv2d_weights_rows = conv2d_weights_rows<T>,
      .conv2d_weights_finish = conv2d_weights_finish<T>,
      .conv_pool_forward_packed_size = conv_pool_forward_packed_size<T>,
      .conv_pool_forward_pack = conv_pool_forward_pack<T>,
      .conv_pool_forward_scratch_size = conv_pool_forward_scratch_size<T>,
      .conv_pool_forward_rows = conv_pool_forward_rows<T>,
      .conv_pool_weights_size = conv_pool_weights_size<T>,
      .conv_pool_weights_scratch_size = conv_pool_weights_scratch_size<T>,
      .conv_pool_weights_rows = conv_pool_weights_rows<T>,
      .conv_pool_weights_finish = conv_pool_weights_finish<T>,
      .conv_pool_input_packed_size = conv_pool_input_packed_size<T>,
      .conv_pool_input_pack = conv_pool_input_pack<T>,
      .conv_pool_input_scratch_size = conv_pool_input_scratch_size<T>,
      .conv_pool_input_rows = conv_pool_input_rows<T>,
  };
  return functions;
}

template <class T>
static const NormalizedTable<T>& normalized_table() {
  static constexpr NormalizedTable<T> functions{
      .read_rows = read_rows<T>,
      .moments = moments<T>,
      .norm_gradient = norm_gradient<T>,
      .depthwise_packed_size = depthwise_packed_size<T>,
      .depthwise_pack = depthwise_pack<T>,
      .depthwise_scratch_size = depthwise_scratch_size<T>,
      .depthwise_rows = depthwise_rows<T>,
      .depthwise_weights_scratch_size = depthwise_weights_scratch_size<T>,
      .depthwise_weights_rows = depthwise_weights_rows<T>,
      .depthwise_weights_finish = depthwise_weights_finish<T>,
  };
  return functions;
}

#endif
