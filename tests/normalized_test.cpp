/// The leaf kernels of normalised convolutions against loops in double, exactly on integers, and a chain of
/// them on every instruction set.

#include <abell/kernels/depthwise.hpp>
#include <abell/layers/normalized_chain.hpp>
#include <algorithm>
#include <cmath>

#include "catch.hpp"
#include "kernel_tools.hpp"

using namespace abell;
using namespace abell::testing;
using kernels::Rows;

namespace {

const std::vector<int> widths{1, 3, 16, 17, 33};
enum class Form { plain, clip, affine, affine_clip, two };
constexpr std::array all_forms{Form::plain, Form::clip, Form::affine, Form::affine_clip, Form::two};

double clipped(double x) { return std::isnan(x) ? x : std::min(std::max(x, 0.0), 6.0); }

/// An activation and how it is to be read, in T and in double.
template <class T>
struct Reading {
  std::vector<double> meant;
  std::vector<T> values, other, scale, other_scale, shift;
  Form mode;

  Reading(Form how, std::size_t pixels, int channels) : mode(how) {
    const auto width = static_cast<std::size_t>(channels);
    const auto x = integers(pixels * width, 1, 9), z = integers(pixels * width, 2, 9);
    const auto a = integers(width, 3, 2), b = integers(width, 4, 3), c = integers(width, 5, 4);
    values = cast<T>(x), other = cast<T>(z), scale = cast<T>(a), other_scale = cast<T>(b), shift = cast<T>(c);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const std::size_t k = i % width;
      switch (mode) {
        case Form::plain: meant.push_back(x[i]); break;
        case Form::clip: meant.push_back(clipped(x[i])); break;
        case Form::affine: meant.push_back(a[k] * x[i] + c[k]); break;
        case Form::affine_clip: meant.push_back(clipped(a[k] * x[i] + c[k])); break;
        case Form::two: meant.push_back(a[k] * x[i] + b[k] * z[i] + c[k]); break;
      }
    }
  }
  Rows<T> rows() const {
    Rows<T> rows{.values = values.data(), .relu6 = mode == Form::clip || mode == Form::affine_clip};
    if (mode == Form::plain || mode == Form::clip) return rows;
    rows.scale = scale.data();
    rows.shift = shift.data();
    if (mode == Form::two) rows.other = other.data(), rows.other_scale = other_scale.data();
    return rows;
  }
};

template <class T>
void check_read_rows() {
  for (const Isa isa : supported_isas()) {
    const auto& table = kernels::normalized_kernels_for<T>(isa);
    for (const Form mode : all_forms) {
      for (const int channels : widths) {
        for (const std::size_t pixels : {1U, 2U, 7U}) {
          for (const std::size_t gap : {0U, 1U, 5U}) {
            INFO(name_of(isa) << ", mode " << static_cast<int>(mode) << ", " << pixels << " x " << channels << " + "
                              << gap);
            const Reading<T> reading(mode, pixels, channels);
            const std::size_t width = static_cast<std::size_t>(channels), stride = width + gap;
            Guarded<T> out(pixels * stride - gap);
            table.read_rows(reading.rows(), static_cast<long>(pixels), channels,
                            {out.data(), static_cast<long>(stride)});
            bool same = out.guards_intact();
            for (std::size_t i = 0; i < pixels * stride - gap; ++i) {
              const T found = out.data()[i];
              const bool between = i % stride >= width;
              same = same && (between ? std::isnan(found)
                                      : static_cast<double>(found) == reading.meant[i / stride * width + i % stride]);
            }
            CHECK(same);
          }
        }
      }
    }
  }
}

}  // namespace

TEST_CASE("activations are read as they are meant, exactly", "[normalized]") {
  check_read_rows<float>();
  check_read_rows<double>();
}

TEST_CASE("reading keeps NaN, and clips infinities to 0 and 6", "[normalized][nan]") {
  const float nan = std::nanf(""), infinity = std::numeric_limits<float>::infinity();
  for (const Isa isa : supported_isas()) {
    const auto& table = kernels::normalized_kernels_for<float>(isa);
    for (const Form mode : all_forms) {
      for (const int channels : widths) {
        for (int at = 0; at < channels; ++at) {
          Reading<float> reading(mode, 2, channels);
          const auto index = static_cast<std::size_t>(at);
          std::vector<float> out(reading.values.size());
          const auto value_of = [&](float value) {
            reading.values[index] = value;
            table.read_rows(reading.rows(), 2, channels, {out.data(), channels});
            return out[index];
          };
          INFO(name_of(isa) << ", mode " << static_cast<int>(mode) << ", " << at << " of " << channels);
          CHECK(std::isnan(value_of(nan)));
          if (mode == Form::clip) CHECK((value_of(infinity) == 6 && value_of(-infinity) == 0));
          for (std::size_t i = 0; i < out.size(); ++i) {
            if (i != index) CHECK(static_cast<double>(out[i]) == reading.meant[i]);
          }
        }
      }
    }
  }
}

namespace {

template <class T>
void check_moments(double tolerance) {
  for (const Isa isa : supported_isas()) {
    const auto& table = kernels::normalized_kernels_for<T>(isa);
    for (const int channels : widths) {
      for (const std::size_t pixels : {1U, 2U, 4U, 16U, 3U, 7U, 100U}) {
        INFO(name_of(isa) << ", " << pixels << " x " << channels);
        const auto width = static_cast<std::size_t>(channels);
        const auto x = integers(pixels * width, 6);
        const auto xt = cast<T>(x);
        Guarded<T> mean(width), squares(width);
        table.moments(xt.data(), static_cast<long>(pixels), channels, mean.data(), squares.data());
        const bool exact = (pixels & (pixels - 1)) == 0;  // then the mean is too
        for (std::size_t c = 0; c < width; ++c) {
          double sum = 0, apart = 0;
          for (std::size_t p = 0; p < pixels; ++p) sum += x[p * width + c];
          const double middle = sum / static_cast<double>(pixels);
          for (std::size_t p = 0; p < pixels; ++p) apart += std::pow(x[p * width + c] - middle, 2);
          const auto close = [&](T found, double expected) {
            return std::abs(static_cast<double>(found) - expected) <=
                   (exact ? 0 : tolerance * (1 + std::abs(expected)));
          };
          CHECK(close(mean.data()[c], middle));
          CHECK(close(squares.data()[c], apart));
        }
        CHECK((mean.guards_intact() && squares.guards_intact()));
      }
    }
  }
}

template <class T>
void check_norm_gradient() {
  for (const Isa isa : supported_isas()) {
    const auto& table = kernels::normalized_kernels_for<T>(isa);
    for (const int channels : widths) {
      for (const std::size_t pixels : {0U, 1U, 8U, 31U}) {
        for (const bool relu6 : {false, true}) {
          INFO(name_of(isa) << ", " << pixels << " x " << channels << (relu6 ? ", ReLU6" : ""));
          const auto width = static_cast<std::size_t>(channels);
          const Reading<T> reading(relu6 ? Form::affine_clip : Form::plain, pixels, channels);
          const auto mean = integers(width, 8);
          std::vector<double> inverse, sums(width), products(width);
          for (std::size_t c = 0; c < width; ++c) inverse.push_back(c % 2 == 0 ? 0.25 : 2);
          auto g = integers(pixels * width, 9);
          const auto before = cast<T>(g);
          Guarded<T> gradient(g.size()), in_place(g.size()), sum(width), product(width);
          std::ranges::copy(before, in_place.data());
          const auto cut = [&](const T* from, T* to) {
            const auto means = cast<T>(mean), inverses = cast<T>(inverse);
            table.norm_gradient({reading.rows(), means.data(), inverses.data()}, static_cast<long>(pixels), channels,
                                from, to, sum.data(), product.data());
          };
          cut(in_place.data(), relu6 ? in_place.data() : nullptr);
          if (relu6) cut(before.data(), gradient.data());
          for (std::size_t i = 0; i < g.size(); ++i) {
            // At 0 and at 6 nothing passes.
            if (relu6 && !(reading.meant[i] > 0 && reading.meant[i] < 6)) g[i] = 0;
            sums[i % width] += g[i];
            products[i % width] +=
                g[i] * (static_cast<double>(reading.values[i]) - mean[i % width]) * inverse[i % width];
          }
          CHECK(in_place.first_difference(g) == -1);
          if (relu6) CHECK(gradient.first_difference(g) == -1);
          CHECK(sum.first_difference(sums) == -1);
          CHECK(product.first_difference(products) == -1);
          CHECK(
              (gradient.guards_intact() && in_place.guards_intact() && sum.guards_intact() && product.guards_intact()));
        }
      }
    }
  }
}

}  // namespace

TEST_CASE("mean and squares of each channel equal a loop in double", "[normalized]") {
  check_moments<float>(1e-6);
  check_moments<double>(1e-14);
}

TEST_CASE("mean and squares keep their digits far from zero", "[normalized]") {
  for (const Isa isa : supported_isas()) {
    INFO(name_of(isa));
    std::vector<float> x(64 * 17);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = 4096 + (i / 17 % 2 == 0 ? 0.125F : -0.125F);
    std::vector<float> mean(17), squares(17);
    kernels::normalized_kernels_for<float>(isa).moments(x.data(), 64, 17, mean.data(), squares.data());
    CHECK(std::ranges::count(mean, 4096.0F) == 17);
    CHECK(std::ranges::count(squares, 1.0F) == 17);
  }
}

TEST_CASE("the gradient through ReLU6 and its sums equal a loop in double, exactly", "[normalized]") {
  check_norm_gradient<float>();
  check_norm_gradient<double>();
}

TEST_CASE("a depthwise convolution reads its input and gradient as they are meant", "[normalized][depthwise]") {
  for (const Isa isa : supported_isas()) {
    const kernels::Backend<float> backend{&kernels::kernels_for<float>(isa), 1};
    for (const int channels : {3, 16, 33}) {
      for (const int multiplier : {1, 2}) {
        for (const Form mode : all_forms) {
          INFO(name_of(isa) << ", " << channels << " channels x " << multiplier << ", mode " << static_cast<int>(mode));
          const auto g = geometry(6, 5, channels, channels * multiplier, 3, 2);
          const Reading<float> x(mode, 30, channels), dy(mode, 9, g.filters);
          const auto filters = static_cast<std::size_t>(g.filters);
          const auto w = cast<float>(integers(9 * filters, 21));
          const auto plain_x = cast<float>(x.meant), plain_dy = cast<float>(dy.meant);
          const auto size = static_cast<std::size_t>(backend.normalized().depthwise_packed_size(g));
          std::vector<float> packed(size),
              scratch(static_cast<std::size_t>(backend.normalized().depthwise_weights_scratch_size(g)), std::nanf(""));
          backend.normalized().depthwise_pack(g, w.data(), nullptr, nullptr, false, packed.data());
          const auto outputs = [&](const Rows<float>& rows) {
            std::vector<float> y(g.output_size());
            backend.normalized().depthwise_rows(g, rows, packed.data(), true, 1, {y.data(), g.filters},
                                                {0, g.out_height}, scratch.data());
            return y;
          };
          const auto sums = [&](const Rows<float>& rows, const Rows<float>& gradient) {
            std::vector<float> sum(size);
            backend.normalized().depthwise_weights_rows(g, rows, gradient, sum.data(), {0, g.out_height},
                                                        scratch.data());
            return sum;
          };
          // Cells of the padding are 0, whatever the map makes of 0.
          CHECK(outputs(x.rows()) == outputs({plain_x.data()}));
          CHECK(sums(x.rows(), dy.rows()) == sums({plain_x.data()}, {plain_dy.data()}));
        }
      }
    }
  }
}

TEST_CASE("a depthwise convolution with ReLU6 keeps NaN", "[normalized][nan]") {
  for (const Isa isa : supported_isas()) {
    const auto& table = kernels::normalized_kernels_for<float>(isa);
    for (const int channels : {1, 16, 17}) {
      INFO(name_of(isa) << ", " << channels << " channels");
      const auto g = geometry(5, 5, channels, channels);
      std::vector<float> x(g.input_size(), 1), y(g.output_size());
      const auto size = [](long count) { return static_cast<std::size_t>(count); };
      std::vector<float> packed(size(table.depthwise_packed_size(g))), scratch(size(table.depthwise_scratch_size(g)));
      const std::vector<float> w(9 * size(channels), 1);
      table.depthwise_pack(g, w.data(), nullptr, nullptr, false, packed.data());
      x[size(12 * channels + channels - 1)] = std::nanf("");
      table.depthwise_rows(g, {x.data()}, packed.data(), true, 1, {y.data(), channels}, {0, 5}, scratch.data());
      CHECK(std::ranges::count_if(y, [](float value) { return std::isnan(value); }) == 9);
      CHECK(std::isnan(y[size(6 * channels + channels - 1)]));
    }
  }
}

namespace {

/// What a chain gives in training: output, gradients, gradient of the input, states.
std::vector<double> run_chain(Isa isa, int threads) {
  constexpr BatchNorm norm;
  const auto layers = std::tuple{Conv2d{.filters = 5, .stride = 2},
                                 norm,
                                 Relu6{},  //
                                 DepthwiseConv2d{.depth_multiplier = 3, .bias = false},
                                 norm,
                                 Relu6{},
                                 Conv2d{.filters = 19, .kernel_size = 1},
                                 norm,
                                 Relu6{}};
  const auto stage = std::apply(
      [](const auto&... l) {
        return NormalizedChainStage<double>({{41, 38, 3}, "chain"}, l...);
      },
      layers);
  const kernels::Backend<double> backend{&kernels::kernels_for<double>(isa), threads};
  constexpr int batch = 3;
  const StageMemory memory = stage.memory(backend, batch, Mode::train);
  Buffer<std::byte> saved(memory.saved_bytes);
  Buffer<double> scratch(memory.scratch_values);
  std::ranges::fill(scratch.span(), std::numeric_limits<double>::quiet_NaN());
  std::vector<double> parameters, gradients(5 * 27 + 25 + 15 * 9 + 60 + 15 * 19 + 19 + 76), x(batch * 41 * 38 * 3);
  Random random(3);
  for (std::size_t i = 0; i < gradients.size(); ++i) parameters.push_back(random.uniform(0.1, 1.5) * (i % 3 ? 1 : -1));
  for (double& value : x) value = random.normal();
  std::vector<double> y(batch * 21 * 19 * 19), dy(y.size()), dx(x.size());
  for (double& value : dy) value = random.normal();
  const Pass<double> pass{.backend = backend,
                          .batch = batch,
                          .mode = Mode::train,
                          .parameters = parameters.data(),
                          .gradients = gradients.data(),
                          .saved = saved.data(),
                          .scratch = scratch.data()};
  stage.forward(pass, x.data(), y.data());
  stage.backward(pass, x.data(), dy.data(), dx.data());
  stage.update_statistics(pass, parameters.data());
  for (const auto* part : {&gradients, &dx, &parameters}) y.insert(y.end(), part->begin(), part->end());
  return y;
}

}  // namespace

TEST_CASE("a chain gives the same on every instruction set, and the same bits on 1 to 4 threads", "[normalized]") {
  const auto baseline = run_chain(Isa::baseline, 1);
  const double largest = std::abs(std::ranges::max(baseline, {}, [](double v) { return std::abs(v); }));
  for (const Isa isa : supported_isas()) {
    const auto one = run_chain(isa, 1);
    double worst = 0;
    for (std::size_t i = 0; i < one.size(); ++i) worst = std::max(worst, std::abs(one[i] - baseline[i]));
    INFO(name_of(isa));
    CHECK(worst <= 1e-12 * largest);
    for (const int threads : {1, 2, 3, 4}) CHECK(run_chain(isa, threads) == one);
  }
}
