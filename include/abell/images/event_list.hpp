#pragma once
/// Event lists, which become images when they are binned.

#include <abell/core/error.hpp>
#include <abell/images/fits_cards.hpp>
#include <abell/images/fits_grammar.hpp>
#include <abell/images/fits_library.hpp>
#include <abell/images/fits_name.hpp>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>
#include <string>

namespace abell {

/// An event list as an image: the name under which it is read, and the side of its pixels.
struct BinnedEvents {
  std::string name;
  double arcsec = 0;
};

namespace detail {

/// The degrees of a pixel in the column X of a table of events; null without columns X and Y, 0 without a size.
inline std::optional<double> event_pixel(const FitsCards& cards) {
  const auto column = [&](const char* upper, const char* lower) {
    const int columns = static_cast<int>(std::clamp(cards.number("TFIELDS").value_or(0), 0.0, 999.0));
    for (int i = 1; i <= columns; ++i) {
      const std::string name = cards.text("TTYPE" + std::to_string(i));
      if (name == upper || name == lower) return i;
    }
    return 0;
  };
  const int x = column("X", "x");
  if (x == 0 || column("Y", "y") == 0) return std::nullopt;
  const auto size = cards.number("TCDLT" + std::to_string(x));
  return std::abs(size ? *size : cards.number("REFXCDLT").value_or(0));
}

}  // namespace detail

/// How an event list that is not binned in its name is binned by its columns X and Y to pixels of about `arcsec`: a
/// whole number of its own ones. Null for files with an image and for all that is no event list. Throws as FitsFile
/// does, and FormatError for events whose pixels have no size.
inline std::optional<BinnedEvents> binned_events(const std::filesystem::path& path, double arcsec) {
  const auto lock = detail::lock_fits();
  const FitsBrackets brackets = fits_brackets(path);
  if (!brackets.bins.empty() || !brackets.section.empty()) return std::nullopt;
  const std::string name = path.string();
  const auto file = detail::open_fits(path);
  const bool chosen = !brackets.extension.empty() || !brackets.filter.empty();
  int status = 0, units = 0, first = 1;
  fits_get_num_hdus(file.get(), &units, &status);
  if (chosen) fits_get_hdu_num(file.get(), &first);
  std::optional<double> size;
  int table = 0;
  for (int unit = first; unit <= (chosen ? first : units) && status == 0; ++unit) {
    int type = 0, axes = 0;
    fits_movabs_hdu(file.get(), unit, &type, &status);
    if (type == IMAGE_HDU) fits_get_img_dim(file.get(), &axes, &status);
    if (status == 0 && (axes > 0 || fits_is_compressed_image(file.get(), &status) != 0)) return std::nullopt;
    if (type != BINARY_TBL || size) continue;
    size = detail::event_pixel(detail::FitsCards(detail::header_of(file.get(), name)));
    table = unit - 1;
  }
  detail::check_fits(status, name, "cannot move to the next HDU");
  if (!size) return std::nullopt;
  if (!(*size > 0))
    throw FormatError(name + ": expected the size of the events' pixels (TCDLT or REFXCDLT), found none");
  const double pixels = std::clamp(std::round(arcsec / (*size * 3600)), 1.0, 1e6);
  const std::string bins = "[bin (X,Y)=::" + std::to_string(std::lround(pixels)) + "]";
  return BinnedEvents{name + (chosen ? "" : "[" + std::to_string(table) + "]") + bins, pixels * *size * 3600};
}

}  // namespace abell
