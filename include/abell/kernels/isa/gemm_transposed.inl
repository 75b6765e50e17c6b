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

// Steps of A that do not follow one another at one stride: `count` lines of `length` steps, as a convolution's windows
// in several rows of an image.
template <class T>
struct Lines {
  const T* const* start;
  int count;
  int length;
};

// P rows x V vectors of C += A^T B over the steps of `lines`, or C = A^T B when `fresh`, from row `row_of_a` of A on.
template <class T, int P, int V, bool Prefetches>
static void accumulate_tile(const Lines<T>& lines, int row_of_a, long a_stride, const T* b, long b_stride, bool fresh,
                            T* c, long c_stride, AheadRows& ahead) {
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

template <class T, int P, int V, bool Prefetches>
static void accumulate_some(int rows, const Lines<T>& lines, int row_of_a, long a_stride, const T* b, long b_stride,
                            bool fresh, T* c, long c_stride, AheadRows& ahead) {
  if constexpr (P > 0) {
    if (rows == P) {
      accumulate_tile<T, P, V, Prefetches>(lines, row_of_a, a_stride, b, b_stride, fresh, c, c_stride, ahead);
    } else {
      accumulate_some<T, P - 1, V, Prefetches>(rows, lines, row_of_a, a_stride, b, b_stride, fresh, c, c_stride, ahead);
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
      for (int line = 0; line < lines[i]; ++line, at[i] += 64) prefetch_far(at[i]);
    }
  }
};

// C[rows][columns] += A^T B over the steps of A's lines, of which B has as many rows, or C = A^T B when `fresh`;
// columns beyond the last whole vector are summed one by one.
template <class T>
static void accumulate_lines(int rows, int columns, const Lines<T>& lines, long a_stride, const T* b, long b_stride,
                             bool fresh, T* c, long c_stride, AheadLines& ahead) {
  AheadRows nothing{address_of(c), 0, 1, 0};
  int column = 0;
  for (; column + lanes<T> <= columns; column += column + panel_width<T> <= columns ? panel_width<T> : lanes<T>) {
    const bool wide = column + panel_width<T> <= columns;
    // Plain sizes and calls: a sum over few steps ends too often to bear more.
    for (int row = 0; row < rows; row += tile_pixels) {
      const int some = rows - row < tile_pixels ? rows - row : tile_pixels;
      T* out = c + row * c_stride + column;
      ahead.prefetch();
      if (wide) {
        accumulate_some<T, tile_pixels, 2, false>(some, lines, row, a_stride, b + column, b_stride, fresh, out,
                                                  c_stride, nothing);
      } else {
        accumulate_some<T, tile_pixels, 1, false>(some, lines, row, a_stride, b + column, b_stride, fresh, out,
                                                  c_stride, nothing);
      }
    }
  }
  for (; column < columns; ++column) {
    for (int row = 0; row < rows; ++row) {
      T sum = fresh ? T(0) : c[row * c_stride + column];
      const T* right = b + column;
      for (int line = 0; line < lines.count; ++line) {
        for (int i = 0; i < lines.length; ++i, right += b_stride) sum += lines.start[line][i * a_stride + row] * *right;
      }
      c[row * c_stride + column] = sum;
    }
  }
}

inline constexpr int line_steps = 192;  // of one pass over C

// C[rows][columns] += A^T B, or C = A^T B when `fresh`, with A [depth][rows] and B [depth][columns].
template <class T>
static void accumulate(int rows, int columns, int depth, const T* a, long a_stride, const T* b, long b_stride,
                       bool fresh, T* c, long c_stride, AheadLines& ahead) {
  const int passes = tiles_of(depth, line_steps);
  for (int pass = 0; pass < passes; ++pass) {
    const int start = tile_begin(pass, passes, depth);
    const T* line = a + start * a_stride;
    accumulate_lines<T>(rows, columns, {&line, 1, tile_begin(pass + 1, passes, depth) - start}, a_stride,
                        b + start * b_stride, b_stride, fresh && pass == 0, c, c_stride, ahead);
  }
}

template <class T>
static void gemm_transposed(int rows, int columns, int depth, const T* a, long a_stride, const T* b, long b_stride,
                            bool fresh, T* c, long c_stride) {
  AheadLines nothing;
  accumulate(rows, columns, depth, a, a_stride, b, b_stride, fresh, c, c_stride, nothing);
}

// Steps of A and B at most that are summed in one pass over C. What a tile reads of them is copied together first: rows
// that lie a power of two apart fall on one another in the caches.
inline constexpr int pass_steps = 256;

// The tiles of `depth` rows of A, each [depth][its rows of C], `pass_steps` steps apart. A few rows of A at a time:
// where they lie a power of two apart, no more of them find room in the cache.
template <class T>
static void pack_left(int rows, int depth, const T* a, long a_stride, T* packed) {
  constexpr int most = 8;
  const int tiles = tiles_of(rows);
  for (int k = 0; k < depth; k += most, a += most * a_stride) {
    const int steps = depth - k < most ? depth - k : most;
    for (int tile = 0; tile < tiles; ++tile) {
      const int row = tile_begin(tile, tiles, rows), some = tile_begin(tile + 1, tiles, rows) - row;
      T* to = packed + static_cast<long>(row) * pass_steps + static_cast<long>(k) * some;
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

// sums += the sum of `count` rows of a panel: by fours, as one sum would wait for its last step.
template <class T>
static void add_panel(const T* panel, int count, int width, long stride, T* sums) {
  for (int n = 0; n < width; n += lanes<T>) {
    Vector<T> sum[4] = {};
    for (int row = 0; row + 4 <= count; row += 4) {
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) sum[i] += *reinterpret_cast<const Loose<T>*>(panel + (row + i) * stride + n);
    }
    for (int row = count / 4 * 4; row < count; ++row) {
      sum[0] += *reinterpret_cast<const Loose<T>*>(panel + row * stride + n);
    }
    *reinterpret_cast<Loose<T>*>(sums + n) += (sum[0] + sum[1]) + (sum[2] + sum[3]);
  }
}

template <class T>
static long gemm_transposed_block_scratch_size(int rows, int columns) {
  return pass_steps * (panel_width<T> + rows) + (rows + 1) * round_to_lanes<T>(columns);
}

// C[rows][columns] = A^T B with A [depth][rows] and B [depth][columns], for as much of C as stays in
// the cache; column_sums (may be null): the sums of B's columns. next_a, next_b: those of a later call.
template <class T>
static void gemm_transposed_block(int rows, int columns, int depth, const T* a, long a_stride, const T* b,
                                  long b_stride, T* c, long c_stride, T* column_sums, const T* next_a, const T* next_b,
                                  T* scratch) {
  const long padded = round_to_lanes<T>(columns);
  T* panel = scratch;
  T* left = panel + pass_steps * panel_width<T>;
  T* of_columns = left + pass_steps * rows;
  const bool direct = padded == columns;  // else C has no room for the last vectors
  T* sums = direct ? c : of_columns + padded;
  const long sums_stride = direct ? c_stride : padded;
  clear_values(of_columns, padded);
  const int tiles = tiles_of(rows);
  const auto far_apart = [](int row) { return row * static_cast<int>(sizeof(T)) > 256; };
  const bool pack_a = far_apart(rows), pack_b = far_apart(columns) || !direct;
  // The next block's rows of A are prefetched during the first of the calls, those of B during the rest.
  const int calls = tiles * ((columns + panel_width<T> - 1) / panel_width<T>);
  const auto bytes = [](long values) { return static_cast<unsigned long>(values) * sizeof(T); };
  const unsigned long share = bytes(rows + columns) / static_cast<unsigned long>(calls) + 1;
  const unsigned long step = share < 64 ? share : 64;
  const int passes = tiles_of(depth, pass_steps);
  for (int pass = 0; pass < passes; ++pass) {
    const int count = tile_begin(pass + 1, passes, depth) - tile_begin(pass, passes, depth);
    const bool last = pass + 1 == passes;
    const T* ahead_a = last ? next_a : a + count * a_stride;
    const T* ahead_b = last ? next_b : b + count * b_stride;
    AheadRows ahead_left{address_of(ahead_a), bytes(a_stride), bytes(rows), step};
    AheadRows ahead_right{address_of(ahead_b), bytes(b_stride), bytes(columns), step};
    if (pack_a) pack_left(rows, count, a, a_stride, left);
    int call = 0;
    for (int column = 0; column < columns; column += panel_width<T>) {
      const int vectors = panel_vectors<T>(column, columns), width = vectors * lanes<T>;
      const int valid = columns - column < width ? columns - column : width;
      if (pack_b) pack_panel(count, valid, width, b + column, b_stride, panel);
      const T* right = pack_b ? panel : b + column;
      const long right_stride = pack_b ? width : b_stride;
      if (column_sums != nullptr) add_panel(right, count, width, right_stride, of_columns + column);
      for (int tile = 0; tile < tiles; ++tile, ++call) {
        const int row = tile_begin(tile, tiles, rows), some = tile_begin(tile + 1, tiles, rows) - row;
        AheadRows& ahead = call * (rows + columns) < calls * rows ? ahead_left : ahead_right;
        const T* line = pack_a ? left + row * pass_steps : a + row;
        (vectors == 2 ? accumulate_some<T, tile_rows, 2, true>
                      : accumulate_some<T, tile_rows, 1, true>)(some, {&line, 1, count}, 0, pack_a ? some : a_stride,
                                                                right, right_stride, pass == 0,
                                                                sums + row * sums_stride + column, sums_stride, ahead);
      }
    }
    a = ahead_a;
    b = ahead_b;
  }
  for (int row = 0; !direct && row < rows; ++row) copy_values(sums + row * padded, columns, c + row * c_stride);
  if (column_sums != nullptr) copy_values(of_columns, columns, column_sums);
}

#endif
