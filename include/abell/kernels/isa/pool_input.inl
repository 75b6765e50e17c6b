// Gradient of the input of the fused stage. Included once for each instruction set, see targets.inl.
//
// dX[position + tap][c] += g * W[tap][c][o] over the live pairs. For each pooled pixel the filters
// are grouped by position (as bits); walking along a row, the 3 x 4 patch that one half of the
// pixel (its upper or lower two positions) reaches stays in registers and moves right by two.

// Weights as [block][filter][9][block channels].
template <class T>
static long pool_input_packed_size(const Conv2dGeometry& g) {
  return static_cast<long>(blocks<T>(g.channels)) * g.filters * 9 * block<T>;
}

template <class T>
static void pool_input_pack(const Conv2dGeometry& g, const T* weights, T* packed) {
  clear_values(packed, pool_input_packed_size<T>(g));
  for (int tap = 0; tap < 9; ++tap) {
    for (int c = 0; c < g.channels; ++c) {
      T* to = packed + (static_cast<long>(c / block<T>) * g.filters * 9 + tap) * block<T> + c % block<T>;
      for (int n = 0; n < g.filters; ++n) to[n * 9L * block<T>] = *weights++;
    }
  }
}

static inline long filter_words(const Conv2dGeometry& g) { return (static_cast<long>(g.filters) + 63) / 64; }

template <class T>
static long pool_input_strip_row(const Conv2dGeometry& g) {
  return (2L * g.pooled_width() + 2) * block<T>;
}

template <class T>
static long pool_input_scratch_size(const Conv2dGeometry& g) {
  const long masks = 4L * g.pooled_width() * filter_words(g);
  return 4 * blocks<T>(g.channels) * pool_input_strip_row<T>(g) +
         masks * static_cast<long>(sizeof(long)) / static_cast<long>(sizeof(T)) + 16;
}

// masks[x][position][word]: bit n is set when filter n's maximum at pooled column x lies there.
static inline void mask_positions(const Conv2dGeometry& g, const unsigned char* argmax, unsigned long* masks) {
  const long words = filter_words(g);
  for (int x = 0; x < g.pooled_width(); ++x, argmax += g.filters, masks += 4 * words) {
    for (long i = 0; i < 4 * words; ++i) masks[i] = 0;
    for (int n = 0; n < g.filters; n += 8) {
      unsigned long bytes = 0x0404040404040404UL;
      __builtin_memcpy(&bytes, argmax + n, static_cast<unsigned long>(g.filters - n < 8 ? g.filters - n : 8));
      for (unsigned long position = 0; position < 4; ++position) {
        // A byte's top bit survives 0x80 - byte only when the byte is zero (bytes are below 8).
        const unsigned long differs = bytes ^ (position * 0x0101010101010101UL);
        const unsigned long equal = (0x8080808080808080UL - differs) & 0x8080808080808080UL;
        const unsigned long bits = ((equal >> 7) * 0x0102040810204080UL) >> 56;
        masks[static_cast<long>(position) * words + n / 64] |= bits << (n % 64);
      }
    }
  }
}

// One half (two positions) of a pooled row, one block of channels: rows[0..2] are the strip's rows
// above, at and below the positions. The two positions' loops are written out, and every register
// loop is flat, so that the compilers keep the patch (3 x 4 x block_vectors) in registers.
template <class T>
static void scatter_half(const Conv2dGeometry& g, const T* gradient, const unsigned long* masks, const T* weights,
                         T* const (&rows)[3]) {
  constexpr int taps = 9 * block_vectors;
  const long words = filter_words(g);
  Vector<T> sum[12 * block_vectors] = {};  // [row][column][vector]
  for (int x = 0; x <= g.pooled_width(); ++x) {
    for (long word = 0; x < g.pooled_width() && word < words; ++word) {
      const T* values = gradient + word * 64;
      const T* kernels = weights + word * 64 * taps * lanes<T>;
      for (unsigned long bits = masks[word]; bits != 0; bits &= bits - 1) {
        const long n = __builtin_ctzl(bits);
        const T value = values[n];
        const T* w = kernels + n * taps * lanes<T>;
#pragma GCC unroll 18
        for (int i = 0; i < taps; ++i) {
          sum[i + i / (3 * block_vectors) * block_vectors] +=
              value * *reinterpret_cast<const Loose<T>*>(w + i * lanes<T>);
        }
      }
      for (unsigned long bits = masks[words + word]; bits != 0; bits &= bits - 1) {
        const long n = __builtin_ctzl(bits);
        const T value = values[n];
        const T* w = kernels + n * taps * lanes<T>;
#pragma GCC unroll 18
        for (int i = 0; i < taps; ++i) {
          sum[i + (i / (3 * block_vectors) + 1) * block_vectors] +=
              value * *reinterpret_cast<const Loose<T>*>(w + i * lanes<T>);
        }
      }
    }
    // The two left columns are complete: add them to the strip and move the patch right by two.
    const long at = x * 2L * block<T>;
#pragma GCC unroll 12
    for (int i = 0; i < 6 * block_vectors; ++i) {
      constexpr int columns = 2 * block_vectors;
      const int from = i / columns * 2 * columns + i % columns;
      *reinterpret_cast<Loose<T>*>(rows[i / columns] + at + i % columns * lanes<T>) += sum[from];
      sum[from] = sum[from + columns];
      sum[from + columns] = Vector<T>{};
    }
    gradient += g.filters;
    masks += 4 * words;
  }
}

// Input rows [2 begin, 2 end) of one image's gradient; the neighbouring pooled rows are walked too,
// as far as they reach in. Image row y lives in strip slot (y + 1) & 3.
template <class T>
static void pool_input_rows(const Conv2dGeometry& g, const T* gradient, const unsigned char* argmax, const T* packed,
                            T* input_gradient, int begin, int end, T* scratch) {
  const long pooled_row = static_cast<long>(g.pooled_width()) * g.filters;
  const long strip_row = pool_input_strip_row<T>(g);
  const int block_count = blocks<T>(g.channels);
  T* strip = scratch;  // [block][4 slots][2 pooled_width + 2][block channels]
  unsigned long* masks = reinterpret_cast<unsigned long*>(
      (reinterpret_cast<unsigned long>(strip + 4 * block_count * strip_row) + 7) & ~7UL);
  clear_values(strip, 4 * block_count * strip_row);
  // A block that is less than a line would be sent to memory line by line, each in parts.
  const bool streamed = block<T> * sizeof(T) >= 64 && worth_streaming(input_gradient, g.input_size(), g.channels);
  const int first = begin > 0 ? begin - 1 : 0;
  for (int row = first; row <= end; ++row) {
    const bool exists = row < g.pooled_height();
    if (exists) mask_positions(g, argmax + row * pooled_row, masks);
    for (int b = 0; b < block_count; ++b) {
      T* slots = strip + 4L * b * strip_row;
      const T* weights = packed + static_cast<long>(b) * g.filters * 9 * block<T>;
      for (int half = row < begin ? 1 : 0; exists && half < (row == end ? 1 : 2); ++half) {
        T* rows[3];
        for (int r = 0; r < 3; ++r) rows[r] = slots + ((2 * row + half + r) & 3) * strip_row;
        scatter_half(g, gradient + row * pooled_row, masks + 2L * half * filter_words(g), weights, rows);
      }
      // Rows up to 2 row have all they get: write those asked for, make their slots anew.
      const int from = b * block<T>;
      const int valid = g.channels - from < block<T> ? g.channels - from : block<T>;
      for (int y = 2 * row - 1; y <= 2 * row; ++y) {
        T* slot = slots + ((y + 1) & 3) * strip_row;
        if (y >= 2 * begin && y < 2 * end && y < g.height) {
          T* to = input_gradient + static_cast<long>(y) * g.width * g.channels + from;
          const T* value = slot + block<T>;
          for (int x = 0; x < g.width; ++x, value += block<T>, to += g.channels) {
            if (valid < block<T>) {
              copy_values(value, valid, to);
              continue;
            }
#pragma GCC unroll 2
            for (int v = 0; v < block_vectors; ++v) {
              const Vector<T> part = *reinterpret_cast<const Loose<T>*>(value + v * lanes<T>);
              if (streamed) {
                stream<T>(part, to + v * lanes<T>);
              } else {
                *reinterpret_cast<Loose<T>*>(to + v * lanes<T>) = part;
              }
            }
          }
        }
        clear_values(slot, strip_row);
      }
    }
  }
  if (streamed) finish_streams();
}
