#pragma once
/// Small FITS files of every kind that the reader takes, made here.

#include <abell/core/error.hpp>
#include <abell/images/fits_library.hpp>
#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

/// A name and the bytes of a file.
using Seed = std::pair<std::string, std::string>;

namespace seeds {

using abell::detail::MemoryFits;

template <class Fill>
Seed made(const std::string& name, const Fill& fill) {
  MemoryFits memory(name);
  int status = 0;
  fill(memory.file.get(), status);
  abell::detail::check_fits(status, name, "no seed");
  const std::size_t size = memory.finish(name);
  return {name, std::string(static_cast<const char*>(memory.bytes), size)};
}

inline void key(fitsfile* file, const char* name, double value, int& status) {
  fits_update_key(file, TDOUBLE, name, &value, nullptr, &status);
}

inline void sky(fitsfile* file, const char* kind, int& status) {
  for (int axis = 1; axis <= 2; ++axis) {
    const std::string n = std::to_string(axis);
    std::string type = std::string(axis == 1 ? "RA---" : "DEC--") + kind;
    fits_update_key(file, TSTRING, ("CTYPE" + n).c_str(), type.data(), nullptr, &status);
    key(file, ("CRPIX" + n).c_str(), 8.5, status);
    key(file, ("CRVAL" + n).c_str(), axis == 1 ? 150.1 : 2.2, status);
    key(file, ("CDELT" + n).c_str(), axis == 1 ? -0.001 : 0.001, status);
  }
  const bool sip = std::string(kind) == "TAN-SIP";
  for (const char* name : {"A_ORDER", "B_ORDER"}) {
    int order = 2;
    if (sip) fits_update_key(file, TINT, name, &order, nullptr, &status);
  }
  if (sip) {
    key(file, "A_2_0", 1e-4, status);
    key(file, "B_1_1", -1e-4, status);
  }
  if (std::string(kind) == "TPV" || std::string(kind) == "ZPN") {
    key(file, "PV2_1", 1, status);
    key(file, "PV2_3", 0.01, status);
  }
}

inline Seed image(const std::string& name, int bitpix, const char* kind, int compression) {
  return made(name, [&](fitsfile* file, int& status) {
    std::array<long, 2> axes{16, 12};
    if (compression != 0) fits_set_compression_type(file, compression, &status);
    fits_create_img(file, bitpix, 2, axes.data(), &status);
    sky(file, kind, status);
    std::vector<float> values(192);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i * 37 % 101);
    std::vector<int> whole(values.begin(), values.end());
    bitpix == LONG_IMG ? fits_write_img(file, TINT, 1, 192, whole.data(), &status)
                       : fits_write_img(file, TFLOAT, 1, 192, values.data(), &status);
  });
}

/// A table of 50 events.
inline void write_events(fitsfile* file, int& status) {
  std::array<std::array<char, 8>, 6> names{{{"X"}, {"Y"}, {"PI"}, {"TEXT"}, {"ra"}, {"dec"}}};
  std::array<std::array<char, 8>, 6> forms{{{"1J"}, {"1E"}, {"1I"}, {"9A"}, {"1D"}, {"1D"}}};
  std::array<char*, 6> name_at{}, form_at{};
  for (std::size_t i = 0; i < 6; ++i) name_at[i] = names[i].data(), form_at[i] = forms[i].data();
  fits_create_tbl(file, BINARY_TBL, 0, 6, name_at.data(), form_at.data(), nullptr, "EVENTS", &status);
  for (const char* column : {"1", "2"}) {
    const std::string n = column;
    std::string type = n == "1" ? "RA---TAN" : "DEC--TAN";
    fits_update_key(file, TSTRING, ("TCTYP" + n).c_str(), type.data(), nullptr, &status);
    key(file, ("TCRPX" + n).c_str(), 100, status);
    key(file, ("TCRVL" + n).c_str(), 10, status);
    key(file, ("TCDLT" + n).c_str(), 0.001, status);
    key(file, ("TLMIN" + n).c_str(), 1, status);
    key(file, ("TLMAX" + n).c_str(), 200, status);
  }
  std::vector<double> values(50);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(1 + i * 67 % 200);
  for (int column : {1, 2, 3, 5, 6}) fits_write_col(file, TDOUBLE, column, 1, 1, 50, values.data(), &status);
  std::string text = "a text";
  char* texts = text.data();
  fits_write_col(file, TSTRING, 4, 1, 1, 1, &texts, &status);
}

inline Seed events() { return made("events", write_events); }

/// A plate whose only coordinates are a plate solution.
inline Seed plate() {
  return made("plate", [](fitsfile* file, int& status) {
    std::array<long, 2> axes{16, 12};
    fits_create_img(file, SHORT_IMG, 2, axes.data(), &status);
    for (const auto& [name, value] : std::vector<std::pair<const char*, double>>{{"PLTRAH", 3},
                                                                                 {"PLTRAM", 17},
                                                                                 {"PLTRAS", 41.5},
                                                                                 {"PLTDECD", 29},
                                                                                 {"PLTDECM", 48},
                                                                                 {"PLTDECS", 12.25},
                                                                                 {"PLTSCALE", 67.2},
                                                                                 {"CNPIX1", 8123},
                                                                                 {"CNPIX2", 11010},
                                                                                 {"XPIXELSZ", 25.28},
                                                                                 {"YPIXELSZ", 25.28},
                                                                                 {"PPO3", 177500},
                                                                                 {"PPO6", 177500}}) {
      key(file, name, value, status);
    }
    std::string sign = "-";
    fits_update_key(file, TSTRING, "PLTDECSN", sign.data(), nullptr, &status);
    for (int i = 1; i <= 20; ++i) {
      key(file, ("AMDX" + std::to_string(i)).c_str(), i == 1 ? 67.2 : i == 3 ? -310 : 0, status);
      key(file, ("AMDY" + std::to_string(i)).c_str(), i == 1 ? 67.2 : i == 3 ? 287 : 0, status);
    }
  });
}

inline std::vector<Seed> all() {
  return {image("byte", BYTE_IMG, "TAN", 0),
          image("short", SHORT_IMG, "SIN", 0),
          image("unsigned", USHORT_IMG, "ZPN", 0),
          image("long", LONG_IMG, "AIT", 0),
          image("float", FLOAT_IMG, "TAN-SIP", 0),
          image("double", DOUBLE_IMG, "TPV", 0),
          image("rice", LONG_IMG, "TAN", RICE_1),
          image("rice-float", FLOAT_IMG, "TAN", RICE_1),
          image("gzip1", FLOAT_IMG, "TAN", GZIP_1),
          image("gzip2", FLOAT_IMG, "TAN", GZIP_2),
          image("hcompress", LONG_IMG, "TAN", HCOMPRESS_1),
          image("plio", LONG_IMG, "TAN", PLIO_1),
          events(),
          plate()};
}

}  // namespace seeds
