#pragma once
/// U-Net (Ronneberger, Fischer & Brox 2015, arXiv:1505.04597, figure 1): the classes of all pixels of an image.

#include <abell/layers/concatenate.hpp>
#include <abell/layers/up_sample2d.hpp>
#include <abell/network/network.hpp>

namespace abell {

struct UNetOptions {
  int filters = 16;  ///< of the first level; each level below has twice as many
  int classes = 2;
};

namespace detail {

/// A level: two convolutions; the levels below, beside what goes past them; two convolutions.
template <int depth>
constexpr auto unet_level(int filters) {
  const auto convolutions = describe(Conv2d{.filters = filters}, Relu{}, Conv2d{.filters = filters}, Relu{});
  if constexpr (depth == 0) {
    return convolutions;
  } else {
    const auto below = join(join(describe(MaxPool2d{}), unet_level<depth - 1>(2 * filters)), describe(UpSample2d{}));
    return join(join(convolutions, describe(Concatenate{below, describe()})), convolutions);
  }
}

}  // namespace detail

/// `depth` levels below the first. As its convolutions keep the size (SAME), so does the network, for images whose
/// sides are multiples of 2^depth; the paper's shrink it. Depth 3 with 16 filters and two classes has 487,314
/// parameters.
template <int depth = 3>
constexpr auto make_unet(const UNetOptions& o = {}) {
  return join(detail::unet_level<depth>(o.filters),
              describe(Conv2d{.filters = o.classes, .kernel_size = 1}, Softmax{}));
}

}  // namespace abell
