#pragma once
/// Catalogues as ECSV (astropy's enhanced CSV): a header in YAML, written by yaml-cpp, and CSV.

#include <yaml-cpp/yaml.h>

#include <abell/core/csv.hpp>
#include <abell/data/catalogue_writer.hpp>
#include <abell/data/text_form.hpp>
#include <array>
#include <cstddef>
#include <ostream>
#include <span>
#include <sstream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace abell {

/// ECSV 1.0 with commas. No spreadsheet opens it, and astropy takes no guards off: formulas have none.
class EcsvCatalogue final : public TypedCatalogue {
 public:
  EcsvCatalogue(std::ostream& out, CatalogueHeader told) : TypedCatalogue(std::move(told)), out_(out) {
    out_ << detail::ecsv_mark << "1.0\n# ---\n";
    std::istringstream lines(yaml());
    for (std::string line; std::getline(lines, line);) out_ << "# " << line << '\n';
    for (const CatalogueColumn& column : columns()) fields_.push_back(column.name);
    write_csv_row(out_, fields_, false);
  }

 private:
  void write(std::span<const std::string> cells) override {
    fields_.assign(cells.begin(), cells.end());
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (columns()[i].type != CatalogueColumn::Type::truth || cells[i].empty()) continue;
      fields_[i] = cells[i] == "1" ? "True" : "False";
    }
    write_csv_row(out_, fields_, false);
  }

  /// Texts are quoted, since some would be numbers or times to YAML.
  std::string yaml() const {
    static constexpr std::array datatypes{"string", "int64", "float64", "bool"};
    YAML::Emitter yaml;
    const auto pair = [&](const std::string& key, const std::string& text) {
      if (!text.empty()) yaml << YAML::Key << key << YAML::Value << YAML::DoubleQuoted << text;
    };
    yaml << YAML::BeginMap << YAML::Key << "delimiter" << YAML::Value << YAML::DoubleQuoted << ",";
    yaml << YAML::Key << "datatype" << YAML::Value << YAML::BeginSeq;
    for (const CatalogueColumn& column : columns()) {
      yaml << YAML::Flow << YAML::BeginMap;
      pair("name", column.name);
      pair("unit", column.unit);
      yaml << YAML::Key << "datatype" << YAML::Value << datatypes[static_cast<std::size_t>(column.type)];
      pair("description", column.description);
      if (!column.ucd.empty()) {
        yaml << YAML::Key << "meta" << YAML::Value << YAML::BeginMap;
        pair("ucd", column.ucd);
        yaml << YAML::EndMap;
      }
      yaml << YAML::EndMap;
    }
    yaml << YAML::EndSeq << YAML::Key << "meta" << YAML::Value << YAML::SecondaryTag("omap") << YAML::BeginSeq;
    std::vector<CatalogueKey> keys = header().keys;
    keys.insert(keys.begin(), {"RADESYS", header().frame, ""});
    for (const CatalogueKey& key : keys) {
      const auto* text = std::get_if<std::string>(&key.value);
      if (text && text->empty()) continue;
      yaml << YAML::Flow << YAML::BeginMap;
      if (text) {
        pair(key.keyword, *text);
      } else {
        yaml << YAML::Key << key.keyword << YAML::Value << std::get<double>(key.value);
      }
      yaml << YAML::EndMap;
    }
    yaml << YAML::EndSeq << YAML::EndMap;
    return yaml.c_str();
  }

  std::ostream& out_;
  std::vector<std::string> fields_;
};

}  // namespace abell
