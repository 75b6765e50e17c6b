#pragma once
/// Loops over values one by one: activations, dropout, softmax. Memory-bound, so the baseline does.

#include <abell/core/parallel.hpp>
#include <abell/core/random.hpp>
#include <abell/kernels/tuning.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace abell::kernels {

/// Calls body(begin, end) over [0, size) chunk by chunk.
template <class Body>
void for_chunks(int threads, std::size_t size, const Body& body) {
  parallel_for(static_cast<int>((size + values_chunk - 1) / values_chunk), threads, [&](int chunk, int) {
    const std::size_t begin = static_cast<std::size_t>(chunk) * values_chunk;
    body(begin, begin + values_chunk < size ? begin + values_chunk : size);
  });
}

/// Functions of one value with their derivatives: `gradient(x, dy)` is dy times the derivative at x. NaN stays NaN.
namespace functions {

/// max(0, x); the derivative at 0 is 0.
template <class T>
struct Relu {
  T operator()(T x) const { return x <= T(0) ? T(0) : x; }
  T gradient(T x, T dy) const { return x > T(0) ? dy : T(0); }
};

/// min(max(0, x), 6); the derivative at 0 and 6 is 0.
template <class T>
struct Relu6 {
  T operator()(T x) const { return x <= T(0) ? T(0) : (x >= T(6) ? T(6) : x); }
  T gradient(T x, T dy) const { return x > T(0) && x < T(6) ? dy : T(0); }
};

/// x where it is above 0, else slope x; the derivative at 0 is the slope.
template <class T>
struct LeakyRelu {
  T slope;
  T operator()(T x) const { return x > T(0) ? x : slope * x; }
  T gradient(T x, T dy) const { return x > T(0) ? dy : slope * dy; }
};

/// 1 / (1 + exp(-x)).
template <class T>
struct Sigmoid {
  T operator()(T x) const { return T(1) / (T(1) + std::exp(-x)); }
  T gradient(T x, T dy) const {
    const T y = (*this)(x);
    return dy * y * (T(1) - y);
  }
};

template <class T>
struct Tanh {
  T operator()(T x) const { return std::tanh(x); }
  T gradient(T x, T dy) const {
    const T y = std::tanh(x);
    return dy * (T(1) - y * y);
  }
};

}  // namespace functions

/// y = f(x).
template <class T, class Function>
void map_forward(int threads, std::size_t size, const Function& f, const T* x, T* y) {
  for_chunks(threads, size, [&](std::size_t begin, std::size_t end) {
#pragma omp simd
    for (std::size_t i = begin; i < end; ++i) y[i] = f(x[i]);
  });
}

/// dx = f'(x) dy. dx may be x.
template <class T, class Function>
void map_backward(int threads, std::size_t size, const Function& f, const T* x, const T* dy, T* dx) {
  for_chunks(threads, size, [&](std::size_t begin, std::size_t end) {
#pragma omp simd
    for (std::size_t i = begin; i < end; ++i) dx[i] = f.gradient(x[i], dy[i]);
  });
}

/// y += x.
template <class T>
void add(int threads, std::size_t size, const T* x, T* y) {
  for_chunks(threads, size, [&](std::size_t begin, std::size_t end) {
#pragma omp simd
    for (std::size_t i = begin; i < end; ++i) y[i] += x[i];
  });
}

/// y = x / (1 - rate) where the element is kept, else 0. Element i is kept when word i % 4 of block
/// i / 4 of the stream (seed, step, layer) is at least rate * 2^32. Forward and backward alike.
template <class T>
void dropout(std::size_t size, double rate, std::uint64_t seed, std::uint32_t step, std::uint32_t layer, const T* x,
             T* y) {
  const auto least = static_cast<std::uint64_t>(rate * 0x1p32);
  const T scale = T(1) / (T(1) - static_cast<T>(rate));
  for (std::size_t i = 0; i < size; i += 4) {
    const auto words =
        philox({static_cast<std::uint32_t>(i / 4), static_cast<std::uint32_t>(Purpose::dropout), step, layer}, seed);
    for (std::size_t j = i; j < i + 4 && j < size; ++j) y[j] = words[j - i] >= least ? x[j] * scale : T(0);
  }
}

/// y = exp(x - max) / sum, row by row. Not safe from NaN: it comes out as NaN.
template <class T>
void softmax(std::size_t rows, std::size_t columns, const T* x, T* y) {
  for (std::size_t row = 0; row < rows; ++row, x += columns, y += columns) {
    T largest = x[0];
    for (std::size_t i = 1; i < columns; ++i) largest = x[i] > largest ? x[i] : largest;
    T sum = 0;
    for (std::size_t i = 0; i < columns; ++i) sum += y[i] = std::exp(x[i] - largest);
    for (std::size_t i = 0; i < columns; ++i) y[i] /= sum;
  }
}

}  // namespace abell::kernels
