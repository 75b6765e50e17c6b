#pragma once
/// A layer of any type behind one interface, so that a network can be put together while a program runs.

#include <abell/layers/any_stage.hpp>
#include <abell/layers/description.hpp>
#include <concepts>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace abell {

namespace detail {

template <class L>
concept HasKind = requires {
  { L::kind } -> std::convertible_to<std::string_view>;
};
template <class L>
concept HasName = requires(const L& layer) {
  { layer.name } -> std::convertible_to<std::string_view>;
};
template <class L>
concept HasStage = requires {
  typename L::template Stage<float>;
};

/// Says in one sentence what is missing from a type that is no layer.
template <class L>
constexpr void require_layer() {
  static_assert(HasKind<L>, "a layer needs its kind: static constexpr std::string_view kind = \"...\"");
  static_assert(HasName<L>, "a layer needs a name: std::string_view name = {}");
  static_assert(HasStage<L>, "a layer names its stage: template <class T> using Stage = ...");
}

}  // namespace detail

/// A type that stands in a description; see stage.hpp.
template <class L>
concept Layer = detail::HasKind<L> && detail::HasName<L> && detail::HasStage<L>;

template <class T>
class AnyLayer;

/// The layers of a network, or of a branch within one, for a scalar type.
template <class T>
using LayerList = std::vector<AnyLayer<T>>;

/// Holds a layer's options, of a type as stage.hpp says; what that leaves open has its default here. Copies share them.
template <class T>
class AnyLayer {
 public:
  template <class L>
  requires(!std::same_as<L, AnyLayer>) AnyLayer(const L& layer) { hold(layer); }

  std::string_view kind() const { return layer_->kind(); }
  std::string_view keras_kind() const { return layer_->keras_kind(); }  ///< empty where Keras calls it the same
  const std::string& name() const { return layer_->name; }              ///< empty: kind and number
  const std::vector<LayerList<T>>& branches() const { return layer_->branches; }
  Shape output(const Place& place) const { return layer_->output(place); }
  std::vector<Parameter> parameters(const Place& place) const { return layer_->parameters(place); }
  std::size_t multiply_adds(const Place& place) const { return layer_->multiply_adds(place); }
  AnyStage<T> stage(const Place& place) const { return layer_->stage(place); }
  /// What the first of `layers` become together, where this one knows a fast form of theirs.
  std::optional<FusedStage<T>> fused(const Place& place, std::span<const AnyLayer> layers) const {
    return layer_->fused(place, layers);
  }

  /// Name and value of each option that the type lists.
  std::vector<std::pair<std::string_view, OptionValue>> options() const { return layer_->option_values(); }
  bool writes_onnx() const { return layer_->writes_onnx(); }
  void to_onnx(OnnxNodes& graph) const { layer_->to_onnx(graph); }

  /// The options, where they are of that type; else null.
  template <class L>
  const L* as() const {
    const auto* model = dynamic_cast<const Model<L>*>(layer_.get());
    return model != nullptr ? &model->options : nullptr;
  }

 private:
  struct Interface {
    Interface() = default;
    Interface(const Interface&) = delete;
    Interface& operator=(const Interface&) = delete;
    virtual ~Interface() = default;
    virtual std::string_view kind() const = 0;
    virtual std::string_view keras_kind() const = 0;
    virtual Shape output(const Place&) const = 0;
    virtual std::vector<Parameter> parameters(const Place&) const = 0;
    virtual std::size_t multiply_adds(const Place&) const = 0;
    virtual AnyStage<T> stage(const Place&) const = 0;
    virtual std::optional<FusedStage<T>> fused(const Place&, std::span<const AnyLayer>) const = 0;
    virtual std::vector<std::pair<std::string_view, OptionValue>> option_values() const = 0;
    virtual bool writes_onnx() const = 0;
    virtual void to_onnx(OnnxNodes&) const = 0;

    std::string name;
    std::vector<LayerList<T>> branches;
  };

  template <class L>
  struct Model final : Interface {
    explicit Model(const L& layer) : options(layer) {
      this->name = options.name;
      options.name = this->name;
      if constexpr (requires { options.descriptions(); }) this->branches = lists_of<T>(options.descriptions());
    }

    std::string_view kind() const override { return L::kind; }
    std::string_view keras_kind() const override {
      if constexpr (requires { L::keras_kind; }) return L::keras_kind;
      return {};
    }
    Shape output(const Place& place) const override {
      if constexpr (requires { options.output(place); }) return options.output(place);
      return place.input;
    }
    std::vector<Parameter> parameters([[maybe_unused]] const Place& place) const override {
      if constexpr (requires { options.parameters(place); }) return options.parameters(place);
      return {};
    }
    std::size_t multiply_adds([[maybe_unused]] const Place& place) const override {
      if constexpr (requires { options.multiply_adds(place); }) return options.multiply_adds(place);
      return 0;
    }
    AnyStage<T> stage(const Place& place) const override {
      if constexpr (requires { options.descriptions(); }) {
        return AnyStage<T>::template make<typename L::template Stage<T>>(place, options, this->branches);
      } else {
        return AnyStage<T>::template make<typename L::template Stage<T>>(place, options);
      }
    }

    std::optional<FusedStage<T>> fused([[maybe_unused]] const Place& place,
                                       [[maybe_unused]] std::span<const AnyLayer> layers) const override {
      if constexpr (requires { typename L::template Fused<T>; }) return L::template Fused<T>::fuse(place, layers);
      return {};
    }

    std::vector<std::pair<std::string_view, OptionValue>> option_values() const override {
      return abell::option_values(options);
    }
    bool writes_onnx() const override {
      return requires(OnnxNodes & graph) { options.to_onnx(graph); };
    }
    void to_onnx([[maybe_unused]] OnnxNodes& graph) const override {
      if constexpr (requires { options.to_onnx(graph); }) options.to_onnx(graph);
    }

    L options;
  };

  template <class L>
  void hold(const L& layer);

  std::shared_ptr<const Interface> layer_;
};

template <class T>
template <class L>
void AnyLayer<T>::hold(const L& layer) {
  detail::require_layer<L>();
  layer_ = std::make_shared<const Model<L>>(layer);
}

/// The layers of a description for a scalar type.
template <class T>
LayerList<T> list_of(const Description<>&) {
  return {};
}
template <class T, class First, class... Rest>
LayerList<T> list_of(const Description<First, Rest...>& description) {
  LayerList<T> list = list_of<T>(description.rest);
  list.insert(list.begin(), description.first);
  return list;
}
template <class T>
const LayerList<T>& list_of(const LayerList<T>& list) {
  return list;
}

template <class T>
LayerList<T> join(LayerList<T> first, const LayerList<T>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}
template <class T, class First, class Second>
LayerList<T> list_of(const Joined<First, Second>& description) {
  return join(list_of<T>(description.first), list_of<T>(description.second));
}

/// Those of several descriptions, as a layer holds them.
template <class T, class... Descriptions>
std::vector<LayerList<T>> lists_of(const std::tuple<Descriptions...>& descriptions) {
  return std::apply([](const auto&... each) { return std::vector<LayerList<T>>{list_of<T>(each)...}; }, descriptions);
}
template <class T>
const std::vector<LayerList<T>>& lists_of(const std::vector<LayerList<T>>& lists) {
  return lists;
}

}  // namespace abell
