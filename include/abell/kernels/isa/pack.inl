// Weights packed for the matrix products.
//
// Weights [depth][columns] are packed into tiles of two vectors' width (the last may be one
// vector), zero-padded: tile after tile, each [depth][width]. The bias follows, padded likewise.

#if defined(ABELL_ISA_PACK_INL) == defined(ABELL_ISA_TOGGLE)
#ifdef ABELL_ISA_PACK_INL
#undef ABELL_ISA_PACK_INL
#else
#define ABELL_ISA_PACK_INL
#endif

#include <abell/kernels/isa/vector.inl>

template <class T>
static long packed_size(int depth, int columns) {
  return (static_cast<long>(depth) + 1) * round_to_lanes<T>(columns);
}

template <class T>
static int vectors_of_tile(int column, int columns) {
  return columns - column > lanes<T> ? 2 : 1;
}

template <class T>
static void pack_bias(int columns, const T* bias, T* packed) {
  const long padded = round_to_lanes<T>(columns);
  for (long n = 0; n < padded; ++n) packed[n] = bias != nullptr && n < columns ? bias[n] : T(0);
}

template <int... I>
struct Indices {};
template <int N, int... I>
struct IndicesBelow : IndicesBelow<N - 1, N - 1, I...> {};
template <int... I>
struct IndicesBelow<0, I...> {
  using Type = Indices<I...>;
};

// In the 2x2 grids of step x step blocks that two vectors, `step` rows apart, are part of, exchanges the
// blocks off the diagonal.
template <int Step, class V, int... I>
static inline void exchange_blocks(V& upper, V& lower, Indices<I...>) {
  constexpr int all = sizeof...(I);
  const V old = upper;
  upper = __builtin_shufflevector(old, lower, ((I & Step) != 0 ? I - Step + all : I)...);
  lower = __builtin_shufflevector(old, lower, ((I & Step) != 0 ? I + all : I + Step)...);
}

// Transposes a square of as many rows as a vector has values: blocks of half its side are exchanged, then
// within each of them those of a quarter, and so on.
template <class T, int Step = lanes<T> / 2>
static inline void transpose_square(Vector<T> (&rows)[lanes<T>]) {
  if constexpr (Step > 0) {
#pragma GCC unroll 16
    for (int i = 0; i < lanes<T>; ++i) {
      if ((i & Step) == 0) exchange_blocks<Step>(rows[i], rows[i + Step], typename IndicesBelow<lanes<T>>::Type{});
    }
    transpose_square<T, Step / 2>(rows);
  }
}

// packed[k][n] = b[n][k] for n < valid, else 0, n < width (whole vectors). Rows far apart are prefetched to the
// second level of cache: in the first they may meet in one set.
template <class T>
static void pack_transposed_tile(int depth, int valid, int width, const T* b, long stride, T* packed) {
  int k = 0;
  for (; k + lanes<T> <= depth; k += lanes<T>) {
    for (int n = 0; n < width; n += lanes<T>) {
      Vector<T> rows[lanes<T>];
#pragma GCC unroll 16
      for (int i = 0; i < lanes<T>; ++i) {
        __builtin_prefetch(b + (n + i) * stride + k + pack_transposed_lead, 0, 2);
        rows[i] = n + i < valid ? *reinterpret_cast<const Loose<T>*>(b + (n + i) * stride + k) : Vector<T>{};
      }
      transpose_square<T>(rows);
#pragma GCC unroll 16
      for (int i = 0; i < lanes<T>; ++i) {
        *reinterpret_cast<Loose<T>*>(packed + static_cast<long>(k + i) * width + n) = rows[i];
      }
    }
  }
  for (; k < depth; ++k) {
    for (int n = 0; n < width; ++n) packed[static_cast<long>(k) * width + n] = n < valid ? b[n * stride + k] : T(0);
  }
}

// packed[k][n] = b[k][n] for n < valid, else 0, n < width.
template <class T>
static void pack_tile(int depth, int valid, int width, const T* b, long stride, T* packed) {
  for (int k = 0; k < depth; ++k) {
    for (int n = 0; n < width; n += lanes<T>) __builtin_prefetch(b + (k + pack_lead) * stride + n, 0, 2);
    if (valid == tile_columns<T>) {  // of a size that the compiler knows, as the next
      copy_values(b + k * stride, tile_columns<T>, packed);
    } else if (valid == lanes<T>) {
      copy_values(b + k * stride, lanes<T>, packed);
    } else {
      copy_values(b + k * stride, valid, packed);
      clear_values(packed + valid, width - valid);
    }
    packed += width;
  }
}

// B is [depth][columns], or its transpose.
template <class T>
static void pack_matrix(int depth, int columns, const Matrix<const T>& b, bool transposed, const T* bias, T* packed) {
  for (int column = 0; column < columns; column += tile_columns<T>) {
    const int width = vectors_of_tile<T>(column, columns) * lanes<T>;
    const int valid = columns - column < width ? columns - column : width;
    if (transposed) {
      pack_transposed_tile(depth, valid, width, b.row(column), b.stride, packed);
    } else {
      pack_tile(depth, valid, width, b.values + column, b.stride, packed);
    }
    packed += static_cast<long>(depth) * width;
  }
  pack_bias(columns, bias, packed);
}

#endif
