#pragma once
/// --config FILE: options in TOML or JSON, those of an earlier run's config.json too.

#include <CLI/CLI.hpp>
#include <abell/core/error.hpp>
#include <istream>
#include <memory>
#include <string>
#include <vector>

#include "option_record.hpp"

namespace abell::program {

/// Reads either form into the options that were not given on the command line.
class OptionFile final : public CLI::ConfigTOML {
 public:
  explicit OptionFile(CLI::App& app) : app_(app) {}

  /// Leaves nothing for CLI11 to do. Throws as `fill_options`.
  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override {
    const std::string name = app_.get_config_ptr()->as<std::string>();
    input >> std::ws;
    fill_options(app_, input.peek() == '{' ? read_json_options(input, name) : read_toml(input, name), name);
    return {};
  }

 private:
  /// The object itself, or what it has under "options", as config.json has it.
  static Json read_json_options(std::istream& input, const std::string& name) {
    const Json json = Json::parse(input, nullptr, false);
    if (!json.is_object()) throw FormatError(name + ": expected a JSON object");
    return json.contains("options") ? json["options"] : json;
  }

  Json read_toml(std::istream& input, const std::string& name) const {
    Json options = Json::object();
    for (const CLI::ConfigItem& item : CLI::ConfigTOML::from_config(input)) {
      if (!item.parents.empty()) throw FormatError(name + ": expected no sections, found " + item.parents.front());
      if (options.contains(item.name)) throw FormatError(name + ": " + item.name + " is given twice");
      options[item.name] = item.inputs;
    }
    return options;
  }

  CLI::App& app_;
};

inline void add_option_file(CLI::App& app) {
  app.set_config("--config", "",
                 "Options in a file, TOML or JSON, or an earlier run's config.json; the command line has the last word")
      ->type_name(file_type);
  app.config_formatter(std::make_shared<OptionFile>(app));
}

}  // namespace abell::program
