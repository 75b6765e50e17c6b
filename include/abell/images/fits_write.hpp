#pragma once
/// FITS images written complete or not at all.

#include <abell/core/atomic_file.hpp>
#include <abell/core/error.hpp>
#include <abell/images/fits_library.hpp>
#include <abell/images/image.hpp>
#include <array>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <limits>
#include <string>
#include <system_error>
#include <vector>

namespace abell {

/// What a pixel is in the file. The integers hold whole numbers (counts); BLANK is their lowest value.
enum class FitsPixels { int16, int32, float32 };

struct FitsKey {
  std::string keyword;
  double value = 0;
  std::string comment = {};
};

/// How `write_fits` writes an image, and what stands in its header; an empty text leaves its keyword out. It throws
/// IoError for a file that is there and may not be replaced.
struct FitsWriteOptions {
  bool overwrite = false;                   ///< whether a file of that name may be replaced
  FitsPixels pixels = FitsPixels::float32;  ///< the type that they have in the file
  std::string unit = {};                    ///< BUNIT
  std::string creator = {};                 ///< CREATOR: program and version
  std::string object = {};                  ///< OBJECT
  bool dated = true;                        ///< DATE; without it equal images give equal bytes
  std::string wcs = {};                     ///< cards of sky coordinates: `Wcs::cards` or `wcs_cards`
  std::string origin = {};                  ///< further cards: `origin_cards` of what the image was made from
  std::vector<FitsKey> keys = {};           ///< further numbers
  std::vector<std::string> history = {};    ///< HISTORY, the command line say
  Durability durability = Durability::now;  ///< when the file is safe from a failure of power
};

namespace detail {

/// Planes of an image, masked pixels as the file's own null value.
template <class T>
std::vector<T> fits_plane(const Image& image, int plane, T null, const std::string& name) {
  std::vector<T> values(image.pixel_count());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const float value = image.pixels[i * static_cast<std::size_t>(image.channels) + static_cast<std::size_t>(plane)];
    if ((!image.mask.empty() && image.mask[i] != 0) || std::isnan(value)) {
      values[i] = null;
    } else if (std::numeric_limits<T>::is_integer &&
               (value != std::round(value) || value <= static_cast<float>(std::numeric_limits<T>::min()) ||
                value >= -static_cast<float>(std::numeric_limits<T>::min()))) {
      throw FormatError(name + ": expected whole numbers of " + std::to_string(8 * sizeof(T)) + " bits, found " +
                        std::to_string(value));
    } else {
      values[i] = static_cast<T>(value);
    }
  }
  return values;
}

/// Writes a FITS file that is complete in memory.
inline void save_fits(MemoryFits& memory, const std::filesystem::path& path, Durability durability) {
  const std::size_t bytes = memory.finish(path.string());
  AtomicFile out(path, durability);
  out.stream().write(static_cast<const char*>(memory.bytes), static_cast<std::streamsize>(bytes));
  out.commit();
}

/// Writes all planes; `type` is CFITSIO's name of T.
template <class T>
void write_fits_planes(fitsfile* file, const Image& image, int type, T null, const std::string& name, int& status) {
  const auto count = static_cast<LONGLONG>(image.pixel_count());
  for (int plane = 0; plane < image.channels; ++plane) {
    auto values = fits_plane<T>(image, plane, null, name);
    fits_write_img(file, type, plane * count + 1, count, values.data(), &status);
  }
}

}  // namespace detail

/// Writes an image as the primary HDU, channels as planes, with CHECKSUM, DATASUM and DATE; masked
/// pixels become NaN or BLANK. Throws IoError (the file exists and `overwrite` is false; cannot be
/// written) and FormatError (numbers that the pixels cannot hold, cards that are none).
inline void write_fits(const std::filesystem::path& path, const Image& image, const FitsWriteOptions& options = {}) {
  const auto lock = detail::lock_fits();
  const std::string name = path.string();
  std::error_code error;
  if (!options.overwrite && std::filesystem::exists(path, error)) throw IoError(name + ": already exists");
  check_image_size(image.height, image.width, name);
  const bool whole = options.pixels != FitsPixels::float32;
  const int bitpix = options.pixels == FitsPixels::int16   ? SHORT_IMG
                     : options.pixels == FitsPixels::int32 ? LONG_IMG
                                                           : FLOAT_IMG;

  detail::MemoryFits memory(name);
  fitsfile* file = memory.file.get();
  int status = 0;
  const auto check = [&] { detail::check_fits(status, name, "cannot be written as FITS"); };
  std::array<long, 3> axes{image.width, image.height, image.channels};
  fits_create_img(file, bitpix, image.channels == 1 ? 2 : 3, axes.data(), &status);
  if (whole && masked_count(image) > 0) {
    int value = bitpix == SHORT_IMG ? std::numeric_limits<short>::min() : std::numeric_limits<int>::min();
    fits_write_key(file, TINT, "BLANK", &value, "pixels without a measurement", &status);
  }
  const auto text = [&](const char* keyword, const std::string& value, const char* comment) {
    if (!value.empty()) {
      fits_write_key_longstr(file, keyword, detail::header_text(value).c_str(), comment, &status);
    }
  };
  text("OBJECT", options.object, "name of the object");
  text("BUNIT", options.unit, "unit of the pixels");
  const std::string cards = options.origin + options.wcs;
  for (std::size_t at = 0; at + 80 <= cards.size(); at += 80) {
    fits_write_record(file, cards.substr(at, 80).c_str(), &status);
  }
  for (const FitsKey& key : options.keys) {
    double value = key.value;
    fits_write_key(file, TDOUBLE, key.keyword.c_str(), &value, key.comment.c_str(), &status);
  }
  text("CREATOR", options.creator, "program that made this file");
  if (options.dated) fits_write_date(file, &status);
  for (const std::string& line : options.history) {
    fits_write_history(file, detail::header_text(line).c_str(), &status);
  }
  check();
  switch (options.pixels) {
    case FitsPixels::int16:
      detail::write_fits_planes(file, image, TSHORT, std::numeric_limits<short>::min(), name, status);
      break;
    case FitsPixels::int32:
      detail::write_fits_planes(file, image, TINT, std::numeric_limits<int>::min(), name, status);
      break;
    case FitsPixels::float32:
      detail::write_fits_planes(file, image, TFLOAT, std::numeric_limits<float>::quiet_NaN(), name, status);
      break;
  }
  check();
  detail::save_fits(memory, path, options.durability);
}

}  // namespace abell
