#pragma once
/// Bilinear affine resampling of images of bytes or floats (0..255) into floats: the hot loop of augmentation.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace abell::kernels {

/// Output pixel (row, column) reads the input at
/// (rr row + rc column + r0, cr row + cc column + c0), in pixels, pixel centres at integers.
struct AffineMap {
  double rr = 1, rc = 0, r0 = 0;
  double cr = 0, cc = 1, c0 = 0;
  friend constexpr bool operator==(const AffineMap&, const AffineMap&) = default;
};

/// A value b of 0..255 becomes scale * b + offset.
struct ByteScale {
  float scale = 1.0F / 255;
  float offset = 0;
};

namespace detail {

/// Columns [begin, end) of one output row, a subset of [0, width).
struct Span {
  int begin;
  int end;
};

/// The part of `span` where 0 <= start + step * column <= last, short of rounding: a small margin
/// keeps the fixed-point coordinates of the caller inside, and what it cuts off takes the clamped
/// path, which gives the same values.
inline Span inside(Span span, double start, double step, double last) {
  constexpr double margin = 1e-6;
  double from = span.begin;
  double to = span.end - 1;
  if (std::abs(step) < 1e-12) {
    if (start < margin || start > last - margin) return {span.begin, span.begin};
  } else {
    const double a = (margin - start) / step;
    const double b = (last - margin - start) / step;
    from = std::max(from, std::min(a, b));
    to = std::min(to, std::max(a, b));
  }
  if (!(from <= to)) return {span.begin, span.begin};
  return {static_cast<int>(std::ceil(from)), static_cast<int>(std::floor(to)) + 1};
}

/// One coordinate as 32.32 fixed point: exact additions along a row, no conversion back and forth.
inline std::int64_t fixed(double value) { return static_cast<std::int64_t>(std::floor(value * 0x1p32 + 0.5)); }

/// The cell left of a coordinate and the distance from it; clamped to [0, size - 1], where the
/// last cell counts as distance 1 from the last but one, so that both neighbours exist.
struct Cell {
  std::ptrdiff_t index;
  float fraction;
};
inline Cell cell(std::int64_t coordinate) {
  return {static_cast<std::ptrdiff_t>(coordinate >> 32),
          static_cast<float>(static_cast<std::int32_t>(static_cast<std::uint32_t>(coordinate) >> 8)) * 0x1p-24F};
}
inline Cell clamped_cell(std::int64_t coordinate, int size) {
  if (coordinate <= 0 || size == 1) return {0, 0.0F};
  if (coordinate >= std::int64_t{size - 1} << 32) return {size - 2, 1.0F};
  return cell(coordinate);
}

/// Bilinear value of every channel from the pixel at `p`; `right` and `down` are the distances to
/// the neighbours, 0 along an axis of length 1.
template <class Value>
void blend(const Value* p, std::ptrdiff_t right, std::ptrdiff_t down, float x, float y, int channels, ByteScale to,
           float* out) {
  for (int c = 0; c < channels; ++c) {
    const auto a = static_cast<float>(p[c]);
    const auto b = static_cast<float>(p[c + right]);
    const auto d = static_cast<float>(p[c + down]);
    const auto e = static_cast<float>(p[c + right + down]);
    const float top = a + x * (b - a);
    const float bottom = d + x * (e - d);
    out[c] = to.scale * (top + y * (bottom - top)) + to.offset;
  }
}

#if defined(__GNUC__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
inline constexpr bool has_blend3 = true;
using Float4 = float __attribute__((vector_size(16)));
using Int4 = std::int32_t __attribute__((vector_size(16)));
using Word4 = std::uint32_t __attribute__((vector_size(16)));

/// The low three bytes of a little-endian word, in lanes 0 to 2, times 1, 2^8 and 2^16: a mask
/// where unpacking would need shuffles; the caller divides once, after blending.
inline Float4 spread(std::uint32_t word) {
  const auto bits = static_cast<std::int32_t>(word);
  return __builtin_convertvector(Int4{bits, bits, bits, bits} & Int4{0xFF, 0xFF00, 0xFF0000, 0}, Float4);
}

/// The low 32 bits of a fixed-point coordinate in every lane; it runs along a row like the
/// coordinate itself, because addition wraps.
inline Word4 low_words(std::int64_t coordinate) {
  const auto low = static_cast<std::uint32_t>(coordinate);
  return Word4{low, low, low, low};
}
inline Float4 fractions(Word4 low) {
  return __builtin_convertvector(reinterpret_cast<Int4>(low >> 8), Float4) * 0x1p-24F;
}

/// `blend` for three channels in one vector; writes four floats. A row gives 6 bytes for its two
/// pixels: the left one is the low three bytes of a word at p, the right one the high three of a
/// word at p + 2, so that nothing beyond the image is read.
inline void blend3(const std::uint8_t* p, std::ptrdiff_t down, Float4 x, Float4 y, ByteScale to, float* out) {
  std::uint32_t words[4];
  std::memcpy(&words[0], p, 4);
  std::memcpy(&words[1], p + 2, 4);
  std::memcpy(&words[2], p + down, 4);
  std::memcpy(&words[3], p + down + 2, 4);
  const Float4 a = spread(words[0]);
  const Float4 b = spread(words[1] >> 8);
  const Float4 d = spread(words[2]);
  const Float4 e = spread(words[3] >> 8);
  const Float4 top = a + x * (b - a);
  const Float4 bottom = d + x * (e - d);
  const Float4 scale{to.scale, to.scale * 0x1p-8F, to.scale * 0x1p-16F, 0};
  const Float4 value = scale * (top + y * (bottom - top)) + to.offset;
  std::memcpy(out, &value, sizeof value);
}

/// `blend` for three channels of floats, rounded as for bytes. The right pixel is the last three of
/// four values from p + 2 on, so that nothing beyond the image is read.
inline void blend3(const float* p, std::ptrdiff_t down, Float4 x, Float4 y, ByteScale to, float* out) {
  Float4 a, b, d, e;
  std::memcpy(&a, p, sizeof a);
  std::memcpy(&b, p + 2, sizeof b);
  std::memcpy(&d, p + down, sizeof d);
  std::memcpy(&e, p + down + 2, sizeof e);
  b = Float4{b[1], b[2], b[3], 0};
  e = Float4{e[1], e[2], e[3], 0};
  const Float4 top = a + x * (b - a);
  const Float4 bottom = d + x * (e - d);
  const Float4 value = to.scale * (top + y * (bottom - top)) + to.offset;
  std::memcpy(out, &value, sizeof value);
}

template <class Value>
void blend3(const Value* p, std::ptrdiff_t down, float x, float y, ByteScale to, float* out) {
  blend3(p, down, Float4{x, x, x, x}, Float4{y, y, y, y}, to, out);
}

/// Pixels [0, count) of the middle of a row, whose four neighbours are all inside, three channels.
template <class Value>
void middle3(const Value* in, std::ptrdiff_t stride, std::int64_t row, std::int64_t column, std::int64_t step_row,
             std::int64_t step_column, int count, ByteScale to, float* out) {
  Word4 y = low_words(row);
  Word4 x = low_words(column);
  const Word4 step_y = low_words(step_row);
  const Word4 step_x = low_words(step_column);
  for (int i = 0; i < count; ++i, out += 3) {
    blend3(in + (row >> 32) * stride + (column >> 32) * 3, stride, fractions(x), fractions(y), to, out);
    row += step_row;
    column += step_column;
    y += step_y;
    x += step_x;
  }
}
#else
inline constexpr bool has_blend3 = false;
template <class Value>
void blend3(const Value*, std::ptrdiff_t, float, float, ByteScale, float*) {}
template <class Value>
void middle3(const Value*, std::ptrdiff_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t, int, ByteScale,
             float*) {}
#endif

}  // namespace detail

/// Writes all pixels of `out` (height x width x channels floats) from `in` (the same shape, bytes or
/// floats; whole numbers give the same bits in both) through `map`, bilinear, coordinates clamped to the image (fill
/// "nearest"). Each row is cut into a middle part, where all four neighbours are inside, and two ends, where
/// coordinates are clamped.
template <class Value>
void affine_pixels(const Value* in, int height, int width, int channels, const AffineMap& map, ByteScale to,
                   float* out) {
  const std::ptrdiff_t stride = static_cast<std::ptrdiff_t>(width) * channels;
  if (map == AffineMap{}) {
    const std::ptrdiff_t size = stride * height;
    for (std::ptrdiff_t i = 0; i < size; ++i) out[i] = to.scale * static_cast<float>(in[i]) + to.offset;
    return;
  }
  const std::ptrdiff_t right = width > 1 ? channels : 0;
  const std::ptrdiff_t down = height > 1 ? stride : 0;
  // Coordinates far outside clamp to the same border pixel; the bound keeps fixed point in range.
  const auto bounded = [](double value) { return std::clamp(value, -1e5, 1e5); };
  const std::int64_t step_row = detail::fixed(bounded(map.rc));
  const std::int64_t step_column = detail::fixed(bounded(map.cc));
  const bool three = detail::has_blend3 && channels == 3 && height > 1 && width > 1;

  for (int row = 0; row < height; ++row) {
    const double start_row = bounded(map.rr * row + map.r0);
    const double start_column = bounded(map.cr * row + map.c0);
    const std::int64_t first_row = detail::fixed(start_row);
    const std::int64_t first_column = detail::fixed(start_column);
    float* line = out + row * stride;
    // The vector path writes one float too many: into the next pixel, which comes later, but not
    // beyond the row.
    const int vector_end = three ? width - 1 : 0;
    detail::Span middle{0, three ? vector_end : width};
    middle = detail::inside(middle, start_row, map.rc, height - 1);
    middle = detail::inside(middle, start_column, map.cc, width - 1);

    const auto clamped = [&](int begin, int end) {
      for (int column = begin; column < end; ++column) {
        const detail::Cell r = detail::clamped_cell(first_row + column * step_row, height);
        const detail::Cell c = detail::clamped_cell(first_column + column * step_column, width);
        const Value* from = in + r.index * stride + c.index * channels;
        float* target = line + static_cast<std::ptrdiff_t>(column) * channels;
        if (column < vector_end) {
          detail::blend3(from, down, c.fraction, r.fraction, to, target);
        } else {
          detail::blend(from, right, down, c.fraction, r.fraction, channels, to, target);
        }
      }
    };
    clamped(0, middle.begin);
    std::int64_t at_row = first_row + middle.begin * step_row;
    std::int64_t at_column = first_column + middle.begin * step_column;
    float* target = line + static_cast<std::ptrdiff_t>(middle.begin) * channels;
    if (three) {
      detail::middle3(in, stride, at_row, at_column, step_row, step_column, middle.end - middle.begin, to, target);
    } else {
      for (int column = middle.begin; column < middle.end; ++column, target += channels) {
        const detail::Cell r = detail::cell(at_row);
        const detail::Cell c = detail::cell(at_column);
        detail::blend(in + r.index * stride + c.index * channels, right, down, c.fraction, r.fraction, channels, to,
                      target);
        at_row += step_row;
        at_column += step_column;
      }
    }
    clamped(middle.end, width);
  }
}

}  // namespace abell::kernels
