/// VOTables: what is accepted has rows of as many cells as columns, and positions lie on the sky.

#include <abell/data/positions.hpp>
#include <cmath>
#include <string>

#include "target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace abell;
  try {
    pugi::xml_document document;
    if (!document.load_buffer(data, size)) return 0;
    const auto has_positions = [](const TableHeader& header) { return PositionColumns(header).there(); };
    Table table = detail::VoTable(document, "fuzz.vot").read(has_positions);
    require(table.lines.size() == table.rows.size() && table.units.size() == table.header.size());
    for (const auto& row : table.rows) require(row.size() == table.header.size());
    TableReader rows(std::move(table));
    for (const SkyObject& object : detail::catalogue_of(rows, {}).objects) {
      require(object.position.ra >= 0 && object.position.ra <= 360 && std::abs(object.position.dec) <= 90);
    }
  } catch (const Error& error) {
    require(std::string(error.what()).starts_with("fuzz.vot"));
  }
  return 0;
}
