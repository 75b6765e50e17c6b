#pragma once
/// The columns of the inputs that go on into the catalogue.

#include <abell/core/angle.hpp>
#include <abell/core/lower_case.hpp>
#include <abell/core/printable.hpp>
#include <abell/data/catalogue_writer.hpp>
#include <abell/data/object.hpp>
#include <abell/data/table.hpp>
#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../common/carried_names.hpp"

namespace abell::program {

/// What the texts of a column have in common.
class ColumnTexts {
 public:
  void add(const std::string& text) {
    width_ = std::max(width_, printable(text).size());
    if (text.empty() || is_nan(text)) return;
    known_ = true;
    whole_ = whole_ && abell::detail::plain_whole(text);
    real_ = real_ && is_real(text);
  }

  CatalogueColumn::Type type() const {
    return !known_ || !real_ ? CatalogueColumn::Type::text
           : whole_          ? CatalogueColumn::Type::whole
                             : CatalogueColumn::Type::real;
  }
  std::size_t width() const { return width_; }

  static bool is_nan(const std::string& text) { return lower_case(text) == "nan"; }

 private:
  /// Digits alone may be a name (007), or more than a double holds.
  static bool is_real(std::string_view text) {
    if (text.starts_with('+')) text.remove_prefix(1);
    return abell::detail::plain_whole(text) ||
           (abell::detail::plain_number(text) && text.find_first_of(".eE") != std::string_view::npos);
  }

  bool known_ = false, whole_ = true, real_ = true;
  std::size_t width_ = 1;
};

/// The other columns of all tables among the inputs: those of one name and unit are one column, empty for the objects
/// of tables without it. A column has the type that all of its texts have.
class CarriedColumns {
 public:
  /// In a first reading: looks at an object's columns.
  void survey(const Object& object) {
    find_places(object, true);
    for (std::size_t i = 0; i < object.fields.size(); ++i) columns_[*places_[i]].texts.add(object.fields[i]);
  }

  /// Adds them to the columns of a catalogue.
  void append_to(std::vector<CatalogueColumn>& catalogue) const {
    std::vector<std::string> ours, theirs;
    for (const CatalogueColumn& column : catalogue) ours.push_back(column.name);
    for (const Column& column : columns_) theirs.push_back(column.told.name);
    const std::vector<std::string> names = carried_names(theirs, ours);
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      catalogue.push_back(columns_[i].told);
      CatalogueColumn& column = catalogue.back();
      column.name = names[i];
      column.type = columns_[i].texts.type();
      column.width = columns_[i].texts.width();
    }
  }

  /// In a second reading: adds an object's texts to a row of the catalogue.
  void append_to(std::vector<std::string>& row, const Object& object) {
    find_places(object, false);
    const std::size_t start = row.size();
    row.resize(start + columns_.size());
    for (std::size_t i = 0; i < object.fields.size(); ++i) {
      if (!places_[i]) continue;
      const bool number = columns_[*places_[i]].texts.type() == CatalogueColumn::Type::real;
      if (!number || !ColumnTexts::is_nan(object.fields[i])) row[start + *places_[i]] = object.fields[i];
    }
  }

 private:
  struct Column {
    CatalogueColumn told;
    ColumnTexts texts = {};
  };

  /// Finds the places of an object's columns, and makes those that are not there when asked to.
  void find_places(const Object& object, bool make) {
    if (object.columns == table_) return;
    table_ = object.columns;
    places_.clear();
    for (std::size_t i = 0; table_ && i < table_->header.size(); ++i) {
      std::size_t place = 0;
      while (place < columns_.size() &&
             (columns_[place].told.name != table_->header[i] || columns_[place].told.unit != table_->unit(i) ||
              std::ranges::find(places_, std::optional(place)) != places_.end())) {
        ++place;
      }
      if (place == columns_.size() && make) columns_.push_back({told(*table_, i)});
      places_.push_back(place < columns_.size() ? std::optional(place) : std::nullopt);
    }
  }

  static CatalogueColumn told(const TableHeader& table, std::size_t i) {
    std::string ucd = table.ucd(i);  // the main id and position of the catalogue are its own
    if (const std::size_t main = ucd.find(";meta.main"); main != std::string::npos) ucd.resize(main);
    return {.name = table.header[i], .unit = table.unit(i), .ucd = std::move(ucd), .description = table.description(i)};
  }

  std::vector<Column> columns_;
  std::shared_ptr<const TableHeader> table_;        ///< of the last object
  std::vector<std::optional<std::size_t>> places_;  ///< of its columns among all
};

}  // namespace abell::program
