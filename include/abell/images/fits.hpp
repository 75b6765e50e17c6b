#pragma once
/// FITS images through CFITSIO.

#include <fitsio.h>

#include <abell/core/error.hpp>
#include <abell/images/image.hpp>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace abell {
namespace detail {

/// The status and the whole message stack of CFITSIO on one line.
inline std::string fits_message(int status) {
  std::array<char, FLEN_ERRMSG> text{};
  fits_get_errstatus(status, text.data());
  std::string message = text.data();
  message += " (CFITSIO " + std::to_string(status) + ")";
  while (fits_read_errmsg(text.data()) != 0) message += std::string("; ") + text.data();
  for (char& c : message) {
    if (static_cast<unsigned char>(c) < 32) c = ' ';
  }
  return message;
}

inline void check_fits(int status, const std::string& name, const char* doing) {
  if (status != 0) throw FormatError(name + ": " + doing + ": " + fits_message(status));
}

struct CloseFits {
  void operator()(fitsfile* file) const {
    int status = 0;
    fits_close_file(file, &status);
  }
};

/// Serialises the calls when the system's CFITSIO was not built to be reentrant.
inline std::unique_lock<std::mutex> lock_fits() {
  static std::mutex mutex;
  static const bool reentrant = fits_is_reentrant() != 0;
  return reentrant ? std::unique_lock<std::mutex>() : std::unique_lock<std::mutex>(mutex);
}

}  // namespace detail

/// An open FITS file; closes itself. Use from one thread at a time.
using FitsHandle = std::unique_ptr<fitsfile, detail::CloseFits>;

/// The file on disk that a FITS name stands for: itself when a file of exactly that name exists,
/// else the part before the first '[' of CFITSIO's extended syntax.
inline std::filesystem::path fits_base(const std::filesystem::path& path) {
  std::error_code ignored;
  const std::string name = path.string();
  if (std::filesystem::exists(path, ignored)) return path;
  return name.substr(0, name.find('['));
}

/// Opens for reading. A file of exactly that name is opened literally; otherwise the name may use
/// CFITSIO's extended syntax (`f.fits[2]`, `f.fits[EVENTS][bin X,Y]`, `f.fits[1:99,1:99]`) on an
/// existing local file. URL schemes, '!', mem:, shmem: and output redirection are refused.
/// Throws IoError (no such file, refused name) and FormatError (not FITS), naming the file.
inline FitsHandle open_fits(const std::filesystem::path& path) {
  const std::string name = path.string();
  const std::string base = fits_base(path).string();
  const bool literal = base == name;
  std::error_code error;
  if (!std::filesystem::exists(base, error)) {
    const bool scheme = base.find("://") != std::string::npos || base.starts_with("mem:") ||
                        base.starts_with("shmem:") || base.starts_with('!') || base.find('(') != std::string::npos ||
                        base == "-" || base.starts_with("stdin") || base.starts_with("stdout");
    throw IoError(name + (scheme ? ": only names of local files are accepted" : ": no such file"));
  }
  if (!std::filesystem::is_regular_file(base, error)) throw IoError(name + ": not a regular file");
  if (!literal) {
    // CFITSIO would read these characters of an existing file's name as syntax of its own.
    const bool syntax = base.find_first_of("(!") != std::string::npos || base.find(':') != std::string::npos ||
                        name.find(']') == std::string::npos;
    if (syntax || base.starts_with("stdin") || base.starts_with("stdout") || base.starts_with('-')) {
      throw IoError(name + ": this name cannot be combined with CFITSIO's extended syntax");
    }
  }
  fitsfile* file = nullptr;
  int status = 0;
  fits_clear_errmsg();
  literal ? fits_open_diskfile(&file, name.c_str(), READONLY, &status)
          : fits_open_file(&file, name.c_str(), READONLY, &status);
  FitsHandle handle(file);
  detail::check_fits(status, name, "cannot be opened as FITS");
  return handle;
}

namespace detail {

/// The axes of the current HDU without those of length 1 beyond the first two; empty when it holds
/// no image.
inline std::vector<long> image_axes(fitsfile* file, const std::string& name) {
  int status = 0;
  int type = 0;
  int count = 0;
  check_fits(fits_get_hdu_type(file, &type, &status), name, "cannot read the HDU");
  if (type != IMAGE_HDU) return {};
  check_fits(fits_get_img_dim(file, &count, &status), name, "cannot read NAXIS");
  if (count == 0) return {};
  std::vector<long> axes(static_cast<std::size_t>(count));
  check_fits(fits_get_img_size(file, count, axes.data(), &status), name, "cannot read the axes");
  std::vector<long> kept;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    if (axes[i] == 0) return {};
    if (i < 2 || axes[i] != 1) kept.push_back(axes[i]);
  }
  // A degenerate axis in front, as some radio cubes have it.
  if (kept.size() > 2 && kept[0] == 1) kept.erase(kept.begin());
  if (kept.size() > 2 && kept[1] == 1) kept.erase(kept.begin() + 1);
  return kept;
}

/// A plain file must hold all the pixels that its header announces. Only the padding of the last
/// block may be missing, as some writers leave it out.
inline void check_fits_length(fitsfile* file, const std::filesystem::path& path) {
  int status = 0;
  std::array<char, FLEN_FILENAME> driver{};
  if (fits_url_type(file, driver.data(), &status) != 0 || std::string(driver.data()) != "file://") return;
  LONGLONG start = 0;
  LONGLONG end = 0;
  if (fits_get_hduaddrll(file, nullptr, &start, &end, &status) != 0) return;
  if (fits_is_compressed_image(file, &status) == 0) {
    int bits = 0;
    int count = 0;
    fits_get_img_type(file, &bits, &status);
    fits_get_img_dim(file, &count, &status);
    std::vector<long> axes(static_cast<std::size_t>(count));
    fits_get_img_size(file, count, axes.data(), &status);
    check_fits(status, path.string(), "cannot read the axes");
    end = std::abs(bits) / 8;
    for (const long axis : axes) end *= axis;
    end += start;
  }
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(fits_base(path), error);
  if (!error && static_cast<std::uintmax_t>(end) > size) {
    throw FormatError(path.string() + ": truncated FITS: expected at least " + std::to_string(end) + " bytes, found " +
                      std::to_string(size));
  }
}

}  // namespace detail

/// Reads a two-dimensional FITS image, or a cube whose planes become channels. Takes every BITPIX,
/// applies BSCALE and BZERO, reads .gz and tile-compressed files, and moves to the first image when
/// the primary HDU is empty. Axes of length 1 are squeezed. BLANK, NaN and infinite pixels are
/// masked and hold NaN. Row 0 is the first of the file (the bottom of the sky picture).
/// Throws IoError (no such file) and FormatError (not FITS, truncated, no image, sides above 20000)
/// with CFITSIO's whole message stack.
inline Image read_fits(const std::filesystem::path& path) {
  const auto lock = detail::lock_fits();
  const std::string name = path.string();
  const FitsHandle handle = open_fits(path);
  fitsfile* file = handle.get();
  int status = 0;

  std::vector<long> axes = detail::image_axes(file, name);
  if (axes.empty() && fits_base(path) == path) {
    int units = 0;
    detail::check_fits(fits_get_num_hdus(file, &units, &status), name, "cannot count the HDUs");
    for (int unit = 2; unit <= units && axes.empty(); ++unit) {
      detail::check_fits(fits_movabs_hdu(file, unit, nullptr, &status), name, "cannot move to the next HDU");
      axes = detail::image_axes(file, name);
    }
  }
  if (axes.empty()) throw FormatError(name + ": expected a FITS image, found none in this file or HDU");
  if (axes.size() < 2 || axes.size() > 3) {
    throw FormatError(name + ": expected 2 axes (or 3: planes), found " + std::to_string(axes.size()));
  }
  check_image_size(axes[1], axes[0], name);
  const long planes = axes.size() == 3 ? axes[2] : 1;
  if (planes > 16) throw FormatError(name + ": expected at most 16 planes, found " + std::to_string(planes));
  detail::check_fits_length(file, path);

  Image image(static_cast<int>(axes[1]), static_cast<int>(axes[0]), static_cast<int>(planes));
  const std::size_t count = image.pixel_count();
  std::vector<float> plane(planes == 1 ? 0 : count);
  std::vector<char> null(count);
  const auto depth = static_cast<std::size_t>(planes);
  for (std::size_t p = 0; p < depth; ++p) {
    float* target = planes == 1 ? image.pixels.data() : plane.data();
    int any = 0;
    fits_read_imgnull(file, TFLOAT, static_cast<LONGLONG>(p * count) + 1, static_cast<LONGLONG>(count), target,
                      null.data(), &any, &status);
    detail::check_fits(status, name, "cannot read the pixels");
    for (std::size_t i = 0; i < count; ++i) {
      const bool bad = null[i] != 0 || !std::isfinite(target[i]);
      if (bad && image.mask.empty()) image.mask.resize(count);
      if (bad) image.mask[i] = 1;
      image.pixels[i * depth + p] = bad ? std::nanf("") : target[i];
    }
  }
  return image;
}

}  // namespace abell
