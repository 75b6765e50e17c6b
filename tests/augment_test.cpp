#include <abell/data/augment.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "catch.hpp"
#include "error_message.hpp"

using abell::AffineDraw;
using abell::Augmentation;
using abell::Shape;
using abell::kernels::AffineMap;
using abell::kernels::ByteScale;

namespace {

std::vector<std::uint8_t> noise(const Shape& shape) {
  std::vector<std::uint8_t> bytes(shape.size());
  abell::Random random(7);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random() >> 24);
  return bytes;
}

using Matrix = std::array<std::array<double, 3>, 3>;

Matrix operator*(const Matrix& a, const Matrix& b) {
  Matrix c{};
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) {
      for (std::size_t k = 0; k < 3; ++k) c[i][j] += a[i][k] * b[k][j];
    }
  }
  return c;
}

/// Keras's map as its source has it: offset * R * T * S * Z * offset^-1 on (row, column, 1).
Matrix keras_matrix(const AffineDraw& d, const Shape& shape, double bias) {
  const double pi = std::acos(-1.0);
  const double c = std::cos(d.angle * pi / 180), s = std::sin(d.angle * pi / 180);
  const double shear = d.shear * pi / 180;
  const double row = shape.height / 2.0 + bias, column = shape.width / 2.0 + bias;
  const Matrix rotation{{{c, -s, 0}, {s, c, 0}, {0, 0, 1}}};
  const Matrix shift{{{1, 0, d.row_shift}, {0, 1, d.column_shift}, {0, 0, 1}}};
  const Matrix sheared{{{1, -std::sin(shear), 0}, {0, std::cos(shear), 0}, {0, 0, 1}}};
  const Matrix zoom{{{d.row_zoom, 0, 0}, {0, d.column_zoom, 0}, {0, 0, 1}}};
  const Matrix to{{{1, 0, row}, {0, 1, column}, {0, 0, 1}}};
  const Matrix from{{{1, 0, -row}, {0, 1, -column}, {0, 0, 1}}};
  return to * rotation * shift * sheared * zoom * from;
}

double clamped(const std::vector<std::uint8_t>& in, const Shape& s, long row, long column, int channel) {
  row = std::clamp<long>(row, 0, s.height - 1);
  column = std::clamp<long>(column, 0, s.width - 1);
  return in[static_cast<std::size_t>((row * s.width + column) * s.channels + channel)];
}

/// scipy's affine_transform of order 1, mode nearest, in double; then the flips; then the scale.
std::vector<double> reference(const std::vector<std::uint8_t>& in, const Shape& s, const AffineDraw& d, double bias,
                              ByteScale scale) {
  const Matrix m = keras_matrix(d, s, bias);
  std::vector<double> out;
  for (int r = 0; r < s.height; ++r) {
    for (int c = 0; c < s.width; ++c) {
      const int row = d.vertical_flip ? s.height - 1 - r : r;
      const int column = d.horizontal_flip ? s.width - 1 - c : c;
      const double y = std::clamp(m[0][0] * row + m[0][1] * column + m[0][2], 0.0, s.height - 1.0);
      const double x = std::clamp(m[1][0] * row + m[1][1] * column + m[1][2], 0.0, s.width - 1.0);
      const auto i = static_cast<long>(std::floor(y)), j = static_cast<long>(std::floor(x));
      const double fy = y - static_cast<double>(i), fx = x - static_cast<double>(j);
      for (int k = 0; k < s.channels; ++k) {
        const double value = (1 - fy) * ((1 - fx) * clamped(in, s, i, j, k) + fx * clamped(in, s, i, j + 1, k)) +
                             fy * ((1 - fx) * clamped(in, s, i + 1, j, k) + fx * clamped(in, s, i + 1, j + 1, k));
        out.push_back(static_cast<double>(scale.scale) * value + static_cast<double>(scale.offset));
      }
    }
  }
  return out;
}

std::vector<float> apply(const std::vector<std::uint8_t>& in, const Shape& s, const AffineMap& map, ByteScale scale) {
  // Guards on both sides catch a write outside, NaN catches what is not written.
  std::vector<float> out(s.size() + 16, std::nanf(""));
  std::fill_n(out.begin(), 8, 4321.0F);
  std::fill(out.end() - 8, out.end(), 4321.0F);
  abell::kernels::affine_pixels(in.data(), s.height, s.width, s.channels, map, scale, out.data() + 8);
  REQUIRE(std::count(out.begin(), out.begin() + 8, 4321.0F) == 8);
  REQUIRE(std::count(out.end() - 8, out.end(), 4321.0F) == 8);
  // Floats of the same whole numbers give the same bits.
  const std::vector<float> floats(in.begin(), in.end());
  std::vector<float> other(s.size());
  abell::kernels::affine_pixels(floats.data(), s.height, s.width, s.channels, map, scale, other.data());
  REQUIRE(std::equal(other.begin(), other.end(), out.begin() + 8));
  return {out.begin() + 8, out.end() - 8};
}

}  // namespace

TEST_CASE("the affine kernel equals scipy's rule in double for random draws of every shape", "[augment]") {
  for (const Shape s : {Shape{17, 23, 3}, Shape{32, 32, 3}, Shape{9, 40, 1}, Shape{12, 7, 4}, Shape{1, 9, 3},
                        Shape{9, 1, 3}, Shape{1, 1, 3}, Shape{2, 2, 3}, Shape{5, 2, 2}}) {
    const auto in = noise(s);
    for (const abell::AffineCentre centre : {abell::AffineCentre::keras, abell::AffineCentre::exact}) {
      const double bias = centre == abell::AffineCentre::keras ? 0.5 : -0.5;
      for (std::uint32_t i = 0; i < 40; ++i) {
        Augmentation wide;
        wide.shear = 20;
        wide.zoom = i < 20 ? 0.1 : 0.8;
        wide.width_shift = i < 30 ? 0.05 : 3;
        const AffineDraw d = abell::draw(wide, 5, 2, i, s);
        const ByteScale scale = i % 2 == 0 ? ByteScale{1, 0} : ByteScale{1 / 127.5F, -1};
        const auto out = apply(in, s, abell::affine_map(d, s, centre), scale);
        const auto expected = reference(in, s, d, bias, scale);
        double worst = 0;
        for (std::size_t k = 0; k < out.size(); ++k) {
          // A NaN, which is what is not written, must not pass for a small difference.
          const double difference = std::abs(static_cast<double>(out[k]) - expected[k]);
          worst = difference <= worst ? worst : difference;
        }
        INFO(abell::to_string(s) << " draw " << i);
        REQUIRE(worst < 1e-3 * static_cast<double>(scale.scale));
      }
    }
  }
}

TEST_CASE("the middle of every row and its ends agree on large images", "[augment]") {
  const Shape s{356, 356, 3};
  const auto in = noise(s);
  for (std::uint32_t i = 0; i < 6; ++i) {
    const AffineDraw d = abell::draw({}, 11, 0, i, s);
    const auto out = apply(in, s, abell::affine_map(d, s), {1, 0});
    const auto expected = reference(in, s, d, -0.5, {1, 0});
    double worst = 0;
    for (std::size_t k = 0; k < out.size(); ++k) {
      const double difference = std::abs(static_cast<double>(out[k]) - expected[k]);
      worst = difference <= worst ? worst : difference;
    }
    REQUIRE(worst < 1e-3);
  }
}

TEST_CASE("identity copies and flips and half turns are exact", "[augment]") {
  for (const Shape s : {Shape{6, 9, 3}, Shape{7, 7, 1}}) {
    const auto in = noise(s);
    const auto pixel = [&](int row, int column, int channel) {
      return static_cast<float>(in[static_cast<std::size_t>((row * s.width + column) * s.channels + channel)]);
    };
    for (const bool horizontal : {false, true}) {
      for (const bool vertical : {false, true}) {
        AffineDraw d;
        d.horizontal_flip = horizontal;
        d.vertical_flip = vertical;
        const auto out = apply(in, s, abell::affine_map(d, s), {1, 0});
        std::size_t k = 0;
        for (int r = 0; r < s.height; ++r) {
          for (int c = 0; c < s.width; ++c) {
            for (int ch = 0; ch < s.channels; ++ch) {
              REQUIRE(out[k++] == pixel(vertical ? s.height - 1 - r : r, horizontal ? s.width - 1 - c : c, ch));
            }
          }
        }
      }
    }
  }
}

TEST_CASE("half a turn is both flips about the true centre, and two pixels off about Keras's", "[augment]") {
  const Shape s{8, 8, 1};
  const auto in = noise(s);
  AffineDraw turn, flips;
  turn.angle = 180;
  flips.horizontal_flip = flips.vertical_flip = true;
  const auto flipped = apply(in, s, abell::affine_map(flips, s), {1, 0});
  const auto turned = apply(in, s, abell::affine_map(turn, s), {1, 0});
  for (std::size_t i = 0; i < turned.size(); ++i) REQUIRE(turned[i] == Approx(flipped[i]).margin(1e-3));
  const auto keras = apply(in, s, abell::affine_map(turn, s, abell::AffineCentre::keras), {1, 0});
  for (int r = 2; r < 8; ++r) {
    for (int c = 2; c < 8; ++c) {
      REQUIRE(keras[static_cast<std::size_t>(8 * r + c)] ==
              Approx(flipped[static_cast<std::size_t>(8 * (r - 2) + c - 2)]).margin(1e-3));
    }
  }
}

TEST_CASE("a zoom above one shrinks the object and a shift moves it", "[augment]") {
  const Shape s{21, 21, 1};
  std::vector<std::uint8_t> square(s.size());
  for (int r = 6; r < 15; ++r) {
    for (int c = 6; c < 15; ++c) square[static_cast<std::size_t>(21 * r + c)] = 200;
  }
  const auto bright = [](const std::vector<float>& out) {
    return std::count_if(out.begin(), out.end(), [](float v) { return v > 100; });
  };
  AffineDraw zoom;
  zoom.row_zoom = zoom.column_zoom = 1.8;
  REQUIRE(bright(apply(square, s, abell::affine_map(zoom, s), {1, 0})) < 36);
  AffineDraw shift;
  shift.row_shift = 3;
  const auto moved = apply(square, s, abell::affine_map(shift, s), {1, 0});
  REQUIRE(moved[21 * 3 + 10] == 200);  // The output reads 3 rows further down, so the square moves up.
  REQUIRE(moved[21 * 12 + 10] == 0);
}

TEST_CASE("a draw depends on seed, epoch and index only, and stays in its ranges", "[augment]") {
  const Shape s{100, 200, 3};
  const Augmentation options;
  const auto same = [](const AffineDraw& a, const AffineDraw& b) {
    return a.angle == b.angle && a.row_shift == b.row_shift && a.column_shift == b.column_shift &&
           a.row_zoom == b.row_zoom && a.column_zoom == b.column_zoom && a.horizontal_flip == b.horizontal_flip &&
           a.vertical_flip == b.vertical_flip;
  };
  const AffineDraw first = abell::draw(options, 1, 2, 3, s);
  REQUIRE(same(first, abell::draw(options, 1, 2, 3, s)));
  REQUIRE_FALSE(same(first, abell::draw(options, 2, 2, 3, s)));
  REQUIRE_FALSE(same(first, abell::draw(options, 1, 3, 3, s)));
  REQUIRE_FALSE(same(first, abell::draw(options, 1, 2, 4, s)));

  double angle = 0, row = 0, column = 0, zoom = 0;
  int flips = 0;
  bool independent = false;
  for (std::uint32_t i = 0; i < 2000; ++i) {
    const AffineDraw d = abell::draw(options, 9, 0, i, s);
    angle = std::max(angle, std::abs(d.angle));
    row = std::max(row, std::abs(d.row_shift));
    column = std::max(column, std::abs(d.column_shift));
    zoom = std::max(zoom, std::abs(d.row_zoom - 1));
    independent = independent || std::abs(d.row_zoom - d.column_zoom) > 0.05;
    flips += d.horizontal_flip;
  }
  REQUIRE(angle <= 180);
  REQUIRE(angle > 178);
  REQUIRE(row <= 5);
  REQUIRE(row > 4.9);
  REQUIRE(column <= 10);
  REQUIRE(column > 9.8);
  REQUIRE(zoom <= 0.1);
  REQUIRE(zoom > 0.098);
  REQUIRE(independent);
  REQUIRE(flips > 900);
  REQUIRE(flips < 1100);
}

TEST_CASE("switching one range off leaves the other draws as they are", "[augment]") {
  const Shape s{100, 100, 3};
  Augmentation still;
  still.rotation = 0;
  still.zoom = 0;
  const AffineDraw a = abell::draw({}, 4, 5, 6, s), b = abell::draw(still, 4, 5, 6, s);
  REQUIRE(b.angle == 0);
  REQUIRE(b.row_zoom == 1);
  REQUIRE(a.row_shift == b.row_shift);
  REQUIRE(a.horizontal_flip == b.horizontal_flip);
  REQUIRE(a.vertical_flip == b.vertical_flip);
}

TEST_CASE("everything off is the identity", "[augment]") {
  const Augmentation off{.rotation = 0,
                         .height_shift = 0,
                         .width_shift = 0,
                         .zoom = 0,
                         .shear = 0,
                         .horizontal_flip = false,
                         .vertical_flip = false};
  for (const Shape s : {Shape{356, 356, 3}, Shape{7, 10, 1}}) {
    REQUIRE(abell::affine_map(abell::draw(off, 1, 1, 1, s), s) == AffineMap{});
  }
}

TEST_CASE("ranges that make no sense are refused", "[augment]") {
  const auto refused = [](auto change) {
    Augmentation options;
    change(options);
    return message_of<abell::OptionError>([&] { abell::check(options); });
  };
  REQUIRE(refused([](Augmentation&) {}).empty());
  REQUIRE_THAT(refused([](Augmentation& a) { a.rotation = -1; }), Contains("rotation"));
  REQUIRE_THAT(refused([](Augmentation& a) { a.zoom = 1; }), Contains("zoom"));
  REQUIRE_THAT(refused([](Augmentation& a) { a.width_shift = std::nan(""); }), Contains("width_shift"));
}
