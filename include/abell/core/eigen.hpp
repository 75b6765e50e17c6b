#pragma once
/// Tensors as Eigen's matrices. Not in abell.hpp: Eigen takes a third of the time in which that compiles.

#include <Eigen/Core>
#include <abell/core/tensor.hpp>
#include <type_traits>

namespace abell {

/// The values of a view, not a copy, as an Eigen matrix: a row per pixel of the batch, a column per channel. T may be
/// const.
///
///     as_matrix(tensor.view()).colwise().mean()  // of each channel
template <class T>
auto as_matrix(View<T> view) {
  using Matrix = Eigen::Matrix<std::remove_const_t<T>, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  using Map = Eigen::Map<std::conditional_t<std::is_const_v<T>, const Matrix, Matrix>>;
  return Map(view.data, static_cast<Eigen::Index>(view.batch) * static_cast<Eigen::Index>(view.shape.pixels()),
             view.shape.channels);
}

}  // namespace abell
