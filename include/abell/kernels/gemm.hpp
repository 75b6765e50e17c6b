#pragma once
/// Matrix products over the packed leaf kernels, cut into fixed chunks and run in parallel.
/// Matrices are row-major and contiguous unless a stride is given.

#include <abell/kernels/backend.hpp>
#include <abell/kernels/partial_sums.hpp>
#include <algorithm>
#include <cstddef>

namespace abell::kernels {

/// How C [rows][columns] = A [rows][depth] B is cut. Chunks of columns are as wide as keeps their weights in a core's
/// own cache; chunks of rows are long where there are many, so that what a strip prefetches of the next one is
/// seldom prefetched for another core. For threads to share few chunks evenly, the rows are halved, then the columns.
struct GemmChunks {
  static constexpr int strip = 168;  ///< rows of the shortest chunk of many: common to the register tiles
  static constexpr int few = 48;
  int rows;     ///< of one chunk
  int columns;  ///< of one chunk

  GemmChunks(int all_rows, int all_columns, int depth, std::size_t value_size) {
    constexpr std::size_t cache = 1 << 20;
    const auto pieces = [](int n, int size) { return (n + size - 1) / size; };
    const int longest = std::clamp(all_rows / 16 / strip * strip, strip, 6 * strip);
    int row_chunks = pieces(all_rows, longest);
    const int fit = static_cast<int>(cache / value_size) / depth / 64 * 64;
    columns = std::clamp(fit, 64, 512);
    if (row_chunks * pieces(all_columns, columns) < few) row_chunks = pieces(all_rows, strip / 2);
    rows = pieces(all_rows, row_chunks);
    while (columns > 64 && row_chunks * pieces(all_columns, columns) < few) columns = (columns / 2 + 63) / 64 * 64;
  }
};

/// Rows of A for which B is read as it lies: too few to make up for packing it.
inline constexpr int gemm_few_rows = 14;
/// Results larger than this are written past the caches.
inline constexpr std::size_t streamed_bytes = 4 << 20;

/// Values from one row to the next of a matrix that is laid out for products: rows that lie whole pages apart meet in
/// the few ways of one set of the first-level cache and drive each other out.
template <class T>
constexpr long row_stride(int length) {
  constexpr int page = 4096 / sizeof(T), line = 64 / sizeof(T);
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
void gemm(const Backend<T>& backend, int rows, int columns, int depth, const T* a, const T* b, bool transposed,
          const T* bias, T* c, T* scratch) {
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
    const Range part = columns_of(chunk);
    const T* from = b + (transposed ? static_cast<long>(part.begin) * depth : part.begin);
    table.pack_matrix(depth, part.end - part.begin, from, transposed ? depth : columns, transposed,
                      bias == nullptr ? nullptr : bias + part.begin, packed_of(chunk));
  };
  // A is spread where its rows would meet in the cache and are read often enough.
  const bool spread = rows > gemm_few_rows && column_chunks > 1 && row_stride<T>(depth) != depth;
  const long stride = spread ? row_stride<T>(depth) : depth;
  T* spread_a = packed + round_up(count(table.packed_size(depth, columns)), 16);
  const auto spread_rows = [&](int chunk) {
    const Range part = rows_of(chunk);
    for (long row = part.begin; row < part.end; ++row) std::copy_n(a + row * depth, depth, spread_a + row * stride);
  };
  const auto size = static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns) * sizeof(T);
  const auto leaf = size >= streamed_bytes ? table.gemm_streamed : table.gemm;
  const auto multiply = [&](int row_chunk, int column_chunk, int thread) {
    const Range down = rows_of(row_chunk), across = columns_of(column_chunk);
    leaf(down.end - down.begin, across.end - across.begin, depth, (spread ? spread_a : a) + down.begin * stride, stride,
         packed_of(column_chunk), c + static_cast<long>(down.begin) * columns + across.begin, columns,
         scratch + static_cast<std::size_t>(thread) * count(table.gemm_edge_size));
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
    const Range part = columns_of(chunk);
    if (rows <= gemm_few_rows && !transposed && part.end - part.begin >= table.lanes) {
      table.gemm_unpacked(rows, part.end - part.begin, depth, a, depth, b + part.begin, columns,
                          bias == nullptr ? nullptr : bias + part.begin, c + part.begin, columns);
      return;
    }
    pack(chunk);
    multiply(0, chunk, thread);
  });
}

/// How C [rows][columns] = A^T B is cut: into blocks that stay in a core's own cache and, where these are few, into
/// parts of the sum, which are added up in order.
struct TransposedChunks {
  static constexpr int block_rows = 128, block_columns = 256, most = 16;
  int down;    ///< blocks below one another
  int across;  ///< blocks beside one another

  TransposedChunks(int rows, int columns)
      : down((rows + block_rows - 1) / block_rows), across((columns + block_columns - 1) / block_columns) {}
  int blocks() const { return down * across; }
  int parts(int depth) const { return std::clamp(depth / 256, 1, std::max(1, most / blocks())); }
};

/// Scratch elements of gemm_transposed, for sums over up to `depth`.
template <class T>
std::size_t gemm_transposed_scratch(const Backend<T>& backend, int rows, int columns, int depth) {
  const TransposedChunks chunks(rows, columns);
  const auto partial = (static_cast<std::size_t>(rows) + 1) * static_cast<std::size_t>(columns);
  return static_cast<std::size_t>(chunks.parts(depth) - 1) * partial +
         static_cast<std::size_t>(backend.threads) *
             round_up(count(backend.table->gemm_transposed_block_scratch_size(std::min(rows, chunks.block_rows),
                                                                              std::min(columns, chunks.block_columns))),
                      16);
}

/// C [rows][columns] = A^T B with A [depth][rows] and B [depth][columns], their rows `a_stride` and `b_stride` apart.
/// `column_sums` [columns], of B, may be null.
template <class T>
void gemm_transposed(const Backend<T>& backend, int rows, int columns, int depth, const T* a, long a_stride, const T* b,
                     long b_stride, T* c, T* column_sums, T* scratch) {
  const TransposedChunks chunks(rows, columns);
  const int parts = chunks.parts(depth);
  const std::size_t size = static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
  const std::size_t partial = size + static_cast<std::size_t>(columns);
  const std::size_t own = round_up(count(backend.table->gemm_transposed_block_scratch_size(
                                       std::min(rows, chunks.block_rows), std::min(columns, chunks.block_columns))),
                                   16);
  T* partials = scratch + static_cast<std::size_t>(backend.threads) * own;
  const auto partial_of = [&](int part) { return partials + static_cast<std::size_t>(part - 1) * partial; };
  struct Block {
    int row, column, step;
    Range range;
  };
  const auto block_of = [&](int index) {
    const int step = index / chunks.blocks(), block = index % chunks.blocks();
    return Block{block / chunks.across * chunks.block_rows, block % chunks.across * chunks.block_columns, step,
                 part(depth, step, parts)};
  };
  const auto a_of = [&](const Block& block) { return a + block.range.begin * a_stride + block.row; };
  const auto b_of = [&](const Block& block) { return b + block.range.begin * b_stride + block.column; };
  const int all = parts * chunks.blocks();
  parallel_for(all, backend.threads, [&](int index, int thread) {
    const Block block = block_of(index);
    const Block next = block_of(std::min(index + 1, all - 1));  // this thread's, while it has its own
    T* to = block.step == 0 ? c : partial_of(block.step);
    T* sums = block.step == 0 ? column_sums : partial_of(block.step) + size;
    backend.table->gemm_transposed_block(std::min(chunks.block_rows, rows - block.row),
                                         std::min(chunks.block_columns, columns - block.column),
                                         block.range.end - block.range.begin, a_of(block), a_stride, b_of(block),
                                         b_stride, to + static_cast<long>(block.row) * columns + block.column, columns,
                                         block.row == 0 && column_sums != nullptr ? sums + block.column : nullptr,
                                         a_of(next), b_of(next), scratch + static_cast<std::size_t>(thread) * own);
  });
  add_partial_sums(backend.threads, parts - 1, size, partials, partial, c);
  if (column_sums != nullptr) {
    add_partial_sums(backend.threads, parts - 1, static_cast<std::size_t>(columns), partials + size, partial,
                     column_sums);
  }
}

}  // namespace abell::kernels
