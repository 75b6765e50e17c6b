#pragma once
/// Lists of layers beside each other on one input, their outputs one after the other in the channels:
///   y[i,j] = (F_1(x)[i,j], F_2(x)[i,j], ...);   hence dx = the sum of their gradients of their parts of dy.

#include <abell/core/parallel.hpp>
#include <abell/kernels/elementwise.hpp>
#include <abell/layers/sequence.hpp>
#include <algorithm>
#include <array>
#include <tuple>

namespace abell {

template <class T, class... Paths>
class ConcatenateStage;

/// Concatenate{describe(...), describe(...)}. An empty description passes the input on, so that the skip of a U-Net is
///   Concatenate{describe(MaxPool2d{}, ..., UpSample2d{}), describe()}.
template <class... Paths>
struct Concatenate {
  std::tuple<Paths...> paths;
  std::string_view name = {};

  constexpr Concatenate(Paths... all) : paths(all...) {}

  static constexpr std::string_view kind = "Concatenate";
  template <class T, Fusion fusion>
  using StageWith = ConcatenateStage<T, Sequence<T, fusion, Paths>...>;
  template <class T>
  using Stage = StageWith<T, Fusion::on>;

  constexpr const std::tuple<Paths...>& descriptions() const { return paths; }

  /// Throws ShapeError when they differ in height or width.
  Shape output(const Place& place) const {
    Shape all{0, 0, 0};
    for (const auto& branch : place.branches) {
      const Shape shape = output_of(branch, place.input);
      if (all.channels > 0 && (shape.height != all.height || shape.width != all.width)) {
        shape_error(place.name, kind, "paths of one height and width",
                    std::to_string(all.height) + "x" + std::to_string(all.width) + " and " +
                        std::to_string(shape.height) + "x" + std::to_string(shape.width));
      }
      all = {shape.height, shape.width, all.channels + shape.channels};
    }
    return all;
  }
};

/// What each path gives lies in scratch until it is copied to its place.
template <class T, class... Paths>
class ConcatenateStage {
 public:
  static constexpr std::size_t count = sizeof...(Paths);
  static_assert(count > 0, "Concatenate needs at least one description");

  template <class... Lists>
  ConcatenateStage(const Place& place, const Concatenate<Lists...>& options)
      : paths_(make(place, options, std::make_index_sequence<count>{})), input_(place.input.size()) {
    each([&](const auto& path, std::size_t i) {
      const Shape output = path.output();
      pixels_ = output.pixels();
      channels_[i] = static_cast<std::size_t>(output.channels);
      first_channel_[i] = i == 0 ? 0 : first_channel_[i - 1] + channels_[i - 1];
      parameters_[i] = i == 0 ? 0 : parameters_[i - 1] + parameter_count(place.branches[i - 1]);
    });
  }

  StageMemory memory(const kernels::Run<T>& run, int batch, Mode mode) const {
    const Places places(*this, run, batch, mode);
    return {places.saved, places.rooms() + places.scratch, places.packed};
  }

  void forward(const Pass<T>& pass, const T* x, T* y) const {
    const Places places(*this, pass.run, pass.batch, pass.mode);
    each([&](const auto& path, std::size_t i) {
      path.forward(of_path(pass, places, i), x, pass.scratch);
      const T* from = pass.scratch;
      parallel_for(pass.batch, pass.run.threads, [&](int n, int) {
        for (std::size_t pixel = pixels_ * static_cast<std::size_t>(n), end = pixel + pixels_; pixel < end; ++pixel) {
          std::copy_n(from + pixel * channels_[i], channels_[i], y + pixel * all_channels() + first_channel_[i]);
        }
      });
    });
  }

  /// dx may be the memory of x, so that only the last path writes there; the sum of the others waits.
  void backward(const Pass<T>& pass, const T* x, const T* dy, T* dx) const {
    const Places places(*this, pass.run, pass.batch, pass.mode);
    const std::size_t values = input_ * static_cast<std::size_t>(pass.batch);
    T* part = pass.scratch;
    T* sum = part + places.part;
    T* next = sum + places.sum;
    each([&](const auto& path, std::size_t i) {
      parallel_for(pass.batch, pass.run.threads, [&](int n, int) {
        for (std::size_t pixel = pixels_ * static_cast<std::size_t>(n), end = pixel + pixels_; pixel < end; ++pixel) {
          std::copy_n(dy + pixel * all_channels() + first_channel_[i], channels_[i], part + pixel * channels_[i]);
        }
      });
      T* to = dx == nullptr ? nullptr : i + 1 == count ? dx : i == 0 ? sum : next;
      path.backward(of_path(pass, places, i), x, part, to);
      if (dx != nullptr && i > 0 && i + 1 < count) kernels::add(pass.run.threads, values, next, sum);
    });
    if (dx != nullptr && count > 1) kernels::add(pass.run.threads, values, sum, dx);
  }

  void prepare(const Pass<T>& pass) const {
    const Places places(*this, pass.run, pass.batch, pass.mode);
    each([&](const auto& path, std::size_t i) { path.prepare(of_path(pass, places, i)); });
  }
  void update_statistics(const Pass<T>& pass, T* parameters) const {
    const Places places(*this, pass.run, pass.batch, pass.mode);
    each([&](const auto& path, std::size_t i) {
      path.update_statistics(of_path(pass, places, i), parameters + parameters_[i]);
    });
  }
  template <class Visit>
  void each_activation(const Pass<T>& pass, const Visit& visit) const {
    const Places places(*this, pass.run, pass.batch, pass.mode);
    each([&](const auto& path, std::size_t i) { path.each_activation(of_path(pass, places, i), visit); });
  }
  void mark_fused(std::vector<std::vector<LayerInfo>>& branches) const {
    each([&](const auto& path, std::size_t i) { path.mark_fused(branches[i]); });
  }

 private:
  /// The paths' memory, one after the other; before their scratch rooms for one path's part of y or dy, and on the way
  /// back for the sum of gradients and the next one.
  struct Places {
    std::array<std::size_t, count> saved_at{}, packed_at{};
    std::size_t saved = 0, scratch = 0, packed = 0, part = 0, sum = 0;

    Places(const ConcatenateStage& stage, const kernels::Run<T>& run, int batch, Mode mode) {
      const auto images = static_cast<std::size_t>(batch);
      stage.each([&](const auto& path, std::size_t i) {
        const StageMemory memory = path.memory(run, batch, mode);
        saved_at[i] = saved;
        saved += round_up(memory.saved_bytes, alignment);
        packed_at[i] = packed;
        packed += round_up(memory.packed_values, alignment);
        scratch = std::max(scratch, memory.scratch_values);
        part = std::max(part, round_up(images * stage.pixels_ * stage.channels_[i], alignment));
      });
      if (goes_back(mode) && count > 1) sum = round_up(images * stage.input_, alignment);
    }
    std::size_t rooms() const { return part + (count > 2 ? 2 : 1) * sum; }
  };

  Pass<T> of_path(Pass<T> pass, const Places& places, std::size_t i) const {
    if (pass.parameters != nullptr) pass.parameters += parameters_[i];
    if (pass.gradients != nullptr) pass.gradients += parameters_[i];
    if (pass.saved != nullptr) pass.saved += places.saved_at[i];
    if (pass.scratch != nullptr) pass.scratch += places.rooms();
    if (pass.packed != nullptr) pass.packed += places.packed_at[i];
    return pass;
  }
  std::size_t all_channels() const { return first_channel_.back() + channels_.back(); }

  template <class Body>
  void each(const Body& body) const {
    [&]<std::size_t... I>(std::index_sequence<I...>) { (body(std::get<I>(paths_), I), ...); }
    (std::make_index_sequence<count>{});
  }
  template <class Options, std::size_t... I>
  static std::tuple<Paths...> make(const Place& place, const Options& options, std::index_sequence<I...>) {
    return {Paths(std::get<I>(options.paths), place.branches[I], place.input)...};
  }

  std::tuple<Paths...> paths_;
  std::size_t input_, pixels_ = 0;
  std::array<std::size_t, count> channels_{}, first_channel_{}, parameters_{};
};

}  // namespace abell
