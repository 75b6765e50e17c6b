#pragma once
/// What a parallel kernel runs with.

#include <abell/core/parallel.hpp>
#include <abell/core/tensor.hpp>
#include <abell/kernels/table.hpp>
#include <cstddef>

namespace abell::kernels {

/// The instruction set's functions and the number of threads that a call may use.
template <class T>
struct Backend {
  const KernelTable<T>* table;
  int threads;

  const NormalizedTable<T>& normalized() const { return normalized_kernels_for<T>(table->isa); }
};

/// A leaf kernel's size as an unsigned number.
constexpr std::size_t count(long n) { return static_cast<std::size_t>(n); }

}  // namespace abell::kernels
