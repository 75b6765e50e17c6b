#pragma once
/// Matrix products over the packed leaf kernels, cut into fixed chunks and run in parallel.
/// Matrices are row-major and contiguous unless a stride is given.

#include <abell/kernels/conv2d.hpp>

namespace abell::kernels {

inline constexpr int gemm_row_chunk = 96;      ///< rows of C that a chunk takes
inline constexpr int gemm_column_chunk = 128;  ///< columns of C that a chunk takes

/// Scratch elements of gemm for C [rows][columns] = A [rows][depth] B.
template <class T>
std::size_t gemm_scratch(const Run<T>& run, int columns, int depth) {
  const auto packed = count(run.table->packed_size(depth, std::min(columns, gemm_column_chunk)));
  const auto strip = static_cast<std::size_t>(gemm_row_chunk * run.table->panel_width);
  return static_cast<std::size_t>((columns + gemm_column_chunk - 1) / gemm_column_chunk) * packed +
         static_cast<std::size_t>(run.threads) * strip;
}

/// C [rows][columns] = A [rows][depth] B + bias, B [depth][columns] or, when `transposed`,
/// [columns][depth]. `bias` may be null.
template <class T>
void gemm(const Run<T>& run, int rows, int columns, int depth, const T* a, const T* b, bool transposed, const T* bias,
          T* c, T* scratch) {
  const int column_chunks = (columns + gemm_column_chunk - 1) / gemm_column_chunk;
  const int row_chunks = (rows + gemm_row_chunk - 1) / gemm_row_chunk;
  const auto packed = count(run.table->packed_size(depth, std::min(columns, gemm_column_chunk)));
  T* strips = scratch + static_cast<std::size_t>(column_chunks) * packed;
  const auto columns_of = [&](int chunk) {
    return Range{chunk * gemm_column_chunk, std::min((chunk + 1) * gemm_column_chunk, columns)};
  };
  parallel_for(column_chunks, run.threads, [&](int chunk, int) {
    const Range part = columns_of(chunk);
    const T* from = b + (transposed ? static_cast<long>(part.begin) * depth : part.begin);
    run.table->pack_matrix(depth, part.end - part.begin, from, transposed ? depth : columns, transposed,
                           bias == nullptr ? nullptr : bias + part.begin,
                           scratch + static_cast<std::size_t>(chunk) * packed);
  });
  parallel_for(row_chunks * column_chunks, run.threads, [&](int index, int thread) {
    const int chunk = index % column_chunks;
    const Range part = columns_of(chunk);
    const int row = index / column_chunks * gemm_row_chunk;
    run.table->gemm(std::min(gemm_row_chunk, rows - row), part.end - part.begin, depth,
                    a + static_cast<long>(row) * depth, depth, scratch + static_cast<std::size_t>(chunk) * packed,
                    c + static_cast<long>(row) * columns + part.begin, columns,
                    strips + static_cast<long>(thread) * gemm_row_chunk * run.table->panel_width);
  });
}

/// C [rows][columns] = A^T B with A [depth][rows] and B [depth][columns].
template <class T>
void gemm_transposed(const Run<T>& run, int rows, int columns, int depth, const T* a, const T* b, T* c) {
  const int chunks = (rows + gemm_row_chunk - 1) / gemm_row_chunk;
  parallel_for(chunks, run.threads, [&](int chunk, int) {
    const int row = chunk * gemm_row_chunk;
    const int some = std::min(gemm_row_chunk, rows - row);
    T* out = c + static_cast<long>(row) * columns;
    std::fill_n(out, static_cast<std::size_t>(some) * static_cast<std::size_t>(columns), T(0));
    run.table->gemm_transposed(some, columns, depth, a + row, rows, b, columns, out, columns);
  });
}

}  // namespace abell::kernels
