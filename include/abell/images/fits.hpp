#pragma once
/// FITS images through CFITSIO.

#include <abell/core/error.hpp>
#include <abell/images/fits_library.hpp>
#include <abell/images/fits_name.hpp>
#include <abell/images/fits_tiles.hpp>
#include <abell/images/image.hpp>
#include <abell/images/wcs_section.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace abell {

namespace detail {

/// The bytes of an image, without what pads its last block: some writers leave that out.
inline long long image_bytes(int bitpix, int height, int width, int planes) {
  return std::abs(bitpix) / 8 * static_cast<long long>(width) * height * planes;
}

/// Throws FormatError when a file of `size` bytes ends before `end`.
inline void check_file_length(long long end, long long size, const std::string& name) {
  if (end > size) {
    throw FormatError(name + ": truncated FITS: expected at least " + std::to_string(end) + " bytes, found " +
                      std::to_string(size));
  }
}

}  // namespace detail

/// An open FITS image, closed at the end: its size, its header, its pixels. To be used by one thread
/// at a time; every thread opens its own.
///
/// A file of exactly that name is opened literally; otherwise brackets behind the name of a local file may choose an
/// extension (`f.fits[2]`, `f.fits[SCI,1]`), a section of its pixels (`f.fits[1][1:99,1:99]`, `f.fits[*,-*]`), rows of
/// a table (`[PI=500:2000 && (FLAG & 4) == 0]`) and how they are binned to an image (`[bin (X,Y)=::80]`, `[binr
/// X=1:99:2, Y=::2; WEIGHT]`), as in `f.fits[EVENTS][PI=500:2000][bin (X,Y)=::80]`. The grammar is in fits_grammar.hpp;
/// all else of CFITSIO's extended syntax is refused before CFITSIO sees it: functions, columns, texts, other files,
/// URLs. Without an HDU in the name the first image is taken.
class FitsFile {
 public:
  /// Throws IoError (no such file, refused name) and FormatError (not FITS, truncated, no image of two
  /// axes, sides above 20000) with CFITSIO's whole message stack.
  explicit FitsFile(const std::filesystem::path& path) : FitsFile(path, Unchecked{}) {
    check_axes();
    check_length();
  }

  const std::string& name() const { return name_; }
  int height() const { return static_cast<int>(axes_[1]); }
  int width() const { return static_cast<int>(axes_[0]); }
  int planes() const { return axes_.size() == 3 ? static_cast<int>(axes_[2]) : 1; }
  /// The axes of the file, from 1, that are the columns and the rows.
  std::array<int, 2> image_axes() const { return {numbers_[0], numbers_[1]}; }
  /// Whether the pixels were packed with loss: as floats that were rounded, or by HCOMPRESS with a scale.
  bool is_lossy() const {
    if (!brackets_.section.empty()) return whole().is_lossy();
    int status = 0;
    if (fits_is_compressed_image(file_.get(), &status) == 0) return false;
    const FITSfile& image = *file_->Fptr;
    return image.cn_zscale != 0 || (image.compress_type == HCOMPRESS_1 && image.hcomp_scale > 1);
  }
  /// Whether the name cuts a section or bins: the header's numbers were then adapted.
  bool is_section() const { return !brackets_.section.empty() || !brackets_.bins.empty(); }

  /// The bins of both axes that the name asks for; none where it bins nothing.
  std::vector<detail::FitsBins> bins() const {
    if (brackets_.bins.empty()) return {};
    const detail::FitsName parts = detail::parse_fits_name(detail::as_file(name_));
    return detail::fits_bins(detail::open_binned_table(parts, brackets_.filter, name_).get(), parts.bins, name_);
  }

  /// The header, 80 characters a card, END left out. Tabs and other control characters, which some
  /// writers leave in comments, are blanks.
  std::string header() const {
    const std::string cards = detail::header_of(file_.get(), name_);
    return brackets_.section.empty() ? cards : with_section_sky(cards);
  }

  /// The value of a keyword as text (strings without quotes), empty when it is not there.
  std::string key(const std::string& keyword) const {
    int status = 0;
    char* text = nullptr;
    fits_read_key_longstr(file_.get(), keyword.c_str(), &text, nullptr, &status);
    std::string value = text == nullptr ? "" : text;
    int freed = 0;
    if (text != nullptr) fits_free_memory(text, &freed);
    fits_clear_errmsg();
    return status == 0 ? value : "";
  }

  /// The pixels; planes become channels. Every BITPIX is taken, BSCALE and BZERO are applied. BLANK,
  /// NaN and infinite pixels are masked and hold NaN. Row 0 is the first of the file (the bottom of
  /// the sky picture). Throws FormatError.
  Image read() const {
    detail::check_tiles(file_.get(), name_);
    Image image(height(), width(), planes());
    const std::size_t count = image.pixel_count();
    const auto depth = static_cast<std::size_t>(planes());
    std::vector<float> plane(depth == 1 ? 0 : count);
    std::vector<char> null(count);
    int status = 0;
    for (std::size_t p = 0; p < depth; ++p) {
      float* target = depth == 1 ? image.pixels.data() : plane.data();
      int any = 0;
      fits_read_imgnull(file_.get(), TFLOAT, static_cast<LONGLONG>(p * count) + 1, static_cast<LONGLONG>(count), target,
                        null.data(), &any, &status);
      detail::check_fits(status, name_, "cannot read the pixels");
      for (std::size_t i = 0; i < count; ++i) {
        const bool bad = null[i] != 0 || !std::isfinite(target[i]);
        if (bad && image.mask.empty()) image.mask.resize(count);
        if (bad) image.mask[i] = 1;
        image.pixels[i * depth + p] = bad ? std::nanf("") : target[i];
      }
    }
    return image;
  }

 private:
  struct Unchecked {};
  FitsFile(const std::filesystem::path& path, Unchecked)
      : lock_(detail::lock_fits()),
        path_(path),
        name_(path.string()),
        file_(detail::open_fits(path)),
        brackets_(fits_brackets(path)) {
    find_image();
  }

  /// The image that this section is cut from.
  FitsFile whole() const {
    const std::string extension = brackets_.extension.empty() ? "" : "[" + brackets_.extension + "]";
    return FitsFile(fits_base(path_).string() + extension, Unchecked{});
  }

  /// The header of a section, with sky coordinates that come from those of the whole image.
  std::string with_section_sky(const std::string& cards) const {
    const FitsFile uncut = whole();
    std::string own;
    for (std::size_t at = 0; at < cards.size(); at += 80) {
      if (!detail::is_wcs_card(cards.substr(at, 80))) own += cards.substr(at, 80);
    }
    const auto axes = detail::section_axes(brackets_.section, uncut.sides_);
    return own + detail::section_header(wcs_cards(uncut.header()), axes);
  }

  /// Moves to the first image unless the name chose an HDU, and keeps its axes: those of length 1 are
  /// left out unless they are needed to make two.
  void find_image() {
    int status = 0;
    const bool literal = fits_base(path_) == path_;
    read_axes();
    if (axes_.empty() && literal) {
      int units = 0;
      detail::check_fits(fits_get_num_hdus(file_.get(), &units, &status), name_, "cannot count the HDUs");
      for (int unit = 2; unit <= units && axes_.empty(); ++unit) {
        detail::check_fits(fits_movabs_hdu(file_.get(), unit, nullptr, &status), name_, "cannot move to the next HDU");
        read_axes();
      }
    }
    if (axes_.empty()) throw FormatError(name_ + ": expected a FITS image, found none in this file or HDU");
  }

  void check_axes() const {
    if (axes_.size() < 2 || axes_.size() > 3) {
      throw FormatError(name_ + ": expected 2 axes (or 3: planes), found " + std::to_string(axes_.size()));
    }
    check_image_size(axes_[1], axes_[0], name_);
    if (planes() > max_fits_planes) {
      throw FormatError(name_ + ": expected at most " + std::to_string(max_fits_planes) + " planes, found " +
                        std::to_string(axes_[2]));
    }
  }

  void read_axes() {
    int status = 0;
    int type = 0;
    int count = 0;
    axes_.clear();
    numbers_.clear();
    detail::check_fits(fits_get_hdu_type(file_.get(), &type, &status), name_, "cannot read the HDU");
    if (type != IMAGE_HDU) return;
    detail::check_fits(fits_get_img_dim(file_.get(), &count, &status), name_, "cannot read NAXIS");
    if (count == 0) return;
    std::vector<long> all(static_cast<std::size_t>(count));
    detail::check_fits(fits_get_img_size(file_.get(), count, all.data(), &status), name_, "cannot read the axes");
    if (std::ranges::find(all, 0L) != all.end()) return;
    sides_ = all;
    std::ptrdiff_t needed = 2 - std::ranges::count_if(all, [](long side) { return side != 1; });
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (all[i] == 1 && needed-- <= 0) continue;
      axes_.push_back(all[i]);
      numbers_.push_back(static_cast<int>(i) + 1);
    }
  }

  /// The file, or its unpacked copy in memory, must hold all the pixels that its header announces.
  void check_length() const {
    int status = 0;
    LONGLONG start = 0;
    LONGLONG end = 0;
    fits_get_hduaddrll(file_.get(), nullptr, &start, &end, &status);
    if (fits_is_compressed_image(file_.get(), &status) == 0) {
      int bits = 0;
      fits_get_img_type(file_.get(), &bits, &status);
      end = start + detail::image_bytes(bits, height(), width(), planes());
    }
    detail::check_fits(status, name_, "cannot read the HDU");
    detail::check_file_length(end, file_->Fptr->filesize, name_);
  }

  std::unique_lock<std::recursive_mutex> lock_;
  std::filesystem::path path_;
  std::string name_;
  detail::FitsPointer file_;
  FitsBrackets brackets_;
  std::vector<long> sides_;  ///< of all axes of the file
  std::vector<long> axes_;
  std::vector<int> numbers_;
};

/// Reads a FITS image. Errors: those of `FitsFile`.
inline Image read_fits(const std::filesystem::path& path) { return FitsFile(path).read(); }

}  // namespace abell
