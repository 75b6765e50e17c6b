#pragma once
/// The memory of one call, or of one training run.

#include <abell/core/tensor.hpp>
#include <abell/kernels/table.hpp>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace abell {

/// What a network needs besides its weights. Made by Network::workspace; all memory is taken there,
/// none later. One workspace serves one call at a time; a network may have many.
template <class T>
struct Workspace {
  int batch = 0;  ///< the most images that one call may hold
  int threads = 1;
  bool training = false;
  bool inference = false;  ///< training only: forward computes what prediction does (see Pass), backward its gradient
  std::uint64_t seed = 0;  ///< of the dropout masks
  std::uint32_t step = 0;  ///< number of the training step, part of the masks' stream

  Buffer<T> activations;    ///< outputs of the stages; in backward their gradients
  Buffer<T> gradients;      ///< of the parameters, in the parameters' order; training only
  Buffer<std::byte> saved;  ///< what stages keep from forward to backward
  Buffer<T> scratch;        ///< shared by the stages, one after the other
  Buffer<T> packed;         ///< weights in the kernels' order; prediction only
  bool prepared = false;    ///< by Network::prepare
  std::vector<std::size_t> activation_offsets;
  std::vector<std::size_t> saved_offsets;
  std::vector<std::size_t> packed_offsets;
};

}  // namespace abell
