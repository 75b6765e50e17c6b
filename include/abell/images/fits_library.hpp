#pragma once
/// CFITSIO, included here and nowhere else in the library. Everything that mentions its types lies in
/// `detail`; the interface (fits.hpp, fits_write.hpp) has none of them.

#include <fitsio.h>

#include <abell/core/error.hpp>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace abell::detail {

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

/// Serialises the calls when the system's CFITSIO was not built to be reentrant.
inline std::unique_lock<std::recursive_mutex> lock_fits() {
  static std::recursive_mutex mutex;
  static const bool reentrant = fits_is_reentrant() != 0;
  return reentrant ? std::unique_lock<std::recursive_mutex>() : std::unique_lock<std::recursive_mutex>(mutex);
}

struct CloseFits {
  void operator()(fitsfile* file) const {
    const auto lock = lock_fits();
    int status = 0;
    fits_close_file(file, &status);
    fits_clear_errmsg();
  }
};

/// An open file of CFITSIO, closed at the end. One thread at a time.
using FitsPointer = std::unique_ptr<fitsfile, CloseFits>;

/// A FITS file under way in memory, which it owns.
struct MemoryFits {
  std::size_t size = std::size_t{2880} * 64;
  void* bytes = std::calloc(size, 1);  // zeros: CFITSIO reads descriptors of tiles before it writes them
  FitsPointer file;

  /// Throws FormatError naming the file that it shall become.
  explicit MemoryFits(const std::string& name) {
    int status = 0;
    fitsfile* created = nullptr;
    fits_clear_errmsg();
    fits_create_memfile(&created, &bytes, &size, size, std::realloc, &status);
    file.reset(created);
    check_fits(status, name, "cannot be written as FITS");
  }
  MemoryFits(const MemoryFits&) = delete;
  MemoryFits& operator=(const MemoryFits&) = delete;
  ~MemoryFits() {
    file.reset();
    std::free(bytes);
  }

  /// Writes CHECKSUM and DATASUM into every HDU, closes, and returns the number of bytes.
  std::size_t finish(const std::string& name) {
    int status = 0;
    int units = 0;
    LONGLONG end = 0;
    fits_get_num_hdus(file.get(), &units, &status);
    for (int unit = 1; unit <= units; ++unit) {
      fits_movabs_hdu(file.get(), unit, nullptr, &status);
      write_checksum(status);
    }
    fits_flush_file(file.get(), &status);
    fits_get_hduaddrll(file.get(), nullptr, nullptr, &end, &status);
    check_fits(status, name, "cannot be written as FITS");
    fits_close_file(file.release(), &status);
    check_fits(status, name, "cannot be written as FITS");
    return static_cast<std::size_t>(end);
  }

 private:
  /// As fits_write_chksum, which puts the time into the comments: equal images give equal bytes.
  void write_checksum(int& status) {
    std::string sum = "0";
    std::string code(16, '0');
    unsigned long data = 0;
    unsigned long all = 0;
    fits_update_key(file.get(), TSTRING, "CHECKSUM", code.data(), "HDU checksum", &status);
    fits_update_key(file.get(), TSTRING, "DATASUM", sum.data(), "data unit checksum", &status);
    fits_flush_file(file.get(), &status);
    fits_get_chksum(file.get(), &data, &all, &status);
    sum = std::to_string(data);
    fits_update_key(file.get(), TSTRING, "DATASUM", sum.data(), nullptr, &status);
    fits_get_chksum(file.get(), &data, &all, &status);
    fits_encode_chksum(all, 1, code.data());
    fits_update_key(file.get(), TSTRING, "CHECKSUM", code.data(), nullptr, &status);
  }
};

/// Headers of FITS hold visible ASCII only.
inline std::string header_text(std::string text) {
  for (char& c : text) c = c < 32 || c > 126 ? '?' : c;
  return text;
}

/// The header of the current HDU, 80 characters a card, END left out; blanks for characters that are not visible.
inline std::string header_of(fitsfile* file, const std::string& name) {
  int status = 0;
  int count = 0;
  char* text = nullptr;
  fits_hdr2str(file, 0, nullptr, 0, &text, &count, &status);
  std::string cards = text == nullptr ? "" : text;
  int freed = 0;
  if (text != nullptr) fits_free_memory(text, &freed);
  check_fits(status, name, "cannot read the header");
  for (char& c : cards) c = c < 32 || c > 126 ? ' ' : c;
  cards.resize(cards.size() / 80 * 80);
  if (cards.size() >= 80 && cards.compare(cards.size() - 80, 4, "END ") == 0) cards.resize(cards.size() - 80);
  return cards;
}

}  // namespace abell::detail
