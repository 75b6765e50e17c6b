#pragma once
/// The object at the centre of an image, and the deviates that draw it.

#include <abell/core/random.hpp>
#include <abell/sky/sources.hpp>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <string_view>
#include <vector>

namespace abell::sky {

/// The classes of Kosiba et al. (2020); the first two are clusters.
enum class Category { low_z, hi_z, galaxy, point, other };

inline constexpr std::array<std::string_view, 5> category_names{"low-z", "hi-z", "galaxy", "point", "other"};

constexpr std::string_view name_of(Category category) { return category_names[static_cast<std::size_t>(category)]; }
constexpr bool is_cluster(Category category) { return category == Category::low_z || category == Category::hi_z; }

/// Redshift that parts low-z from hi-z clusters: beyond it the plate shows hardly more than the
/// brightest member.
inline constexpr double redshift_limit = 0.4;

/// The object at the centre of an image; numbers that do not apply are 0.
struct Target {
  Category category = Category::low_z;
  std::string_view kind;  ///< relaxed, merger, single, double, spiral, star, gap, ...
  double redshift = 0;
  double mass = 0;         ///< M500 in solar masses
  double flux = 0;         ///< 0.5-2 keV, erg/cm2/s, all parts
  double core_radius = 0;  ///< arcsec
  double axis_ratio = 1;
  double angle = 0;
  double optical_radius = 0;  ///< half-light radius of a nearby galaxy, arcsec
  double magnitude = 0;       ///< R of a nearby galaxy or a star
  std::vector<XraySource> sources;
};

namespace detail {

inline double log_normal(Random& random, double median, double sigma) {
  return median * std::exp(sigma * random.normal());
}
inline double log_uniform(Random& random, double from, double to) {
  return from * std::pow(to / from, random.uniform());
}
/// Flux with N(>S) ~ 1/S between two limits: many faint, few bright.
inline double draw_flux(Random& random, double from, double to) { return 1 / random.uniform(1 / to, 1 / from); }
inline Position polar(double radius, double angle) { return {radius * std::cos(angle), radius * std::sin(angle)}; }
inline double any_angle(Random& random) { return random.uniform(0, 2 * std::numbers::pi); }
/// Gamma deviate of a whole shape and scale 1: the sum of as many exponential ones.
inline double gamma(Random& random, int shape) {
  double sum = 0;
  for (int i = 0; i < shape; ++i) sum -= std::log1p(-random.uniform());
  return sum;
}

}  // namespace detail
}  // namespace abell::sky
