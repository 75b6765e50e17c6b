#pragma once
/// 1x1 convolutions as matrix products over strips of pixels, for stages that fuse other work into the
/// strips while they are in the cache.

#include <abell/kernels/conv2d.hpp>

namespace abell::kernels {

/// The pixels of all images as `size()` strips of nearly equal length, none longer than `most`.
struct PixelStrips {
  int pixels;
  int most;

  constexpr int size() const { return (pixels + most - 1) / most; }
  constexpr Range operator[](int strip) const { return even_range(pixels, strip, size()); }
};

/// Strips in whole register tiles; more than a few are as many as `many_threads`, or the chunks of a gradient, share
/// evenly.
template <class T>
constexpr PixelStrips pointwise_strips(int pixels, int channels, int filters) {
  const int values = pointwise_strip_bytes / static_cast<int>(sizeof(T));
  const int most = std::max(1, values / std::max(channels, filters) / pointwise_tile_pixels) * pointwise_tile_pixels;
  const int strips = PixelStrips{pixels, most}.size();
  const int sharers = strips >= max_gradient_chunks ? max_gradient_chunks : many_threads;
  if (strips < sharers) return {pixels, most};
  const int even = strips / sharers * sharers;
  return {pixels, (pixels + even - 1) / even};
}

/// How a matrix is packed in chunks of columns, so that threads share the packing and chunks of a product.
template <class T>
struct PackedColumns {
  static constexpr int chunk = gemm_chunk_columns;

  const KernelTable<T>* table;
  int depth, columns;

  int chunks() const { return (columns + chunk - 1) / chunk; }
  Range operator[](int index) const { return {index * chunk, std::min((index + 1) * chunk, columns)}; }
  std::size_t chunk_size() const { return round_up(count(table->packed_size(depth, std::min(columns, chunk))), 16); }
  std::size_t at(int index) const { return static_cast<std::size_t>(index) * chunk_size(); }
  /// Values of the packed matrix.
  std::size_t size() const { return at(chunks()); }
  /// Scratch values of `multiply`.
  static std::size_t edge_size(const Backend<T>& backend) { return round_up(count(backend.table->gemm_edge_size), 16); }

  /// B is [depth][columns], or when `transposed` [columns][depth]; `bias` may be null.
  void pack(int threads, const T* b, bool transposed, const T* bias, T* packed) const {
    parallel_for(chunks(), threads, [&](int index, int) {
      const Range range = (*this)[index];
      const Matrix<const T> from = transposed ? Matrix<const T>{b, depth}.from(range.begin, 0)
                                              : Matrix<const T>{b, columns}.from(0, range.begin);
      table->pack_matrix(depth, range.end - range.begin, from, transposed,
                         bias == nullptr ? nullptr : bias + range.begin, packed + at(index));
    });
  }
  /// C [rows][columns] = A [rows][depth] B + bias, A's rows row_stride apart, the columns of some chunks only where
  /// `which` is given.
  void multiply(int rows, const T* a, const T* packed, T* c, T* edge) const {
    multiply(rows, a, packed, c, edge, {0, chunks()});
  }
  void multiply(int rows, const T* a, const T* packed, T* c, T* edge, Range which) const {
    for (int index = which.begin; index < which.end; ++index) {
      const Range range = (*this)[index];
      table->gemm({rows, range.end - range.begin, depth, {a, row_stride<T>(depth)}, {c + range.begin, columns}},
                  packed + at(index), edge);
    }
  }
};

}  // namespace abell::kernels
