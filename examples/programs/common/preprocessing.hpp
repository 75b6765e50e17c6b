#pragma once
/// How the programs turn files into the network's input: one record, kept in the model file and
/// applied again at classification.

#include <CLI/CLI.hpp>
#include <abell/data/cached_samples.hpp>
#include <abell/data/decode.hpp>
#include <abell/weights/model.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "band_options.hpp"
#include "max_megapixels.hpp"
#include "program.hpp"

namespace abell::program {

struct Preprocessing {
  std::string resize = "bilinear";  ///< bilinear, nearest or crop
  double crop = 1;                  ///< share of each side cut from the centre before resizing
  std::string nan = "zero";         ///< masked pixels: zero, median or error
  std::string channels = "both";    ///< both, optical or xray
  std::string scale = "unit";       ///< unit (x / 255), symmetric (x / 127.5 - 1) or standard (mean 0, variance 1)
  Bands bands = {};                 ///< smoothing, filter, interval and stretch of each band
  double max_megapixels = default_max_megapixels;  ///< of a file; of this run, and not in the record

  DecodeOptions decode() const { return {parse_resize(resize), crop, parse_mask_policy(nan), bands, max_megapixels}; }
  CachedSamplesOptions samples() const {
    if (scale != "unit" && scale != "symmetric" && scale != "standard") {
      throw OptionError("--scale: expected unit, symmetric or standard, found '" + scale + "'");
    }
    CachedSamplesOptions options;
    options.scale = scale == "symmetric" ? symmetric_scale : unit_scale;
    options.standardise = scale == "standard";
    options.channels = parse_channels(channels);
    return options;
  }
};

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Preprocessing, resize, crop, nan, channels, scale, bands)

/// The record in a model file; `where` names it in errors. Throws FormatError for values of another
/// type or meaning.
inline Preprocessing read_preprocessing(const nlohmann::json& json, const std::string& where) {
  try {
    auto found = json.get<Preprocessing>();
    found.decode();
    found.samples();
    if (!(found.crop > 0 && found.crop <= 1)) throw OptionError("expected a crop above 0 and up to 1");
    return found;
  } catch (const nlohmann::json::exception& error) {
    throw FormatError(where + ": preprocessing: " + error.what());
  } catch (const OptionError& error) {
    throw FormatError(where + ": preprocessing: " + error.what());
  }
}

/// The classes that counted as clusters in the set that a model was trained on, which stand in the
/// same record. Throws FormatError.
inline std::vector<std::string> read_positive(const nlohmann::json& json, const std::string& where) {
  try {
    return json.value("positive", std::vector<std::string>());
  } catch (const nlohmann::json::exception& error) {
    throw FormatError(where + ": preprocessing: " + error.what());
  }
}

/// The numbers under `key` for each target of a model that gives numbers, which stand in the same record. Throws
/// FormatError.
inline std::vector<double> read_target_numbers(const ModelInfo& info, const char* key, const std::string& where) {
  std::vector<double> numbers;
  try {
    numbers = info.preprocessing.value(key, numbers);
  } catch (const nlohmann::json::exception& error) {
    throw FormatError(where + ": preprocessing: " + error.what());
  }
  if (numbers.size() != info.targets.size()) {
    throw FormatError(where + ": preprocessing: expected " + key + " of " + std::to_string(info.targets.size()) +
                      " targets, found " + std::to_string(numbers.size()));
  }
  return numbers;
}

/// All but --scale, whose default depends on the network.
inline void add_preprocessing(CLI::App& app, Preprocessing& options) {
  app.add_option("--channels", options.channels,
                 "Channels of [empty or third band, optical, X-ray] that the network sees")
      ->check(CLI::IsMember({"both", "optical", "xray"}))
      ->capture_default_str();
  app.add_option("--resize", options.resize, "How images come to the network's size")
      ->check(CLI::IsMember({"bilinear", "nearest", "crop"}))
      ->capture_default_str();
  app.add_option("--crop", options.crop, "Share of each side that is cut from the centre before resizing")
      ->check(within(0.01, 1))
      ->capture_default_str();
  app.add_option("--nan", options.nan, "What NaN and BLANK pixels of FITS images become")
      ->check(CLI::IsMember({"zero", "median", "error"}))
      ->capture_default_str();
  add_bands(app, options.bands);
  add_max_megapixels(app, options.max_megapixels);
}

}  // namespace abell::program
