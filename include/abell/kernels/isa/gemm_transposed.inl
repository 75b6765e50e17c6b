// C = A^T B: gradients of weights, a sum over pixels.

#if defined(ABELL_ISA_GEMM_TRANSPOSED_INL) == defined(ABELL_ISA_TOGGLE)
#ifdef ABELL_ISA_GEMM_TRANSPOSED_INL
#undef ABELL_ISA_GEMM_TRANSPOSED_INL
#else
#define ABELL_ISA_GEMM_TRANSPOSED_INL
#endif

#include <abell/kernels/isa/gemm.inl>

// What will be needed next, as Ahead: rows of `length` bytes, `row_step` bytes apart.
struct AheadRows {
  unsigned long row;
  unsigned long row_step;
  unsigned long length;
  unsigned long step;
  unsigned long at = 0;
};

// Steps of A, `stride` values apart, in `count` lines of `length` steps that do not follow one another, as a
// convolution's windows in several rows of an image.
template <class T>
struct Lines {
  const T* const* start;
  int count;
  int length;
  long stride;
};

// P rows x V vectors of C += A^T B over the steps of `lines`, or C = A^T B when `fresh`, from row `row_of_a` of A on.
template <class T, int P, int V, bool Prefetches>
static void accumulate_tile(const Lines<T>& lines, int row_of_a, const T* b, long b_stride, bool fresh, T* c,
                            long c_stride, AheadRows& ahead) {
  const long a_stride = lines.stride;
  Vector<T> sum[P][V];
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p) {
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) {
      sum[p][v] = fresh ? Vector<T>{} : *reinterpret_cast<const Loose<T>*>(c + p * c_stride + v * lanes<T>);
    }
  }
  [[maybe_unused]] unsigned long row = ahead.row, at = ahead.at;
  const int count = Prefetches ? 1 : lines.count;  // what prefetches has one line
  for (int line = 0; line < count; ++line) {
    const T* a = lines.start[line] + row_of_a;
    for (int i = 0; i < lines.length; ++i) {
      if constexpr (Prefetches) {
        prefetch_line(row + at);
        at += ahead.step;
        row = at < ahead.length ? row : row + ahead.row_step;
        at = at < ahead.length ? at : 0;
      }
      Vector<T> right[V];
#pragma GCC unroll 16
      for (int v = 0; v < V; ++v) right[v] = load(b + v * lanes<T>);
#pragma GCC unroll 16
      for (int p = 0; p < P; ++p) {
        const T left = a[p];
#pragma GCC unroll 16
        for (int v = 0; v < V; ++v) sum[p][v] += left * right[v];
      }
      a += a_stride;
      b += b_stride;
    }
  }
  if constexpr (Prefetches) ahead.row = row, ahead.at = at;
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p) {
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) *reinterpret_cast<Loose<T>*>(c + p * c_stride + v * lanes<T>) = sum[p][v];
  }
}

// The same for `rows` rows, at most P.
template <class T, int P, int V, bool Prefetches>
static void accumulate_some(int rows, const Lines<T>& lines, int row_of_a, const Matrix<const T>& b, bool fresh,
                            const Matrix<T>& c, AheadRows& ahead) {
  if constexpr (P > 0) {
    if (rows == P) {
      accumulate_tile<T, P, V, Prefetches>(lines, row_of_a, b.values, b.stride, fresh, c.values, c.stride, ahead);
    } else {
      accumulate_some<T, P - 1, V, Prefetches>(rows, lines, row_of_a, b, fresh, c, ahead);
    }
  }
}

// What the next products of a kind need of A and of B: a few lines are prefetched with each tile of this one, to the
// second level of cache.
struct AheadLines {
  unsigned long at[2] = {};
  int lines[2] = {};

  void prefetch() {
    for (int i = 0; i < 2; ++i) {
      for (int line = 0; line < lines[i]; ++line, at[i] += line_bytes) prefetch_far(at[i]);
    }
  }
};

// C[rows][columns] += A^T B over the steps of A's lines, of which B has as many rows, or C = A^T B when `fresh`;
// columns beyond the last whole vector are summed one by one.
template <class T>
static void accumulate_lines(int rows, int columns, const Lines<T>& lines, const Matrix<const T>& b, bool fresh,
                             const Matrix<T>& c, AheadLines& ahead) {
  AheadRows nothing{address_of(c.values), 0, 1, 0};
  int column = 0;
  for (; column + lanes<T> <= columns; column += column + tile_columns<T> <= columns ? tile_columns<T> : lanes<T>) {
    const bool wide = column + tile_columns<T> <= columns;
    const Matrix<const T> right = b.from(0, column);
    // Plain sizes and calls: a sum over few steps ends too often to bear more.
    for (int row = 0; row < rows; row += tile_pixels) {
      const int some = rows - row < tile_pixels ? rows - row : tile_pixels;
      const Matrix<T> out = c.from(row, column);
      ahead.prefetch();
      if (wide) {
        accumulate_some<T, tile_pixels, 2, false>(some, lines, row, right, fresh, out, nothing);
      } else {
        accumulate_some<T, tile_pixels, 1, false>(some, lines, row, right, fresh, out, nothing);
      }
    }
  }
  for (; column < columns; ++column) {
    for (int row = 0; row < rows; ++row) {
      T* out = c.row(row) + column;
      T sum = fresh ? T(0) : *out;
      const T* right = b.values + column;
      for (int line = 0; line < lines.count; ++line) {
        for (int i = 0; i < lines.length; ++i, right += b.stride)
          sum += lines.start[line][i * lines.stride + row] * *right;
      }
      *out = sum;
    }
  }
}

// C += A^T B, or C = A^T B when `fresh`, with A [depth][rows] and B [depth][columns].
template <class T>
static void accumulate(const Product<T>& product, const Matrix<const T>& b, bool fresh, AheadLines& ahead) {
  const int passes = tiles_of(product.depth, gradient_pass_steps);
  for (int pass = 0; pass < passes; ++pass) {
    const int start = tile_begin(pass, passes, product.depth);
    const T* line = product.a.row(start);
    const Lines<T> steps{&line, 1, tile_begin(pass + 1, passes, product.depth) - start, product.a.stride};
    accumulate_lines<T>(product.rows, product.columns, steps, b.from(start, 0), fresh && pass == 0, product.c, ahead);
  }
}

template <class T>
static void gemm_transposed(const Product<T>& product, const Matrix<const T>& b, bool fresh) {
  AheadLines nothing;
  accumulate(product, b, fresh, nothing);
}

// The tiles of `depth` rows of A, each [depth][its rows of C], `transposed_pass_steps` steps apart.
template <class T>
static void pack_left(int rows, int depth, const T* a, long a_stride, T* packed) {
  constexpr int most = transposed_packed_rows;
  const int tiles = tiles_of(rows);
  for (int k = 0; k < depth; k += most, a += most * a_stride) {
    const int steps = depth - k < most ? depth - k : most;
    for (int tile = 0; tile < tiles; ++tile) {
      const int row = tile_begin(tile, tiles, rows), some = tile_begin(tile + 1, tiles, rows) - row;
      T* to = packed + static_cast<long>(row) * transposed_pass_steps + static_cast<long>(k) * some;
      // A whole vector may be too much: the next steps write over it.
      if (k + most < depth && row + lanes<T> <= rows && some <= lanes<T>) {
#pragma GCC unroll 8
        for (int i = 0; i < most; ++i) store(load(a + i * a_stride + row), to + i * some);
      } else {
        for (int i = 0; i < steps; ++i) copy_values(a + i * a_stride + row, some, to + i * some);
      }
    }
  }
}

// sums += the sum of `count` rows of a tile: by fours, as one sum would wait for its last step.
template <class T>
static void add_by_fours(Matrix<const T> tile, int count, int width, T* sums) {
  for (int n = 0; n < width; n += lanes<T>) {
    Vector<T> sum[4] = {};
    for (int row = 0; row + 4 <= count; row += 4) {
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) sum[i] += *reinterpret_cast<const Loose<T>*>(tile.row(row + i) + n);
    }
    for (int row = count / 4 * 4; row < count; ++row) {
      sum[0] += *reinterpret_cast<const Loose<T>*>(tile.row(row) + n);
    }
    *reinterpret_cast<Loose<T>*>(sums + n) += (sum[0] + sum[1]) + (sum[2] + sum[3]);
  }
}

template <class T>
static long gemm_transposed_chunk_scratch_size(int rows, int columns) {
  return transposed_pass_steps * (tile_columns<T> + rows) + (rows + 1) * round_to_lanes<T>(columns);
}

// C = A^T B with A [depth][rows] and B [depth][columns], for as much of C as stays in the cache; column_sums (may be
// null): the sums of B's columns. next_a, next_b: those of a later call. What a tile reads in one pass is copied
// together first: rows that lie a power of two apart fall on one another in the caches.
template <class T>
static void gemm_transposed_chunk(const Product<T>& product, const Matrix<const T>& matrix_b, T* column_sums,
                                  const T* next_a, const T* next_b, T* scratch) {
  const int rows = product.rows, columns = product.columns, depth = product.depth;
  const long padded = round_to_lanes<T>(columns);
  T* packed_right = scratch;
  T* packed_left = packed_right + transposed_pass_steps * tile_columns<T>;
  T* of_columns = packed_left + transposed_pass_steps * rows;
  const bool direct = padded == columns;  // else C has no room for the last vectors
  const Matrix<T> sums = direct ? product.c : Matrix<T>{of_columns + padded, padded};
  clear_values(of_columns, padded);
  const int tiles = tiles_of(rows);
  const auto far_apart = [](int row) { return row * static_cast<int>(sizeof(T)) > transposed_near_bytes; };
  const bool pack_a = far_apart(rows), pack_b = far_apart(columns) || !direct;
  // The next chunk's rows of A are prefetched during the first of the calls, those of B during the rest.
  const int calls = tiles * ((columns + tile_columns<T> - 1) / tile_columns<T>);
  const auto bytes = [](long values) { return static_cast<unsigned long>(values) * sizeof(T); };
  const unsigned long each = bytes(rows + columns) / static_cast<unsigned long>(calls) + 1;
  const unsigned long step = each < line_bytes ? each : line_bytes;
  const int passes = tiles_of(depth, transposed_pass_steps);
  Matrix<const T> a = product.a, b = matrix_b;
  for (int pass = 0; pass < passes; ++pass) {
    const int count = tile_begin(pass + 1, passes, depth) - tile_begin(pass, passes, depth);
    const bool last = pass + 1 == passes;
    const T* ahead_a = last ? next_a : a.row(count);
    const T* ahead_b = last ? next_b : b.row(count);
    AheadRows ahead_left{address_of(ahead_a), bytes(a.stride), bytes(rows), step};
    AheadRows ahead_right{address_of(ahead_b), bytes(b.stride), bytes(columns), step};
    if (pack_a) pack_left(rows, count, a.values, a.stride, packed_left);
    int call = 0;
    for (int column = 0; column < columns; column += tile_columns<T>) {
      const int vectors = vectors_of_tile<T>(column, columns), width = vectors * lanes<T>;
      const int valid = columns - column < width ? columns - column : width;
      if (pack_b) pack_tile(count, valid, width, b.values + column, b.stride, packed_right);
      const Matrix<const T> right = pack_b ? Matrix<const T>{packed_right, width} : b.from(0, column);
      if (column_sums != nullptr) add_by_fours(right, count, width, of_columns + column);
      for (int tile = 0; tile < tiles; ++tile, ++call) {
        const int row = tile_begin(tile, tiles, rows), some = tile_begin(tile + 1, tiles, rows) - row;
        AheadRows& ahead = call * (rows + columns) < calls * rows ? ahead_left : ahead_right;
        const T* line = pack_a ? packed_left + row * transposed_pass_steps : a.values + row;
        const Lines<T> steps{&line, 1, count, pack_a ? some : a.stride};
        (vectors == 2
             ? accumulate_some<T, tile_rows, 2, true>
             : accumulate_some<T, tile_rows, 1, true>)(some, steps, 0, right, pass == 0, sums.from(row, column), ahead);
      }
    }
    a.values = ahead_a;
    b.values = ahead_b;
  }
  for (int row = 0; !direct && row < rows; ++row) copy_values(sums.row(row), columns, product.c.row(row));
  if (column_sums != nullptr) copy_values(of_columns, columns, column_sums);
}

#endif
