#pragma once
/// Nodes of ONNX as layers of ours, one after the other, with their weights in our order.

#include <abell/layers/layers.hpp>
#include <abell/weights/onnx_reshapes.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace abell::detail {

/// The layers of a path of steps.
class OnnxLayers : public OnnxReshapes {
 public:
  using OnnxReshapes::OnnxReshapes;

  /// The layer of a step that takes the values of one other. Throws FormatError naming the node.
  void add(const OnnxStep& step) {
    static const std::map<std::string, void (OnnxLayers::*)(const OnnxStep&)> kinds{
        {"Add", &OnnxLayers::add_constant},
        {"Conv", &OnnxLayers::conv},
        {"ConvTranspose", &OnnxLayers::conv_transpose},
        {"Gemm", &OnnxLayers::gemm},
        {"MatMul", &OnnxLayers::mat_mul},
        {"BatchNormalization", &OnnxLayers::batch_norm},
        {"Relu", &OnnxLayers::plain<Relu>},
        {"Sigmoid", &OnnxLayers::plain<Sigmoid>},
        {"Tanh", &OnnxLayers::plain<Tanh>},
        {"LeakyRelu", &OnnxLayers::leaky_relu},
        {"Clip", &OnnxLayers::clip},
        {"Softmax", &OnnxLayers::softmax},
        {"MaxPool", &OnnxLayers::max_pool},
        {"AveragePool", &OnnxLayers::average_pool},
        {"GlobalMaxPool", &OnnxLayers::global<GlobalMaxPool2d>},
        {"GlobalAveragePool", &OnnxLayers::global<GlobalAveragePool2d>},
        {"Resize", &OnnxLayers::resize},
        {"Upsample", &OnnxLayers::resize},
        {"Flatten", &OnnxLayers::flatten},
        {"Reshape", &OnnxLayers::reshape},
        {"Transpose", &OnnxLayers::transpose},
        {"Pad", &OnnxLayers::pad},
        {"Dropout", &OnnxLayers::dropout},
        {"Identity", &OnnxLayers::identity}};
    const auto found = kinds.find(step.kind());
    if (found == kinds.end()) {
      std::string all = "Concat";
      for (const auto& [kind, what] : kinds) all += ", " + kind;
      step.fail("one of the operators " + all, step.kind());
    }
    if (step.kind() != "Conv" && step.kind() != "Pad") require_no_pads(step, value_);
    (this->*found->second)(step);
    step.require_known_attributes();
  }

  /// Branches that the step joins, from the value before them; each gives one of `values`.
  void join(const OnnxStep& step, std::vector<OnnxList> branches, const std::vector<OnnxValue>& values) {
    const OnnxValue& first = values.front();
    for (const OnnxValue& value : values) {
      require_no_pads(step, value);
      const bool same = value.vector == first.vector && value.from_first == first.from_first &&
                        (value.vector || value.axes == first.axes);
      if (!same) step.fail("values of one layout", "several");
    }
    std::vector<LayerList<float>> lists;
    for (OnnxList& branch : branches) {
      lists.push_back(std::move(branch.layers));
      std::ranges::move(branch.weights, std::back_inserter(list_.weights));
    }
    if (step.kind() == "Add") {
      if (values.size() != 2) step.fail("two inputs", std::to_string(values.size()));
      for (const OnnxValue& value : values) {
        if (value.shape != first.shape) step.fail("values of " + to_string(first.shape), to_string(value.shape));
      }
      list_.layers.push_back(Residual<LayerList<float>, LayerList<float>>{lists[0], lists[1]});
      value_ = first;
    } else if (step.kind() == "Concat") {
      const std::int64_t channels = first.channel_axis(), rank = first.vector ? 2 : 4, axis = step.integer("axis", 1);
      if (axis != channels && axis != channels - rank) {
        step.fail("axis " + std::to_string(channels) + ", of the channels", std::to_string(axis));
      }
      if (first.from_first) step.fail("maps, or vectors in their own order", "maps as vectors");
      int sum = 0;
      for (const OnnxValue& value : values) {
        if (value.shape.height != first.shape.height || value.shape.width != first.shape.width) {
          step.fail("maps of the same height and width", to_string(first.shape) + " and " + to_string(value.shape));
        }
        sum += value.shape.channels;
      }
      list_.layers.push_back(Concatenate(lists));
      value_ = first;
      value_.shape.channels = sum;
    } else {
      step.fail("Add or Concat for values of several nodes", step.kind());
    }
    step.require_known_attributes();
  }

 private:
  static void require_no_pads(const OnnxStep& step, const OnnxValue& value) {
    if (value.pads != OnnxPads{}) step.fail("a convolution behind Pad", step.kind());
  }

  using Order = std::vector<std::size_t>;

  /// Adds the third input as bias, where there is one. Returns whether there is.
  static bool add_bias(const OnnxStep& step, int channels, Arrays& weights) {
    const auto bias = step.constant(2);
    if (bias) weights.push_back(per_channel(step, *bias, static_cast<std::size_t>(channels), 0, 1));
    return bias.has_value();
  }
  void add_constant(const OnnxStep& step) {
    add_to_bias(step, step.weights(step.is_constant(0) ? 0 : 1, "a constant"));
  }

  void conv(const OnnxStep& step) {
    require_channels_first(step);
    require_no_dilation(step);
    const OnnxTensor kernel = kernel_of(step);
    const std::int64_t groups = step.integer("group", 1);
    const Extent size = size_of(step, kernel), stride = onnx_extent(step, "strides", Extent{1});
    const Padding padding = OnnxWindows(step, value_.shape, size, stride, std::exchange(value_.pads, {})).padding();
    const auto filters = static_cast<int>(kernel.dimensions[0]);
    const int channels = value_.shape.channels;
    const bool plain = groups == 1;
    const int multiplier = filters / channels;
    const Sizes sizes = plain ? kernel.dimensions : Sizes{channels, multiplier, size.height, size.width};
    if (kernel.dimensions[1] != (plain ? channels : 1) || (!plain && (groups != channels || filters % channels != 0))) {
      step.fail("a kernel of " + std::to_string(channels) + " channels, or a group for each of them",
                std::to_string(kernel.dimensions[1]) + " channels, " + std::to_string(groups) + " groups");
    }
    Arrays weights{permuted(kernel.values, sizes, plain ? Order{2, 3, 1, 0} : Order{2, 3, 0, 1})};
    const bool biased = add_bias(step, filters, weights);
    if (plain) {
      push(step, Conv2d{.filters = filters, .kernel_size = size, .stride = stride, .padding = padding, .bias = biased},
           std::move(weights));
      return;
    }
    push(step,
         DepthwiseConv2d{
             .kernel_size = size, .stride = stride, .padding = padding, .depth_multiplier = multiplier, .bias = biased},
         std::move(weights));
  }

  static OnnxTensor kernel_of(const OnnxStep& step) {
    OnnxTensor kernel = step.weights(1, "a kernel");
    constexpr std::int64_t most = most_units;
    const bool fits = kernel.dimensions.size() == 4 &&
                      std::ranges::all_of(kernel.dimensions, [](auto size) { return size >= 1 && size <= most; });
    if (!fits) step.fail("a kernel of four sizes of at least 1", std::to_string(kernel.dimensions.size()) + " sizes");
    return kernel;
  }
  static Extent size_of(const OnnxStep& step, const OnnxTensor& kernel) {
    const Extent size{static_cast<int>(kernel.dimensions[2]), static_cast<int>(kernel.dimensions[3])};
    const Extent told = onnx_extent(step, "kernel_shape", size);
    if (told != size) step.fail("a kernel_shape of " + to_string(size), to_string(told));
    return size;
  }

  void conv_transpose(const OnnxStep& step) {
    require_channels_first(step);
    require_no_dilation(step);
    step.require("group", 1);
    if (step.has("output_shape")) step.fail("pads and output_padding", "output_shape");
    if (step.text("auto_pad", "NOTSET") != "NOTSET") step.fail("pads", "auto_pad");
    const OnnxTensor kernel = kernel_of(step);
    const Extent size = size_of(step, kernel), stride = onnx_extent(step, "strides", Extent{1});
    const OnnxPads pads = onnx_pads(step);
    const Sizes more = step.integers("output_padding").value_or(Sizes{0, 0});
    if (more.size() != 2) step.fail("an output_padding of two numbers", std::to_string(more.size()));
    const auto filters = static_cast<int>(kernel.dimensions[1]);
    const auto wanted = [&](int length, int side, int step_size, std::size_t i) {
      return static_cast<std::int64_t>(length - 1) * step_size + side - pads[i] - pads[i + 2] + more[i];
    };
    const std::int64_t height = wanted(value_.shape.height, size.height, stride.height, 0),
                       width = wanted(value_.shape.width, size.width, stride.width, 1);
    Arrays weights{permuted(kernel.values, kernel.dimensions, {2, 3, 1, 0})};
    const bool biased = add_bias(step, filters, weights);
    for (const Padding padding : {Padding::same, Padding::valid, Padding::symmetric, Padding::after}) {
      const Conv2dTranspose layer{
          .filters = filters, .kernel_size = size, .stride = stride, .padding = padding, .bias = biased};
      Shape output;
      try {
        output = layer.output({value_.shape, "", 0});
      } catch (const OptionError&) {
        continue;
      }
      const AxisWindows rows = window_of(output.height, size.height, stride.height, padding),
                        columns = window_of(output.width, size.width, stride.width, padding);
      if (output.height == height && output.width == width && rows.before == pads[0] && columns.before == pads[1]) {
        push(step, layer, std::move(weights));
        return;
      }
    }
    step.fail("pads and output_padding as of same, valid or symmetric windows at " + to_string(value_.shape),
              "an output of " + std::to_string(height) + "x" + std::to_string(width));
  }

  /// A layer Dense from a matrix [inputs][units]; rows are put in the order height, width, channel.
  void dense(const OnnxStep& step, std::vector<double> matrix, std::size_t units, std::vector<float> bias) {
    const auto inputs = static_cast<std::size_t>(value_.shape.channels);
    if (matrix.size() != inputs * units) {
      step.fail("a matrix of " + std::to_string(inputs) + " inputs",
                std::to_string(units == 0 ? 0 : matrix.size() / units));
    }
    std::vector<float> kernel;
    if (const auto map = std::exchange(value_.from_first, std::nullopt)) {
      kernel =
          permuted(matrix, {map->channels, map->height, map->width, static_cast<std::int64_t>(units)}, {1, 2, 0, 3});
    } else {
      kernel.assign(matrix.begin(), matrix.end());
    }
    push(step, Dense{.units = static_cast<int>(units)}, {std::move(kernel), std::move(bias)});
  }
  static void require_matrix(const OnnxStep& step, const OnnxTensor& matrix) {
    if (matrix.dimensions.size() != 2 || matrix.dimensions[0] > most_shape || matrix.dimensions[1] > most_units) {
      step.fail("a matrix", std::to_string(matrix.dimensions.size()) + " sizes, or too large ones");
    }
  }

  void gemm(const OnnxStep& step) {
    require_vector(step);
    step.require("transA", 0);
    OnnxTensor matrix = step.weights(1, "a matrix");
    require_matrix(step, matrix);
    const bool transposed = step.integer("transB", 0) != 0;
    const auto units = static_cast<std::size_t>(matrix.dimensions[transposed ? 0 : 1]);
    if (transposed) {
      const std::vector<float> turned = permuted(matrix.values, matrix.dimensions, {1, 0});
      matrix.values.assign(turned.begin(), turned.end());
    }
    const double alpha = step.real("alpha", 1), beta = step.real("beta", 1);
    for (double& value : matrix.values) value *= alpha;
    std::vector<float> bias(units);
    if (const auto added = step.constant(2)) {
      bias = per_channel(step, *added, units, 1, 2);
      for (float& value : bias) value = static_cast<float>(beta * static_cast<double>(value));
    }
    dense(step, std::move(matrix.values), units, std::move(bias));
  }
  void mat_mul(const OnnxStep& step) {
    require_vector(step);
    if (step.is_constant(0)) step.fail("the images' values on the left", "a constant");
    OnnxTensor matrix = step.weights(1, "a matrix");
    require_matrix(step, matrix);
    const auto units = static_cast<std::size_t>(matrix.dimensions[1]);
    dense(step, std::move(matrix.values), units, std::vector<float>(units));
  }

  void batch_norm(const OnnxStep& step) {
    if (value_.channel_axis() != 1) require_channels_first(step);
    if (opset_ < 9) step.require("spatial", 1);
    if (opset_ >= 14) step.require("training_mode", 0);
    const BatchNorm layer{.momentum = step.real("momentum", 0.9),
                          .epsilon = step.real("epsilon", 1e-5),
                          .moving_variance = MovingVariance::unbiased};
    std::vector<std::vector<float>> weights;
    for (int input = 1; input <= 4; ++input) {
      const OnnxTensor tensor = step.weights(input, "scale, bias, mean and variance");
      const auto& map = value_.from_first;
      const bool reorder = map && tensor.values.size() == map->size();
      weights.push_back(reorder ? permuted(tensor.values, {map->channels, map->height, map->width}, {1, 2, 0})
                                : floats(tensor));
    }
    push(step, layer, std::move(weights));
  }

  template <class L>
  void plain(const OnnxStep& step) {
    push(step, L{});
  }
  void leaky_relu(const OnnxStep& step) { push(step, LeakyRelu{.negative_slope = step.real("alpha", 0.01)}); }
  void clip(const OnnxStep& step) {
    const auto limit = [&](int input, const char* attribute) -> std::optional<double> {
      if (opset_ < 11) return step.has(attribute) ? std::optional(step.real(attribute, 0)) : std::nullopt;
      const auto found = step.constant(input);
      return found && found->values.size() == 1 ? std::optional(found->values[0]) : std::nullopt;
    };
    const auto least = limit(1, "min"), most = limit(2, "max");
    constexpr double largest = 3.4e38;  // PyTorch's way to say none
    if (least == 0.0 && most == 6.0) {
      push(step, Relu6{});
    } else if (least == 0.0 && (!most || *most >= largest)) {
      push(step, Relu{});
    } else {
      const auto text = [](const std::optional<double>& value) { return value ? std::to_string(*value) : "none"; };
      step.fail("limits of 0 and 6, or of 0 and none", text(least) + " and " + text(most));
    }
  }
  /// Before opset 13 the axes from `axis` on were one.
  void softmax(const OnnxStep& step) {
    const std::int64_t rank = value_.vector ? 2 : 4, channels = value_.channel_axis();
    std::int64_t axis = step.integer("axis", opset_ < 13 ? 1 : -1);
    if (axis < 0) axis += rank;
    const bool one_pixel = value_.shape.pixels() == 1;
    const bool fits = axis == channels && (opset_ >= 13 || axis == rank - 1 || one_pixel);
    const bool flattened = opset_ < 13 && axis == 1 && one_pixel;
    if (!fits && !flattened) step.fail("a softmax over the channels", "axis " + std::to_string(axis));
    push(step, Softmax{});
  }

  template <class Pool>
  void pool(const OnnxStep& step) {
    require_channels_first(step);
    require_no_dilation(step);
    const Extent size = onnx_extent(step, "kernel_shape", std::nullopt),
                 stride = onnx_extent(step, "strides", Extent{1});
    const Padding padding = OnnxWindows(step, value_.shape, size, stride, {}).padding();
    push(step, Pool{.pool_size = size, .stride = stride, .padding = padding});
  }
  void max_pool(const OnnxStep& step) {
    step.require("storage_order", 0);
    pool<MaxPool2d>(step);
  }
  void average_pool(const OnnxStep& step) {
    const bool counted =
        step.integer("count_include_pad", 0) != 0 && (onnx_pads(step) != OnnxPads{} || step.has("auto_pad"));
    if (counted) step.fail("count_include_pad of 0 where there are pads", "1");
    step.require("ceil_mode", 0);
    pool<AveragePool2d>(step);
  }
  template <class Pool>
  void global(const OnnxStep& step) {
    require_channels_first(step);
    push(step, Pool{});
  }

  /// The factors are constants, or follow from constant sizes.
  void resize(const OnnxStep& step) {
    require_channels_first(step);
    const bool old = step.kind() == "Upsample" || opset_ < 11;
    std::optional<OnnxTensor> scales, sizes;
    if (const auto own = step.reals("scales")) scales = OnnxTensor{{4}, *own};
    if (!scales) scales = step.constant(old ? 1 : 2);
    if (!old && (!scales || scales->values.empty())) sizes = step.constant(3);
    std::array<double, 2> factors{};
    const std::array lengths{value_.shape.height, value_.shape.width};
    const auto& given = sizes ? sizes : scales;
    if (!given || given->values.size() != 4)
      step.fail("four scales or sizes", given ? std::to_string(given->values.size()) : "none");
    for (std::size_t i : {0U, 1U}) factors[i] = sizes ? given->values[i + 2] / lengths[i] : given->values[i + 2];
    const bool others =
        sizes ? given->values[1] != value_.shape.channels : given->values[0] != 1 || given->values[1] != 1;
    const auto whole = [](double factor) { return factor >= 1 && factor <= most_side && factor == std::floor(factor); };
    if (others || !std::ranges::all_of(factors, whole)) {
      step.fail("whole factors for height and width",
                std::to_string(factors[0]) + " and " + std::to_string(factors[1]));
    }
    const Extent factor{static_cast<int>(factors[0]), static_cast<int>(factors[1])};
    const std::string mode = step.text("mode", "nearest");
    const std::string where = step.text("coordinate_transformation_mode", old ? "asymmetric" : "half_pixel");
    const std::string round = step.text("nearest_mode", old ? "floor" : "round_prefer_floor");
    step.require("antialias", 0);
    step.require("exclude_outside", 0);
    step.real("cubic_coeff_a", 0);        // of another mode
    step.real("extrapolation_value", 0);  // likewise
    if (step.has("axes") || step.has("keep_aspect_ratio_policy")) step.fail("factors of all axes", "axes or a policy");
    if (mode == "nearest") {
      for (const int side : {factor.height, factor.width}) {
        if (!repeats(side, where, round)) step.fail("pixels that are repeated", where + " with " + round);
      }
      push(step, UpSample2d{.size = factor, .interpolation = UpSampling::nearest});
    } else if (mode == "linear" && (where == "half_pixel" || where == "pytorch_half_pixel")) {
      push(step, UpSample2d{.size = factor, .interpolation = UpSampling::bilinear});
    } else {
      step.fail("nearest, or linear with half_pixel", mode + " with " + where);
    }
  }
  /// Whether output pixel i is input pixel floor(i / factor).
  static bool repeats(int factor, const std::string& where, const std::string& round) {
    for (int i = 0; i < factor; ++i) {
      double at = 0;
      if (where == "asymmetric")
        at = static_cast<double>(i) / factor;
      else if (where == "half_pixel" || where == "pytorch_half_pixel")
        at = (i + 0.5) / factor - 0.5;
      else if (where == "tf_half_pixel_for_nn")
        at = (i + 0.5) / factor;
      else
        return false;
      const double found = round == "floor"                ? std::floor(at)
                           : round == "ceil"               ? std::ceil(at)
                           : round == "round_prefer_floor" ? std::ceil(at - 0.5)
                                                           : std::floor(at + 0.5);
      if (std::max(found, 0.0) != 0) return false;
    }
    return true;
  }

  void dropout(const OnnxStep& step) {
    double rate = step.real("ratio", 0.5);
    step.integer("seed", 0);
    if (opset_ >= 12) {
      if (const auto given = step.constant(1)) rate = given->values.size() == 1 ? given->values[0] : 1;
    }
    if (rate != 0) push(step, Dropout{.rate = rate});
  }};

}  // namespace abell::detail
