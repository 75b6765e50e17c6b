// Included once for each instruction set, see peaks.cpp. Vectors of ABELL_VECTOR_BYTES bytes.

typedef float Vector __attribute__((vector_size(ABELL_VECTOR_BYTES)));
inline constexpr int lanes = ABELL_VECTOR_BYTES / 4;

// As many independent sums as registers hold beside the two constants: more than the latency of a
// multiply-add times the number of units (8 to 10; 14 where it is a product and a sum).
inline constexpr int sums = ABELL_VECTOR_REGISTERS == 32 ? 24 : 14;

// Keeps what nothing else uses.
static inline __attribute__((always_inline)) void use(const Vector& value) {
#if defined(__x86_64__)
  __asm__ volatile("" : : "v"(value));
#else
  __asm__ volatile("" : : "w"(value));
#endif
}

static inline __attribute__((always_inline)) Vector reversed(const Vector& v) {
#if ABELL_VECTOR_BYTES == 64
  return __builtin_shufflevector(v, v, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
#elif ABELL_VECTOR_BYTES == 32
  return __builtin_shufflevector(v, v, 7, 6, 5, 4, 3, 2, 1, 0);
#else
  return __builtin_shufflevector(v, v, 3, 2, 1, 0);
#endif
}

// `rounds` times `sums` multiply-adds of vectors, and beside them what `beside` says; the result only keeps them alive.
template <Beside beside>
static float multiply_adds(long rounds, float scale, float shift) {
  Vector sum[sums];
  [[maybe_unused]] volatile Vector stored[sums];
  for (int i = 0; i < sums; ++i) sum[i] = Vector{} + static_cast<float>(i);
  const Vector a = Vector{} + scale, b = Vector{} + shift;
  for (long round = 0; round < rounds; ++round) {
#pragma GCC unroll 24
    for (int i = 0; i < sums; ++i) {
      sum[i] = sum[i] * a + b;
      if (i % beside_every(beside) != 0) continue;
      if constexpr (beside == Beside::comparison) use(sum[i] < b ? a : sum[i]);
      if constexpr (beside == Beside::permutation) use(reversed(sum[i]));
      if constexpr (beside == Beside::store) stored[i] = sum[i];
    }
  }
  for (int i = 1; i < sums; ++i) sum[0] += sum[i];
  float total = 0;
  for (int i = 0; i < lanes; ++i) total += sum[0][i];
  return total;
}

// a = b + scale c over [begin, end), multiples of a vector's length.
static void triad(long begin, long end, float scale, const float* b, const float* c, float* a) {
  const Vector s = Vector{} + scale;
  for (long i = begin; i < end; i += lanes) {
    *reinterpret_cast<Vector*>(a + i) =
        *reinterpret_cast<const Vector*>(b + i) + s * *reinterpret_cast<const Vector*>(c + i);
  }
}

inline constexpr Loops loops{sums,
                             lanes,
                             {multiply_adds<Beside::nothing>, multiply_adds<Beside::comparison>,
                              multiply_adds<Beside::permutation>, multiply_adds<Beside::store>},
                             triad};
