// Gradient of the weights of the fused stage. Included once for each instruction set, see targets.inl.
//
// dW[tap][c][o] = sum over live positions of filter o of g * x[position + tap][c]. For a tile of
// pooled pixels the live positions of each filter are listed once; then, block of channels by
// block, the image rows under the tile are copied to the cache (zeros beyond the border) and the
// lists walked with 9 taps of sums in registers.

inline constexpr int list_rows = 2, list_columns = 16;            // pooled pixels of a tile
inline constexpr int list_length = list_rows * list_columns + 1;  // a dead position is written and then written over
inline constexpr int image_rows = 2 * list_rows + 2, image_columns = 2 * list_columns + 2;

// Channels taken at a time: 9 taps x block_vectors sums fit the registers.
inline constexpr int block_vectors = ABELL_VECTOR_REGISTERS == 32 ? 2 : 1;
template <class T>
inline constexpr int block = block_vectors* lanes<T>;

template <class T>
static inline int blocks(int channels) {
  return (channels + block<T> - 1) / block<T>;
}

// A live position: its first cell in the tile, and its gradient.
template <class T>
struct Live {
  T value;
  int offset;
};

// Sums [block][filter][9][block channels], then the bias; with few channels see pool_weights_few.inl.
template <class T>
static long pool_weights_size(const Conv2dGeometry& g) {
  if (few_channels<T>(g)) return pool_weights_few_size<T>(g);
  return (static_cast<long>(blocks<T>(g.channels)) * 9 * block<T> + 1) * g.filters;
}

template <class T>
static long pool_weights_scratch_size(const Conv2dGeometry& g) {
  if (few_channels<T>(g)) return pool_weights_few_scratch_size<T>(g);
  const long bytes = g.filters * static_cast<long>(sizeof(Live<T>*) + list_length * sizeof(Live<T>));
  return 1L * image_rows * image_columns * block<T> + bytes / static_cast<long>(sizeof(T)) + 16;
}

// sums[9][block] += value * tile at offset + tap, over [begin, end). Returns the sum of the values.
template <class T>
static T walk_positions(const T* tile, const Live<T>* begin, const Live<T>* end, T* sums) {
  Vector<T> sum[9 * block_vectors];
#pragma GCC unroll 18
  for (int i = 0; i < 9 * block_vectors; ++i) sum[i] = load(sums + i * lanes<T>);
  T total = 0;
  for (; begin != end; ++begin) {
    const T* at = tile + begin->offset;
    const T value = begin->value;
    total += value;
#pragma GCC unroll 18
    for (int i = 0; i < 9 * block_vectors; ++i) {  // i = (tap, vector)
      const int tap = i / block_vectors;
      sum[i] += value * load(at + (tap / 3 * image_columns + tap % 3) * block<T> + i % block_vectors * lanes<T>);
    }
  }
#pragma GCC unroll 18
  for (int i = 0; i < 9 * block_vectors; ++i) store(sum[i], sums + i * lanes<T>);
  return total;
}

// `rows` image rows from `top` and `columns` columns from `left`, channels [first, first + block). The next tile's
// are fetched.
template <class T>
static void load_tile(const Conv2dGeometry& g, const T* image, int top, int rows, int left, int columns, int first,
                      T* tile) {
  const int valid = g.channels - first < block<T> ? g.channels - first : block<T>;
  for (int r = 0; r < rows; ++r) {
    T* to = tile + static_cast<long>(r) * image_columns * block<T>;
    const int y = top + r;
    for (int c = 0; c < columns; ++c, to += block<T>) {
      const int x = left + c;
      if (y < 0 || y >= g.height || x < 0 || x >= g.width) {
        clear_values(to, block<T>);
        continue;
      }
      const T* from = image + (static_cast<long>(y) * g.width + x) * g.channels + first;
      if (valid == block<T>) {
        for (int n = 0; n < block<T>; n += 64 / static_cast<int>(sizeof(T))) {
          __builtin_prefetch(from + 2L * list_columns * g.channels + n, 0, 2);
        }
        copy_values(from, block<T>, to);
      } else {
        copy_values(from, valid, to);
        clear_values(to + valid, block<T> - valid);
      }
    }
  }
}

// Adds to each filter's list its live positions in one pooled row of a tile.
template <class T>
static void list_positions(int filters, const T* gradient, const unsigned char* argmax, int row, int columns,
                           Live<T>** ends) {
  const int shift[5] = {0, block<T>, image_columns * block<T>, (image_columns + 1) * block<T>, 0};
  for (int x = 0; x < columns; ++x, gradient += filters, argmax += filters) {
    const int pixel = 2 * (row * image_columns + x) * block<T>;
    for (int n = 0; n < filters; ++n) {
      *ends[n] = {gradient[n], pixel + shift[argmax[n]]};
      ends[n] += argmax[n] < dead;
    }
  }
}

// Adds pooled rows [begin, end) of one image to the sums.
template <class T>
static void pool_weights_rows(const Conv2dGeometry& g, const T* image, const T* gradient, const unsigned char* argmax,
                              T* sums, int begin, int end, T* scratch) {
  const long pooled_row = static_cast<long>(g.pooled_width()) * g.filters;
  if (few_channels<T>(g)) return pool_weights_few_rows(g, image, gradient, argmax, sums, begin, end, scratch);
  T* tile = scratch;
  Live<T>** ends = aligned_for<Live<T>*>(tile + 1L * image_rows * image_columns * block<T>);
  Live<T>* lists = reinterpret_cast<Live<T>*>(ends + g.filters);  // [filter][list_length]
  T* bias = sums + static_cast<long>(blocks<T>(g.channels)) * 9 * block<T> * g.filters;
  for (int row = begin; row < end; row += list_rows) {
    const int rows = end - row < list_rows ? end - row : list_rows;
    for (int left = 0; left < g.pooled_width(); left += list_columns) {
      const int columns = g.pooled_width() - left < list_columns ? g.pooled_width() - left : list_columns;
      for (int n = 0; n < g.filters; ++n) ends[n] = lists + n * list_length;
      for (int r = 0; r < rows; ++r) {
        const long at = (row + r) * pooled_row + static_cast<long>(left) * g.filters;
        list_positions(g.filters, gradient + at, argmax + at, r, columns, ends);
      }
      for (int b = 0; b < blocks<T>(g.channels); ++b) {
        load_tile(g, image, 2 * row - 1, 2 * rows + 2, 2 * left - 1, 2 * columns + 2, b * block<T>, tile);
        T* sum = sums + static_cast<long>(b) * g.filters * 9 * block<T>;
        for (int n = 0; n < g.filters; ++n) {
          const T total = walk_positions(tile, lists + n * list_length, ends[n], sum + n * 9L * block<T>);
          if (b == 0) bias[n] += total;
        }
      }
    }
  }
}

// Brings the sums into the order of the weights (HWIO) and the bias.
template <class T>
static void pool_weights_finish(const Conv2dGeometry& g, const T* sums, T* weights, T* bias) {
  if (few_channels<T>(g)) return pool_weights_few_finish(g, sums, weights, bias);
  for (int tap = 0; tap < 9; ++tap) {
    for (int c = 0; c < g.channels; ++c) {
      const T* from = sums + (static_cast<long>(c / block<T>) * g.filters * 9 + tap) * block<T> + c % block<T>;
      for (int n = 0; n < g.filters; ++n) *weights++ = from[n * 9L * block<T>];
    }
  }
  copy_values(sums + static_cast<long>(blocks<T>(g.channels)) * 9 * block<T> * g.filters, g.filters, bias);
}
