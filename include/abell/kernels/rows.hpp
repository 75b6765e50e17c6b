#pragma once
/// An activation as a kernel is to read it.

namespace abell::kernels {

/// Pixels of an activation [pixels][channels] together with what is to be done to each on the way:
///   scale == null:  value
///   other == null:  scale value + shift
///   otherwise:      scale value + other_scale other + shift
/// in the first two cases then min(max(0, .), 6) where `relu6` is set,
/// with one scale, other_scale and shift for each channel. So batch normalisation and its gradient cost no
/// pass over memory of their own.
template <class T>
struct Rows {
  const T* values = nullptr;
  const T* scale = nullptr;
  const T* shift = nullptr;
  bool relu6 = false;
  const T* other = nullptr;
  const T* other_scale = nullptr;

  /// Whether the values are meant as they are.
  constexpr bool plain() const { return scale == nullptr && !relu6; }
  /// The same from value number `offset` on.
  constexpr Rows from(unsigned long offset) const {
    Rows rows = *this;
    rows.values += offset;
    if (other != nullptr) rows.other += offset;
    return rows;
  }
};

}  // namespace abell::kernels
