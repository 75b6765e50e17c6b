#pragma once
/// Catalogues as CSV.

#include <abell/core/csv.hpp>
#include <abell/data/catalogue_writer.hpp>
#include <ostream>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace abell {

/// The names of the columns and the rows, whose texts may be anything; CSV tells nothing else.
class CsvCatalogue final : public CatalogueWriter {
 public:
  CsvCatalogue(std::ostream& out, CatalogueHeader told) : CatalogueWriter(std::move(told)), out_(out) {
    std::vector<std::string> names;
    for (const CatalogueColumn& column : columns()) names.push_back(column.name);
    write_csv_row(out_, names);
  }

  void add(std::span<const std::string> row) override { write_csv_row(out_, row); }

 private:
  std::ostream& out_;
};

}  // namespace abell
