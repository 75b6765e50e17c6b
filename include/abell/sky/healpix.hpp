#pragma once
/// The cells of HEALPix in their nested order (Gorski et al. 2005, ApJ 622, 759).

#include <abell/images/sky_position.hpp>
#include <algorithm>
#include <cmath>
#include <cstdint>

namespace abell::sky {

/// The finest order: 12 * 4^29 cells.
inline constexpr int max_healpix_order = 29;

/// Degrees: the root of the area of a cell.
inline double healpix_side(int order) {
  return std::ldexp(std::sqrt(std::numbers::pi / 3) * 180 / std::numbers::pi, -order);
}

namespace detail {

/// The bits of a number of 32 bits, each with a 0 before it.
inline std::uint64_t spread_bits(std::uint64_t bits) {
  bits = (bits | bits << 16U) & 0x0000FFFF0000FFFFU;
  bits = (bits | bits << 8U) & 0x00FF00FF00FF00FFU;
  bits = (bits | bits << 4U) & 0x0F0F0F0F0F0F0F0FU;
  bits = (bits | bits << 2U) & 0x3333333333333333U;
  return (bits | bits << 1U) & 0x5555555555555555U;
}

/// What `spread_bits` spread: every second bit, from the lowest on.
inline std::uint64_t gather_bits(std::uint64_t bits) {
  bits &= 0x5555555555555555U;
  bits = (bits | bits >> 1U) & 0x3333333333333333U;
  bits = (bits | bits >> 2U) & 0x0F0F0F0F0F0F0F0FU;
  bits = (bits | bits >> 4U) & 0x00FF00FF00FF00FFU;
  bits = (bits | bits >> 8U) & 0x0000FFFF0000FFFFU;
  return (bits | bits >> 16U) & 0x00000000FFFFFFFFU;
}

}  // namespace detail

/// The cell of `order` that a position lies in, which is finite.
inline std::uint64_t healpix_cell(int order, const SkyPosition& position) {
  const std::int64_t side = std::int64_t{1} << order, last = side - 1;  // cells along a base cell
  const auto cells = [&](double share) { return static_cast<std::int64_t>(share * static_cast<double>(side)); };
  double quarters = position.ra / 90 - 4 * std::floor(position.ra / 360);
  if (quarters >= 4) quarters = 0;
  const double z = std::sin(position.dec * degree);
  std::int64_t base = 0, x = 0, y = 0;  // x to the North-East, y to the North-West
  if (std::abs(z) <= 2.0 / 3) {
    const std::int64_t rising = cells(0.5 + quarters - 0.75 * z), falling = cells(0.5 + quarters + 0.75 * z);
    const std::int64_t west = rising >> order, east = falling >> order;  // base cells
    base = west == east ? 4 + west % 4 : west < east ? west % 4 : 8 + east % 4;
    x = falling & last;
    y = last - (rising & last);
  } else {
    const auto quarter = static_cast<std::int64_t>(quarters);
    const double within = quarters - static_cast<double>(quarter);
    const double from_pole = std::sqrt(6.0) * std::sin((90 - std::abs(position.dec)) / 2 * degree);
    const std::int64_t west = std::min(last, cells(within * from_pole));
    const std::int64_t east = std::min(last, cells((1 - within) * from_pole));
    base = z > 0 ? quarter : 8 + quarter;
    x = z > 0 ? last - east : west;
    y = z > 0 ? last - west : east;
  }
  return (static_cast<std::uint64_t>(base) << 2 * order) + detail::spread_bits(static_cast<std::uint64_t>(x)) +
         (detail::spread_bits(static_cast<std::uint64_t>(y)) << 1U);
}

/// The centre of a cell of `order`.
inline SkyPosition healpix_centre(int order, std::uint64_t cell) {
  const int base = static_cast<int>(cell >> 2 * order), row = base / 4;  // of base cells, from the North
  const auto share = [&](std::uint64_t bits) {
    return std::ldexp(static_cast<double>(detail::gather_bits(bits)) + 0.5, -order);
  };
  const std::uint64_t within = cell & ((std::uint64_t{1} << 2 * order) - 1);
  const double x = share(within), y = share(within >> 1U);
  const double height = (x + y - row) / 2;  // 1/2 where the polar caps begin, 1 at the pole
  const double middle = base % 4 + (row == 1 ? 0 : 0.5);
  double quarters = middle + (x - y) / 2, dec = std::asin(std::clamp(height * 4 / 3, -1.0, 1.0)) / degree;
  if (std::abs(height) > 0.5) {
    const double from_pole = 2 * (1 - std::abs(height));
    quarters = middle + (x - y) / 2 / from_pole;
    dec = std::copysign(90 - 2 * std::asin(from_pole / std::sqrt(6.0)) / degree, height);
  }
  return {90 * (quarters < 0 ? quarters + 4 : quarters), dec};
}

}  // namespace abell::sky
