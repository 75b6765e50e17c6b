// The one-dimensional transforms of Winograd's minimal filtering (Lavin & Gray 2016).
//
// F(m, 3) gives m outputs of a 3-tap filter g over m + 2 inputs d as A^T [(G g) . (B^T d)], with m + 2 products
// instead of 3 m; nested, F(m x n, 3x3) does the same in two dimensions. For F(4, 3) the filter is taken three
// times (3 G), which leaves powers of two alone as divisors, so that integers stay exact; what comes out is three
// times the outputs.

#if defined(ABELL_ISA_WINOGRAD_INL) == defined(ABELL_ISA_TOGGLE)
#ifdef ABELL_ISA_WINOGRAD_INL
#undef ABELL_ISA_WINOGRAD_INL
#else
#define ABELL_ISA_WINOGRAD_INL
#endif

// G (a, b, c) of F(2, 3)
template <class V>
static inline __attribute__((always_inline)) void kernel_transform(const V& a, const V& b, const V& c, V (&out)[4]) {
  out[0] = a;
  out[1] = (a + b + c) / 2;
  out[2] = (a - b + c) / 2;
  out[3] = c;
}

// B^T (d0 ... d3) of F(2, 3)
template <class V>
static inline __attribute__((always_inline)) void patch_transform(const V (&d)[4], V (&out)[4]) {
  out[0] = d[0] - d[2];
  out[1] = d[1] + d[2];
  out[2] = d[2] - d[1];
  out[3] = d[1] - d[3];
}

// 3 G (a, b, c) of F(4, 3)
template <class V>
static inline __attribute__((always_inline)) void kernel_transform(const V& a, const V& b, const V& c, V (&out)[6]) {
  out[0] = a * 3 / 4;
  out[1] = (a + b + c) / -2;
  out[2] = (a - b + c) / -2;
  out[3] = (a + 2 * b + 4 * c) / 8;
  out[4] = (a - 2 * b + 4 * c) / 8;
  out[5] = 3 * c;
}

// B^T (d0 ... d5) of F(4, 3)
template <class V>
static inline __attribute__((always_inline)) void patch_transform(const V (&d)[6], V (&out)[6]) {
  const V even = d[4] - 4 * d[2], odd = d[3] - 4 * d[1];
  const V near = d[4] - d[2], far = 2 * (d[3] - d[1]);
  out[0] = d[4] + 4 * d[0] - 5 * d[2];
  out[1] = even + odd;
  out[2] = even - odd;
  out[3] = near + far;
  out[4] = near - far;
  out[5] = d[5] + 4 * d[1] - 5 * d[3];
}

// A^T (m0 ... m5) of F(4, 3)
template <class V>
static inline __attribute__((always_inline)) void output_transform(const V (&m)[6], V (&out)[4]) {
  const V even = m[1] + m[2], odd = m[1] - m[2];
  const V even2 = m[3] + m[4], odd2 = m[3] - m[4];
  out[0] = m[0] + even + even2;
  out[1] = odd + 2 * odd2;
  out[2] = even + 4 * even2;
  out[3] = m[5] + odd + 8 * odd2;
}

#endif
