#pragma once
/// Tables of IPAC: bars in the first lines tell where the columns lie.

#include <abell/core/error.hpp>
#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace abell::detail {

/// The columns between the bars of `|name|name|`.
class IpacColumns {
 public:
  IpacColumns() = default;
  explicit IpacColumns(std::string_view bars) {
    for (std::size_t at = bars.find('|'); at != std::string_view::npos; at = bars.find('|', at + 1))
      bars_.push_back(at);
  }

  /// Whether a line is part of the header: bars, or a keyword or comment behind a backslash.
  static bool in_header(std::string_view line) { return line.starts_with('|') || line.starts_with('\\'); }

  /// How many lines of a text are its header.
  static std::size_t header_lines(std::string_view text) {
    std::size_t lines = 0;
    while (in_header(text)) {
      ++lines;
      text.remove_prefix(std::min(text.find_first_of("\r\n"), text.size()));
      text.remove_prefix(std::min(text.find_first_not_of("\r\n"), text.size()));
    }
    return lines;
  }

  /// What stands between the bars, without blanks around; the last column goes on to the end of the line.
  std::vector<std::string> cut(std::string_view line) const {
    std::vector<std::string> fields;
    for (std::size_t i = 0; i + 1 < bars_.size(); ++i) {
      const std::size_t start = std::min(bars_[i] + 1, line.size());
      const bool last = i + 2 == bars_.size();
      std::string_view field = line.substr(start, last ? line.npos : std::min(bars_[i + 1], line.size()) - start);
      if (last && field.ends_with('|')) field.remove_suffix(1);
      const std::size_t first = std::min(field.find_first_not_of(' '), field.size());
      fields.emplace_back(field.substr(first, field.find_last_not_of(' ') + 1 - first));
    }
    return fields;
  }

 private:
  std::vector<std::size_t> bars_;
};

}  // namespace abell::detail
