#include <abell/core/parallel.hpp>
#include <abell/sky/simulate.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "catch.hpp"

using namespace abell;
using namespace abell::sky;

namespace {

Random stream(std::uint32_t number) { return Random(11, {Purpose::user, 0, number}); }

/// Share of photons within each radius.
template <class Draw>
std::vector<double> shares_within(const std::vector<double>& radii, int photons, Draw draw) {
  std::vector<double> shares(radii.size());
  for (int photon = 0; photon < photons; ++photon) {
    const Position at = draw();
    const double radius = std::hypot(at.x, at.y);
    for (std::size_t i = 0; i < radii.size(); ++i) shares[i] += radius < radii[i] ? 1.0 / photons : 0;
  }
  return shares;
}

double mean_members(const std::vector<Candidate>& candidates, Category category) {
  double sum = 0;
  int number = 0;
  for (const Candidate& candidate : candidates) {
    if (candidate.role.category != category) continue;
    sum += candidate.catalogue.visible_members;
    ++number;
  }
  return sum / number;
}

/// The first 80 objects of seed 4, made once.
const std::vector<Candidate>& candidates() {
  static const std::vector<Candidate> all = [] {
    std::vector<Candidate> result(80);
    parallel_for(80, 2, [&](int object, int) {
      result[static_cast<std::size_t>(object)] = simulate(4, static_cast<std::uint32_t>(object));
    });
    return result;
  }();
  return all;
}

}  // namespace

TEST_CASE("The point spread function holds the measured shares of energy", "[sky]") {
  // Measured 5' off axis, relative to 40 arcsec.
  const std::vector<double> radii{6.5, 8.7, 13, 17.4, 26, 40};
  const std::array<double, 5> measured{0.475, 0.60, 0.77, 0.865, 0.947};
  Observation observation;
  observation.off_axis = {180, -240};
  Random random = stream(1);
  const auto drawn = shares_within(radii, 200000, [&] { return scattered(random, observation, {}); });
  for (std::size_t i = 0; i < measured.size(); ++i) {
    INFO("radius " << radii[i]);
    CHECK(encircled_energy(radii[i]) / encircled_energy(40) == Approx(measured[i]).margin(0.022));
    CHECK(drawn[i] / drawn.back() == Approx(measured[i]).margin(0.03));
  }
  CHECK(encircled_energy(king_limit) == Approx(1));
}

TEST_CASE("Far off axis the point spread function stretches across the radius", "[sky]") {
  Observation observation;
  observation.off_axis = {720, 0};
  Random random = stream(2);
  std::vector<double> along;
  std::vector<double> across;
  for (int photon = 0; photon < 40000; ++photon) {
    const Position at = scattered(random, observation, {});
    along.push_back(std::abs(at.x));
    across.push_back(std::abs(at.y));
  }
  const auto median = [](std::vector<double>& values) {
    std::nth_element(values.begin(), values.begin() + 20000, values.end());
    return values[20000];
  };
  CHECK(median(along) / median(across) == Approx(0.6).epsilon(0.05));
}

TEST_CASE("Vignetting falls as measured", "[sky]") {
  CHECK(vignetting(0) == 1);
  // Means of real exposure maps of pn and MOS, relative to 0.5'.
  const std::array<double, 6> measured{0.942, 0.846, 0.729, 0.606, 0.504, 0.414};
  for (std::size_t i = 0; i < measured.size(); ++i) {
    const double arcmin = 2.5 + 2 * static_cast<double>(i);
    INFO(arcmin << " arcmin");
    CHECK(vignetting(arcmin) / vignetting(0.5) == Approx(measured[i]).epsilon(0.03));
  }
}

TEST_CASE("Photons of a cluster follow the beta-model", "[sky]") {
  XraySource source;
  source.profile = Profile::beta;
  source.scale = 20;
  source.limit = 200;
  Random random = stream(3);
  const std::vector<double> radii{5, 10, 20, 40, 80, 160, 200.001};
  const auto drawn = shares_within(radii, 200000, [&] { return emitted(random, source); });
  const auto share = [&](double radius) { return 1 - 1 / std::sqrt(1 + std::pow(radius / source.scale, 2)); };
  for (std::size_t i = 0; i < radii.size(); ++i) {
    CHECK(drawn[i] == Approx(share(std::min(radii[i], 200.0)) / share(200)).margin(0.004));
  }

  source.profile = Profile::exponential;
  CHECK(shares_within({20}, 100000, [&] { return emitted(random, source); })[0] == Approx(0.5).margin(0.006));
  source.axis_ratio = 0.5;
  double x2 = 0;
  double y2 = 0;
  for (int photon = 0; photon < 50000; ++photon) {
    const Position at = emitted(random, source);
    x2 += at.x * at.x;
    y2 += at.y * at.y;
  }
  CHECK(std::sqrt(y2 / x2) == Approx(0.5).epsilon(0.03));
}

TEST_CASE("Counts are Poisson about the expected background and flux", "[sky]") {
  Observation observation;
  observation.exposure = 2e4;
  observation.chip = {140, 300};
  const std::array<Camera, 1> camera{pn};
  double sum = 0;
  double squares = 0;
  double expected = 0;
  for (std::uint32_t field = 0; field < 20; ++field) {
    Random random = stream(100 + field);
    const XrayImage image = observe(random, observation, {}, {}, camera);
    for (std::size_t pixel = 0; pixel < image.counts.size(); ++pixel) {
      const double mean = static_cast<double>(image.background[pixel]);
      const double off = image.counts[pixel] - mean;
      sum += image.counts[pixel];
      squares += off * off;
      expected += mean;
    }
  }
  // Sum and scatter both equal the mean within four deviations.
  CHECK(sum == Approx(expected).margin(4 * std::sqrt(expected)));
  CHECK(squares == Approx(expected).epsilon(0.03));
  // 3.3e-3 counts/s/arcmin2 on axis, less towards the borders and on bad columns.
  const double level = expected / 20 / 36 / observation.exposure;
  CHECK(level > 2.9e-3);
  CHECK(level < 3.3e-3);

  XraySource source;
  source.flux = 1e-13;
  double counts = 0;
  for (std::uint32_t field = 0; field < 10; ++field) {
    Random random = stream(200 + field);
    counts += static_cast<double>(observe(random, observation, {&source, 1}, {}, camera).target_counts) / 10;
  }
  const double photons = source.flux * observation.exposure / pn.energy_per_count;
  CHECK(counts < photons);
  CHECK(counts > 0.9 * photons);
}

TEST_CASE("The chips of the pn camera leave gaps and edges", "[sky]") {
  Observation observation;
  CHECK(on_live_chip(observation, {100, 100}));
  CHECK_FALSE(on_live_chip(observation, {0, 100}));
  CHECK_FALSE(on_live_chip(observation, {100, -3}));
  CHECK_FALSE(on_live_chip(observation, {-271, 100}));
  CHECK_FALSE(on_live_chip(observation, {100, 830}));
  CHECK_FALSE(on_live_chip(observation, {820, 100}));
  observation.bad_columns = {98.4};
  CHECK_FALSE(on_live_chip(observation, {100, 100}));
  const Observation aimed;
  CHECK(on_live_chip(mos, aimed, pn_axis));
  CHECK(on_live_chip(mos, aimed, {pn_axis.x, pn_axis.y + 400}));
  CHECK_FALSE(on_live_chip(mos, aimed, {pn_axis.x, pn_axis.y + 331}));
  CHECK_FALSE(on_live_chip(mos, aimed, {pn_axis.x - 329, pn_axis.y}));
  CHECK_FALSE(on_live_chip(mos, aimed, {pn_axis.x + 500, pn_axis.y + 1}));
  CHECK(on_live_chip(mos, aimed, {pn_axis.x + 500, pn_axis.y + 331}));
  CHECK(pixel_of({-180, -180}) == 0);
  CHECK(pixel_of({179.9, 179.9}) == xray_side * xray_side - 1);
  CHECK(pixel_of({180, 0}) == -1);
  CHECK(pixel_of({std::nan(""), 0}) == -1);
}

TEST_CASE("Mass, redshift, flux and core radius of a cluster agree", "[sky]") {
  // M500 = 1e14 at z = 0.3: 1e-13 erg/cm2/s, 0.11 counts/s in the three cameras, rc = 21 arcsec.
  const double flux = cluster_flux(1e14, 0.3);
  CHECK(flux == Approx(1e-13).epsilon(0.1));
  double rate = 0;
  for (const Camera& camera : epic) rate += flux / camera.energy_per_count;
  CHECK(rate == Approx(0.11).epsilon(0.1));
  CHECK(core_radius_arcsec(1e14, 0.3) == Approx(21).epsilon(0.03));
  CHECK(cluster_mass(cluster_flux(3e14, 0.7), 0.7) == Approx(3e14));
  // Comoving distances for H0 = 70, Omega_m = 0.3 (Hogg 1999, integrated with high precision).
  CHECK(comoving_distance(0.5) == Approx(1888.6).epsilon(2e-4));
  CHECK(comoving_distance(1.0) == Approx(3303.8).epsilon(2e-4));
  CHECK(magnitude_star(0.05) == Approx(15.4).margin(0.15));
  CHECK(magnitude_star(0.2) == Approx(18.7).margin(0.15));
  CHECK(magnitude_star(0.5) == Approx(21.3).margin(0.15));
  CHECK(magnitude_star(0.8) == Approx(23.2).margin(0.15));
}

TEST_CASE("Clusters are drawn as the surveys find them", "[sky]") {
  Random random = stream(12);
  std::vector<double> redshifts;
  std::vector<double> fluxes;
  int near = 0;
  for (int i = 0; i < 20000; ++i) {
    const SurveyEntry entry = draw_efeds(random);
    redshifts.push_back(entry.redshift);
    fluxes.push_back(entry.flux);
    near += entry.redshift < redshift_limit ? 1 : 0;
  }
  std::ranges::sort(redshifts);
  std::ranges::sort(fluxes);
  // Quartiles of the catalogue: 0.246, 0.353, 0.512 and 2.95e-14, 4.84e-14, 9.0e-14.
  CHECK(redshifts[5000] == Approx(0.246).epsilon(0.1));
  CHECK(redshifts[10000] == Approx(0.353).epsilon(0.1));
  CHECK(redshifts[15000] == Approx(0.512).epsilon(0.1));
  CHECK(fluxes[5000] == Approx(2.95e-14).epsilon(0.1));
  CHECK(fluxes[10000] == Approx(4.84e-14).epsilon(0.1));
  CHECK(fluxes[15000] == Approx(9.0e-14).epsilon(0.1));
  CHECK(near / 20000.0 == Approx(0.585).margin(0.04));
}

TEST_CASE("Exposure maps hold the time, the vignetting and the gaps", "[sky]") {
  Observation observation;
  observation.exposure = 1e4;
  aim(observation, {0, 240});
  Random random = stream(13);
  const XrayImage image = observe(random, observation, {}, {}, std::array{pn});
  const std::size_t middle = std::size_t{45} * xray_side + 45;
  CHECK(static_cast<double>(image.exposure[middle]) == Approx(1e4 * vignetting(4)).epsilon(0.01));
  CHECK(*std::ranges::min_element(image.exposure) == 0);  // the gap beside the axis
  const XrayImage all = observe(random, observation, {}, {}, epic);
  CHECK(static_cast<double>(all.exposure[middle]) == Approx(3e4 * vignetting(4)).epsilon(0.01));
}

TEST_CASE("Pointings avoid the plane of the Galaxy", "[sky]") {
  Random random = stream(14);
  int north = 0;
  for (int i = 0; i < 2000; ++i) {
    const SkyPosition at = draw_pointing(random);
    CHECK(at.ra >= 0);
    CHECK(at.ra < 360);
    // The centre of the Galaxy and its anticentre are far.
    CHECK(std::hypot(at.dec + 28.9, (at.ra - 266.4) * 0.875) > 19);
    north += at.dec > 0 ? 1 : 0;
  }
  CHECK(north > 850);
  CHECK(north < 1150);
}

TEST_CASE("Active nuclei follow the counts of Moretti et al.", "[sky]") {
  // As computed from the published formula.
  CHECK(nuclei_above(1e-14) == Approx(125.76).epsilon(1e-3));
  CHECK(nuclei_above(5e-16) == Approx(1209.9).epsilon(1e-3));
  double all = 0;
  double bright = 0;
  constexpr int fields = 2000;
  for (std::uint32_t field = 0; field < fields; ++field) {
    Random random = stream(1000 + field);
    for (const XraySource& nucleus : draw_nuclei(random)) {
      ++all;
      bright += nucleus.flux > 1e-14 ? 1 : 0;
    }
  }
  const double area = std::pow((field_arcsec + 120) / 3600, 2) * fields;
  CHECK(all / area == Approx(nuclei_above(5e-16)).epsilon(0.03));
  CHECK(bright / area == Approx(nuclei_above(1e-14)).epsilon(0.06));
}

TEST_CASE("The detection tells extended sources from points", "[sky]") {
  Observation observation;
  observation.chip = {140, 300};
  observation.off_axis = {0, 300};
  const std::array<Camera, 1> camera{pn};
  XraySource point;
  point.flux = 1e-13;
  XraySource cluster = point;
  cluster.profile = Profile::beta;
  cluster.scale = 20;
  cluster.limit = 150;
  Random random = stream(5);
  const Detection nothing = detect(observe(random, observation, {}, {}, camera));
  const Detection narrow = detect(observe(random, observation, {&point, 1}, {}, camera));
  const Detection wide = detect(observe(random, observation, {&cluster, 1}, {}, camera));
  const DetectionCut cut;
  CHECK(nothing.detection_likelihood < 15);
  CHECK(narrow.detection_likelihood > 1000);
  CHECK(narrow.extent_likelihood < 15);
  CHECK(wide.extent_likelihood > 200);
  CHECK(wide.extent >= 12);
  CHECK(wide.extent <= 27);
  CHECK_FALSE(cut.passes(nothing));
  CHECK_FALSE(cut.passes(narrow));
  CHECK(cut.passes(wide));
}

TEST_CASE("Classes and parts of a set are exact", "[sky]") {
  for (const std::uint32_t objects : {20U, 200U, 1700U}) {
    int test = 0;
    std::map<bool, int> clusters;
    std::map<Category, double> mix;
    for (std::uint32_t object = 0; object < objects; ++object) {
      const Role role = role_of(object);
      test += role.test ? 1 : 0;
      clusters[role.test] += is_cluster(role.category) ? 1 : 0;
      mix[role.category] += 1.0 / objects;
    }
    INFO(objects << " objects");
    CHECK(test == static_cast<int>(objects) / 10);
    CHECK(clusters[true] == test / 2);
    CHECK(clusters[false] == static_cast<int>(objects) * 9 / 20);
    const double tolerance = objects == 1700 ? 0.0021 : 0.051;
    CHECK(mix[Category::low_z] == Approx(0.30).margin(tolerance));
    CHECK(mix[Category::hi_z] == Approx(0.20).margin(tolerance));
    CHECK(mix[Category::point] == Approx(0.20).margin(tolerance));
    CHECK(mix[Category::galaxy] == Approx(0.15).margin(tolerance));
    CHECK(mix[Category::other] == Approx(0.15).margin(tolerance));
  }
  std::set<Category> in_test;
  for (std::uint32_t object = 0; object < 200; ++object) {
    if (role_of(object).test) in_test.insert(role_of(object).category);
  }
  CHECK(in_test.size() == 5);
}

TEST_CASE("An object is a function of seed and number alone", "[sky]") {
  std::array<std::vector<Candidate>, 2> sets;
  for (int threads = 1; threads <= 2; ++threads) {
    auto& set = sets[static_cast<std::size_t>(threads - 1)];
    set.resize(6);
    parallel_for(6, 2 * threads - 1, [&](int object, int) {
      set[static_cast<std::size_t>(object)] = simulate(9, static_cast<std::uint32_t>(object));
    });
  }
  for (std::size_t object = 0; object < 6; ++object) {
    CHECK(sets[0][object].pixels == sets[1][object].pixels);
    CHECK(sets[0][object].target.flux == sets[1][object].target.flux);
    CHECK(sets[0][object].pixels != candidates()[object].pixels);
  }
}

TEST_CASE("Simulated images show something and pass the cut", "[sky][slow]") {
  for (const Candidate& candidate : candidates()) {
    INFO(name_of(candidate.role.category) << ", " << candidate.target.kind);
    REQUIRE(candidate.pixels.size() == image_shape.size());
    CHECK(DetectionCut{}.passes(candidate.detection));
    CHECK(candidate.target.flux > 0);
    std::array<std::set<int>, 3> values;
    for (std::size_t i = 0; i < candidate.pixels.size(); ++i) values[i % 3].insert(candidate.pixels[i]);
    CHECK(values[0] == std::set<int>{0});
    CHECK(values[1].size() > 50);
    CHECK(values[2].size() > 30);
    if (!is_cluster(candidate.role.category)) continue;
    CHECK((candidate.target.redshift < redshift_limit) == (candidate.role.category == Category::low_z));
    CHECK(candidate.target.mass >= 1e13);
    CHECK(candidate.target.mass < 3e15);
    CHECK(candidate.target.core_radius >= 5);
    CHECK(candidate.target.core_radius <= 60);
  }
}

TEST_CASE("Near clusters show more members than distant ones", "[sky][slow]") {
  const double near = mean_members(candidates(), Category::low_z);
  const double far = mean_members(candidates(), Category::hi_z);
  CHECK(near > 6);
  CHECK(far < 2.5);
  CHECK(near > 4 * far);
}

TEST_CASE("Seeing and stamps keep the light of stars and galaxies", "[sky]") {
  sky::detail::PlateImage image(std::size_t{plate_side} * plate_side);
  sky::detail::add_point(image, {100.3, 120.8}, 5);
  Galaxy galaxy{{30, 40}, 18, 3};
  galaxy.sersic = 4;
  galaxy.axis_ratio = 0.7;
  sky::detail::add_galaxy(image, galaxy);
  const double light = 5 + sky::detail::light_of(18);
  const auto total = [&] { return std::accumulate(image.begin(), image.end(), 0.0); };
  CHECK(total() == Approx(light).epsilon(1e-4));
  sky::detail::apply_seeing(image, 2.5);
  CHECK(total() == Approx(light).epsilon(1e-3));

  // Half of the peak at half of the FWHM, along a row through a star on a pixel's centre.
  sky::detail::PlateImage star(image.size());
  sky::detail::add_point(star, {178, 178}, 1);
  const double fwhm = 8 * plate_pixel;
  sky::detail::apply_seeing(star, fwhm);
  const float* row = sky::detail::row_of(star, 178);
  CHECK(static_cast<double>(row[182] / row[178]) == Approx(0.5).margin(0.02));
}

TEST_CASE("The grain of an empty plate has the measured level and correlation", "[sky]") {
  Random random = stream(6);
  Plate plate;
  const std::vector<float> levels = expose(random, plate, {});
  const double mean = std::accumulate(levels.begin(), levels.end(), 0.0) / static_cast<double>(levels.size());
  double variance = 0;
  double lag = 0;
  for (std::size_t pixel = 0; pixel + 1 < levels.size(); ++pixel) {
    const double off = static_cast<double>(levels[pixel]) - mean;
    variance += off * off;
    lag += off * (static_cast<double>(levels[pixel + 1]) - mean);
  }
  const double sigma = std::sqrt(variance / static_cast<double>(levels.size()));
  CHECK(mean == Approx(plate.sky).epsilon(0.01));
  CHECK(sigma / plate.sky == Approx(plate.grain).epsilon(0.06));
  CHECK(lag / variance > 0.5);
  CHECK(lag / variance < 0.85);
}

TEST_CASE("A cut that nothing passes is an error", "[sky]") {
  SimulationOptions options;
  options.cut.extent = 1000;
  options.most_attempts = 3;
  CHECK_THROWS_AS(simulate(1, 0, options), NumericError);
}
