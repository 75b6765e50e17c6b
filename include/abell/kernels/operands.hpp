#pragma once
/// What the leaf kernels are told of their operands.

#include <abell/kernels/rows.hpp>

namespace abell::kernels {

/// Values in rows that begin `stride` values apart: a matrix, or pixels by channels.
template <class T>
struct Matrix {
  T* values;
  long stride;

  constexpr T* row(long number) const { return values + number * stride; }
  /// What lies from a row and column on.
  constexpr Matrix from(long first_row, long first_column) const { return {row(first_row) + first_column, stride}; }
};

/// C [rows][columns] as a product of A and B over `depth` steps. A is [depth][rows] where it is taken transposed.
template <class T>
struct Product {
  int rows, columns, depth;
  Matrix<const T> a;
  Matrix<T> c;
};

/// An activation together with the statistics that normalise it: (value - mean) inverse, a value a channel.
template <class T>
struct Normalized {
  Rows<T> z;
  const T* mean;
  const T* inverse;
};

/// Pooled values of an image and where in their windows they come from; or gradients of them.
template <class T>
struct Pooled {
  T* values;
  unsigned char* argmax;
};
template <class T>
struct Pooled<const T> {
  const T* values;
  const unsigned char* argmax;
};

}  // namespace abell::kernels
