// Reading activations through an affine map, and sums over their pixels for batch normalisation.

#if defined(ABELL_ISA_ROWS_INL) == defined(ABELL_ISA_TOGGLE)
#ifdef ABELL_ISA_ROWS_INL
#undef ABELL_ISA_ROWS_INL
#else
#define ABELL_ISA_ROWS_INL
#endif

#include <abell/kernels/isa/vector.inl>

// min(max(0, x), 6), NaN kept.
template <class T>
static inline __attribute__((always_inline)) Vector<T> clip_to_six(Vector<T> x) {
  const Vector<T> zero{};
  const Vector<T> six = zero + T(6);
  x = x <= zero ? zero : x;
  return x >= six ? six : x;
}

// Channels are taken in tiles of up to four vectors: a pixel's values are read four cache lines at a time, and
// what belongs to the channels stays in registers. Calls body.operator()<V>(channel) for tiles of V whole
// vectors, and tail(channel, valid) for what is left.
template <class T, class Body, class Tail>
static inline __attribute__((always_inline)) void each_tile(int channels, const Body& body, const Tail& tail) {
  int c = 0;
  for (; c + 4 * lanes<T> <= channels; c += 4 * lanes<T>) body.template operator()<4>(c);
  for (; c + lanes<T> <= channels; c += lanes<T>) body.template operator()<1>(c);
  if (c < channels) tail(c, channels - c);
}

// Calls body(channel, valid) for each vector of channels; valid is less than the lanes at the end only.
template <class T, class Body>
static inline __attribute__((always_inline)) void each_vector(int channels, const Body& body) {
  int c = 0;
  for (; c + lanes<T> <= channels; c += lanes<T>) body(c, lanes<T>);
  if (c < channels) body(c, channels - c);
}

template <class T>
static inline __attribute__((always_inline)) Vector<T> load_valid(const T* from, int valid) {
  return valid == lanes<T> ? load(from) : load_some(from, valid);
}

template <class T>
static inline __attribute__((always_inline)) void store_valid(const Vector<T>& value, int valid, T* to) {
  if (valid == lanes<T>) {
    store(value, to);
  } else {
    store_some(value, valid, to);
  }
}

// Where pixels go: channels in tiles of `tile`, each tile's columns one after another; pixel p is column
// first + p step of `columns`.
struct ByTile {
  int tile;
  long columns, first, step;
  long offset(long pixel, int begin, int end) const { return begin * columns + (first + pixel * step) * (end - begin); }
};
// Where pixels go `stride` values apart.
struct Apart {
  int tile;  // all channels
  long stride;
  long offset(long pixel, int, int) const { return pixel * stride; }
};

// Every vector of all pixels, in the order of memory, through one(its channel, its place); where the channels are
// not whole vectors, the last ones of each pixel through tail.
template <class T, class Places, class One, class Tail>
static inline __attribute__((always_inline)) void read_each(long pixels, int channels, T* to, const Places& places,
                                                            const One& one, const Tail& tail) {
  for (long p = 0; p < pixels; ++p) {
    const long at = p * channels;
    for (int begin = 0; begin < channels; begin += places.tile) {
      const int tile = places.tile, left = channels - begin;
      const int end = begin + (tile < left ? tile : left);
      T* out = to + places.offset(p, begin, end) - begin;
      int c = begin;
      for (; c + lanes<T> <= end; c += lanes<T>) store<T>(one(c, at + c), out + c);
      if (c < end) store_some<T>(tail(c, at + c, end - c), end - c, out + c);
    }
  }
}

// Pixels [0, pixels) of `rows` as they are meant.
template <class T, class Places>
static inline __attribute__((always_inline)) void read_to(const Rows<T>& rows, long pixels, int channels, T* to,
                                                          const Places& places) {
  const T* value = rows.values;
  const T* scale = rows.scale;
  const T* shift = rows.shift;
  if (rows.plain()) {
    read_each<T>(
        pixels, channels, to, places, [&](int, long at) __attribute__((always_inline)) { return load(value + at); },
        [&](int, long at, int valid) { return load_some(value + at, valid); });
  } else if (scale == nullptr) {
    read_each<T>(
        pixels, channels, to,
        places, [&](int, long at) __attribute__((always_inline)) { return clip_to_six<T>(load(value + at)); },
        [&](int, long at, int valid) { return clip_to_six<T>(load_some(value + at, valid)); });
  } else if (rows.other != nullptr) {
    const T* other = rows.other;
    const T* other_scale = rows.other_scale;
    read_each<T>(
        pixels, channels, to, places,
        [&](int c, long at) __attribute__((always_inline)) {
          return Vector<T>(load(scale + c) * load(value + at) + load(other_scale + c) * load(other + at) +
                           load(shift + c));
        },
        [&](int c, long at, int valid) {
          return Vector<T>(load_some(scale + c, valid) * load_some(value + at, valid) +
                           load_some(other_scale + c, valid) * load_some(other + at, valid) +
                           load_some(shift + c, valid));
        });
  } else {
    const bool clip = rows.relu6;
    read_each<T>(
        pixels, channels, to, places,
        [&](int c, long at) __attribute__((always_inline)) {
          const Vector<T> y = load(scale + c) * load(value + at) + load(shift + c);
          return clip ? clip_to_six<T>(y) : y;
        },
        [&](int c, long at, int valid) {
          const Vector<T> y = load_some(scale + c, valid) * load_some(value + at, valid) + load_some(shift + c, valid);
          return clip ? clip_to_six<T>(y) : y;
        });
  }
}

// Pixels [0, pixels) of `rows` as they are meant, to a row each.
template <class T>
static void read_rows(const Rows<T>& rows, long pixels, int channels, const Matrix<T>& to) {
  if (rows.plain() && to.stride == channels) {
    copy_values(rows.values, pixels * channels, to.values);
  } else {
    read_to(rows, pixels, channels, to.values, Apart{channels, to.stride});
  }
}

// The same in tiles of channels.
template <class T>
static void read_tiles(const Rows<T>& rows, long pixels, int channels, T* to, const ByTile& places) {
  if (places.tile >= channels && places.step == 1) {
    read_rows<T>(rows, pixels, channels, {to + places.first * channels, channels});
  } else {
    read_to(rows, pixels, channels, to, places);
  }
}

// Of each channel over some pixels: the mean, and the sum of squared distances from it.
template <class T>
static void moments(const T* values, long pixels, int channels, T* mean, T* squares) {
  const T weight = T(1) / static_cast<T>(pixels);
  const auto tile = [&]<int V>(int c) __attribute__((always_inline)) {
    const T* from = values + c;
    Vector<T> middle[V] = {}, sum[V] = {};
    for (long p = 0; p < pixels; ++p) {
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) middle[v] += load(from + p * channels + v * lanes<T>);
    }
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) middle[v] *= weight;
    for (long p = 0; p < pixels; ++p) {
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) {
        const Vector<T> apart = load(from + p * channels + v * lanes<T>) - middle[v];
        sum[v] += apart * apart;
      }
    }
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v)
      store<T>(middle[v], mean + c + v * lanes<T>), store<T>(sum[v], squares + c + v * lanes<T>);
  };
  const auto tail = [&](int c, int valid) __attribute__((always_inline)) {
    Vector<T> middle{}, sum{};
    for (long p = 0; p < pixels; ++p) middle += load_some(values + p * channels + c, valid);
    middle *= weight;
    for (long p = 0; p < pixels; ++p) {
      const Vector<T> apart = load_some(values + p * channels + c, valid) - middle;
      sum += apart * apart;
    }
    store_some<T>(middle, valid, mean + c);
    store_some<T>(sum, valid, squares + c);
  };
  each_tile<T>(channels, tile, tail);
}

// The gradient g of y = relu6(scale z + shift) becomes that of its argument, in `to` (which may be g); without relu6
// it stays. Of each channel: the sum of what it became, and of that times (z - mean) inverse.
template <class T>
static void norm_gradient(const Normalized<T>& normalized, long pixels, int channels, const T* g, T* to, T* sum,
                          T* product) {
  const Rows<T>& z = normalized.z;
  const T* mean = normalized.mean;
  const T* inverse = normalized.inverse;
  const Vector<T> zero{};
  const Vector<T> six = zero + T(6);
  const auto cut = [&](Vector<T> gradient, Vector<T> y) __attribute__((always_inline)) {
    gradient = y > zero ? gradient : zero;
    return Vector<T>(y < six ? gradient : zero);
  };
  const auto tile = [&]<int V>(int c) __attribute__((always_inline)) {
    Vector<T> middle[V], scale[V], shift[V], total[V] = {}, along[V] = {};
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      middle[v] = load(mean + c + v * lanes<T>);
      scale[v] = z.relu6 ? load(z.scale + c + v * lanes<T>) : zero;
      shift[v] = z.relu6 ? load(z.shift + c + v * lanes<T>) : zero;
    }
    for (long p = 0; p < pixels; ++p) {
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) {
        const long at = p * channels + c + v * lanes<T>;
        const Vector<T> value = load(z.values + at);
        Vector<T> gradient = load(g + at);
        if (z.relu6) {
          gradient = cut(gradient, scale[v] * value + shift[v]);
          store<T>(gradient, to + at);
        }
        total[v] += gradient;
        along[v] += gradient * (value - middle[v]);
      }
    }
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      const int at = c + v * lanes<T>;
      store<T>(total[v], sum + at);
      store<T>(along[v] * load(inverse + at), product + at);
    }
  };
  const auto tail = [&](int c, int valid) __attribute__((always_inline)) {
    const Vector<T> middle = load_some(mean + c, valid);
    Vector<T> total{}, along{};
    for (long p = 0; p < pixels; ++p) {
      const Vector<T> value = load_some(z.values + p * channels + c, valid);
      Vector<T> gradient = load_some(g + p * channels + c, valid);
      if (z.relu6) {
        gradient = cut(gradient, load_some(z.scale + c, valid) * value + load_some(z.shift + c, valid));
        store_some<T>(gradient, valid, to + p * channels + c);
      }
      total += gradient;
      along += gradient * (value - middle);
    }
    store_some<T>(total, valid, sum + c);
    store_some<T>(along * load_some(inverse + c, valid), valid, product + c);
  };
  each_tile<T>(channels, tile, tail);
}

#endif
