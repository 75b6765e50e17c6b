// C = A^T B: gradients of weights, a sum over pixels. Included once for each instruction set, see targets.inl.

// P rows x V vectors of C += A^T B over `count` steps; A and B are read as they lie.
template <class T, int P, int V>
static void accumulate_tile(const T* a, long a_stride, const T* b, long b_stride, int count, T* c, long c_stride,
                            const Ahead& ahead) {
  Vector<T> sum[P][V];
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p) {
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) sum[p][v] = *reinterpret_cast<const Loose<T>*>(c + p * c_stride + v * lanes<T>);
  }
  unsigned long next = ahead.at;
  const unsigned long step = ahead.step;
  for (int i = 0; i < count; ++i) {
    __builtin_prefetch(reinterpret_cast<const void*>(next));
    next += step;
    Vector<T> right[V];
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) right[v] = *reinterpret_cast<const Loose<T>*>(b + v * lanes<T>);
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) {
      const T left = a[p];
#pragma GCC unroll 16
      for (int v = 0; v < V; ++v) sum[p][v] += left * right[v];
    }
    a += a_stride;
    b += b_stride;
  }
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p) {
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) *reinterpret_cast<Loose<T>*>(c + p * c_stride + v * lanes<T>) = sum[p][v];
  }
}

template <class T, int P, int V>
static void accumulate_some(int rows, const T* a, long a_stride, const T* b, long b_stride, int count, T* c,
                            long c_stride, const Ahead& ahead) {
  if constexpr (P > 0) {
    if (rows == P) {
      accumulate_tile<T, P, V>(a, a_stride, b, b_stride, count, c, c_stride, ahead);
    } else {
      accumulate_some<T, P - 1, V>(rows, a, a_stride, b, b_stride, count, c, c_stride, ahead);
    }
  }
}

// C[rows][columns] += A^T B with A [depth][rows] and B [depth][columns]; columns beyond the last
// whole vector are summed one by one.
template <class T>
static void gemm_transposed(int rows, int columns, int depth, const T* a, long a_stride, const T* b, long b_stride,
                            T* c, long c_stride) {
  constexpr int block = 64;  // steps whose A and B stay in the first-level cache
  const int tiles = tiles_of(rows);
  const Ahead nothing{address_of(c), 0};
  for (int start = 0; start < depth; start += block) {
    const int count = depth - start < block ? depth - start : block;
    const T* left = a + start * a_stride;
    const T* right = b + start * b_stride;
    int column = 0;
    for (; column + lanes<T> <= columns; column += column + panel_width<T> <= columns ? panel_width<T> : lanes<T>) {
      const bool wide = column + panel_width<T> <= columns;
      for (int tile = 0; tile < tiles; ++tile) {
        const int row = tile_begin(tile, tiles, rows), some = tile_begin(tile + 1, tiles, rows) - row;
        (wide ? accumulate_some<T, tile_rows, 2> : accumulate_some<T, tile_rows, 1>)(
            some, left + row, a_stride, right + column, b_stride, count, c + row * c_stride + column, c_stride, nothing);
      }
    }
    for (; column < columns; ++column) {
      for (int row = 0; row < rows; ++row) {
        T sum = c[row * c_stride + column];
        for (int i = 0; i < count; ++i) sum += left[i * a_stride + row] * right[i * b_stride + column];
        c[row * c_stride + column] = sum;
      }
    }
  }
}

// Steps of a block of A and B that are copied together: rows that lie a power of two apart would fall
// on one another in the caches, and the copies do not.
inline constexpr int block_depth = 128;
template <class T>
static long block_stride(long columns) {
  return round_to_lanes<T>(columns) + lanes<T>;
}

template <class T>
static long gemm_transposed_block_scratch_size(int rows, int columns) {
  return block_depth * (block_stride<T>(rows) + block_stride<T>(columns)) + rows * round_to_lanes<T>(columns) +
         round_to_lanes<T>(columns);
}

template <class T>
static void copy_block(const T* from, long from_stride, int rows, int columns, T* to, long stride) {
  const long padded = round_to_lanes<T>(columns);
  for (int row = 0; row < rows; ++row) {
    copy_values(from, columns, to);
    clear_values(to + columns, padded - columns);
    from += from_stride;
    to += stride;
  }
}

// C[rows][columns] = A^T B with A [depth][rows] and B [depth][columns], for as much of C as stays in
// the cache; column_sums (may be null): the sums of B's columns.
template <class T>
static void gemm_transposed_block(int rows, int columns, int depth, const T* a, long a_stride, const T* b,
                                  long b_stride, T* c, long c_stride, T* column_sums, T* scratch) {
  const long width = round_to_lanes<T>(columns);
  const long left_stride = block_stride<T>(rows), right_stride = block_stride<T>(columns);
  T* left = scratch;
  T* right = left + block_depth * left_stride;
  T* sums = right + block_depth * right_stride;
  T* of_columns = sums + rows * width;
  clear_values(sums, rows * width + width);
  const int tiles = tiles_of(rows);
  constexpr int line = 64 / static_cast<int>(sizeof(T));
  const int left_lines = (rows + line - 1) / line, lines = left_lines + (columns + line - 1) / line;
  const int calls = tiles * static_cast<int>((width + panel_width<T> - 1) / panel_width<T>);
  for (int start = 0; start < depth; start += block_depth) {
    const int count = depth - start < block_depth ? depth - start : block_depth;
    copy_block(a, a_stride, count, rows, left, left_stride);
    copy_block(b, b_stride, count, columns, right, right_stride);
    a += block_depth * a_stride;
    b += block_depth * b_stride;
    if (column_sums != nullptr) {
      for (long n = 0; n < width; n += lanes<T>) {
        Vector<T> sum = *reinterpret_cast<const Loose<T>*>(of_columns + n);
        for (int i = 0; i < count; ++i) sum += *reinterpret_cast<const Loose<T>*>(right + i * right_stride + n);
        *reinterpret_cast<Loose<T>*>(of_columns + n) = sum;
      }
    }
    int call = 0;
    for (long column = 0; column < width; column += panel_width<T>) {
      const bool wide = column + panel_width<T> <= width;
      for (int tile = 0; tile < tiles; ++tile, ++call) {
        const int row = tile_begin(tile, tiles, rows), some = tile_begin(tile + 1, tiles, rows) - row;
        // Each call fetches one column of lines of the next block, for as long as there are some left.
        Ahead ahead{address_of(left), 0};
        const int at = static_cast<int>(static_cast<long>(lines) * call / calls);
        if (static_cast<int>(static_cast<long>(lines) * (call + 1) / calls) > at && start + block_depth < depth) {
          const bool of_a = at < left_lines;
          ahead = {address_of(of_a ? a + at * line : b + (at - left_lines) * line),
                   static_cast<unsigned long>(of_a ? a_stride : b_stride) * sizeof(T)};
        }
        (wide ? accumulate_some<T, tile_rows, 2> : accumulate_some<T, tile_rows, 1>)(
            some, left + row, left_stride, right + column, right_stride, count, sums + row * width + column, width,
            ahead);
      }
    }
  }
  for (int row = 0; row < rows; ++row) copy_values(sums + row * width, columns, c + row * c_stride);
  if (column_sums != nullptr) copy_values(of_columns, columns, column_sums);
}
