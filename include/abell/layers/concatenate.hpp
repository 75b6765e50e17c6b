#pragma once
/// Lists of layers beside each other on one input, their outputs one after the other in the channels:
///   y[i,j] = (F_1(x)[i,j], F_2(x)[i,j], ...);   hence dx = the sum of their gradients of their parts of dy.

#include <abell/core/parallel.hpp>
#include <abell/kernels/elementwise.hpp>
#include <abell/layers/branched_stage.hpp>
#include <algorithm>
#include <concepts>
#include <tuple>
#include <vector>

namespace abell {

template <class T>
class ConcatenateStage;

/// Concatenate{describe(...), describe(...)}, or of a vector of LayerList<T>: Keras's Concatenate over the channels.
/// [height][width][channels] -> [rows][columns][sum of the paths' channels]. An empty description passes the input on,
/// so that the skip of a U-Net is
///   Concatenate{describe(MaxPool2d{}, ..., UpSample2d{}), describe()}.
template <class Paths>
struct Concatenate {
  Paths paths;
  std::string_view name = {};

  template <class... Each>
  requires(sizeof...(Each) > 0 && std::constructible_from<Paths, const Each&...>)  //
      constexpr Concatenate(const Each&... all)
      : paths(all...) {}

  static constexpr std::string_view kind = "Concatenate";
  template <class T>
  using Stage = ConcatenateStage<T>;

  constexpr const Paths& descriptions() const { return paths; }

  /// Throws ShapeError when the paths differ in height or width, and for more than 2^30 channels.
  Shape output(const Place& place) const {
    Shape all{0, 0, 0};
    constexpr long most_channels = 1L << 30;
    for (const auto& branch : place.branches) {
      const Shape shape = output_of(branch, place.input);
      if (all.channels > 0 && (shape.height != all.height || shape.width != all.width)) {
        shape_error(place.name, kind, "paths of one height and width",
                    std::to_string(all.height) + "x" + std::to_string(all.width) + " and " +
                        std::to_string(shape.height) + "x" + std::to_string(shape.width));
      }
      const long channels = static_cast<long>(all.channels) + shape.channels;
      if (channels > most_channels) {
        shape_error(place.name, kind, "at most 2^30 channels", std::to_string(channels));
      }
      all = {shape.height, shape.width, static_cast<int>(channels)};
    }
    return all;
  }
};

template <class... Descriptions>
Concatenate(Descriptions...) -> Concatenate<std::tuple<Descriptions...>>;
template <class T>
Concatenate(std::vector<LayerList<T>>) -> Concatenate<std::vector<LayerList<T>>>;

/// What each path gives lies in the room until it is copied to its place.
template <class T>
class ConcatenateStage : public BranchedStage<T> {
 public:
  template <class Options>
  ConcatenateStage(const Place& place, const Options&, const std::vector<LayerList<T>>& lists)
      : BranchedStage<T>(place, lists), input_(place.input.size()) {
    for (std::size_t i = 0; i < this->count(); ++i) {
      const Shape output = this->branch(i).output();
      pixels_ = output.pixels();
      parts_.push_back({channels_, static_cast<std::size_t>(output.channels)});
      channels_ += parts_.back().channels;
    }
  }

  StageMemory memory(const kernels::Backend<T>& backend, int batch, Mode mode) const {
    const std::size_t sums = !has_backward(mode) || parts_.size() == 1 ? 0 : parts_.size() == 2 ? 1 : 2;
    return this->memory_with(part_size(batch) + sums * sum_size(batch), backend, batch, mode);
  }

  void forward(const Pass<T>& pass, const T* x, T* y) const {
    T* part = this->room(pass);
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      const auto [first, channels] = parts_[i];
      this->branch(i).forward(this->pass_of(i, pass), x, part);
      each_pixel(pass, [&, first = first, channels = channels](std::size_t pixel) {
        std::copy_n(part + pixel * channels, channels, y + pixel * channels_ + first);
      });
    }
  }

  /// dx may be the memory of x, so that only the last path writes there; the sum of the others waits.
  void backward(const Pass<T>& pass, const T* x, const T* dy, T* dx) const {
    const std::size_t values = input_ * static_cast<std::size_t>(pass.batch), last = parts_.size() - 1;
    T* part = this->room(pass);
    T* sum = part + part_size(pass.batch);
    T* next = sum + sum_size(pass.batch);
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      const auto [first, channels] = parts_[i];
      each_pixel(pass, [&, first = first, channels = channels](std::size_t pixel) {
        std::copy_n(dy + pixel * channels_ + first, channels, part + pixel * channels);
      });
      T* to = dx == nullptr ? nullptr : i == last ? dx : i == 0 ? sum : next;
      this->branch(i).backward(this->pass_of(i, pass), x, part, to);
      if (dx != nullptr && i > 0 && i < last) kernels::add(pass.backend.threads, values, next, sum);
    }
    if (dx != nullptr && last > 0) kernels::add(pass.backend.threads, values, sum, dx);
  }

 private:
  /// The place of a path's output among the channels.
  struct Part {
    std::size_t first, channels;
  };

  template <class Body>
  void each_pixel(const Pass<T>& pass, const Body& body) const {
    parallel_for(pass.batch, pass.backend.threads, [&](int n, int) {
      for (std::size_t pixel = pixels_ * static_cast<std::size_t>(n), end = pixel + pixels_; pixel < end; ++pixel) {
        body(pixel);
      }
    });
  }
  std::size_t part_size(int batch) const {
    const std::size_t most = std::ranges::max(parts_, {}, &Part::channels).channels;
    return round_up(static_cast<std::size_t>(batch) * pixels_ * most, alignment);
  }
  std::size_t sum_size(int batch) const { return round_up(static_cast<std::size_t>(batch) * input_, alignment); }

  std::size_t input_, pixels_ = 0, channels_ = 0;
  std::vector<Part> parts_;
};

}  // namespace abell
