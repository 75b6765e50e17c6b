#pragma once
/// Simulated candidates: every number of an object is a function of (seed, object number) alone.

#include <abell/core/error.hpp>
#include <abell/core/random.hpp>
#include <abell/core/shape.hpp>
#include <abell/sky/catalogue.hpp>
#include <abell/sky/detection.hpp>
#include <abell/sky/optical.hpp>
#include <abell/sky/population.hpp>
#include <abell/sky/xray.hpp>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace abell::sky {

/// Size of the images: 6' x 6' at 1.01", channels empty, optical, X-ray.
inline constexpr Shape image_shape{plate_side, plate_side, 3};

/// Class and part of the set of one object.
struct Role {
  Category category = Category::low_z;
  bool test = false;
};

/// Even objects are clusters, odd ones are not, and of ten such pairs the second is in the test set.
/// Counted within its part and kind, three of five clusters are low-z, and of ten others four are
/// point sources, three galaxies and three of class other: 30, 20, 20, 15 and 15 % in all.
constexpr Role role_of(std::uint32_t object) {
  constexpr std::array<Category, 5> clusters{Category::low_z, Category::hi_z, Category::low_z, Category::hi_z,
                                             Category::low_z};
  constexpr std::array<Category, 10> others{Category::point,  Category::galaxy, Category::other, Category::point,
                                            Category::galaxy, Category::other,  Category::point, Category::galaxy,
                                            Category::other,  Category::point};
  const std::uint32_t pair = object / 2;
  const bool test = pair % 10 == 1;
  const std::uint32_t rank = test ? pair / 10 : pair - (pair + 8) / 10;
  return {object % 2 == 0 ? clusters[rank % 5] : others[rank % 10], test};
}

/// One simulated candidate.
struct Candidate {
  Role role;
  Target target;
  Observation observation;
  Detection detection;
  Catalogue catalogue;
  XrayImage xray;
  SkyPosition pointing;              ///< where the centre of the image lies
  int attempts = 0;                  ///< draws until one passed the cut
  std::vector<float> plate;          ///< levels of the scanned plate, plate_side x plate_side
  std::vector<std::uint8_t> pixels;  ///< image_shape, channels interleaved
};

struct SimulationOptions {
  DetectionCut cut;
  std::vector<Camera> cameras{pn};  ///< whose images are added; the public set was made from pn images
  int most_attempts = 10000;        ///< draws of one object before giving up
};

namespace detail {
enum Stage : std::uint32_t { xray_stage, catalogue_stage, plate_stage, pointing_stage };
}

/// Object number `object` of the set of `seed` but for its plate and pixels: drawn again until it passes the
/// detection cut. Throws NumericError when none of most_attempts draws does (a cut that nothing passes).
inline Candidate draw_candidate(std::uint64_t seed, std::uint32_t object, const SimulationOptions& options = {}) {
  Candidate candidate;
  candidate.role = role_of(object);

  Random xray(seed, {Purpose::simulate, detail::xray_stage, object});
  std::vector<XraySource> nuclei;
  do {
    if (candidate.attempts++ == options.most_attempts) {
      throw NumericError("object " + std::to_string(object) + " of class " +
                         std::string(name_of(candidate.role.category)) + ": no draw passes the detection cut");
    }
    candidate.observation = draw_observation(xray);
    candidate.target = draw_target(xray, candidate.role.category, candidate.observation);
    nuclei = draw_nuclei(xray);
    candidate.xray = observe(xray, candidate.observation, candidate.target.sources, nuclei, options.cameras);
    candidate.detection = detect(candidate.xray);
  } while (!options.cut.passes(candidate.detection));

  Random sky(seed, {Purpose::simulate, detail::catalogue_stage, object});
  candidate.catalogue = draw_catalogue(sky, candidate.target, nuclei);
  Random pointing(seed, {Purpose::simulate, detail::pointing_stage, object});
  candidate.pointing = draw_pointing(pointing);
  return candidate;
}

/// Object number `object` of the set of `seed`, as draw_candidate, with its plate and pixels.
inline Candidate simulate(std::uint64_t seed, std::uint32_t object, const SimulationOptions& options = {}) {
  Candidate candidate = draw_candidate(seed, object, options);
  Random grain(seed, {Purpose::simulate, detail::plate_stage, object});
  const Plate plate = draw_plate(grain);
  candidate.plate = expose(grain, plate, candidate.catalogue);
  const std::vector<std::uint8_t> optical = stretched(plate, candidate.plate);
  const std::vector<std::uint8_t> counts = stretched(candidate.xray);

  candidate.pixels.resize(image_shape.size());
  for (int row = 0; row < plate_side; ++row) {
    for (int column = 0; column < plate_side; ++column) {
      const auto pixel = static_cast<std::size_t>(row * plate_side + column);
      const Position at{(column - (plate_side - 1) / 2.0) * plate_pixel, (row - (plate_side - 1) / 2.0) * plate_pixel};
      candidate.pixels[3 * pixel + 1] = optical[pixel];
      candidate.pixels[3 * pixel + 2] = counts[static_cast<std::size_t>(pixel_of(at))];
    }
  }
  return candidate;
}

}  // namespace abell::sky
