#pragma once
/// A residual block (He et al. 2016): y = F(x) + S(x), with F and S lists of layers, S most often empty, the identity.
/// Hence dx = F's gradient of dy + S's.

#include <abell/kernels/elementwise.hpp>
#include <abell/layers/branched_stage.hpp>
#include <algorithm>
#include <tuple>

namespace abell {

template <class T>
class ResidualStage;

/// Residual{describe(...)} adds its input to what the layers make of it (Keras's Add); Residual{describe(...),
/// describe(Conv2d{.filters = 64, .kernel_size = 1, .stride = 2})} what a projection makes of it.
template <class Path, class Shortcut = Description<>>
struct Residual {
  Path path;
  Shortcut shortcut = {};
  std::string_view name = {};

  static constexpr std::string_view kind = "Residual";
  static constexpr std::string_view keras_kind = "add";
  template <class T>
  using Stage = ResidualStage<T>;

  constexpr auto descriptions() const { return std::tuple<const Path&, const Shortcut&>(path, shortcut); }

  /// That of either path. Throws ShapeError when the two differ.
  Shape output(const Place& place) const {
    const Shape through = output_of(place.branches[0], place.input);
    const Shape past = output_of(place.branches[1], place.input);
    if (through != past) {
      shape_error(place.name, kind, "two paths of one shape (a projection as the second?)",
                  to_string(through) + " and " + to_string(past));
    }
    return through;
  }
};

template <class Path>
Residual(Path) -> Residual<Path>;
template <class Path, class Shortcut>
Residual(Path, Shortcut) -> Residual<Path, Shortcut>;
template <class Path, class Shortcut>
Residual(Path, Shortcut, std::string_view) -> Residual<Path, Shortcut>;

/// What the shortcut gives lies in the room until it is added.
template <class T>
class ResidualStage : public BranchedStage<T> {
 public:
  template <class Options>
  ResidualStage(const Place& place, const Options&, const std::vector<LayerList<T>>& lists)
      : BranchedStage<T>(place, lists), input_(place.input.size()), output_(path().output().size()) {}

  StageMemory memory(const kernels::Backend<T>& backend, int batch, Mode mode) const {
    const std::size_t larger = has_backward(mode) ? std::max(input_, output_) : output_;
    return this->memory_with(has_shortcut() ? larger * static_cast<std::size_t>(batch) : 0, backend, batch, mode);
  }

  void forward(const Pass<T>& pass, const T* x, T* y) const {
    path().forward(this->pass_of(0, pass), x, y);
    kernels::add(pass.backend.threads, output_ * static_cast<std::size_t>(pass.batch), past(pass, x), y);
  }

  /// The shortcut goes first: it reads x, whose memory dx may be.
  void backward(const Pass<T>& pass, const T* x, const T* dy, T* dx) const {
    const T* past = dy;
    if (has_shortcut()) {
      T* room = dx != nullptr ? this->room(pass) : nullptr;
      shortcut().backward(this->pass_of(1, pass), x, dy, room);
      past = room;
    }
    path().backward(this->pass_of(0, pass), x, dy, dx);
    if (dx != nullptr) kernels::add(pass.backend.threads, input_ * static_cast<std::size_t>(pass.batch), past, dx);
  }

 private:
  const SequenceStage<T>& path() const { return this->branch(0); }
  const SequenceStage<T>& shortcut() const { return this->branch(1); }
  bool has_shortcut() const { return shortcut().size() > 0; }
  /// What goes past the path.
  const T* past(const Pass<T>& pass, const T* x) const {
    if (!has_shortcut()) return x;
    T* room = this->room(pass);
    shortcut().forward(this->pass_of(1, pass), x, room);
    return room;
  }

  std::size_t input_, output_;
};

}  // namespace abell
