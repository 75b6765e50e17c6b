#pragma once
/// --max-megapixels: images that are larger are refused before they are decoded.

#include "program.hpp"

namespace abell::program {

inline void add_max_megapixels(CLI::App& app, double& megapixels) {
  app.add_option("--max-megapixels", megapixels, "Images of more than this are refused before they are decoded")
      ->check(within(0.0001, 400))
      ->capture_default_str();
}

}  // namespace abell::program
