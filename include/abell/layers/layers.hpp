#pragma once
/// All layers, plain and fused.

#include <abell/core/compiled.hpp>
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

namespace abell {

#define ABELL_LAYER(Layer)                                 \
  ABELL_COMPILED(void AnyLayer<float>::hold(const Layer&)) \
  ABELL_COMPILED(void AnyLayer<double>::hold(const Layer&))

ABELL_LAYER(AveragePool2d)
ABELL_LAYER(BatchNorm)
ABELL_LAYER(Conv2d)
ABELL_LAYER(Conv2dTranspose)
ABELL_LAYER(Dense)
ABELL_LAYER(DepthwiseConv2d)
ABELL_LAYER(Dropout)
ABELL_LAYER(Flatten)
ABELL_LAYER(GlobalAveragePool2d)
ABELL_LAYER(GlobalMaxPool2d)
ABELL_LAYER(LeakyRelu)
ABELL_LAYER(MaxPool2d)
ABELL_LAYER(Relu)
ABELL_LAYER(Relu6)
ABELL_LAYER(Reshape)
ABELL_LAYER(Sigmoid)
ABELL_LAYER(Softmax)
ABELL_LAYER(Tanh)
ABELL_LAYER(UpSample2d)

#undef ABELL_LAYER

}  // namespace abell
