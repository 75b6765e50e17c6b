#pragma once
/// The steps of the bands as options of a command line and as JSON in model files.

#include <CLI/CLI.hpp>
#include <abell/images/bands.hpp>
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

namespace abell {

/// One step: its name as an option and in JSON, and the way between a band and text.
struct BandStep {
  const char* name;
  const char* help;
  void (*read)(Band& band, const std::string& text);
  std::string (*write)(const Band& band);
};

inline constexpr std::array<BandStep, 4> band_steps{{
    {"smooth", "Smoothing: none, gaussian:SIGMA (pixels), adaptive:COUNTS (top-hat), wavelet[:SIGMAS[:SCALES]]",
     [](Band& band, const std::string& text) { band.smoothing = parse_smoothing(text); },
     [](const Band& band) { return to_text(band.smoothing); }},
    {"filter", "3x3 filter: identity, sobel-x, sobel-y, edge",
     [](Band& band, const std::string& text) { band.filter = parse_filter(text); },
     [](const Band& band) { return to_text(band.filter); }},
    {"interval",
     "Values that become black and white: file (FITS: minmax; PNG, JPEG: 0 and 255), minmax, manual:LOW:HIGH, "
     "percentile:KEPT, percentile:LOW:HIGH, zscale[:CONTRAST]",
     [](Band& band, const std::string& text) { band.interval = parse_interval(text); },
     [](const Band& band) { return to_text(band.interval); }},
    {"stretch", "Stretch between them: linear, sqrt, log[:A], asinh[:A], power:A",
     [](Band& band, const std::string& text) { band.stretch = parse_stretch(text); },
     [](const Band& band) { return to_text(band.stretch); }},
}};

/// {"third": {"smooth": "none", ...}, "optical": ..., "xray": ..., "exposure": "none", "combine": "channels"},
/// every choice with all its numbers.
inline void to_json(nlohmann::json& json, const Bands& bands) {
  json = {{"exposure", to_text(bands.exposure)}, {"combine", to_text(bands.lupton)}};
  for (std::size_t band = 0; band < band_names.size(); ++band) {
    for (const BandStep& step : band_steps) json[band_names[band]][step.name] = step.write(bands.each[band]);
  }
}

/// What is not there stays at its default. Throws OptionError and nlohmann::json::exception.
inline void from_json(const nlohmann::json& json, Bands& bands) {
  bands = {};
  bands.exposure = parse_exposure(json.value("exposure", to_text(bands.exposure)));
  bands.lupton = parse_combine(json.value("combine", to_text(bands.lupton)));
  for (std::size_t band = 0; band < band_names.size(); ++band) {
    if (!json.contains(band_names[band])) continue;
    for (const BandStep& step : band_steps) {
      Band& target = bands.each[band];
      step.read(target, json.at(band_names[band]).value(step.name, step.write(target)));
    }
  }
}

namespace program {

/// Reads "CHOICE" for all bands, or "BAND=CHOICE", or several of them with commas. Throws OptionError.
inline void read_step(Bands& bands, const BandStep& step, const std::string& text) {
  std::istringstream pieces(text + ',');
  for (std::string piece; std::getline(pieces, piece, ',');) {
    const std::size_t equals = piece.find('=');
    if (equals == std::string::npos) {
      for (Band& band : bands.each) step.read(band, piece);
      continue;
    }
    const auto name = std::ranges::find(band_names, piece.substr(0, equals));
    if (name == band_names.end()) {
      throw OptionError("--" + std::string(step.name) + ": expected the band xray, optical or third, found '" +
                        piece.substr(0, equals) + "'");
    }
    step.read(bands.each[static_cast<std::size_t>(name - band_names.begin())], piece.substr(equals + 1));
  }
}

/// The options --smooth, --filter, --interval, --stretch, --exposure and --combine.
inline void add_bands(CLI::App& app, Bands& bands) {
  const std::string group = "Bands (CHOICE for all, or BAND=CHOICE,... with xray, optical, third)";
  const auto add = [&](const std::string& name, const std::string& help, const std::string& otherwise, auto read) {
    app.add_option_function<std::string>(
           "--" + name,
           [read](const std::string& text) {
             try {
               read(text);
             } catch (const OptionError& error) {
               throw CLI::ValidationError(error.what());
             }
           },
           help)
        ->default_str(otherwise)
        ->type_name("CHOICE")
        ->group(group);
  };
  add("exposure",
      "X-ray counts over the map in the table's column 'exposure': none, divide[:CUT]; exposures below CUT "
      "of the largest are masked",
      to_text(bands.exposure), [&bands](const std::string& text) { bands.exposure = parse_exposure(text); });
  for (const BandStep& step : band_steps) {
    add(step.name, step.help, step.write(bands.each[0]),
        [&bands, &step](const std::string& text) { read_step(bands, step, text); });
  }
  add("combine", "channels as they are, or lupton[:STRETCH[:Q]] (colours independent of brightness)",
      to_text(bands.lupton), [&bands](const std::string& text) { bands.lupton = parse_combine(text); });
}

}  // namespace program
}  // namespace abell
