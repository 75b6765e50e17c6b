#pragma once
/// The typed errors of the library. Each message names the layer or the file,
/// what was expected and what was found, on one line.

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

namespace abell {

/// Base of every error thrown by abell.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
  /// A message that names an option, the member of an options struct: it stands between `before` and `after`.
  Error(const std::string& before, std::string_view option, const std::string& after)
      : std::runtime_error(before + std::string(option) + after),
        option_at(before.size()),
        option_size(option.size()) {}

  std::size_t option_at = 0;  ///< where the message names an option, for programs that have another name for it
  std::size_t option_size = 0;
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
  /// "option: expected ..., found ..."
  OptionError(std::string_view option, const std::string& fault) : Error("", option, ": " + fault) {}
};

}  // namespace abell
