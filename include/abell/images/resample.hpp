#pragma once
/// Images at another size.

#include <abell/core/error.hpp>
#include <abell/images/image.hpp>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

namespace abell {

/// How an image comes to another size.
/// - bilinear: triangle filter with half-pixel centres, widened by the shrinking factor so that
///   nothing aliases (Pillow's BILINEAR); at the borders the weights are renormalised.
/// - nearest: the input pixel under each output centre.
/// - crop: the central part, unscaled; a side that is too short is centred on zeros.
enum class Resize { bilinear, nearest, crop };

/// The method called `text`. Throws OptionError for any other word.
inline Resize parse_resize(const std::string& text) {
  if (text == "bilinear") return Resize::bilinear;
  if (text == "nearest") return Resize::nearest;
  if (text == "crop") return Resize::crop;
  throw OptionError("resize", "expected bilinear, nearest or crop, found '" + text + "'");
}

namespace detail {

/// The inputs that one output cell is made of: weights[k] belongs to input cell first + k.
struct Taps {
  int first;
  std::vector<float> weights;
};

/// Triangle filter from `in` to `out` cells along one axis. Output cell o has its centre at
/// (o + 1/2) in/out; the half-width is max(1, in/out) input cells.
inline std::vector<Taps> triangle_taps(int in, int out) {
  const double step = static_cast<double>(in) / out;
  const double radius = std::max(1.0, step);
  std::vector<Taps> taps(static_cast<std::size_t>(out));
  for (int o = 0; o < out; ++o) {
    const double centre = (o + 0.5) * step;
    const int first = std::max(0, static_cast<int>(std::floor(centre - radius + 0.5)));
    const int last = std::min(in, static_cast<int>(std::floor(centre + radius + 0.5)));
    std::vector<double> weights;
    double sum = 0;
    for (int i = first; i < last; ++i) {
      weights.push_back(std::max(0.0, 1 - std::abs((i + 0.5 - centre) / radius)));
      sum += weights.back();
    }
    Taps& tap = taps[static_cast<std::size_t>(o)];
    tap.first = first;
    for (const double weight : weights) tap.weights.push_back(static_cast<float>(weight / sum));
  }
  return taps;
}

/// to += weight * from. A weight of zero takes no part, so that a masked neighbour (NaN) stays where
/// it is when nothing is scaled.
inline void add_scaled(const float* from, float weight, std::size_t count, float* to) {
  if (weight == 0) return;
#pragma omp simd
  for (std::size_t i = 0; i < count; ++i) to[i] += weight * from[i];
}

/// One row through the taps of its columns; Channels at compile time keeps the sums in registers.
template <int Channels>
void resize_row(const float* row, const std::vector<Taps>& columns, float* out) {
  for (const Taps& tap : columns) {
    float sums[Channels] = {};
    const float* from = row + static_cast<std::ptrdiff_t>(tap.first) * Channels;
    for (const float weight : tap.weights) {
      if (weight != 0) {
        for (int c = 0; c < Channels; ++c) sums[c] += weight * from[c];
      }
      from += Channels;
    }
    for (int c = 0; c < Channels; ++c) *out++ = sums[c];
  }
}

/// Rows first, so that the columns have fewer rows to visit when shrinking.
inline Image resize_bilinear(const Image& image, int height, int width) {
  const std::vector<Taps> columns = triangle_taps(image.width, width);
  const std::vector<Taps> rows = triangle_taps(image.height, height);
  const std::size_t row_size = static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.channels);

  Image out(height, width, image.channels);
  std::vector<float> blended(row_size);
  for (int row = 0; row < height; ++row) {
    const Taps& tap = rows[static_cast<std::size_t>(row)];
    std::ranges::fill(blended, 0.0F);
    for (std::size_t k = 0; k < tap.weights.size(); ++k) {
      add_scaled(&image.pixels[image.index(tap.first + static_cast<int>(k), 0)], tap.weights[k], row_size,
                 blended.data());
    }
    float* target = &out.pixels[out.index(row, 0)];
    if (image.channels == 1) {
      resize_row<1>(blended.data(), columns, target);
    } else if (image.channels == 3) {
      resize_row<3>(blended.data(), columns, target);
    } else {
      const auto channels = static_cast<std::size_t>(image.channels);
      for (const Taps& column : columns) {
        for (std::size_t k = 0; k < column.weights.size(); ++k) {
          add_scaled(&blended[(static_cast<std::size_t>(column.first) + k) * channels], column.weights[k], channels,
                     target);
        }
        target += channels;
      }
    }
  }
  return out;
}

/// Copies input pixel (row_of(r), column_of(c)); -1 stands for outside and gives zero.
template <class RowOf, class ColumnOf>
Image pick(const Image& image, int height, int width, RowOf row_of, ColumnOf column_of) {
  Image out(height, width, image.channels);
  for (int row = 0; row < height; ++row) {
    const int from_row = row_of(row);
    if (from_row < 0 || from_row >= image.height) continue;
    for (int column = 0; column < width; ++column) {
      const int from_column = column_of(column);
      if (from_column < 0 || from_column >= image.width) continue;
      std::copy_n(&image.pixels[image.index(from_row, from_column)], image.channels,
                  &out.pixels[out.index(row, column)]);
    }
  }
  return out;
}

/// The input pixel in whose place the first one of a crop lies; below 0 where the side is too short.
inline int crop_start(int in, int out) { return in >= out ? (in - out) / 2 : -((out - in) / 2); }

}  // namespace detail

/// Where the pixels of a resized axis lie: the centre of pixel i is at start + step i of the input.
struct ResizedAxis {
  double step = 1;
  double start = 0;
};

/// The axis of `in` pixels that `resize` brings to `out`.
inline ResizedAxis resized_axis(int in, int out, Resize method) {
  if (method == Resize::crop) return {1, static_cast<double>(detail::crop_start(in, out))};
  const double step = static_cast<double>(in) / out;
  return {step, (step - 1) / 2};
}

/// `image` at height x width. A result that has a masked pixel (NaN) among its inputs is masked;
/// fill them first (`fill_masked`) to avoid that. Throws ShapeError for sizes below 1.
inline Image resize(const Image& image, int height, int width, Resize method = Resize::bilinear) {
  if (height < 1 || width < 1 || image.height < 1 || image.width < 1) {
    throw ShapeError("resize: expected sides of at least 1, found " + std::to_string(image.height) + "x" +
                     std::to_string(image.width) + " to " + std::to_string(height) + "x" + std::to_string(width));
  }
  if (image.height == height && image.width == width) return image;
  const auto nearest = [](int in, int out) {
    return [in, out](int o) { return static_cast<int>((2LL * o + 1) * in / (2LL * out)); };
  };
  const auto centred = [](int in, int out) {
    const int shift = detail::crop_start(in, out);
    return [shift](int o) { return o + shift; };
  };
  Image out;
  switch (method) {
    case Resize::bilinear: out = detail::resize_bilinear(image, height, width); break;
    case Resize::nearest:
      out = detail::pick(image, height, width, nearest(image.height, height), nearest(image.width, width));
      break;
    case Resize::crop:
      out = detail::pick(image, height, width, centred(image.height, height), centred(image.width, width));
      break;
  }
  if (!image.mask.empty()) {
    out.mask.resize(out.pixel_count());
    const auto channels = static_cast<std::size_t>(out.channels);
    for (std::size_t i = 0; i < out.pixels.size(); ++i) {
      if (std::isnan(out.pixels[i])) out.mask[i / channels] = 1;
    }
  }
  return out;
}

}  // namespace abell
