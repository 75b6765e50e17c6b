#pragma once
/// All layers, plain and fused.

#include <abell/layers/activations.hpp>
#include <abell/layers/average_pool2d.hpp>
#include <abell/layers/batch_norm.hpp>
#include <abell/layers/concatenate.hpp>
#include <abell/layers/conv2d.hpp>
#include <abell/layers/conv2d_relu.hpp>
#include <abell/layers/conv2d_relu_pool.hpp>
#include <abell/layers/conv2d_transpose.hpp>
#include <abell/layers/dense.hpp>
#include <abell/layers/depthwise_conv2d.hpp>
#include <abell/layers/dropout.hpp>
#include <abell/layers/global_average_pool2d.hpp>
#include <abell/layers/global_max_pool2d.hpp>
#include <abell/layers/max_pool2d.hpp>
#include <abell/layers/normalized_chain.hpp>
#include <abell/layers/reshape.hpp>
#include <abell/layers/residual.hpp>
#include <abell/layers/sequence.hpp>
#include <abell/layers/softmax.hpp>
#include <abell/layers/up_sample2d.hpp>
// After the layers.
#include <abell/layers/compiled.hpp>
