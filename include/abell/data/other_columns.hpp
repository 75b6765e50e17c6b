#pragma once
/// The columns of a table that say nothing to this library, for those who carry them on.

#include <abell/data/object.hpp>
#include <abell/data/table.hpp>
#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace abell {

/// Gives objects the `columns` and `fields` that are not read, where they are asked for.
class OtherColumns {
 public:
  OtherColumns() = default;
  OtherColumns(const TableHeader& table, const std::vector<std::size_t>& read, const DataSetOptions& options) {
    if (!options.need_others) return;
    auto header = std::make_shared<TableHeader>();
    header->name = table.name;
    for (std::size_t i = 0; i < table.header.size(); ++i) {
      if (std::ranges::find(read, i) != read.end()) continue;
      numbers_.push_back(i);
      header->header.push_back(table.header[i]);
      header->units.push_back(table.unit(i));
      header->ucds.push_back(table.ucd(i));
      header->frames.push_back(table.frame(i));
      header->descriptions.push_back(table.description(i));
    }
    header_ = std::move(header);
  }

  void fill(Object& object, const TableReader& row) const {
    object.columns = header_;
    for (const std::size_t i : numbers_) object.fields.push_back(row[i]);
  }

 private:
  std::vector<std::size_t> numbers_;
  std::shared_ptr<const TableHeader> header_;
};

}  // namespace abell
