/// Tables in text and the positions in them: what is accepted is written to a table that gives it back, and positions
/// lie on the sky.

#include <abell/data/positions.hpp>
#include <abell/data/table.hpp>
#include <cmath>
#include <sstream>
#include <string>

#include "target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace abell;
  try {
    Table table = parse_csv(text_of(data, size), "fuzz.csv");
    require(!table.header.empty() && table.lines.size() == table.rows.size());
    std::ostringstream out;
    write_csv_row(out, table.header);
    for (const auto& row : table.rows) {
      require(row.size() == table.header.size());
      write_csv_row(out, row);
    }
    const Table again = parse_csv(out.str(), "again.csv");
    require(again.header == table.header && again.rows == table.rows);
    std::istringstream text(text_of(data, size));
    if (text.str().starts_with(detail::ecsv_mark)) detail::describe_by_ecsv(table, detail::ecsv_yaml(text));
    TableReader rows(table);
    const SkyCatalogue catalogue = detail::catalogue_of(rows, {});
    for (const SkyObject& object : catalogue.objects) {
      require(object.position.ra >= 0 && object.position.ra <= 360 && std::abs(object.position.dec) <= 90);
      require(object.fields.size() == catalogue.columns.size());
    }
  } catch (const Error& error) {
    require(std::string(error.what()).starts_with("fuzz.csv"));
  }
  return 0;
}
