// The functions of one instruction set. Included once for each, see targets.inl.

template <class T>
static const KernelTable<T>& table() {
  static constexpr KernelTable<T> functions{
      .lanes = lanes<T>,
      .panel_width = panel_width<T>,
      .packed_size = packed_size<T>,
      .pack_matrix = pack_matrix<T>,
      .gemm = gemm<T>,
      .gemm_transposed = gemm_transposed<T>,
      .pack_conv2d = pack_conv2d<T>,
      .pack_conv2d_transposed = pack_conv2d_transposed<T>,
      .conv2d_scratch_size = conv2d_scratch_size<T>,
      .conv2d_rows = conv2d_rows<T>,
      .conv2d_weights_size = conv2d_weights_size<T>,
      .conv2d_weights_scratch_size = conv2d_weights_scratch_size<T>,
      .conv2d_weights_rows = conv2d_weights_rows<T>,
      .conv2d_weights_finish = conv2d_weights_finish<T>,
      .pool_forward_packed_size = pool_forward_packed_size<T>,
      .pool_forward_pack = pool_forward_pack<T>,
      .pool_forward_scratch_size = pool_forward_scratch_size<T>,
      .pool_forward_rows = pool_forward_rows<T>,
      .pool_weights_size = pool_weights_size<T>,
      .pool_weights_scratch_size = pool_weights_scratch_size<T>,
      .pool_weights_rows = pool_weights_rows<T>,
      .pool_weights_finish = pool_weights_finish<T>,
      .pool_input_packed_size = pool_input_packed_size<T>,
      .pool_input_pack = pool_input_pack<T>,
      .pool_input_scratch_size = pool_input_scratch_size<T>,
      .pool_input_rows = pool_input_rows<T>,
      .fetch = fetch<T>,
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
