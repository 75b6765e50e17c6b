// Included once for each instruction set, see targets.inl. Vectors of ABELL_VECTOR_BYTES bytes.

template <class T>
struct VectorOf {
  typedef T Type __attribute__((vector_size(ABELL_VECTOR_BYTES)));
  // May stand at any address that suits a T.
  typedef T Loose __attribute__((vector_size(ABELL_VECTOR_BYTES), aligned(alignof(T)), may_alias));
};
template <class T>
using Vector = typename VectorOf<T>::Type;
template <class T>
using Loose = typename VectorOf<T>::Loose;

template <class T>
inline constexpr int lanes = ABELL_VECTOR_BYTES / static_cast<int>(sizeof(T));

// The register tile: tile_pixels x 2 vectors of sums, with room for two weights and one broadcast
// in the 16 registers of SSE and AVX2, or the 32 of AVX-512.
inline constexpr int tile_pixels = ABELL_VECTOR_REGISTERS == 32 ? 12 : 6;
inline constexpr int tile_vectors = 2;
template <class T>
inline constexpr int panel_width = tile_vectors* lanes<T>;

template <class T>
static inline long round_to_lanes(long count) {
  return (count + lanes<T> - 1) / lanes<T> * lanes<T>;
}

template <class T>
static inline void copy_values(const T* from, long count, T* to) {
  __builtin_memcpy(to, from, static_cast<unsigned long>(count) * sizeof(T));
}

template <class T>
static inline void clear_values(T* to, long count) {
  __builtin_memset(to, 0, static_cast<unsigned long>(count) * sizeof(T));
}
