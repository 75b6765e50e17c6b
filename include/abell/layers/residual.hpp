#pragma once
/// A residual block (He et al. 2016): y = F(x) + S(x), with F and S lists of layers, S most often empty, the identity.
/// Hence dx = F's gradient of dy + S's.

#include <abell/kernels/elementwise.hpp>
#include <abell/layers/sequence.hpp>
#include <algorithm>

namespace abell {

template <class T, class Path, class Shortcut>
class ResidualStage;

/// Residual{describe(...)} adds its input to what the layers make of it; Residual{describe(...),
/// describe(Conv2d{.filters = 64, .kernel = 1, .stride = 2})} what a projection makes of it.
template <class Path, class Shortcut = Description<>>
struct Residual {
  Path path;
  Shortcut shortcut = {};
  std::string_view name = {};

  static constexpr std::string_view kind = "Residual";
  static constexpr std::string_view keras_kind = "add";
  template <class T, Fusion fusion>
  using StageWith = ResidualStage<T, Sequence<T, fusion, Path>, Sequence<T, fusion, Shortcut>>;
  template <class T>
  using Stage = StageWith<T, Fusion::on>;

  constexpr auto descriptions() const { return std::tuple<const Path&, const Shortcut&>(path, shortcut); }

  /// Throws ShapeError when the two do not have the same shape.
  Shape output(const Place& place) const {
    const Shape through = output_of(place.branches[0], place.input);
    const Shape past = output_of(place.branches[1], place.input);
    if (through != past) {
      shape_error(place.name, kind, "two paths of one shape (a projection as the second?)",
                  to_string(through) + " and " + to_string(past));
    }
    return through;
  }
  std::size_t multiply_adds(const Place&) const { return 0; }
};

template <class Path>
Residual(Path) -> Residual<Path>;
template <class Path, class Shortcut>
Residual(Path, Shortcut) -> Residual<Path, Shortcut>;
template <class Path, class Shortcut>
Residual(Path, Shortcut, std::string_view) -> Residual<Path, Shortcut>;

/// What the shortcut gives lies in scratch until it is added.
template <class T, class Path, class Shortcut>
class ResidualStage {
 public:
  template <class PathList, class ShortcutList>
  ResidualStage(const Place& place, const Residual<PathList, ShortcutList>& options)
      : path_(options.path, place.branches[0], place.input),
        shortcut_(options.shortcut, place.branches[1], place.input),
        input_(place.input.size()),
        output_(path_.output().size()),
        parameters_(parameter_count(place.branches[0])) {}

  StageMemory memory(const kernels::Run<T>& run, int batch, Mode mode) const {
    const Places places(*this, run, batch, mode);
    return {places.saved, places.room + places.scratch, places.packed};
  }

  void forward(const Pass<T>& pass, const T* x, T* y) const {
    const Places places(*this, pass.run, pass.batch, pass.mode);
    path_.forward(places.of_path(pass), x, y);
    const T* past = x;
    if constexpr (Shortcut::count > 0) {
      shortcut_.forward(places.of_shortcut(pass), x, pass.scratch);
      past = pass.scratch;
    }
    kernels::add(pass.run.threads, output_ * static_cast<std::size_t>(pass.batch), past, y);
  }

  /// The shortcut goes first: it reads x, whose memory dx may be.
  void backward(const Pass<T>& pass, const T* x, const T* dy, T* dx) const {
    const Places places(*this, pass.run, pass.batch, pass.mode);
    const T* past = dy;
    if constexpr (Shortcut::count > 0) {
      shortcut_.backward(places.of_shortcut(pass), x, dy, dx != nullptr ? pass.scratch : nullptr);
      past = pass.scratch;
    }
    path_.backward(places.of_path(pass), x, dy, dx);
    if (dx != nullptr) kernels::add(pass.run.threads, input_ * static_cast<std::size_t>(pass.batch), past, dx);
  }

  void prepare(const Pass<T>& pass) const {
    const Places places(*this, pass.run, pass.batch, pass.mode);
    path_.prepare(places.of_path(pass));
    shortcut_.prepare(places.of_shortcut(pass));
  }
  void update_statistics(const Pass<T>& pass, T* parameters) const {
    const Places places(*this, pass.run, pass.batch, pass.mode);
    path_.update_statistics(places.of_path(pass), parameters);
    shortcut_.update_statistics(places.of_shortcut(pass), parameters + parameters_);
  }
  template <class Visit>
  void each_activation(const Pass<T>& pass, const Visit& visit) const {
    const Places places(*this, pass.run, pass.batch, pass.mode);
    path_.each_activation(places.of_path(pass), visit);
    shortcut_.each_activation(places.of_shortcut(pass), visit);
  }
  void mark_fused(std::vector<std::vector<LayerInfo>>& branches) const {
    path_.mark_fused(branches[0]);
    shortcut_.mark_fused(branches[1]);
  }

 private:
  /// The path's memory, then the shortcut's; before their scratch a room for what the shortcut gives.
  struct Places {
    std::size_t saved, scratch, packed, room = 0, path_saved, path_packed, path_parameters;

    Places(const ResidualStage& stage, const kernels::Run<T>& run, int batch, Mode mode)
        : path_parameters(stage.parameters_) {
      const StageMemory path = stage.path_.memory(run, batch, mode),
                        shortcut = stage.shortcut_.memory(run, batch, mode);
      path_saved = round_up(path.saved_bytes, alignment);
      path_packed = round_up(path.packed_values, alignment);
      saved = path_saved + shortcut.saved_bytes;
      packed = path_packed + shortcut.packed_values;
      scratch = std::max(path.scratch_values, shortcut.scratch_values);
      if (Shortcut::count > 0) {
        const std::size_t larger = goes_back(mode) ? std::max(stage.input_, stage.output_) : stage.output_;
        room = round_up(larger * static_cast<std::size_t>(batch), alignment);
      }
    }
    Pass<T> of_path(Pass<T> pass) const {
      if (pass.scratch != nullptr) pass.scratch += room;
      return pass;
    }
    Pass<T> of_shortcut(Pass<T> pass) const {
      if (pass.scratch != nullptr) pass.scratch += room;
      if (pass.saved != nullptr) pass.saved += path_saved;
      if (pass.packed != nullptr) pass.packed += path_packed;
      if (pass.parameters != nullptr) pass.parameters += path_parameters;
      if (pass.gradients != nullptr) pass.gradients += path_parameters;
      return pass;
    }
  };

  Path path_;
  Shortcut shortcut_;
  std::size_t input_, output_;
  std::size_t parameters_;  ///< of the path
};

}  // namespace abell
