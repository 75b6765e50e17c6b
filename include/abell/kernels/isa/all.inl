// The leaf kernels, in order. No include guard: each instruction set includes this file once.
// clang-format off
#include <abell/kernels/isa/vector.inl>
#include <abell/kernels/isa/pack.inl>
#include <abell/kernels/isa/gemm.inl>
#include <abell/kernels/isa/gemm_transposed.inl>
#include <abell/kernels/isa/conv2d.inl>
#include <abell/kernels/isa/conv_pool_forward.inl>
#include <abell/kernels/isa/winograd.inl>
#include <abell/kernels/isa/conv_pool_winograd_few.inl>
#include <abell/kernels/isa/conv_pool_winograd.inl>
#include <abell/kernels/isa/conv_pool_weights_taps.inl>
#include <abell/kernels/isa/conv_pool_weights_few.inl>
#include <abell/kernels/isa/conv_pool_weights.inl>
#include <abell/kernels/isa/conv_pool_input.inl>
#include <abell/kernels/isa/rows.inl>
#include <abell/kernels/isa/depthwise.inl>
#include <abell/kernels/isa/table.inl>
// clang-format on
