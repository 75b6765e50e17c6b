#pragma once
/// How files become a network's input, as options of the programs.

#include <CLI/CLI.hpp>
#include <abell/data/preprocessing.hpp>
#include <string>

#include "band_options.hpp"
#include "max_megapixels.hpp"
#include "program.hpp"

namespace abell::program {

/// All but --scale, whose default depends on the network.
inline void add_preprocessing(CLI::App& app, Preprocessing& options) {
  app.add_option("--channels", options.channels,
                 "Channels of [empty or third band, optical, X-ray] that the network sees")
      ->transform(one_of({"both", "optical", "xray"}))
      ->capture_default_str();
  app.add_option("--resize", options.resize, "How images are brought to the network's size")
      ->transform(one_of({"bilinear", "nearest", "crop"}))
      ->capture_default_str();
  app.add_option("--crop", options.crop, "Share of each side that is cut from the centre before resizing")
      ->check(within(0.01, 1))
      ->capture_default_str();
  app.add_option("--nan", options.nan, "What NaN and BLANK pixels of FITS images become")
      ->transform(one_of({"zero", "median", "error"}))
      ->capture_default_str();
  add_bands(app, options.bands);
  add_max_megapixels(app, options.max_megapixels);
}

}  // namespace abell::program
