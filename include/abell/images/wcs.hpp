#pragma once
/// Sky coordinates of images through wcslib.

#include <wcslib/wcs.h>
#include <wcslib/wcsfix.h>
#include <wcslib/wcshdr.h>

#include <abell/core/error.hpp>
#include <abell/images/fits.hpp>
#include <abell/images/resample.hpp>
#include <abell/images/sky_frame.hpp>
#include <abell/images/sky_position.hpp>
#include <abell/images/wcs_header.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <limits>
#include <memory>
#include <numbers>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace abell {

/// Column and row, 0 at the centre of the first pixel of the file: FITS's own numbers minus 1.
struct PixelPosition {
  double x = 0;
  double y = 0;
};

/// From pixels to the sky and back: every projection of wcslib (TAN, SIN, ZPN, AIT, ...) with SIP and
/// TPV distortions, and the plate solutions of the Digitized Sky Survey, which go before the local
/// approximation that may stand beside them. Positions are ICRS, whatever the frame of the header.
class Wcs {
 public:
  /// From the header of an open image. Throws FormatError for a file that does not tell its sky
  /// coordinates in ICRS, FK5, FK4, Galactic or ecliptic axes: nothing is guessed.
  explicit Wcs(const FitsFile& file) : Wcs(file.header(), file.name(), file.image_axes()) {
    if (file.is_section() && !file.key("AMDX1").empty()) {
      throw FormatError(file.name() +
                        ": no usable sky coordinates: CFITSIO does not adapt a DSS plate solution to a section");
    }
  }

  /// From a header of cards of 80 characters; `axes` are the columns and rows, counted from 1.
  Wcs(const std::string& header, const std::string& name, std::array<int, 2> axes = {1, 2})
      : wcs_(detail::parse_wcs(header, name)) {
    const auto fail = [&](const std::string& what) {
      throw FormatError(name + ": no usable sky coordinates: " + what);
    };
    if (!wcs_) fail("expected CTYPE1 and CTYPE2 or a DSS plate solution, found neither");
    unitfix(0, wcs_.get());
    celfix(wcs_.get());
    detail::check_wcs(wcsset(wcs_.get()), name);
    if (wcs_->lng < 0 || wcs_->lat < 0) fail("expected a pair like RA---TAN and DEC--TAN, found " + types());
    // wcslib would take a pixel for one degree.
    const auto has = [&](const char* keyword) { return header.find(keyword) != std::string::npos; };
    const bool scaled = has("CDELT") || has("CD1_") || has("PC1_") || has("PC2_");
    if (!scaled && wcs_->lin.disseq == nullptr) fail("expected the size of a pixel (CDELT1 or CD1_1), found neither");
    keep_celestial(axes, name);
    frame_ = frame_of(name);
  }

  /// A tangent plane with North up (rows rise to the North) and East left (columns fall to the East):
  /// `centre` is in the middle of height x width pixels of `arcsec`.
  static Wcs tangent(const SkyPosition& centre, int height, int width, double arcsec) {
    Wcs made;
    wcsprm* wcs = made.wcs_.get();
    detail::check_wcs(wcsinit(1, 2, wcs, 0, 0, 0), "tangent plane");
    const std::array<double, 2> values{centre.ra, centre.dec};
    const std::array<int, 2> sides{width, height};
    for (std::size_t i = 0; i < 2; ++i) {
      std::string_view(i == 0 ? "RA---TAN" : "DEC--TAN").copy(wcs->ctype[i], 8);
      std::string_view("deg").copy(wcs->cunit[i], 3);
      wcs->crpix[i] = (sides[i] + 1) / 2.0;
      wcs->cdelt[i] = (i == 0 ? -arcsec : arcsec) / 3600;
      wcs->crval[i] = values[i];
    }
    std::string_view("ICRS").copy(wcs->radesys, 4);
    detail::check_wcs(wcsset(wcs), "tangent plane");
    return made;
  }

  Wcs(const Wcs& other) : wcs_(detail::new_wcs()), frame_(other.frame_) {
    detail::check_wcs(wcssub(1, other.wcs_.get(), nullptr, nullptr, wcs_.get()), "sky coordinates");
    detail::check_wcs(wcsset(wcs_.get()), "sky coordinates");
  }
  Wcs(Wcs&&) = default;
  Wcs& operator=(Wcs&&) = default;
  Wcs& operator=(const Wcs& other) { return *this = Wcs(other); }
  ~Wcs() = default;

  /// Positions on the sky; NaN where a pixel has none.
  std::vector<SkyPosition> sky(std::span<const PixelPosition> pixels) const {
    std::vector<double> from;
    for (const PixelPosition& pixel : pixels) from.insert(from.end(), {pixel.x + 1, pixel.y + 1});
    std::vector<double> between(from.size()), to(from.size()), phi(pixels.size()), theta(pixels.size());
    std::vector<int> bad(pixels.size());
    const int status = wcsp2s(wcs_.get(), static_cast<int>(pixels.size()), 2, from.data(), between.data(), phi.data(),
                              theta.data(), to.data(), bad.data());
    std::vector<SkyPosition> found(pixels.size(), {nan_, nan_});
    if (status != 0 && status != WCSERR_BAD_PIX) return found;
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (bad[i] == 0) found[i] = frame_.to_icrs({to[2 * i + longitude()], to[2 * i + latitude()]});
    }
    return found;
  }

  /// Pixels of positions on the sky; NaN where the projection does not reach.
  std::vector<PixelPosition> pixels(std::span<const SkyPosition> positions) const {
    std::vector<double> from(2 * positions.size()), between(from.size()), to(from.size());
    std::vector<double> phi(positions.size()), theta(positions.size());
    std::vector<int> bad(positions.size());
    for (std::size_t i = 0; i < positions.size(); ++i) {
      const SkyPosition own = frame_.from_icrs(positions[i]);
      from[2 * i + longitude()] = own.ra;
      from[2 * i + latitude()] = own.dec;
    }
    const int status = wcss2p(wcs_.get(), static_cast<int>(positions.size()), 2, from.data(), phi.data(), theta.data(),
                              between.data(), to.data(), bad.data());
    std::vector<PixelPosition> found(positions.size(), {nan_, nan_});
    if (status != 0 && status != WCSERR_BAD_WORLD) return found;
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (bad[i] == 0 && std::isfinite(from[2 * i] + from[2 * i + 1])) found[i] = {to[2 * i] - 1, to[2 * i + 1] - 1};
    }
    return found;
  }

  SkyPosition sky(const PixelPosition& pixel) const { return sky(std::span(&pixel, 1))[0]; }
  PixelPosition pixel(const SkyPosition& position) const { return pixels(std::span(&position, 1))[0]; }

  /// The side in arcseconds of a square with the area of the pixel at `at`.
  double pixel_size(const PixelPosition& at) const {
    const std::array<PixelPosition, 3> corner{at, {at.x + 1, at.y}, {at.x, at.y + 1}};
    const auto s = sky(corner);
    const double squeeze = std::cos(s[0].dec * std::numbers::pi / 180);
    const auto turn = [](double ra) { return std::remainder(ra, 360.0); };
    const double area = turn(s[1].ra - s[0].ra) * squeeze * (s[2].dec - s[0].dec) -
                        turn(s[2].ra - s[0].ra) * squeeze * (s[1].dec - s[0].dec);
    return 3600 * std::sqrt(std::abs(area));
  }

  /// Whether distortions (SIP, TPV, a DSS plate solution) belong to them, which cards cannot tell.
  bool distorted() const { return wcs_->lin.dispre != nullptr || wcs_->lin.disseq != nullptr; }

  /// The coordinates of an image whose pixel (x, y) lies at (x_axis.start + x_axis.step x, ...) of this one's. Throws
  /// FormatError for distorted ones.
  Wcs resized(const ResizedAxis& x_axis, const ResizedAxis& y_axis) const {
    if (distorted()) throw FormatError("sky coordinates: expected none with distortions for an image of another size");
    Wcs other(*this);
    wcsprm* wcs = other.wcs_.get();
    const std::array<ResizedAxis, 2> axes{x_axis, y_axis};
    for (std::size_t j = 0; j < 2; ++j) {
      wcs->crpix[j] = (wcs->crpix[j] - 1 - axes[j].start) / axes[j].step + 1;
      for (std::size_t i = 0; i < 2; ++i) wcs->pc[2 * i + j] *= axes[j].step;
    }
    wcs->altlin = 1;  // PC and CDELT, which wcsset has made of other forms
    wcs->flag = 0;
    detail::check_wcs(wcsset(wcs), "sky coordinates");
    return other;
  }

  /// The header cards that tell these coordinates, without distortions. Throws FormatError.
  std::string cards() const {
    int count = 0;
    char* text = nullptr;
    const int status = wcshdo(WCSHDO_none, wcs_.get(), &count, &text);
    std::string kept = status == 0 ? std::string(text, 80 * static_cast<std::size_t>(count)) : std::string();
    if (text != nullptr) std::free(text);
    detail::check_wcs(status, "sky coordinates");
    return wcs_cards(kept);
  }

 private:
  static constexpr double nan_ = std::numeric_limits<double>::quiet_NaN();

  Wcs() : wcs_(detail::new_wcs()) {}

  std::size_t longitude() const { return static_cast<std::size_t>(wcs_->lng); }
  std::size_t latitude() const { return static_cast<std::size_t>(wcs_->lat); }

  std::string types() const {
    std::string text;
    for (int i = 0; i < wcs_->naxis; ++i) text += (i == 0 ? "'" : ", '") + std::string(wcs_->ctype[i]) + "'";
    return text;
  }

  /// Leaves spectral and Stokes axes out; the celestial ones must be the rows and columns.
  void keep_celestial(std::array<int, 2> axes, const std::string& name) {
    const int first = std::min(wcs_->lng, wcs_->lat) + 1;
    const int second = std::max(wcs_->lng, wcs_->lat) + 1;
    if (first != axes[0] || second != axes[1]) {
      throw FormatError(name + ": no usable sky coordinates: expected them on axes " + std::to_string(axes[0]) +
                        " and " + std::to_string(axes[1]) + ", found " + types());
    }
    if (wcs_->naxis == 2) return;
    int count = 1;
    std::vector<int> kept(static_cast<std::size_t>(wcs_->naxis));
    kept[0] = WCSSUB_CELESTIAL;
    detail::WcsPointer two = detail::new_wcs();
    detail::check_wcs(wcssub(1, wcs_.get(), &count, kept.data(), two.get()), name);
    wcs_ = std::move(two);
    detail::check_wcs(wcsset(wcs_.get()), name);
    if (wcs_->naxis != 2 || wcs_->lng < 0 || wcs_->lat < 0) {
      throw FormatError(name + ": no usable sky coordinates: " + types());
    }
  }

  /// The frame that the header tells. Throws FormatError for one that is not known.
  SkyFrame frame_of(const std::string& name) const {
    const bool given = wcs_->equinox < 1e4;  // else wcslib's UNDEFINED, 1e108
    const auto equinox = given ? std::optional(wcs_->equinox) : std::nullopt;
    if (const auto frame = SkyFrame::of_header(wcs_->lngtyp, wcs_->radesys, equinox)) return *frame;
    throw FormatError(name +
                      ": no usable sky coordinates: expected RA and DEC in ICRS, FK5 or FK4, Galactic or ecliptic "
                      "(ICRS, FK5) ones, found " +
                      types() + ", RADESYS '" + wcs_->radesys + "'" +
                      (given ? ", EQUINOX " + std::to_string(*equinox) : std::string()));
  }

  detail::WcsPointer wcs_;
  SkyFrame frame_;
};

}  // namespace abell
