#pragma once
/// U-Net (Ronneberger, Fischer & Brox 2015, arXiv:1505.04597, figure 1): the classes of all pixels of an image.

#include <abell/network/network.hpp>

namespace abell {

/// What of a U-Net may vary. `build` throws ShapeError for images whose sides are no multiples of 2^depth, OptionError
/// for a depth or filters out of their range, and for classes below 1.
struct UNetOptions {
  int depth = 3;     ///< levels below the first, 0 to 14
  int filters = 16;  ///< of the first level, 1 to 65536; each level below has twice as many
  int classes = 2;
};

/// A description, like those that `describe` makes. As its convolutions keep the size (SAME), so does the network, for
/// images whose sides are multiples of 2^depth; the paper's shrink it. Depth 3 with 16 filters and two classes has
/// 487,314 parameters.
struct UNet {
  UNetOptions options = {};
};

/// [height][width][channels] -> the probabilities [height][width][classes].
constexpr UNet make_unet(const UNetOptions& options = {}) { return {options}; }

namespace detail {

/// A level: two convolutions; the levels below, beside what goes past them; two convolutions.
template <class T>
LayerList<T> unet_level(int depth, int filters) {
  const Conv2d conv{.filters = filters};
  const LayerList<T> convolutions{conv, Relu{}, conv, Relu{}};
  if (depth == 0) return convolutions;
  const LayerList<T> below =
      join(join(LayerList<T>{MaxPool2d{}}, unet_level<T>(depth - 1, 2 * filters)), LayerList<T>{UpSample2d{}});
  return join(join(convolutions, LayerList<T>{Concatenate{std::vector{below, LayerList<T>{}}}}), convolutions);
}

}  // namespace detail

/// See description.hpp.
template <class T>
LayerList<T> list_of(const UNet& description) {
  const UNetOptions& o = description.options;
  const auto within = [](std::string_view option, int value, int least, int most) {
    if (value >= least && value <= most) return;
    throw OptionError(option, "expected " + std::to_string(least) + " to " + std::to_string(most) + ", found " +
                                  std::to_string(value));
  };
  within("depth", o.depth, 0, 14);
  within("filters", o.filters, 1, 65536);
  return join(detail::unet_level<T>(o.depth, o.filters),
              LayerList<T>{Conv2d{.filters = o.classes, .kernel_size = 1}, Softmax{}});
}

}  // namespace abell
