#pragma once
/// A simulated candidate as an observer would get it: counts, exposure map and plate in FITS, with WCS.

#include <fitsio.h>

#include <abell/core/atomic_file.hpp>
#include <abell/images/fits.hpp>
#include <abell/sky/simulate.hpp>
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace abell::program {

namespace detail {

struct FreeMemory {
  void operator()(void** bytes) const {
    std::free(*bytes);
    delete bytes;
  }
};

/// What stands beside the pixels in one of the files.
struct SimulatedHeader {
  std::string object;
  std::string unit;
  std::string history;
  sky::SkyPosition pointing;
  double pixel = 0;     ///< arcsec
  double exposure = 0;  ///< s, 0 for a plate
};

/// DATASUM and CHECKSUM as fits_write_chksum writes them, but without the time in their comments.
inline void write_checksum(fitsfile* file, int* status) {
  std::array<char, 17> text{};
  unsigned long data = 0;
  unsigned long all = 0;
  fits_write_key(file, TSTRING, "CHECKSUM", std::array<char, 17>{"0000000000000000"}.data(), "HDU checksum", status);
  fits_write_key(file, TSTRING, "DATASUM", std::array<char, 2>{"0"}.data(), "data unit checksum", status);
  fits_flush_file(file, status);
  fits_get_chksum(file, &data, &all, status);
  std::string sum = std::to_string(data);
  fits_update_key(file, TSTRING, "DATASUM", sum.data(), nullptr, status);
  fits_get_chksum(file, &data, &all, status);
  fits_encode_chksum(all, 1, text.data());
  fits_update_key(file, TSTRING, "CHECKSUM", text.data(), nullptr, status);
}

/// Writes a square image whose rows come from north to south, complete or not at all: a gnomonic projection (TAN)
/// about the image's centre, north up and east left. `bitpix` and `type` are CFITSIO's. Throws IoError.
template <class Value>
void write_square(const std::filesystem::path& path, const std::vector<Value>& rows, int side, int bitpix, int type,
                  const SimulatedHeader& header) {
  const auto lock = abell::detail::lock_fits();
  int status = 0;
  std::size_t size = 2880;
  const std::unique_ptr<void*, FreeMemory> memory(new void*(std::malloc(size)));
  fitsfile* opened = nullptr;
  fits_clear_errmsg();
  fits_create_memfile(&opened, memory.get(), &size, 2880 * 16, std::realloc, &status);
  FitsHandle file(opened);
  std::array<long, 2> axes{side, side};
  fits_create_img(opened, bitpix, 2, axes.data(), &status);

  const auto text = [&](const char* key, std::string value, const char* comment) {
    fits_write_key(opened, TSTRING, key, value.data(), comment, &status);
  };
  const auto number = [&](const char* key, double value, const char* comment) {
    fits_write_key_dbl(opened, key, value, 15, comment, &status);
  };
  const double middle = (side + 1) / 2.0;
  text("OBJECT", header.object, "simulated candidate");
  if (!header.unit.empty()) text("BUNIT", header.unit, nullptr);
  text("CREATOR", "abell-simulate", nullptr);
  text("RADESYS", "ICRS", nullptr);
  text("CTYPE1", "RA---TAN", nullptr);
  text("CTYPE2", "DEC--TAN", nullptr);
  text("CUNIT1", "deg", nullptr);
  text("CUNIT2", "deg", nullptr);
  number("CRPIX1", middle, nullptr);
  number("CRPIX2", middle, nullptr);
  number("CRVAL1", header.pointing.right_ascension, nullptr);
  number("CRVAL2", header.pointing.declination, nullptr);
  number("CDELT1", -header.pixel / 3600, nullptr);
  number("CDELT2", header.pixel / 3600, nullptr);
  if (header.exposure > 0) number("EXPOSURE", header.exposure, "[s] on axis");
  fits_write_history(opened, header.history.c_str(), &status);

  std::vector<Value> upwards(rows.size());
  for (int row = 0; row < side; ++row) {
    std::copy_n(rows.begin() + static_cast<std::ptrdiff_t>(side) * (side - 1 - row), side,
                upwards.begin() + static_cast<std::ptrdiff_t>(side) * row);
  }
  fits_write_img(opened, type, 1, static_cast<LONGLONG>(upwards.size()), upwards.data(), &status);
  write_checksum(opened, &status);
  fits_flush_file(opened, &status);
  LONGLONG end = 0;
  fits_get_hduaddrll(opened, nullptr, nullptr, &end, &status);
  if (status != 0) throw IoError(path.string() + ": cannot be written: " + abell::detail::fits_message(status));
  AtomicFile out(path);
  out.stream().write(static_cast<const char*>(*memory), static_cast<std::streamsize>(end));
  out.commit();
}

}  // namespace detail

/// The files of one candidate: <id>_counts.fits and <id>_exposure.fits at 4", <id>_optical.fits at 1.01".
inline void write_simulated_fits(const std::filesystem::path& folder, const std::string& id,
                                 const sky::Candidate& candidate, const std::string& history) {
  detail::SimulatedHeader header{
      id, "count", history, candidate.pointing, sky::pixel_arcsec, candidate.observation.exposure};
  const auto path = [&](const char* kind) { return folder / (id + "_" + kind + ".fits"); };
  detail::write_square(path("counts"), candidate.xray.counts, sky::xray_side, LONG_IMG, TINT, header);
  header.unit = "s";
  detail::write_square(path("exposure"), candidate.xray.exposure, sky::xray_side, FLOAT_IMG, TFLOAT, header);
  header.unit = "";
  header.pixel = sky::plate_pixel;
  header.exposure = 0;
  std::vector<std::int16_t> levels(candidate.plate.size());
  std::ranges::transform(candidate.plate, levels.begin(), [](float level) {
    return static_cast<std::int16_t>(std::clamp(level, 0.0F, 32767.0F) + 0.5F);
  });
  detail::write_square(path("optical"), levels, sky::plate_side, SHORT_IMG, TSHORT, header);
}

}  // namespace abell::program
