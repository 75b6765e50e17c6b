#pragma once
/// Physical coordinates of images.

#include <abell/images/fits.hpp>
#include <abell/images/fits_cards.hpp>
#include <abell/images/wcs.hpp>
#include <abell/images/wcs_forms.hpp>
#include <array>
#include <cstddef>
#include <vector>

namespace abell {

/// Where the pixels of an image lie in what it was cut or binned from: a larger image (IRAF's keywords LTM and LTV) or
/// events, whose columns they count. An image that tells neither has its own pixels, counted from 1, as in DS9.
class PhysicalPixels {
 public:
  PhysicalPixels() = default;

  explicit PhysicalPixels(const FitsFile& file) {
    const detail::FitsCards cards(file.header());
    const std::array<int, 2> axes = file.image_axes();
    for (std::size_t i = 0; i < 2; ++i) {
      for (std::size_t j = 0; j < 2; ++j) {
        matrix_[i][j] = cards.number(detail::matrix_keyword("LTM", axes[i], axes[j])).value_or(i == j ? 1 : 0);
      }
      offset_[i] = cards.number(detail::axis_keyword("LTV", axes[i])).value_or(0);
    }
    const std::vector<detail::FitsBins> bins = file.bins();
    for (std::size_t i = 0; i < 2 && bins.size() >= 2; ++i) {
      matrix_[i] = {};
      matrix_[i][i] = 1 / bins[i].width;
      offset_[i] = 0.5 - bins[i].from / bins[i].width;
    }
  }

  /// Whether they are the image's own pixels.
  bool own() const { return matrix_ == PhysicalPixels().matrix_ && offset_ == PhysicalPixels().offset_; }

  PixelPosition pixel(double x, double y) const {
    return {matrix_[0][0] * x + matrix_[0][1] * y + offset_[0] - 1,
            matrix_[1][0] * x + matrix_[1][1] * y + offset_[1] - 1};
  }

 private:
  std::array<std::array<double, 2>, 2> matrix_{{{1, 0}, {0, 1}}};
  std::array<double, 2> offset_{};
};

}  // namespace abell
