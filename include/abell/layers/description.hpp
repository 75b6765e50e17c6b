#pragma once
/// A network as a value: the list of its layers' options. A type is a description of networks where
///
///     template <class T> LayerList<T> list_of(const MobileNet&);
///
/// stands beside it.

#include <tuple>

namespace abell {

/// Holds layers by value. They are of any scalar type and input shape until `build` chooses them.
template <class... Layers>
struct Description {
  std::tuple<Layers...> layers;
};

/// describe(Conv2d{.filters = 64}, Relu{}, MaxPool2d{}, ...)
template <class... Layers>
constexpr Description<Layers...> describe(Layers... layers) {
  return {{layers...}};
}

/// The layers of one description after those of another.
template <class... First, class... Second>
constexpr Description<First..., Second...> join(const Description<First...>& first,
                                                const Description<Second...>& second) {
  return {std::tuple_cat(first.layers, second.layers)};
}

/// What `join` makes of other descriptions, MobileNet say.
template <class First, class Second>
struct Joined {
  First first;
  Second second;
};
/// As above, for descriptions of any type.
template <class First, class Second>
constexpr Joined<First, Second> join(const First& first, const Second& second) {
  return {first, second};
}

}  // namespace abell
