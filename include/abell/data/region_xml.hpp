#pragma once
/// Regions as a VOTable: the format xml of DS9.

#include <abell/core/lower_case.hpp>
#include <abell/data/region_objects.hpp>
#include <abell/data/region_text.hpp>
#include <abell/data/votable.hpp>
#include <cstddef>
#include <map>
#include <pugixml.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace abell::detail {

/// Reads a row for each shape, whose points stand in x and y, or in xv and yv where there are several.
inline void read_region_xml(std::string_view text, RegionObjects& objects) {
  pugi::xml_document document;
  const pugi::xml_parse_result result = document.load_buffer(text.data(), text.size());
  if (!result) {
    objects.fail("expected regions in a VOTable, found XML with a fault at byte " + std::to_string(result.offset) +
                 ": " + result.description());
  }
  const pugi::xml_node table = first_child(first_child(first_child(document, "VOTABLE"), "RESOURCE"), "TABLE");
  std::vector<std::string> names;
  std::string system;
  for_each_child(table, "FIELD", [&](const pugi::xml_node& field) {
    names.emplace_back(field.attribute("name").value());
    if (names.back() == "x") system = field.attribute("ref").value();
  });
  if (system.empty()) objects.fail("expected regions of DS9 in XML, found no column x that refers to its system");
  objects.set_system(system);
  for_each_child(first_child(first_child(table, "DATA"), "TABLEDATA"), "TR", [&](const pugi::xml_node& row) {
    objects.next_line();
    std::map<std::string, std::string> cells;
    std::size_t column = 0;
    for_each_child(row, "TD", [&](const pugi::xml_node& cell) {
      if (column < names.size()) cells[names[column++]] = cell.text().get();
    });
    Region region{.shape = lower_case(cells["shape"]),
                  .text = cells["text"],
                  .colour = cells["color"],
                  .excluded = cells["include"] == "0",
                  .background = cells["source"] == "0"};
    const bool several = !cells["xv"].empty();
    const std::vector<std::string> x = words_of(cells[several ? "xv" : "x"]), y = words_of(cells[several ? "yv" : "y"]);
    for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
      region.coordinates.insert(region.coordinates.end(), {x[i], y[i]});
    }
    objects.add(region);
  });
}

}  // namespace abell::detail
