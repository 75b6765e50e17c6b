// Reading activations through an affine map, and sums over their pixels for batch normalisation.
// Included once for each instruction set, see targets.inl.

// min(max(0, x), 6), NaN kept.
template <class T>
static inline __attribute__((always_inline)) Vector<T> clip_to_six(Vector<T> x) {
  const Vector<T> zero{};
  const Vector<T> six = zero + T(6);
  x = x <= zero ? zero : x;
  return x >= six ? six : x;
}

template <class T>
static inline __attribute__((always_inline)) Vector<T> load(const T* from) {
  return *reinterpret_cast<const Loose<T>*>(from);
}

template <class T>
static inline __attribute__((always_inline)) void store(const Vector<T>& value, T* to) {
  *reinterpret_cast<Loose<T>*>(to) = value;
}

// `valid` values, zeros behind them.
template <class T>
static inline Vector<T> load_some(const T* from, int valid) {
  Vector<T> value{};
  copy_values(from, valid, reinterpret_cast<T*>(&value));
  return value;
}

template <class T>
static inline void store_some(const Vector<T>& value, int valid, T* to) {
  copy_values(reinterpret_cast<const T*>(&value), valid, to);
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

// Pixels [0, pixels) of `rows` as they are meant, `to_stride` values apart.
template <class T>
static void fetch(const Rows<T>& rows, long pixels, int channels, T* to, long to_stride) {
  const T* value = rows.values;
  if (rows.plain()) {
    if (to_stride == channels) {
      copy_values(value, pixels * channels, to);
    } else {
      for (long p = 0; p < pixels; ++p) copy_values(value + p * channels, channels, to + p * to_stride);
    }
    return;
  }
  each_vector<T>(
      channels, [&](int c, int valid) __attribute__((always_inline)) {
        if (rows.scale == nullptr) {
      for (long p = 0; p < pixels; ++p) {
        store_valid<T>(clip_to_six<T>(load_valid(value + p * channels + c, valid)), valid, to + p * to_stride + c);
      }
      return;
    }
    const Vector<T> scale = load_valid(rows.scale + c, valid);
        const Vector<T> shift = load_valid(rows.shift + c, valid);
        if (rows.other != nullptr) {
          const Vector<T> other_scale = load_valid(rows.other_scale + c, valid);
          for (long p = 0; p < pixels; ++p) {
            store_valid<T>(scale * load_valid(value + p * channels + c, valid) +
                               other_scale * load_valid(rows.other + p * channels + c, valid) + shift,
                           valid, to + p * to_stride + c);
          }
        } else if (rows.relu6) {
          for (long p = 0; p < pixels; ++p) {
            store_valid<T>(clip_to_six<T>(scale * load_valid(value + p * channels + c, valid) + shift), valid,
                           to + p * to_stride + c);
          }
        } else {
          for (long p = 0; p < pixels; ++p) {
            store_valid<T>(scale * load_valid(value + p * channels + c, valid) + shift, valid, to + p * to_stride + c);
          }
        }
      });
}

// Of each channel over some pixels: the mean, and the sum of squared distances from it.
template <class T>
static void moments(const T* values, long pixels, int channels, T* mean, T* squares) {
  const T share = T(1) / static_cast<T>(pixels);
  each_vector<T>(
      channels, [&](int c, int valid) __attribute__((always_inline)) {
        Vector<T> even{}, odd{};
        long p = 0;
        for (; p + 2 <= pixels; p += 2) {
          even += load_valid(values + p * channels + c, valid);
          odd += load_valid(values + (p + 1) * channels + c, valid);
        }
        if (p < pixels) even += load_valid(values + p * channels + c, valid);
        const Vector<T> middle = (even + odd) * share;
        even = odd = Vector<T>{};
        for (p = 0; p + 2 <= pixels; p += 2) {
          const Vector<T> first = load_valid(values + p * channels + c, valid) - middle;
          const Vector<T> second = load_valid(values + (p + 1) * channels + c, valid) - middle;
          even += first * first;
          odd += second * second;
        }
        if (p < pixels) {
          const Vector<T> last = load_valid(values + p * channels + c, valid) - middle;
          even += last * last;
        }
        store_valid<T>(middle, valid, mean + c);
        store_valid<T>(even + odd, valid, squares + c);
      });
}

// The gradient g of y = relu6(scale z + shift) becomes that of its argument, in place; without relu6 it
// stays. Of each channel: the sum of g, and of g times (z - mean) inverse.
template <class T>
static void norm_gradient(const Rows<T>& z, const T* mean, const T* inverse, long pixels, int channels, T* g, T* sum,
                          T* product) {
  each_vector<T>(
      channels, [&](int c, int valid) __attribute__((always_inline)) {
        const Vector<T> zero{};
        const Vector<T> six = zero + T(6);
        const Vector<T> middle = load_valid(mean + c, valid);
        const Vector<T> scale = z.relu6 ? load_valid(z.scale + c, valid) : zero;
        const Vector<T> shift = z.relu6 ? load_valid(z.shift + c, valid) : zero;
        Vector<T> total{}, along{};
        for (long p = 0; p < pixels; ++p) {
          const Vector<T> value = load_valid(z.values + p * channels + c, valid);
          Vector<T> gradient = load_valid(g + p * channels + c, valid);
          if (z.relu6) {
            const Vector<T> y = scale * value + shift;
            gradient = y > zero ? gradient : zero;
            gradient = y < six ? gradient : zero;
            store_valid<T>(gradient, valid, g + p * channels + c);
          }
          total += gradient;
          along += gradient * (value - middle);
        }
        store_valid<T>(total, valid, sum + c);
        store_valid<T>(along * load_valid(inverse + c, valid), valid, product + c);
      });
}
