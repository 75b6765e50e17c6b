#pragma once
/// The typed errors of the library. Each message names the layer or the file,
/// what was expected and what was found, on one line.

#include <stdexcept>

namespace abell {

/// Base of every error thrown by abell.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A layer, tensor or weight has another shape than the one needed.
struct ShapeError : Error {
  using Error::Error;
};

/// The bytes of a file are not what its format demands.
struct FormatError : Error {
  using Error::Error;
};

/// A file or folder cannot be opened, read or written.
struct IoError : Error {
  using Error::Error;
};

/// A number became NaN or infinite where it must be finite.
struct NumericError : Error {
  using Error::Error;
};

/// An option or argument is outside its allowed range.
struct OptionError : Error {
  using Error::Error;
};

}  // namespace abell
