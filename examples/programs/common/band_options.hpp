#pragma once
/// The steps of the bands as options of a command line.

#include <CLI/CLI.hpp>
#include <abell/data/preprocessing.hpp>
#include <algorithm>
#include <array>
#include <sstream>
#include <string>

#include "program.hpp"

namespace abell::program {

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

/// What each of `band_steps` is for.
inline constexpr std::array<const char*, band_steps.size()> band_step_help{
    "Smoothing: none, gaussian:SIGMA (pixels; gaussian:6as arcseconds), adaptive:COUNTS (top-hat), "
    "wavelet[:SIGMAS[:SCALES]]",
    "3x3 filter: identity, sobel-x, sobel-y, edge",
    "Values that become black and white: file (FITS: minmax; PNG, JPEG: 0 and 255), minmax, manual:LOW:HIGH, "
    "percentile:KEPT, percentile:LOW:HIGH, zscale[:CONTRAST]",
    "Stretch between them: linear, sqrt, log[:A], asinh[:A], power:A"};

/// The options --smooth, --filter, --interval, --stretch, --exposure and --combine.
inline void add_bands(CLI::App& app, Bands& bands) {
  const std::string group = "Bands (CHOICE for all, or BAND=CHOICE,... with xray, optical, third)";
  const auto add = [&](const std::string& name, const std::string& help, const std::string& otherwise, auto read) {
    app.add_option_function<std::string>(
           "--" + name,
           [&app, read](const std::string& text) {
             try {
               read(lower_case(text));
             } catch (const OptionError& error) {
               throw CLI::ValidationError(with_flag(app, error));
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
  for (std::size_t i = 0; i < band_steps.size(); ++i) {
    const BandStep& step = band_steps[i];
    add(step.name, band_step_help[i], step.write(bands.each[0]),
        [&bands, &step](const std::string& text) { read_step(bands, step, text); });
  }
  add("combine", "channels as they are, or lupton[:STRETCH[:Q]] (colours independent of brightness)",
      to_text(bands.lupton), [&bands](const std::string& text) { bands.lupton = parse_combine(text); });
}

}  // namespace abell::program
