#pragma once
/// Forward and backward of one link in training.

#include <abell/layers/normalized_link.hpp>

namespace abell::detail {

using kernels::count;

/// Takes a stage's scratch memory array by array.
template <class T>
struct Carve {
  T* memory;
  std::size_t used = 0;

  T* operator()(std::size_t size) {
    T* at = memory == nullptr ? nullptr : memory + used;
    used += round_up(size, 16);
    return at;
  }
};

template <class T>
kernels::RowStrips depthwise_strips(const NormalizedLink& link, int batch) {
  return {batch, link.geometry.out_height, kernels::depthwise_rows_of_strip<T>(link.geometry)};
}
inline kernels::RowStrips conv_strips(const NormalizedLink& link, int batch) {
  return {batch, link.geometry.out_height, kernels::rows_of_strip(link.geometry)};
}
template <class T>
kernels::PixelStrips pixel_strips(const NormalizedLink& link, int batch) {
  return kernels::pointwise_strips<T>(link.output_pixels(batch), link.geometry.channels, link.geometry.filters);
}
/// Strips of a link's input or output that are read by themselves.
template <class T>
kernels::PixelStrips plain_strips(int pixels, std::size_t channels) {
  return {pixels, kernels::norm_strip_pixels<T>(static_cast<int>(channels))};
}

/// Strips that a link's pass over its output, or back over its input, is made of: one set of sums for each.
template <class T>
int link_strips(const NormalizedLink& link, int batch) {
  switch (link.kind) {
    case NormalizedLink::Kind::pointwise: return pixel_strips<T>(link, batch).size();
    case NormalizedLink::Kind::depthwise: return depthwise_strips<T>(link, batch).size();
    default:
      return std::max(conv_strips(link, batch).size(),
                      plain_strips<T>(link.input_pixels(batch), link.channels()).size());
  }
}

/// A whole activation as it is meant.
template <class T>
const T* read_all(const Pass<T>& pass, const kernels::Rows<T>& rows, int pixels, std::size_t channels, T* room) {
  if (rows.plain()) return rows.values;
  const auto strips = plain_strips<T>(pixels, channels);
  parallel_for(strips.size(), pass.backend.threads, [&](int strip, int) {
    const auto [begin, end] = strips[strip];
    const std::size_t first = static_cast<std::size_t>(begin);
    pass.backend.normalized().read_rows(rows.from(first * channels), end - begin, static_cast<int>(channels),
                                        {room + first * channels, static_cast<long>(channels)});
  });
  return room;
}

/// z of a link and, when the batch's statistics are asked for, those of its strips. With null memory only
/// tells the scratch that it takes.
template <class T>
std::size_t link_forward(const NormalizedLink& link, const Pass<T>& pass, const kernels::Rows<T>& x, T* z,
                         const kernels::StripSums<T>* statistics, T* memory) {
  const auto& backend = pass.backend;
  const auto& g = link.geometry;
  const auto threads = static_cast<std::size_t>(backend.threads);
  const T* weights = link.weights_of(pass.parameters);
  const T* bias = link.bias_of(pass.parameters);
  Carve<T> carve{memory};
  const auto look = [&](int strip, std::size_t first, int pixels) {
    if (statistics != nullptr) {
      backend.normalized().moments(z + first * link.filters(), pixels, g.filters, statistics->first(strip),
                                   statistics->second(strip));
    }
  };
  if (link.kind == NormalizedLink::Kind::pointwise) {
    const auto strips = pixel_strips<T>(link, pass.batch);
    const auto most = static_cast<std::size_t>(strips.most);
    const long stride = kernels::row_stride<T>(g.channels);
    const bool in_place = x.plain() && stride == g.channels;
    const std::size_t each = round_up(most * count(stride), 16);
    const std::size_t edge = kernels::PackedColumns<T>::edge_size(backend);
    const kernels::PackedColumns<T> matrix{backend.table, g.channels, g.filters};
    T* packed = carve(matrix.size());
    T* rooms = carve(threads * each);
    T* edges = carve(threads * edge);
    if (memory == nullptr) return carve.used;
    matrix.pack(backend.threads, weights, false, bias, packed);
    parallel_for(strips.size(), backend.threads, [&](int strip, int thread) {
      const auto [begin, end] = strips[strip];
      const auto first = static_cast<std::size_t>(begin), own = static_cast<std::size_t>(thread);
      const kernels::Rows<T> from = x.from(first * link.channels());
      T* a = rooms + own * each;
      if (!in_place) backend.normalized().read_rows(from, end - begin, g.channels, {a, stride});
      matrix.multiply(end - begin, in_place ? from.values : a, packed, z + first * link.filters(), edges + own * edge);
      look(strip, first, end - begin);
    });
    return carve.used;
  }
  const bool depthwise = link.kind == NormalizedLink::Kind::depthwise;
  const auto strips = depthwise ? depthwise_strips<T>(link, pass.batch) : conv_strips(link, pass.batch);
  T* packed = carve(count(depthwise ? backend.normalized().depthwise_packed_size(g)
                                    : backend.table->packed_size(g.depth(), g.filters)));
  const std::size_t each = round_up(
      count(depthwise ? backend.normalized().depthwise_scratch_size(g) : backend.table->conv2d_scratch_size(g)), 16);
  T* rooms = carve(threads * each);
  T* room = depthwise ? nullptr : carve(static_cast<std::size_t>(pass.batch) * g.input_size());
  if (memory == nullptr) return carve.used;
  if (depthwise) {
    backend.normalized().depthwise_pack(g, weights, static_cast<const T*>(nullptr), bias, false, packed);
  } else {
    backend.table->pack_conv2d(g, weights, bias, packed);
  }
  const T* whole = depthwise ? nullptr : read_all(pass, x, link.input_pixels(pass.batch), link.channels(), room);
  parallel_for(strips.size(), backend.threads, [&](int strip, int thread) {
    const auto image = static_cast<std::size_t>(strips.image(strip));
    const Range rows = strips.rows_of(strip);
    const std::size_t first = output_at(g, image, rows.begin);
    T* own = rooms + static_cast<std::size_t>(thread) * each;
    if (depthwise) {
      backend.normalized().depthwise_rows(g, x.from(image * g.input_size()), packed, false, 1,
                                          {z + first * link.filters(), g.filters}, rows, own);
    } else {
      backend.table->conv2d_rows(g, whole + image * g.input_size(), packed, z + image * g.output_size(),
                                 kernels::OutputStrides::of(g), rows, own);
    }
    look(strip, first, (rows.end - rows.begin) * g.out_width);
  });
  return carve.used;
}

/// Pixels of strip `strip` of link_forward.
template <class T>
int link_strip_pixels(const NormalizedLink& link, int batch, int strip) {
  if (link.kind == NormalizedLink::Kind::pointwise) {
    const Range range = pixel_strips<T>(link, batch)[strip];
    return range.end - range.begin;
  }
  const auto strips =
      link.kind == NormalizedLink::Kind::depthwise ? depthwise_strips<T>(link, batch) : conv_strips(link, batch);
  const Range rows = strips.rows_of(strip);
  return (rows.end - rows.begin) * link.geometry.out_width;
}
template <class T>
int link_forward_strips(const NormalizedLink& link, int batch) {
  return link.kind == NormalizedLink::Kind::conv ? conv_strips(link, batch).size() : link_strips<T>(link, batch);
}

}  // namespace abell::detail
