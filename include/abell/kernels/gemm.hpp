#pragma once
/// Matrix products over the packed leaf kernels, cut into fixed chunks and run in parallel.
/// Matrices are row-major, and contiguous unless they have a stride.

#include <abell/kernels/backend.hpp>
#include <abell/kernels/partial_sums.hpp>
#include <algorithm>
#include <cstddef>
#include <type_traits>

namespace abell::kernels {

/// How C [rows][columns] = A [rows][depth] B is cut. Chunks of columns are as wide as keeps their weights in a core's
/// own cache; chunks of rows are long where there are many, so that what is prefetched beyond the rows at work is
/// seldom prefetched for another core. For threads to share few chunks evenly, the rows are halved, then the columns.
struct GemmChunks {
  int rows;     ///< of one chunk
  int columns;  ///< of one chunk

  GemmChunks(int all_rows, int all_columns, int depth, std::size_t value_size) {
    const auto chunks = [](int n, int size) { return (n + size - 1) / size; };
    const int longest =
        std::clamp(all_rows / many_threads / gemm_chunk_rows * gemm_chunk_rows, gemm_chunk_rows, gemm_most_chunk_rows);
    int row_chunks = chunks(all_rows, longest);
    constexpr int least = gemm_chunk_columns;
    const int fit = static_cast<int>(gemm_weight_bytes / value_size) / depth / least * least;
    columns = std::clamp(fit, least, gemm_most_chunk_columns);
    const auto few = [&] { return row_chunks * chunks(all_columns, columns) < gemm_few_chunks; };
    if (few()) row_chunks = chunks(all_rows, gemm_chunk_rows / 2);
    rows = chunks(all_rows, row_chunks);
    while (columns > least && few()) columns = chunks(columns / 2, least) * least;
  }
};

/// Values from one row to the next of a matrix that is laid out for products: rows that lie whole pages apart meet in
/// the few ways of one set of the first-level cache and drive each other out.
template <class T>
constexpr long row_stride(int length) {
  constexpr int page = page_bytes / sizeof(T), line = line_bytes / sizeof(T);
  return length % page == 0 ? length + line : length;
}

/// Scratch elements of gemm for C [rows][columns] = A [rows][depth] B.
template <class T>
std::size_t gemm_scratch(const Backend<T>& backend, int rows, int columns, int depth) {
  const long stride = row_stride<T>(depth);
  return static_cast<std::size_t>(backend.threads) * count(backend.table->gemm_edge_size) +
         round_up(count(backend.table->packed_size(depth, columns)), 16) + (stride == depth ? 0 : count(rows * stride));
}

/// C [rows][columns] = A [rows][depth] B + bias, B [depth][columns] or, when `transposed`,
/// [columns][depth]. `bias` may be null.
template <class T>
void gemm(const Backend<T>& backend, const Product<T>& product, const T* b, bool transposed,
          std::type_identity_t<const T*> bias, T* scratch) {
  const int rows = product.rows, columns = product.columns, depth = product.depth;
  const Matrix<const T>& a = product.a;
  const Matrix<T>& c = product.c;
  const KernelTable<T>& table = *backend.table;
  const GemmChunks chunks(rows, columns, depth, sizeof(T));
  const int column_chunks = (columns + chunks.columns - 1) / chunks.columns;
  const int row_chunks = (rows + chunks.rows - 1) / chunks.rows;
  const auto rows_of = [&](int chunk) { return Range{chunk * chunks.rows, std::min((chunk + 1) * chunks.rows, rows)}; };
  const auto columns_of = [&](int chunk) {
    return Range{chunk * chunks.columns, std::min((chunk + 1) * chunks.columns, columns)};
  };
  T* packed = scratch + static_cast<std::size_t>(backend.threads) * count(table.gemm_edge_size);
  const auto packed_of = [&](int chunk) { return packed + (depth + 1L) * chunk * chunks.columns; };
  const auto pack = [&](int chunk) {
    const Range range = columns_of(chunk);
    const Matrix<const T> from =
        transposed ? Matrix<const T>{b, depth}.from(range.begin, 0) : Matrix<const T>{b, columns}.from(0, range.begin);
    table.pack_matrix(depth, range.end - range.begin, from, transposed, bias == nullptr ? nullptr : bias + range.begin,
                      packed_of(chunk));
  };
  // A is spread where its rows would meet in the cache and are read often enough.
  const bool spread = rows > gemm_few_rows && column_chunks > 1 && row_stride<T>(depth) != depth;
  const Matrix<T> spread_a{packed + round_up(count(table.packed_size(depth, columns)), 16), row_stride<T>(depth)};
  const Matrix<const T> a_rows = spread ? Matrix<const T>{spread_a.values, spread_a.stride} : a;
  const auto spread_rows = [&](int chunk) {
    const Range range = rows_of(chunk);
    for (long row = range.begin; row < range.end; ++row) std::copy_n(a.row(row), depth, spread_a.row(row));
  };
  const auto size = static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns) * sizeof(T);
  const auto leaf = size >= streamed_bytes ? table.gemm_streamed : table.gemm;
  const auto multiply = [&](int row_chunk, int column_chunk, int thread) {
    const Range down = rows_of(row_chunk), across = columns_of(column_chunk);
    leaf({down.end - down.begin, across.end - across.begin, depth, a_rows.from(down.begin, 0),
          c.from(down.begin, across.begin)},
         packed_of(column_chunk), scratch + static_cast<std::size_t>(thread) * count(table.gemm_edge_size));
  };
  if (row_chunks > 1 || spread) {
    parallel_for(column_chunks + (spread ? row_chunks : 0), backend.threads, [&](int chunk, int) {
      if (chunk < column_chunks) {
        pack(chunk);
      } else {
        spread_rows(chunk - column_chunks);
      }
    });
    parallel_for(row_chunks * column_chunks, backend.threads,
                 [&](int index, int thread) { multiply(index % row_chunks, index / row_chunks, thread); });
    return;
  }
  parallel_for(column_chunks, backend.threads, [&](int chunk, int thread) {
    const Range range = columns_of(chunk);
    if (rows <= gemm_few_rows && !transposed && range.end - range.begin >= table.lanes) {
      table.gemm_unpacked({rows, range.end - range.begin, depth, a, c.from(0, range.begin)}, {b + range.begin, columns},
                          bias == nullptr ? nullptr : bias + range.begin);
      return;
    }
    pack(chunk);
    multiply(0, chunk, thread);
  });
}

/// How C [rows][columns] = A^T B is cut: into chunks of rows x columns that stay in a core's own cache and, where these
/// are few, the sum too, whose chunks are added up in order.
struct TransposedChunks {
  int most_rows, most_columns;  ///< of a chunk
  int down;                     ///< chunks below one another
  int across;                   ///< chunks beside one another

  TransposedChunks(int rows, int columns)
      : most_rows(std::min(rows, transposed_chunk_rows)),
        most_columns(std::min(columns, transposed_chunk_columns)),
        down((rows + transposed_chunk_rows - 1) / transposed_chunk_rows),
        across((columns + transposed_chunk_columns - 1) / transposed_chunk_columns) {}
  int of_c() const { return down * across; }
  int of_depth(int depth) const {
    return std::clamp(depth / transposed_chunk_depth, 1, std::max(1, transposed_most_chunks / of_c()));
  }
};

/// Scratch elements of gemm_transposed, for sums over up to `depth`.
template <class T>
std::size_t gemm_transposed_scratch(const Backend<T>& backend, int rows, int columns, int depth) {
  const TransposedChunks chunks(rows, columns);
  const auto partial = (static_cast<std::size_t>(rows) + 1) * static_cast<std::size_t>(columns);
  return static_cast<std::size_t>(chunks.of_depth(depth) - 1) * partial +
         static_cast<std::size_t>(backend.threads) *
             round_up(count(backend.table->gemm_transposed_chunk_scratch_size(chunks.most_rows, chunks.most_columns)),
                      16);
}

/// C [rows][columns] = A^T B with A [depth][rows] and B [depth][columns]; C is contiguous.
/// `column_sums` [columns], of B, may be null.
template <class T>
void gemm_transposed(const Backend<T>& backend, const Product<T>& product, const Matrix<const T>& b,
                     std::type_identity_t<T*> column_sums, T* scratch) {
  const int rows = product.rows, columns = product.columns, depth = product.depth;
  const Matrix<const T>& a = product.a;
  T* c = product.c.values;
  const TransposedChunks chunks(rows, columns);
  const int sums = chunks.of_depth(depth);
  const std::size_t size = static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
  const std::size_t partial = size + static_cast<std::size_t>(columns);
  const std::size_t own =
      round_up(count(backend.table->gemm_transposed_chunk_scratch_size(chunks.most_rows, chunks.most_columns)), 16);
  T* partials = scratch + static_cast<std::size_t>(backend.threads) * own;
  const auto partial_of = [&](int sum) { return partials + static_cast<std::size_t>(sum - 1) * partial; };
  struct Chunk {
    int row, column, sum;
    Range steps;
  };
  const auto chunk_of = [&](int index) {
    const int sum = index / chunks.of_c(), of_c = index % chunks.of_c();
    return Chunk{of_c / chunks.across * transposed_chunk_rows, of_c % chunks.across * transposed_chunk_columns, sum,
                 even_range(depth, sum, sums)};
  };
  const auto a_of = [&](const Chunk& chunk) { return a.from(chunk.steps.begin, chunk.row); };
  const auto b_of = [&](const Chunk& chunk) { return b.from(chunk.steps.begin, chunk.column); };
  const int all = sums * chunks.of_c();
  parallel_for(all, backend.threads, [&](int index, int thread) {
    const Chunk chunk = chunk_of(index);
    const Chunk next = chunk_of(std::min(index + 1, all - 1));  // this thread's, while it has its own
    const Matrix<T> to{chunk.sum == 0 ? c : partial_of(chunk.sum), columns};
    T* sums_of_b = chunk.sum == 0 ? column_sums : partial_of(chunk.sum) + size;
    backend.table->gemm_transposed_chunk(
        {std::min(transposed_chunk_rows, rows - chunk.row), std::min(transposed_chunk_columns, columns - chunk.column),
         chunk.steps.end - chunk.steps.begin, a_of(chunk), to.from(chunk.row, chunk.column)},
        b_of(chunk), chunk.row == 0 && column_sums != nullptr ? sums_of_b + chunk.column : nullptr, a_of(next).values,
        b_of(next).values, scratch + static_cast<std::size_t>(thread) * own);
  });
  add_partial_sums(backend.threads, sums - 1, size, partials, partial, c);
  if (column_sums != nullptr) {
    add_partial_sums(backend.threads, sums - 1, static_cast<std::size_t>(columns), partials + size, partial,
                     column_sums);
  }
}

}  // namespace abell::kernels
