#pragma once
/// Sky coordinates in FITS headers through wcslib's parser.

#include <wcslib/wcs.h>
#include <wcslib/wcshdr.h>

#include <abell/core/error.hpp>
#include <abell/images/fits_tiles.hpp>
#include <abell/images/wcs_forms.hpp>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace abell {

namespace detail {

struct FreeWcs {
  void operator()(wcsprm* wcs) const {
    wcsfree(wcs);
    delete wcs;
  }
};
using WcsPointer = std::unique_ptr<wcsprm, FreeWcs>;

inline WcsPointer new_wcs() {
  WcsPointer wcs(new wcsprm{});
  wcs->flag = -1;
  return wcs;
}

inline void check_wcs(int status, const std::string& name) {
  if (status != 0) throw FormatError(name + ": sky coordinates: " + wcs_errmsg[status]);
}

/// Whether a header may tell coordinates of so many axes.
inline bool is_axis_count(long value) { return value >= 0 && value < 100; }

/// Whether the numbers in the name of a keyword, axes and orders, have up to two digits.
inline bool has_short_numbers(std::string_view keyword) {
  std::size_t digits = 0;
  for (const char c : keyword) {
    digits = c >= '0' && c <= '9' ? digits + 1 : 0;
    if (digits > 2) return false;
  }
  return true;
}

/// The cards of a header that have closed texts, and sensible numbers of axes. wcslib 7.12 crashed on some headers, and
/// took much memory for others.
inline std::string closed_cards(const std::string& header) {
  std::string kept;
  for (std::size_t at = 0; at + 80 <= header.size(); at += 80) {
    const std::string card = header.substr(at, 80);
    std::size_t quote = card.find_first_not_of(' ', 9);
    bool closed = card[8] != '=' || quote == std::string::npos || card[quote] != '\'';
    while (!closed && (quote = card.find('\'', quote + 1)) != std::string::npos) {
      closed = quote + 1 == card.size() || card[quote + 1] != '\'';
      if (!closed) ++quote;  // two quotes are one inside the text
    }
    const bool axes = card.starts_with("WCSAXES") || card.starts_with("NAXIS ");
    if (closed && (!axes || is_axis_count(card_number(card))) && has_short_numbers(card.substr(0, 8))) kept += card;
  }
  return kept;
}

/// The first description of sky coordinates in a header; null when wcslib finds none at all.
inline WcsPointer parse_wcs(const std::string& all_cards, const std::string& name) {
  std::string header = meant_header(closed_cards(all_cards));
  static std::mutex mutex;  // the parser is not documented to be reentrant
  const std::lock_guard lock(mutex);
  int rejected = 0;
  int count = 0;
  wcsprm* all = nullptr;
  const int status =
      wcspih(header.data(), static_cast<int>(header.size() / 80), WCSHDR_all, 0, &rejected, &count, &all);
  if (status != 0) throw FormatError(name + ": sky coordinates: the header cannot be read");
  WcsPointer first;
  int copied = 0;
  if (count > 0) {
    first = new_wcs();
    copied = wcssub(1, all, nullptr, nullptr, first.get());
  }
  wcsvfree(&count, &all);
  check_wcs(copied, name);
  return first;
}

}  // namespace detail

}  // namespace abell
