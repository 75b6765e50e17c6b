#pragma once
/// The columns of a table that tell of its objects what a class does not: numbers, and classes of pixels.

#include <abell/core/error.hpp>
#include <abell/data/object.hpp>
#include <abell/data/table.hpp>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace abell {

/// The columns `DataSetOptions::targets` and, where it is needed, `mask`.
class TargetColumns {
 public:
  /// Throws FormatError for a column that the table has not.
  TargetColumns(const TableHeader& table, const DataSetOptions& options) {
    for (const std::string& name : options.targets) targets_.push_back(table.column(name));
    if (options.need_mask) mask_ = table.column("mask");
  }

  /// The column of mask files, which the caller reads.
  std::optional<std::size_t> mask() const { return mask_; }

  /// Throws FormatError, naming row and column, for what is neither empty nor a finite number.
  void fill(Object& object, const TableReader& row) const {
    for (const std::size_t column : targets_) {
      const std::string& text = row[column];
      float value = std::numeric_limits<float>::quiet_NaN();
      const char* end = text.data() + text.size();
      const auto [stop, error] = std::from_chars(text.data(), end, value);
      if (!text.empty() && (error != std::errc() || stop != end || !std::isfinite(value))) {
        throw FormatError(row.where() + ": expected a number in column '" + row.header[column] +
                          "', or nothing where it is not known, found '" + text + "'");
      }
      object.targets.push_back(value);
    }
  }

 private:
  std::vector<std::size_t> targets_;
  std::optional<std::size_t> mask_;
};

}  // namespace abell
