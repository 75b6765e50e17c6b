#pragma once
/// Catalogues as VOTable 1.4, written by pugixml.

#include <abell/core/csv.hpp>
#include <abell/data/catalogue_writer.hpp>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <ostream>
#include <pugixml.hpp>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace abell {

/// One table with its rows in TABLEDATA; null is an empty cell. Texts are unicodeChar of a given size: astropy 5.2
/// cannot save those without as FITS.
class VotableCatalogue final : public TypedCatalogue {
 public:
  VotableCatalogue(std::ostream& out, CatalogueHeader told) : TypedCatalogue(std::move(told)), out_(out) {
    const std::string document = empty_document();
    const std::size_t at = document.find(no_rows);  // no text has it: < is escaped there
    out_ << document.substr(0, at) << "<TABLEDATA>\n";
    end_ = "</TABLEDATA>" + document.substr(at + no_rows.size());
  }

  void finish() override { out_ << end_; }

 private:
  static constexpr std::string_view no_rows = "<TABLEDATA />";

  void write(std::span<const std::string> cells) override {
    row_.reset();
    pugi::xml_node tr = row_.append_child("TR");
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const bool truth = columns()[i].type == CatalogueColumn::Type::truth && !cells[i].empty();
      tr.append_child("TD").text().set(truth ? (cells[i] == "1" ? "T" : "F") : cells[i].c_str());
    }
    tr.print(out_, "", pugi::format_raw);
    out_ << '\n';
  }

  std::string empty_document() const {
    pugi::xml_document document;
    pugi::xml_node declaration = document.append_child(pugi::node_declaration);
    set(declaration, "version", "1.0");
    set(declaration, "encoding", "UTF-8");
    pugi::xml_node votable = document.append_child("VOTABLE");
    set(votable, "version", "1.4");
    set(votable, "xmlns", "http://www.ivoa.net/xml/VOTable/v1.3");
    pugi::xml_node resource = votable.append_child("RESOURCE");
    set(resource, "type", "results");
    if (!header().frame.empty()) {
      pugi::xml_node frame = resource.append_child("COOSYS");
      set(frame, "ID", "frame");
      set(frame, "system", header().frame);
    }
    pugi::xml_node table = resource.append_child("TABLE");
    set(table, "name", header().title);
    for (const CatalogueKey& key : header().keys) {
      pugi::xml_node info = table.append_child("INFO");
      set(info, "name", key.keyword);
      const auto* text = std::get_if<std::string>(&key.value);
      set(info, "value", text ? *text : csv_number(std::get<double>(key.value)));
      info.text().set(key.comment.c_str());
    }
    for (const CatalogueColumn& column : columns()) add_field(table, column);
    table.append_child("DATA").append_child("TABLEDATA");
    std::ostringstream written;
    document.save(written, " ");
    return written.str();
  }

  void add_field(pugi::xml_node& table, const CatalogueColumn& column) const {
    static constexpr std::array datatypes{"unicodeChar", "long", "double", "boolean"};
    pugi::xml_node field = table.append_child("FIELD");
    set(field, "name", column.name);
    set(field, "datatype", datatypes[static_cast<std::size_t>(column.type)]);
    if (column.type == CatalogueColumn::Type::text) set(field, "arraysize", std::to_string(column.width));
    if (!column.unit.empty()) set(field, "unit", column.unit);
    if (!column.ucd.empty()) set(field, "ucd", column.ucd);
    if (column.position() && !header().frame.empty()) set(field, "ref", "frame");
    if (!column.description.empty()) {
      field.append_child("DESCRIPTION").text().set(column.description.c_str());
    }
    if (column.type == CatalogueColumn::Type::whole) {
      pugi::xml_node values = field.append_child("VALUES");
      set(values, "null", std::to_string(std::numeric_limits<std::int64_t>::min()));
    }
  }

  static void set(pugi::xml_node& node, const char* attribute, const std::string& value) {
    node.append_attribute(attribute).set_value(value.c_str());
  }

  std::ostream& out_;
  pugi::xml_document row_;
  std::string end_;
};

}  // namespace abell
