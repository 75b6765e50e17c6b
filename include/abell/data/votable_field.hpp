#pragma once
/// Fields of VOTable: what a column holds.

#include <abell/core/angle.hpp>
#include <abell/core/error.hpp>
#include <abell/core/lower_case.hpp>
#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace abell::detail {

/// A column of a VOTable.
struct VoField {
  enum class Kind { boolean, bit, whole, real, character, wide_character, complex };

  /// Throws FormatError naming the file: a type or an array size that VOTable has not.
  VoField(const std::string& file, std::string title, std::string_view datatype, std::string_view arraysize,
          std::string null_text)
      : name(std::move(title)), null(std::move(null_text)) {
    struct Known {
      std::string_view datatype;
      Kind kind;
      std::size_t bytes;
    };
    static constexpr std::array known{Known{"boolean", Kind::boolean, 1},
                                      Known{"bit", Kind::bit, 1},
                                      Known{"unsignedByte", Kind::whole, 1},
                                      Known{"short", Kind::whole, 2},
                                      Known{"int", Kind::whole, 4},
                                      Known{"long", Kind::whole, 8},
                                      Known{"float", Kind::real, 4},
                                      Known{"double", Kind::real, 8},
                                      Known{"char", Kind::character, 1},
                                      Known{"unicodeChar", Kind::wide_character, 2},
                                      Known{"floatComplex", Kind::complex, 8},
                                      Known{"doubleComplex", Kind::complex, 16}};
    const auto at = std::ranges::find(known, datatype, &Known::datatype);
    if (at == known.end()) {
      throw FormatError(file + ": column '" + name + "': expected a datatype of VOTable, found '" +
                        std::string(datatype) + "'");
    }
    kind = at->kind;
    bytes = at->bytes;
    set_size(file, arraysize);
  }

  bool text() const { return kind == Kind::character || kind == Kind::wide_character; }
  /// Whether a table of texts has it: a single value or a text.
  bool kept() const { return text() ? !nested : kind != Kind::complex && single(); }
  bool single() const { return !variable && count == 1; }

  /// A cell from the text of TABLEDATA: truth values as 1 and 0, null values empty.
  std::string from_text(std::string_view cell) const {
    constexpr std::string_view blank = " \t\r\n";
    const std::size_t first = std::min(cell.find_first_not_of(blank), cell.size());
    cell = cell.substr(first, cell.find_last_not_of(blank) + 1 - first);
    if (text()) return std::string(cell);
    if (kind == Kind::boolean) return truth(lower_case(cell));
    if (cell == null || (kind == Kind::real && !plain_number(cell))) return {};
    return std::string(cell);
  }

  std::string name, unit = {}, ucd = {}, frame = {}, description = {};
  std::string null;  ///< what stands for null, with whole numbers
  Kind kind = Kind::real;
  std::size_t bytes = 0;  ///< of one value; eight bits share a byte
  std::size_t count = 1;  ///< of values, where they are not `variable`
  bool variable = false;
  bool nested = false;  ///< an array of arrays

 private:
  static std::string truth(std::string_view word) {
    if (word == "t" || word == "true" || word == "1") return "1";
    if (word == "f" || word == "false" || word == "0") return "0";
    return {};
  }

  /// "7", "2x3", "*", "7*" or "2x*": the last axis may vary.
  void set_size(const std::string& file, std::string_view arraysize) {
    std::string_view rest = arraysize;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find('x'), rest.size());
      std::string_view axis = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      nested = nested || !rest.empty();
      if (axis.ends_with('*') && rest.empty()) {
        variable = true;
        continue;
      }
      const auto size = plain_number(axis);
      constexpr double most = 1 << 24;
      if (!size || !(*size >= 0 && *size <= most) || static_cast<double>(count) * *size > most) {
        throw FormatError(file + ": column '" + name + "': expected an array size such as 7 or 2x*, found '" +
                          std::string(arraysize) + "'");
      }
      count *= static_cast<std::size_t>(*size);
    }
  }
};

}  // namespace abell::detail
