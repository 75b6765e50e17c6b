#pragma once
/// A stage of any type behind one interface.

#include <abell/layers/layer_info.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace abell {

/// Called for each activation that stands in memory: visit(name of the layer, the stage down to which `backward` must
/// go for its gradient, its values for a batch, its shape).
template <class T>
using ActivationVisitor = std::function<void(const std::string&, std::size_t, T*, const Shape&)>;

/// Holds a stage, whose contract is that of stage.hpp; what that leaves open does nothing here. Copies share it.
template <class T>
class AnyStage {
 public:
  /// The stage Stage(arguments...).
  template <class Stage, class... Arguments>
  static AnyStage make(const Arguments&... arguments) {
    return AnyStage(std::make_shared<const Model<Stage>>(arguments...));
  }

  StageMemory memory(const kernels::Backend<T>& backend, int batch, Mode mode) const {
    return stage_->memory(backend, batch, mode);
  }
  void forward(const Pass<T>& pass, const T* x, T* y) const { stage_->forward(pass, x, y); }
  void backward(const Pass<T>& pass, const T* x, const T* dy, T* dx) const { stage_->backward(pass, x, dy, dx); }
  void prepare(const Pass<T>& pass) const { stage_->prepare(pass); }
  void update_statistics(const Pass<T>& pass, T* parameters) const { stage_->update_statistics(pass, parameters); }
  void each_activation(const Pass<T>& pass, const ActivationVisitor<T>& visit) const {
    stage_->each_activation(pass, visit);
  }
  void mark_fused(std::vector<std::vector<LayerInfo>>& branches) const { stage_->mark_fused(branches); }

 private:
  struct Interface {
    Interface() = default;
    Interface(const Interface&) = delete;
    Interface& operator=(const Interface&) = delete;
    virtual ~Interface() = default;
    virtual StageMemory memory(const kernels::Backend<T>&, int batch, Mode) const = 0;
    virtual void forward(const Pass<T>&, const T* x, T* y) const = 0;
    virtual void backward(const Pass<T>&, const T* x, const T* dy, T* dx) const = 0;
    virtual void prepare(const Pass<T>&) const = 0;
    virtual void update_statistics(const Pass<T>&, T* parameters) const = 0;
    virtual void each_activation(const Pass<T>&, const ActivationVisitor<T>&) const = 0;
    virtual void mark_fused(std::vector<std::vector<LayerInfo>>& branches) const = 0;
  };

  template <class Stage>
  struct Model final : Interface {
    template <class... Arguments>
    explicit Model(const Arguments&... arguments) : stage(arguments...) {}

    StageMemory memory(const kernels::Backend<T>& backend, int batch, Mode mode) const override {
      if constexpr (requires { stage.memory(backend, batch, mode); }) {
        return stage.memory(backend, batch, mode);
      } else {
        static_assert(
            !requires { &Stage::memory; }, "a stage's memory is StageMemory memory(backend, batch, mode) const");
        return {};
      }
    }
    void forward(const Pass<T>& pass, const T* x, T* y) const override { stage.forward(pass, x, y); }
    void backward(const Pass<T>& pass, const T* x, const T* dy, T* dx) const override {
      stage.backward(pass, x, dy, dx);
    }
    void prepare([[maybe_unused]] const Pass<T>& pass) const override {
      if constexpr (requires { stage.prepare(pass); }) stage.prepare(pass);
    }
    void update_statistics([[maybe_unused]] const Pass<T>& pass, [[maybe_unused]] T* parameters) const override {
      if constexpr (requires { stage.update_statistics(pass, parameters); }) stage.update_statistics(pass, parameters);
    }
    void each_activation([[maybe_unused]] const Pass<T>& pass,
                         [[maybe_unused]] const ActivationVisitor<T>& visit) const override {
      if constexpr (requires { stage.each_activation(pass, visit); }) stage.each_activation(pass, visit);
    }
    void mark_fused([[maybe_unused]] std::vector<std::vector<LayerInfo>>& branches) const override {
      if constexpr (requires { stage.mark_fused(branches); }) stage.mark_fused(branches);
    }

    Stage stage;
  };

  explicit AnyStage(std::shared_ptr<const Interface> stage) : stage_(std::move(stage)) {}

  std::shared_ptr<const Interface> stage_;
};

/// A stage with the number of layers that it takes the place of.
template <class T>
struct FusedStage {
  AnyStage<T> stage;
  std::size_t layers = 1;
};

}  // namespace abell
