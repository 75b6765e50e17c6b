// Gradient of the input of the fused stage.
//
// dX[position + tap][c] += g * W[tap][c][o] over the live pairs, one vector of channels at a time: so few weights stay
// in the first-level cache. For each pooled pixel the filters are grouped by position (as bits); walking along a row,
// the patch that the positions reach stays in registers and moves right. Where the registers hold 4 x 6 sums, two
// pixels are walked at once, the filters grouped by the positions in both: each weight is loaded once for two.
// Elsewhere a pixel's upper two positions are, and then its lower two.

#if defined(ABELL_ISA_CONV_POOL_INPUT_INL) == defined(ABELL_ISA_TOGGLE)
#ifdef ABELL_ISA_CONV_POOL_INPUT_INL
#undef ABELL_ISA_CONV_POOL_INPUT_INL
#else
#define ABELL_ISA_CONV_POOL_INPUT_INL
#endif

#include <abell/kernels/isa/conv_pool_forward.inl>
#include <abell/kernels/isa/pack.inl>

inline constexpr int walk_rows = ABELL_VECTOR_REGISTERS == 32 ? 2 : 1;    // rows of positions walked at once
inline constexpr int walk_pixels = ABELL_VECTOR_REGISTERS == 32 ? 2 : 1;  // pooled pixels walked at once
inline constexpr int step_columns = 2 * walk_pixels;                      // that the patch moves by
inline constexpr int patch_rows = walk_rows + 2, patch_columns = step_columns + 2;

template <class T>
using Patch = Vector<T>[patch_rows * patch_columns];

// Weights as [vector of channels][filter][9][lanes].
template <class T>
static long conv_pool_input_packed_size(const Conv2dGeometry& g) {
  return round_to_lanes<T>(g.channels) * g.filters * 9;
}

template <class T>
static void conv_pool_input_pack(const Conv2dGeometry& g, const T* weights, T* packed) {
  clear_values(packed, conv_pool_input_packed_size<T>(g));
  for (int tap = 0; tap < 9; ++tap) {
    for (int c = 0; c < g.channels; ++c) {
      T* to = packed + (static_cast<long>(c / lanes<T>) * g.filters * 9 + tap) * lanes<T> + c % lanes<T>;
      for (int n = 0; n < g.filters; ++n) to[n * 9L * lanes<T>] = *weights++;
    }
  }
}

static inline long filter_words(const Conv2dGeometry& g) { return (static_cast<long>(g.filters) + 63) / 64; }

// A row of sums that begins one column before the image.
template <class T>
static long open_row(const Conv2dGeometry& g) {
  return (g.pooled_width() / walk_pixels + 1L) * step_columns * lanes<T>;
}

// The last channels, where they are no whole vector, go to rows of their own first: [walk_rows][open_row].
template <class T>
static long ragged_size(const Conv2dGeometry& g) {
  return g.channels % lanes<T> == 0 ? 0 : walk_rows * open_row<T>(g);
}

template <class T>
static long conv_pool_input_scratch_size(const Conv2dGeometry& g) {
  const long vectors = round_to_lanes<T>(g.channels) / lanes<T>;
  const long bytes = 4L * g.pooled_width() * filter_words(g) * static_cast<long>(sizeof(long));
  return 2 * open_row<T>(g) * vectors + ragged_size<T>(g) + bytes / static_cast<long>(sizeof(T)) + 16;
}

// Bit i is set where bytes[i] == value.
static inline unsigned long bits_of(const Bytes16& bytes, int value) {
#if defined(__x86_64__)
  return static_cast<unsigned>(__builtin_ia32_pmovmskb128(bytes == Bytes16{} + static_cast<char>(value)));
#else
  unsigned long bits = 0;
  for (int i = 0; i < 16; ++i) bits |= (bytes[i] == value ? 1UL : 0UL) << i;
  return bits;
#endif
}

// masks[x][position][word]: bit n is set when filter n's maximum at pooled column x lies there.
static inline void mask_positions(const Conv2dGeometry& g, const unsigned char* argmax, unsigned long* masks) {
  const long words = filter_words(g);
  for (int x = 0; x < g.pooled_width(); ++x, argmax += g.filters, masks += 4 * words) {
    for (long word = 0; word < words; ++word) {
      unsigned long bits[4] = {};
      const long left = g.filters - 64 * word;
      for (long n = 0; n < 64 && n < left; n += 16) {
        const Bytes16 bytes = load_positions(argmax + 64 * word + n, left - n);
#pragma GCC unroll 4
        for (int position = 0; position < 4; ++position) bits[position] |= bits_of(bytes, position) << n;
      }
#pragma GCC unroll 4
      for (int position = 0; position < 4; ++position) masks[position * words + word] = bits[position];
    }
  }
}

// Takes a row's two upper (0) or lower (1) positions out of the masks.
static inline void drop_half(const Conv2dGeometry& g, int half, unsigned long* masks) {
  const long words = filter_words(g);
  for (int x = 0; x < g.pooled_width(); ++x, masks += 4 * words) clear_values(masks + 2 * half * words, 2 * words);
}

// The first of the 3 x 3 sums around a position, and where in them a tap lies.
static constexpr int corner(int pixel, int position) { return position / 2 * patch_columns + 2 * pixel + position % 2; }
static constexpr int under(int tap) { return tap / 3 * patch_columns + tap % 3; }

// Adds the filters in `bits`, whose maxima of one pixel lie at one position.
template <class T, int Pixel, int Position>
static inline __attribute__((always_inline)) void add_live(unsigned long bits, const T* gradient, const T* weights,
                                                           Patch<T>& sum) {
  for (; bits != 0; bits &= bits - 1) {
    const long n = __builtin_ctzl(bits);
    const T value = gradient[n];
    const T* w = weights + n * 9 * lanes<T>;
#pragma GCC unroll 9
    for (int tap = 0; tap < 9; ++tap) sum[corner(Pixel, Position) + under(tap)] += value * load(w + tap * lanes<T>);
  }
}

// Adds the filters in `bits`, whose maxima of two pixels lie at these positions.
template <class T, int First, int Second>
static inline __attribute__((always_inline)) void add_both(unsigned long bits, const T* gradient, const T* next,
                                                           const T* weights, Patch<T>& sum) {
  for (; bits != 0; bits &= bits - 1) {
    const long n = __builtin_ctzl(bits);
    const T value = gradient[n], next_value = next[n];
    const T* w = weights + n * 9 * lanes<T>;
#pragma GCC unroll 9
    for (int tap = 0; tap < 9; ++tap) {
      Vector<T> weight = load(w + tap * lanes<T>);
      keep_in_register<T>(weight);
      sum[corner(0, First) + under(tap)] += value * weight;
      sum[corner(1, Second) + under(tap)] += next_value * weight;
    }
  }
}

// Adds a pixel's filters but `others`.
template <class T, int Pixel, int... Position>
static inline __attribute__((always_inline)) void add_pixel(const unsigned long* masks, long words,
                                                            unsigned long others, const T* gradient, const T* weights,
                                                            Patch<T>& sum, Indices<Position...>) {
  (add_live<T, Pixel, Position>(masks[Position * words] & ~others, gradient, weights, sum), ...);
}

// Adds the filters that live in two pixels.
template <class T, int... Pair>
static inline __attribute__((always_inline)) void add_pixels(const unsigned long* masks,
                                                             const unsigned long* next_masks, long words,
                                                             const T* gradient, const T* next, const T* weights,
                                                             Patch<T>& sum, Indices<Pair...>) {
  (add_both<T, Pair / 4, Pair % 4>(masks[Pair / 4 * words] & next_masks[Pair % 4 * words], gradient, next, weights,
                                   sum),
   ...);
}

static inline unsigned long live_of(const unsigned long* masks, long words) {
  return masks[0] | masks[words] | masks[2 * words] | masks[3 * words];
}

// `walk_rows` rows of positions, one vector of channels. `open` holds the sums that the rows before left in the two
// image rows which these reach too, and then those left for the next ones; the image rows above are complete and go to
// `rows` (null where not asked for), a vector every `pixel` values. The register loops are flat and nothing is called,
// so that the compilers keep the patch in registers.
template <class T>
static void scatter_row(const Conv2dGeometry& g, const T* gradient, const unsigned long* masks, const T* weights,
                        T* open, T* const (&rows)[walk_rows], long pixel, bool streamed) {
  using Positions = IndicesBelow<2 * walk_rows>::Type;
  const long words = filter_words(g), line = open_row<T>(g);
  Patch<T> sum = {};
  for (int x = 0; x <= g.pooled_width(); x += walk_pixels) {
    for (long word = 0; x < g.pooled_width() && word < words; ++word) {
      const T* values = gradient + word * 64;
      const T* kernels = weights + word * 64 * 9 * lanes<T>;
      const unsigned long* here = masks + word;
      if (walk_pixels == 1 || x + 1 == g.pooled_width()) {
        add_pixel<T, 0>(here, words, 0, values, kernels, sum, Positions{});
      } else if constexpr (walk_pixels == 2) {
        const unsigned long* next = here + 4 * words;
        add_pixels(here, next, words, values, values + g.filters, kernels, sum, IndicesBelow<16>::Type{});
        add_pixel<T, 0>(here, words, live_of(next, words), values, kernels, sum, Positions{});
        add_pixel<T, 1>(next, words, live_of(here, words), values + g.filters, kernels, sum, Positions{});
      }
    }
    // The left columns have all they get from here: (i / step_columns, i % step_columns) are row and column.
#pragma GCC unroll 8
    for (int i = 0; i < 2 * step_columns; ++i) {
      const int row = i / step_columns, column = i % step_columns;
      sum[row * patch_columns + column] += load(open + row * line + column * lanes<T>);
    }
    const int left = 2 * x - 1;
    const bool inside = left >= 0 && left + step_columns <= g.width;
#pragma GCC unroll 2
    for (int i = 0; i < walk_rows; ++i) {
      if (rows[i] == nullptr) continue;
      long at = left * pixel;  // at the left edge before the row
#pragma GCC unroll 4
      for (int j = 0; j < step_columns; ++j, at += pixel) {
        if (!inside && (left + j < 0 || left + j >= g.width)) continue;
        T* to = rows[i] + at;
        if (streamed) {
          stream<T>(sum[i * patch_columns + j], to);
        } else {
          store(sum[i * patch_columns + j], to);
        }
      }
    }
#pragma GCC unroll 8
    for (int i = 0; i < 2 * step_columns; ++i) {
      const int row = i / step_columns, column = i % step_columns;
      store(sum[(walk_rows + row) * patch_columns + column], open + row * line + column * lanes<T>);
    }
    // The patch moves right.
#pragma GCC unroll 24
    for (int i = 0; i < patch_rows * patch_columns; ++i) {
      sum[i] = i % patch_columns < 2 ? sum[i + step_columns] : Vector<T>{};
    }
    open += step_columns * lanes<T>;
    gradient += static_cast<long>(walk_pixels) * g.filters;
    masks += 4 * walk_pixels * words;
  }
}

// The input rows of one image's gradient under some pooled rows; the neighbouring pooled rows are walked too, as far as
// they reach in. The gradient is read again when those of all images are there, `size_of_all` values.
template <class T>
static void conv_pool_input_rows(const Conv2dGeometry& g, const Pooled<const T>& pooled, const T* packed,
                                 T* input_gradient, unsigned long size_of_all, Range pooled_rows, T* scratch) {
  const auto [gradient, argmax] = pooled;
  const auto [begin, end] = pooled_rows;
  const long pooled_row = static_cast<long>(g.pooled_width()) * g.filters;
  const long open_size = 2 * open_row<T>(g);
  const int vectors = static_cast<int>(round_to_lanes<T>(g.channels)) / lanes<T>;
  T* open = scratch;  // [vector of channels][2 rows][open_row]
  T* ragged = open + vectors * open_size;
  unsigned long* masks = aligned_for<unsigned long>(ragged + ragged_size<T>(g));
  clear_values(open, vectors * open_size);
  // A vector that is less than a line would be sent to memory line by line, each in parts.
  const bool streamed = ABELL_VECTOR_BYTES >= line_bytes && worth_streaming(input_gradient, size_of_all, g.channels);
  for (int row = begin > 0 ? begin - 1 : 0; row <= end; ++row) {
    const bool exists = row < g.pooled_height();  // the row behind the last completes the last of an even image
    if (exists) mask_positions(g, argmax + row * pooled_row, masks);
    if (!exists || row < begin) drop_half(g, 0, masks);
    if (!exists || row == end) drop_half(g, 1, masks);
    for (int v = 0; v < vectors; ++v) {
      const int first = v * lanes<T>;
      const bool whole = g.channels - first >= lanes<T>;
      for (int half = 0; half < 2; half += walk_rows) {
        T *rows[walk_rows], *to[walk_rows];
        for (int i = 0; i < walk_rows; ++i) {
          const int y = 2 * row - 1 + half + i;
          const bool asked = y >= 2 * begin && y < 2 * end && y < g.height;
          rows[i] = asked ? input_gradient + static_cast<long>(y) * g.width * g.channels + first : nullptr;
          to[i] = whole || !asked ? rows[i] : ragged + i * open_row<T>(g);
        }
        scatter_row(g, gradient + row * pooled_row, masks + 2 * half * filter_words(g),
                    packed + static_cast<long>(first) * g.filters * 9, open + v * open_size, to,
                    whole ? g.channels : lanes<T>, streamed);
        for (int i = 0; i < walk_rows; ++i) {
          for (int x = 0; !whole && rows[i] != nullptr && x < g.width; ++x) {
            copy_values(to[i] + x * lanes<T>, g.channels - first, rows[i] + static_cast<long>(x) * g.channels);
          }
        }
      }
    }
  }
  if (streamed) finish_streams();
}

#endif
