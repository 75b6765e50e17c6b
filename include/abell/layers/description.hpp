#pragma once
/// A network as a value: the list of its layers' options. A type is a description of networks where
///
///     template <class T> LayerList<T> list_of(const MobileNet&);
///
/// stands beside it.

namespace abell {

/// Holds layers by value, the first and then the others. They are of any scalar type and input shape until `build`
/// chooses them. (A std::tuple of twenty takes a second to compile.)
template <class... Layers>
struct Description {};
template <class First, class... Rest>
struct Description<First, Rest...> {
  First first;
  Description<Rest...> rest;
};

/// describe(Conv2d{.filters = 64}, Relu{}, MaxPool2d{}, ...)
constexpr Description<> describe() { return {}; }
template <class First, class... Rest>
constexpr Description<First, Rest...> describe(First first, Rest... rest) {
  return {first, describe(rest...)};
}

/// The layers of one description after those of another.
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
