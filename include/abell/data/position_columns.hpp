#pragma once
/// Right ascension and declination in tables: which columns hold them.

#include <abell/core/angle.hpp>
#include <abell/data/object.hpp>
#include <abell/data/table.hpp>
#include <algorithm>
#include <cctype>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace abell {

/// The column that has one of these names in any case (names are lower case); the first name wins.
inline std::optional<std::size_t> find_column(const TableHeader& table, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    for (std::size_t i = 0; i < table.header.size(); ++i) {
      const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
      if (std::ranges::equal(table.header[i], name, same)) return i;
    }
  }
  return std::nullopt;
}

/// Right ascension and declination of a row, under the names that catalogues use for these columns.
class PositionColumns {
 public:
  explicit PositionColumns(const TableHeader& table)
      : ra_(find_column(table, {"ra", "raj2000", "_raj2000", "ra_deg", "radeg", "ra_j2000", "ra_icrs", "_ra",
                                "_ra_icrs", "alpha_j2000", "right_ascension", "raicrs"})),
        dec_(find_column(table, {"dec", "dej2000", "_dej2000", "dec_deg", "decdeg", "dedeg", "dec_j2000", "decj2000",
                                 "de_icrs", "dec_icrs", "_de", "_de_icrs", "delta_j2000", "declination", "deicrs"})) {}

  std::optional<std::size_t> ra() const { return ra_; }
  std::optional<std::size_t> dec() const { return dec_; }

  void fill(Object& object, const TableReader& row) const {
    if (ra_) object.ra = row[*ra_];
    if (dec_) object.dec = row[*dec_];
  }

 private:
  std::optional<std::size_t> ra_, dec_;
};

}  // namespace abell
