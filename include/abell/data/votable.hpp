#pragma once
/// VOTable (IVOA, 1.0 to 1.5), read whole by pugixml.

#include <abell/core/error.hpp>
#include <abell/core/lower_case.hpp>
#include <abell/data/table.hpp>
#include <abell/data/votable_binary.hpp>
#include <abell/data/votable_field.hpp>
#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <pugixml.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace abell {

namespace detail {

/// The name of an element without the prefix of its namespace.
inline std::string_view element_name(const pugi::xml_node& node) {
  const std::string_view name = node.name();
  return name.substr(name.find(':') + 1);
}

/// Calls visit(child) for the children of this name.
template <class Visit>
void for_each_child(const pugi::xml_node& parent, std::string_view name, const Visit& visit) {
  for (const pugi::xml_node& child : parent) {
    if (element_name(child) == name) visit(child);
  }
}

inline pugi::xml_node first_child(const pugi::xml_node& parent, std::string_view name) {
  return parent.find_child([&](const pugi::xml_node& child) { return element_name(child) == name; });
}

/// A text whose words stand apart by one blank each: XML breaks lines where it likes.
inline std::string one_line(std::string_view text) {
  constexpr std::string_view blank = " \t\r\n";
  std::string line;
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(blank), text.size()));
    if (text.empty()) return line;
    const std::size_t end = std::min(text.find_first_of(blank), text.size());
    line.append(line.empty() ? "" : " ").append(text.substr(0, end));
    text.remove_prefix(end);
  }
}

/// One VOTable document.
class VoTable {
 public:
  VoTable(const pugi::xml_node& document, std::string name) : name_(std::move(name)) {
    const pugi::xml_node root = first_child(document, "VOTABLE");
    if (!root) fail("found XML with <" + std::string(document.first_child().name()) + ">");
    collect(root);
    if (tables_.empty()) fail("found none" + (message_.empty() ? "" : ": " + message_));
  }

  /// The first table that is `wanted`, else the first one.
  Table read(const std::function<bool(const TableHeader&)>& wanted) const {
    const pugi::xml_node* chosen = &tables_.front();
    for (const pugi::xml_node& table : tables_) {
      if (!wanted || !wanted(header_of(fields_of(table)))) continue;
      chosen = &table;
      break;
    }
    return read(*chosen);
  }

 private:
  [[noreturn]] void fail(const std::string& found) const {
    throw FormatError(name_ + ": expected a table of VOTable, " + found);
  }

  /// Tables, frames and what a service tells, in the order of the document.
  void collect(const pugi::xml_node& top) {
    for (pugi::xml_node node = top.first_child(); node;) {
      const std::string_view name = element_name(node);
      if (name == "TABLE") tables_.push_back(node);
      if (name == "COOSYS") {
        const std::string system = node.attribute("system").value();
        const bool equinox = lower_case(system).find("fk") != std::string::npos;
        frames_[node.attribute("ID").value()] =
            system + (equinox ? std::string(" ") + node.attribute("equinox").value() : "");
      }
      if (name == "INFO") heed_info(node);
      const bool inside = name == "RESOURCE" || name == "DEFINITIONS";
      pugi::xml_node next = inside ? node.first_child() : pugi::xml_node();
      while (!next && node != top) {
        next = node.next_sibling();
        if (!next) node = node.parent();
      }
      node = next;
    }
  }

  /// What a service tells about its answer; the name ERROR is of VOTable 1.0.
  void heed_info(const pugi::xml_node& info) {
    const std::string_view name = info.attribute("name").value(), value = info.attribute("value").value();
    if (name == "ERROR") message_ = value;
    if (name != "QUERY_STATUS") return;
    if (value == "OVERFLOW") message_ = "the service sent a part of the rows only (OVERFLOW)";
    if (value == "ERROR") message_ = info.text().get();
  }

  std::vector<VoField> fields_of(const pugi::xml_node& table) const {
    std::vector<VoField> fields;
    for_each_child(table, "FIELD", [&](const pugi::xml_node& node) {
      const pugi::xml_attribute name = node.attribute("name");
      const std::string title = name ? name.value() : node.attribute("ID").value();
      fields.emplace_back(name_, title, node.attribute("datatype").value(), node.attribute("arraysize").value(),
                          first_child(node, "VALUES").attribute("null").value());
      fields.back().unit = node.attribute("unit").value();
      fields.back().ucd = node.attribute("ucd").value();
      fields.back().description = one_line(first_child(node, "DESCRIPTION").text().get());
      const auto frame = frames_.find(node.attribute("ref").value());
      if (frame != frames_.end())
        fields.back().frame = frame->second;
      else if (frames_.size() == 1)
        fields.back().frame = frames_.begin()->second;
    });
    return fields;
  }

  TableHeader header_of(const std::vector<VoField>& fields) const {
    TableHeader header{name_, {}};
    for (const VoField& field : fields) {
      if (!field.kept()) continue;
      header.header.push_back(field.name);
      header.units.push_back(field.unit);
      header.ucds.push_back(field.ucd);
      header.frames.push_back(field.frame);
      header.descriptions.push_back(field.description);
    }
    return header;
  }

  Table read(const pugi::xml_node& table) const {
    const std::vector<VoField> fields = fields_of(table);
    Table found{header_of(fields), {}, {}};
    const pugi::xml_node data = first_child(table, "DATA");
    const auto add = [&](std::vector<std::string> row) {
      found.rows.push_back(std::move(row));
      found.lines.push_back(static_cast<int>(found.rows.size()));
    };
    if (const auto rows = first_child(data, "TABLEDATA")) {
      for_each_child(rows, "TR", [&](const pugi::xml_node& row) { add(cells_of(row, fields, found.rows.size() + 1)); });
    } else if (const auto binary2 = first_child(data, "BINARY2")) {
      read_vo_binary(stream_of(binary2), fields, true, name_, add);
    } else if (const auto binary = first_child(data, "BINARY")) {
      read_vo_binary(stream_of(binary), fields, false, name_, add);
    } else if (data && data.first_child()) {
      fail("found data in " + std::string(data.first_child().name()) + ", not in TABLEDATA, BINARY or BINARY2");
    }
    if (!message_.empty()) found.notes.push_back(name_ + ": " + message_);
    return found;
  }

  std::vector<std::string> cells_of(const pugi::xml_node& row, const std::vector<VoField>& fields,
                                    std::size_t number) const {
    std::vector<std::string> cells;
    std::size_t count = 0;
    for_each_child(row, "TD", [&](const pugi::xml_node& cell) {
      if (count < fields.size() && fields[count].kept()) cells.push_back(fields[count].from_text(cell.text().get()));
      ++count;
    });
    if (count != fields.size()) {
      throw FormatError(name_ + ":" + std::to_string(number) + ": expected " + std::to_string(fields.size()) +
                        " fields, found " + std::to_string(count));
    }
    return cells;
  }

  /// The bytes of <STREAM encoding="base64">.
  std::string stream_of(const pugi::xml_node& binary) const {
    const pugi::xml_node stream = first_child(binary, "STREAM");
    if (stream.attribute("href")) fail("found data in another file: " + std::string(stream.attribute("href").value()));
    const std::string_view encoding = stream.attribute("encoding").value();
    if (encoding != "base64") fail("found the encoding '" + std::string(encoding) + "', not base64");
    return from_base64(stream.text().get(), name_);
  }

  std::string name_;
  std::string message_;  ///< of the service that made it
  std::vector<pugi::xml_node> tables_;
  std::map<std::string, std::string> frames_;  ///< by their ids
};

}  // namespace detail

/// Reads the first table of a VOTable that is `wanted`, else the first one: TABLEDATA, BINARY or BINARY2 in the file
/// itself. Columns of single numbers, truth values (1, 0) and texts are kept, others left out. Throws IoError and
/// FormatError naming the file.
inline Table read_votable(const std::filesystem::path& path,
                          const std::function<bool(const TableHeader&)>& wanted = {}) {
  pugi::xml_document document;
  const pugi::xml_parse_result result = document.load_file(path.c_str());
  if (result.status == pugi::status_file_not_found) throw IoError(path.string() + ": no such file");
  if (result.status == pugi::status_io_error) throw IoError(path.string() + ": cannot be read");
  if (!result) {
    throw FormatError(path.string() + ": expected a VOTable, found XML with a fault at byte " +
                      std::to_string(result.offset) + ": " + result.description());
  }
  return detail::VoTable(document, path.string()).read(wanted);
}

}  // namespace abell
