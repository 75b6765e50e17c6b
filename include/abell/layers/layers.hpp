#pragma once
/// All layers, plain and fused. With ABELL_COMPILED_KERNELS their stages are compiled in abell::kernels, as the kernels
/// are.

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

#ifdef ABELL_COMPILED_KERNELS
#ifdef ABELL_DEFINE_KERNELS
#define ABELL_COMPILED template
#else
#define ABELL_COMPILED extern template
#endif
#define ABELL_STAGE(Layer)                                                    \
  ABELL_COMPILED AnyStage<float> stage_of<float>(const Place&, const Layer&); \
  ABELL_COMPILED AnyStage<double> stage_of<double>(const Place&, const Layer&);

namespace abell {

ABELL_STAGE(AveragePool2d)
ABELL_STAGE(BatchNorm)
ABELL_STAGE(Conv2d)
ABELL_STAGE(Conv2dTranspose)
ABELL_STAGE(Dense)
ABELL_STAGE(DepthwiseConv2d)
ABELL_STAGE(Dropout)
ABELL_STAGE(Flatten)
ABELL_STAGE(GlobalAveragePool2d)
ABELL_STAGE(GlobalMaxPool2d)
ABELL_STAGE(LeakyRelu)
ABELL_STAGE(MaxPool2d)
ABELL_STAGE(Relu)
ABELL_STAGE(Relu6)
ABELL_STAGE(Reshape)
ABELL_STAGE(Sigmoid)
ABELL_STAGE(Softmax)
ABELL_STAGE(Tanh)
ABELL_STAGE(UpSample2d)
ABELL_COMPILED FusedStage<float> first_stage<float>(const Place&, std::span<const AnyLayer<float>>);
ABELL_COMPILED FusedStage<double> first_stage<double>(const Place&, std::span<const AnyLayer<double>>);

}  // namespace abell

#undef ABELL_STAGE
#undef ABELL_COMPILED
#endif
