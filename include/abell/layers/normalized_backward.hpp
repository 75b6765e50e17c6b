#pragma once
/// The backward pass of one link.
///
/// With g the gradient of batch normalisation's output, that of z is an affine map of g and z a channel
/// (kernels::norm_backward), read on the way like y. The gradient of the link's input leaves it as g of the link
/// before: cut by that link's ReLU6, with the two sums a channel that its batch normalisation needs.

#include <abell/layers/normalized_training.hpp>

namespace abell::detail {

/// What the backward pass of a link works with.
template <class T>
struct LinkBackward {
  kernels::Rows<T> x;   ///< the link's input
  kernels::Rows<T> dz;  ///< the gradient of z
  T* dx;                ///< where the input's gradient goes; null: nowhere
  /// The batch normalisation that made x of an earlier z, or null where x is the chain's input.
  const kernels::NormState<T>* before;
  kernels::StripSums<T> sums;  ///< of the gradient that leaves, one set a strip; where `before` is not null
  T* weight_gradient;
};

/// Finishes pixels [first, first + pixels) of dx while they are in the cache.
template <class T>
void leave(const Pass<T>& pass, const LinkBackward<T>& b, std::size_t channels, int strip, std::size_t first,
           int pixels) {
  if (b.before == nullptr) return;
  T* g = b.dx + first * channels;
  pass.backend.normalized().norm_gradient({b.x.from(first * channels), b.before->mean, b.before->inverse}, pixels,
                                          static_cast<int>(channels), g, g, b.sums.first(strip), b.sums.second(strip));
}

/// dz W^T, and x^T dz, strip by strip: both inputs are read once. Returns the number of strips.
template <class T>
std::size_t pointwise_backward(const NormalizedLink& link, const Pass<T>& pass, const LinkBackward<T>& b, T* memory) {
  const auto& backend = pass.backend;
  const auto& g = link.geometry;
  const auto threads = static_cast<std::size_t>(backend.threads);
  const auto strips = pixel_strips<T>(link, pass.batch);
  const auto most = static_cast<std::size_t>(strips.most);
  const bool partial = link.weights <= kernels::most_partial_weights;
  const int chunks = std::min(strips.size(), kernels::max_gradient_chunks);
  const long z_stride = kernels::row_stride<T>(g.filters);
  const std::size_t x_room = round_up(most * link.channels(), 16), z_room = round_up(most * count(z_stride), 16);
  const std::size_t edge = kernels::PackedColumns<T>::edge_size(backend);
  Carve<T> carve{memory};
  const kernels::PackedColumns<T> matrix{backend.table, g.filters, g.channels};
  T* packed = carve(matrix.size());
  const auto pixels = static_cast<std::size_t>(strips.pixels);
  T* xs = carve(partial ? threads * x_room : pixels * link.channels());
  T* zs = carve(partial ? threads * z_room : pixels * count(z_stride));
  T* edges = carve(threads * edge);
  T* sums = carve(partial ? static_cast<std::size_t>(chunks) * link.weights : 0);
  T* product = carve(partial ? 0 : gemm_transposed_scratch(backend, g.channels, g.filters, strips.pixels));
  if (memory == nullptr) return carve.used;

  if (b.dx != nullptr) matrix.pack(backend.threads, pass.parameters + link.parameters, true, nullptr, packed);
  parallel_for(chunks, backend.threads, [&](int chunk, int thread) {
    const auto own = static_cast<std::size_t>(thread);
    T* sum = sums + static_cast<std::size_t>(chunk) * link.weights;
    const Range range = even_range(strips.size(), chunk, chunks);
    for (int strip = range.begin; strip < range.end; ++strip) {
      const auto [begin, end] = strips[strip];
      const auto first = static_cast<std::size_t>(begin);
      T* x = xs + (partial ? own * x_room : first * link.channels());
      T* z = zs + (partial ? own * z_room : first * count(z_stride));
      backend.normalized().read_rows(b.x.from(first * link.channels()), end - begin, g.channels, {x, g.channels});
      backend.normalized().read_rows(b.dz.from(first * link.filters()), end - begin, g.filters, {z, z_stride});
      if (partial) {
        backend.table->gemm_transposed({g.channels, g.filters, end - begin, {x, g.channels}, {sum, g.filters}},
                                       {z, z_stride}, strip == range.begin);
      }
      if (b.dx == nullptr) continue;
      matrix.multiply(end - begin, z, packed, b.dx + first * link.channels(), edges + own * edge);
      leave(pass, b, link.channels(), strip, first, end - begin);
    }
  });
  if (partial) {
    kernels::add_partial_sums(backend.threads, chunks - 1, link.weights, sums + link.weights, link.weights, sums);
    std::copy_n(sums, link.weights, b.weight_gradient);
  } else {
    kernels::gemm_transposed(backend,
                             {g.channels, g.filters, strips.pixels, {xs, g.channels}, {b.weight_gradient, g.filters}},
                             {zs, z_stride}, nullptr, product);
  }
  return carve.used;
}

/// Input rows whose gradient a strip of output rows is to finish: every row falls to one strip.
inline Range input_rows(const kernels::Conv2dGeometry& g, const Range& rows) {
  const auto cut = [&](int row) { return std::min(row * g.stride_height, g.height); };
  return {cut(rows.begin), rows.end == g.out_height ? g.height : cut(rows.end)};
}

/// Both gradients strip by strip.
template <class T>
std::size_t depthwise_backward(const NormalizedLink& link, const Pass<T>& pass, const LinkBackward<T>& b, T* memory) {
  const auto& backend = pass.backend;
  const auto& g = link.geometry;
  const auto t = g.depthwise_transposed();
  const auto strips = depthwise_strips<T>(link, pass.batch);
  const auto threads = static_cast<std::size_t>(backend.threads);
  const std::size_t size = count(backend.normalized().depthwise_packed_size(g));
  const std::size_t each = round_up(count(std::max(backend.normalized().depthwise_weights_scratch_size(g),
                                                   backend.normalized().depthwise_scratch_size(t))),
                                    16);
  Carve<T> carve{memory};
  T* packed = carve(count(backend.normalized().depthwise_packed_size(t)));
  T* sums = carve(size * kernels::max_gradient_chunks);
  T* rooms = carve(threads * each);
  if (memory == nullptr) return carve.used;

  const T* none = nullptr;
  backend.normalized().depthwise_pack(t, pass.parameters + link.parameters, none, none, true, packed);
  const auto gradient_of = [&](int strip, T* own) {
    const auto image = static_cast<std::size_t>(strips.image(strip));
    const Range rows = input_rows(g, strips.rows_of(strip));
    const auto width = static_cast<std::size_t>(g.width);
    if (rows.begin < rows.end) {
      backend.normalized().depthwise_rows(t, b.dz.from(image * g.output_size()), packed, false, g.filters / g.channels,
                                          {b.dx + output_at(t, image, rows.begin) * link.channels(), g.channels}, rows,
                                          own);
    }
    leave(pass, b, link.channels(), strip,
          (image * static_cast<std::size_t>(g.height) + static_cast<std::size_t>(rows.begin)) * width,
          (rows.end - rows.begin) * g.width);
  };
  accumulate_strips(backend.threads, strips, size, sums, each, rooms, [&](int strip, bool fresh, T* sum, T* own) {
    const auto image = static_cast<std::size_t>(strips.image(strip));
    const Range rows = strips.rows_of(strip);
    if (fresh) std::fill_n(sum, size, T(0));
    backend.normalized().depthwise_weights_rows(g, b.x.from(image * g.input_size()), b.dz.from(image * g.output_size()),
                                                sum, rows, own);
    if (b.dx != nullptr && b.before != nullptr) gradient_of(strip, own);
  });
  // The chain's input may lie where its gradient goes: strips overlap, so all of it is read first.
  if (b.dx != nullptr && b.before == nullptr) {
    parallel_for(strips.size(), backend.threads,
                 [&](int strip, int thread) { gradient_of(strip, rooms + static_cast<std::size_t>(thread) * each); });
  }
  backend.normalized().depthwise_weights_finish(g, sums, b.weight_gradient, nullptr);
  return carve.used;
}

/// Any other convolution: dz strip by strip for the weights, whole for the input.
template <class T>
std::size_t conv_backward(const NormalizedLink& link, const Pass<T>& pass, const LinkBackward<T>& b, T* memory) {
  const auto& backend = pass.backend;
  const auto& g = link.geometry;
  const auto strips = conv_strips(link, pass.batch);
  const auto images = static_cast<std::size_t>(pass.batch);
  const std::size_t size = count(backend.table->conv2d_weights_size(g));
  const std::size_t row = static_cast<std::size_t>(g.out_width) * link.filters();
  const std::size_t own_scratch = round_up(count(backend.table->conv2d_weights_scratch_size(g)), 16);
  const std::size_t each = own_scratch + round_up(static_cast<std::size_t>(strips.strip_rows) * row, 16);
  Carve<T> carve{memory};
  T* sums = carve(size * kernels::max_gradient_chunks);
  T* rooms = carve(static_cast<std::size_t>(backend.threads) * each);
  T* x_room = carve(images * g.input_size());
  T* z_room = carve(images * g.output_size());
  T* scratch = carve(conv2d_input_gradient_scratch(backend, g, pass.batch));
  if (memory == nullptr) return carve.used;

  const T* x = read_all(pass, b.x, link.input_pixels(pass.batch), link.channels(), x_room);
  accumulate_strips(backend.threads, strips, size, sums, each, rooms, [&](int strip, bool fresh, T* sum, T* own) {
    const auto image = static_cast<std::size_t>(strips.image(strip));
    const Range rows = strips.rows_of(strip);
    T* dz = own + own_scratch;
    backend.normalized().read_rows(b.dz.from(image * g.output_size() + static_cast<std::size_t>(rows.begin) * row),
                                   static_cast<long>(rows.end - rows.begin) * g.out_width, g.filters, {dz, g.filters});
    backend.table->conv2d_weights_rows(g, x + image * g.input_size(), dz, fresh, sum, rows, own);
  });
  backend.table->conv2d_weights_finish(g, sums, b.weight_gradient, nullptr);
  if (b.dx == nullptr) return carve.used;
  conv2d_input_gradient(backend, g, pass.batch, pass.parameters + link.parameters,
                        read_all(pass, b.dz, link.output_pixels(pass.batch), link.filters(), z_room), b.dx, scratch);
  const auto input_strips = plain_strips<T>(link.input_pixels(pass.batch), link.channels());
  parallel_for(input_strips.size(), backend.threads, [&](int strip, int) {
    const auto [begin, end] = input_strips[strip];
    leave(pass, b, link.channels(), strip, static_cast<std::size_t>(begin), end - begin);
  });
  return carve.used;
}

template <class T>
std::size_t link_backward(const NormalizedLink& link, const Pass<T>& pass, const LinkBackward<T>& b, T* memory) {
  switch (link.kind) {
    case NormalizedLink::Kind::pointwise: return pointwise_backward(link, pass, b, memory);
    case NormalizedLink::Kind::depthwise: return depthwise_backward(link, pass, b, memory);
    default: return conv_backward(link, pass, b, memory);
  }
}

/// Strips whose sums link_backward fills.
template <class T>
int link_backward_strips(const NormalizedLink& link, int batch) {
  return link.kind == NormalizedLink::Kind::conv ? plain_strips<T>(link.input_pixels(batch), link.channels()).size()
                                                 : link_strips<T>(link, batch);
}

}  // namespace abell::detail
