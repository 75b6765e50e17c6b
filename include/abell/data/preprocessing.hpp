#pragma once
/// How image files become a network's input: one record, which stands in model files. Needs stb, CFITSIO and
/// nlohmann-json.

#include <abell/core/error.hpp>
#include <abell/data/cached_samples.hpp>
#include <abell/data/decode.hpp>
#include <abell/images/bands.hpp>
#include <array>
#include <nlohmann/json.hpp>
#include <string>

namespace abell {

/// One step of a band: its name, and the way between a band and text.
struct BandStep {
  const char* name;
  void (*read)(Band& band, const std::string& text);
  std::string (*write)(const Band& band);
};

inline constexpr std::array<BandStep, 4> band_steps{
    {{"smooth", [](Band& band, const std::string& text) { band.smoothing = parse_smoothing(text); },
      [](const Band& band) { return to_text(band.smoothing); }},
     {"filter", [](Band& band, const std::string& text) { band.filter = parse_filter(text); },
      [](const Band& band) { return to_text(band.filter); }},
     {"interval", [](Band& band, const std::string& text) { band.interval = parse_interval(text); },
      [](const Band& band) { return to_text(band.interval); }},
     {"stretch", [](Band& band, const std::string& text) { band.stretch = parse_stretch(text); },
      [](const Band& band) { return to_text(band.stretch); }}}};

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

/// All that lies between an object's files and the network's input, in words, as a model file and config.json record
/// it. `decode` and `samples` throw OptionError for a word that is none of those listed.
struct Preprocessing {
  std::string resize = "bilinear";  ///< bilinear, nearest or crop
  double crop = 1;                  ///< share of each side cut from the centre before resizing
  std::string nan = "zero";         ///< masked pixels: zero, median or error
  std::string channels = "both";    ///< both, optical or xray
  std::string scale = "unit";       ///< unit (x / 255), symmetric (x / 127.5 - 1) or standard (mean 0, variance 1)
  Bands bands = {};                 ///< smoothing, filter, interval and stretch of each band
  double max_megapixels = default_max_megapixels;  ///< of a file; of this run, and not in the record

  DecodeOptions decode() const { return {parse_resize(resize), crop, parse_mask_policy(nan), bands, max_megapixels}; }
  /// Throws OptionError.
  CachedSamplesOptions samples() const {
    if (scale != "unit" && scale != "symmetric" && scale != "standard") {
      throw OptionError("scale", "expected unit, symmetric or standard, found '" + scale + "'");
    }
    CachedSamplesOptions options;
    options.scale = scale == "symmetric" ? symmetric_scale : unit_scale;
    options.standardise = scale == "standard";
    options.channels = parse_channels(channels);
    return options;
  }
};

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Preprocessing, resize, crop, nan, channels, scale, bands)

/// The record in a model file, which `where` names in errors, for images of shape `input`. Throws FormatError for
/// values of another type or meaning.
inline Preprocessing read_preprocessing(const nlohmann::json& json, const std::string& where, const Shape& input) {
  try {
    auto found = json.get<Preprocessing>();
    detail::check_crop(found.decode());
    check_channels(found.samples(), input);
    return found;
  } catch (const nlohmann::json::exception& error) {
    throw FormatError(where + ": preprocessing: " + error.what());
  } catch (const OptionError& error) {
    throw FormatError(where + ": preprocessing: " + error.what());
  }
}

}  // namespace abell
