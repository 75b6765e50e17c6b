#pragma once
/// 1x1 convolutions as matrix products over pieces of pixels, for stages that fuse other work into the
/// pieces while they are in the cache.

#include <abell/kernels/conv2d.hpp>

namespace abell::kernels {

/// Pixels are taken in `size()` pieces of nearly equal length, none longer than `most`.
struct PixelPieces {
  int pixels;
  int most;

  constexpr int size() const { return (pixels + most - 1) / most; }
  constexpr Range operator[](int piece) const { return part(pixels, piece, size()); }
};

/// Pieces of about 96 kB of the wider of input and output, in whole register tiles; more than a few are as many as 16
/// threads, or the chunks of a gradient, share evenly.
template <class T>
constexpr PixelPieces pointwise_pieces(int pixels, int channels, int filters) {
  constexpr int tile = 48;
  const int values = 98304 / static_cast<int>(sizeof(T));
  const int most = std::max(1, values / std::max(channels, filters) / tile) * tile;
  const int pieces = PixelPieces{pixels, most}.size();
  const int share = pieces >= max_gradient_chunks ? max_gradient_chunks : 16;
  if (pieces < share) return {pixels, most};
  const int even = pieces / share * share;
  return {pixels, (pixels + even - 1) / even};
}

/// How a matrix is packed in chunks of columns, so that threads share the packing and chunks of a product.
template <class T>
struct PackedColumns {
  static constexpr int chunk = 64;

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
      table->pack_matrix(
          depth, range.end - range.begin, b + (transposed ? static_cast<long>(range.begin) * depth : range.begin),
          transposed ? depth : columns, transposed, bias == nullptr ? nullptr : bias + range.begin, packed + at(index));
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
      table->gemm(rows, range.end - range.begin, depth, a, row_stride<T>(depth), packed + at(index), c + range.begin,
                  columns, edge);
    }
  }
};

}  // namespace abell::kernels
