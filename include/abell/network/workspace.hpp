#pragma once
/// The memory of one call, or of one training run.

#include <abell/core/tensor.hpp>
#include <abell/layers/stage.hpp>
#include <cstddef>
#include <cstdint>

namespace abell {

/// What a network needs besides its weights. Made by Network::workspace; all memory is taken there,
/// none later. One workspace serves one call at a time; a network may have many.
template <class T>
struct Workspace {
  int batch = 0;  ///< the most images that one call may hold
  int threads = 1;
  Mode mode = Mode::predict;
  bool logits = false;     ///< `forward` leaves out the last stage: what it gives is the input of Softmax, say
  std::uint64_t seed = 0;  ///< of the dropout masks
  std::uint32_t step = 0;  ///< number of the training step, part of the masks' stream

  Buffer<T> output;         ///< what the network gives; in backward its gradient
  Buffer<T> gradients;      ///< of the parameters, in the parameters' order; where a backward pass may follow
  Buffer<std::byte> saved;  ///< what stages keep from forward to backward, activations included
  Buffer<T> scratch;        ///< shared by the stages, one after the other
  Buffer<T> packed;         ///< weights in the kernels' order; where no backward pass follows
  bool prepared = false;    ///< by Network::prepare
};

}  // namespace abell
