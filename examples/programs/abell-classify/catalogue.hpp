#pragma once
/// A classified set as a catalogue: CSV, a FITS binary table, or DS9 regions.

#include <abell/core/atomic_file.hpp>
#include <abell/core/printable.hpp>
#include <abell/core/version.hpp>
#include <abell/data/dataset.hpp>
#include <abell/data/table.hpp>
#include <abell/images/fits_library.hpp>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "../common/run_folder.hpp"

namespace abell::program {

/// One number of each object.
struct ValueColumn {
  std::string name;
  std::vector<float> values = {};
};

/// The objects of a set with p(positive), or with what else their network tells, and what they were classified by.
struct Catalogue {
  DataSet set;
  Scored scored;                     ///< one entry for each object of the set, in its order
  std::vector<ValueColumn> values;   ///< in place of p_cluster and predicted; empty for a network that has these
  std::vector<std::string> maps;     ///< files, where there are some
  std::filesystem::path map_folder;  ///< of the maps
  std::vector<std::size_t> masked;   ///< pixels of each object
  std::string command;
  std::string model;         ///< file name of the model
  std::string model_sha256;  ///< of the model's file
};

/// Whether any object has a position.
inline bool has_positions(const DataSet& set) {
  return std::ranges::any_of(set.objects, [](const Object& o) { return !o.ra.empty() || !o.dec.empty(); });
}

/// A coordinate in degrees within [low, high]. Throws FormatError naming the object.
inline double degrees(const DataSet& set, const Object& object, const char* name, const std::string& text, double low,
                      double high) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end || !(value >= low && value <= high)) {
    throw FormatError(set.source.string() + ": object '" + object.id + "': expected " + name + " in degrees from " +
                      number(low) + " to " + number(high) + ", found '" + text + "'");
  }
  return value;
}

/// Right ascension and declination in degrees, NaN where the object has none. Throws FormatError for
/// other texts than numbers, and when `needed` and absent.
inline std::pair<double, double> position(const DataSet& set, const Object& object, bool needed) {
  if (!needed && object.ra.empty() && object.dec.empty()) {
    return {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::quiet_NaN()};
  }
  return {degrees(set, object, "ra", object.ra, 0, 360), degrees(set, object, "dec", object.dec, -90, 90)};
}

/// The file of an object; those of several bands with semicolons between them.
inline std::string file_text(const Object& object) {
  std::string text;
  for (const auto& file : object.files) {
    if (!file.empty()) text += (text.empty() ? "" : ";") + file.string();
  }
  return text;
}

/// `prediction_rows` with `values` in place of p_cluster and predicted.
inline std::vector<std::vector<std::string>> value_rows(const Catalogue& catalogue) {
  std::vector<std::vector<std::string>> rows;
  for (std::size_t i = 0; i < catalogue.set.objects.size(); ++i) {
    const Object& object = catalogue.set.objects[i];
    rows.push_back({object.id, class_text(catalogue.set, object)});
    for (const ValueColumn& column : catalogue.values) rows.back().push_back(number(column.values[i]));
    rows.back().push_back(std::to_string(catalogue.masked[i]));
  }
  return rows;
}

/// `prediction_columns`, or `values` between class and masked_pixels; file, map where there are maps, and ra and dec as
/// the table has them where any object has a position.
inline void write_csv_catalogue(std::ostream& out, const Catalogue& catalogue) {
  const bool positions = has_positions(catalogue.set);
  const bool has_values = !catalogue.values.empty();
  std::vector<std::string> header = prediction_columns;
  if (has_values) {
    header = {"id", "class"};
    for (const ValueColumn& column : catalogue.values) header.push_back(column.name);
    header.emplace_back("masked_pixels");
  }
  header.emplace_back("file");
  if (!catalogue.maps.empty()) header.emplace_back("map");
  if (positions) header.insert(header.end(), {"ra", "dec"});
  write_csv_row(out, header);
  std::vector<std::vector<std::string>> rows =
      has_values ? value_rows(catalogue) : prediction_rows(catalogue.set, catalogue.scored, catalogue.masked);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Object& object = catalogue.set.objects[i];
    rows[i].push_back(file_text(object));
    if (!catalogue.maps.empty()) rows[i].push_back(catalogue.maps[i]);
    if (positions) rows[i].insert(rows[i].end(), {object.ra, object.dec});
    write_csv_row(out, rows[i]);
  }
}

/// DS9 regions: a circle of 1' around each object, from blue (p = 0) over yellow to red (p = 1).
inline void write_regions(std::ostream& out, const Catalogue& catalogue) {
  out << "# Region file format: DS9 version 4.1\n# "
      << "model " << printable(catalogue.model) << ", sha256 " << catalogue.model_sha256
      << "\nglobal width=2 font=\"helvetica 10 normal roman\"\nfk5\n";
  const auto colour = [](double p) {
    constexpr std::array<std::array<double, 3>, 3> stops{{{68, 119, 255}, {255, 221, 68}, {255, 51, 34}}};
    const std::size_t first = p < 0.5 ? 0 : 1;
    const double share = 2 * p - static_cast<double>(first);
    std::array<int, 3> rgb{};
    for (std::size_t c = 0; c < 3; ++c) {
      rgb[c] = static_cast<int>(std::lround(stops[first][c] + share * (stops[first + 1][c] - stops[first][c])));
    }
    std::array<char, 8> text{};
    std::snprintf(text.data(), text.size(), "#%02x%02x%02x", static_cast<unsigned>(rgb[0] & 255),
                  static_cast<unsigned>(rgb[1] & 255), static_cast<unsigned>(rgb[2] & 255));
    return std::string(text.data());
  };
  for (std::size_t i = 0; i < catalogue.set.objects.size(); ++i) {
    const Object& object = catalogue.set.objects[i];
    const auto [ra, dec] = position(catalogue.set, object, true);
    const double p = static_cast<double>(catalogue.scored.probabilities[i]);
    std::string id = printable(object.id);  // a line feed would end the region, a brace its text
    for (char& c : id) c = c == '{' ? '(' : c == '}' ? ')' : c;
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "%.3f", p);
    out << "circle(" << number(ra) << ',' << number(dec) << ",60\") # color=" << colour(p) << " text={" << id << ' '
        << text.data() << "}\n";
  }
}

/// A binary table with the columns of the CSV form, `predicted` as truth values, ra and dec in
/// degrees; the command, the model and its SHA-256, DATE, CHECKSUM and DATASUM in the header.
inline void write_fits_catalogue(const std::filesystem::path& path, const Catalogue& catalogue) {
  const auto lock = abell::detail::lock_fits();
  const std::string name = path.string();
  const DataSet& set = catalogue.set;
  const auto count = static_cast<LONGLONG>(set.objects.size());

  std::vector<std::string> ids, classes, files;
  std::vector<double> ra, dec;
  std::vector<LONGLONG> masked;
  for (std::size_t i = 0; i < set.objects.size(); ++i) {
    const Object& object = set.objects[i];
    ids.push_back(object.id);
    classes.push_back(class_text(set, object));
    files.push_back(file_text(object));
    masked.push_back(static_cast<LONGLONG>(catalogue.masked[i]));
    const auto [east, north] = position(set, object, false);
    ra.push_back(east);
    dec.push_back(north);
  }
  const auto text_form = [](const std::vector<std::string>& texts) {
    std::size_t width = 1;
    for (const std::string& text : texts) width = std::max(width, text.size());
    return std::to_string(width) + "A";
  };
  std::vector<ValueColumn> values = catalogue.values;
  std::vector<char> predicted;
  const bool binary = values.empty();
  if (binary) {
    values.push_back({"p_cluster", catalogue.scored.probabilities});
    for (const float p : catalogue.scored.probabilities) predicted.push_back(is_positive(p) ? 1 : 0);
  }
  std::vector<std::string> maps = catalogue.maps;
  std::vector<std::array<std::string, 3>> columns{{"id", text_form(ids), ""}, {"class", text_form(classes), ""}};
  for (const ValueColumn& column : values) columns.push_back({abell::detail::header_text(column.name), "1E", ""});
  if (binary) columns.push_back({"predicted", "1L", ""});
  columns.push_back({"masked_pixels", "1K", "pixel"});
  columns.push_back({"file", text_form(files), ""});
  if (!maps.empty()) columns.push_back({"map", text_form(maps), ""});
  if (has_positions(set)) {
    columns.push_back({"ra", "1D", "deg"});
    columns.push_back({"dec", "1D", "deg"});
  }
  std::array<std::vector<char*>, 3> titles;
  for (auto& column : columns) {
    for (std::size_t i = 0; i < 3; ++i) titles[i].push_back(column[i].data());
  }

  abell::detail::MemoryFits memory(name);
  fitsfile* file = memory.file.get();
  int status = 0;
  const auto check = [&] { abell::detail::check_fits(status, name, "cannot be written as FITS"); };
  fits_create_tbl(file, BINARY_TBL, 0, static_cast<int>(columns.size()), titles[0].data(), titles[1].data(),
                  titles[2].data(), "CLASSIFIED", &status);
  check();
  const auto key = [&](const char* keyword, std::string value, const char* comment) {
    value = abell::detail::header_text(std::move(value));
    fits_write_key_longstr(file, keyword, value.c_str(), comment, &status);
  };
  key("CREATOR", "abell-classify " + std::string(version), "program that made this table");
  key("MODEL", catalogue.model, "file of the network's weights");
  key("MODELSHA", catalogue.model_sha256, "SHA-256 of that file");
  float threshold = default_threshold;
  if (binary) fits_write_key(file, TFLOAT, "THRESH", &threshold, "predicted: p_cluster above this", &status);
  fits_write_date(file, &status);
  fits_write_history(file, abell::detail::header_text(catalogue.command).c_str(), &status);
  check();

  int written = 0;
  const auto write = [&](int type, void* from) {
    if (count > 0) fits_write_col(file, type, ++written, 1, 1, count, from, &status);
    check();
  };
  const auto write_texts = [&](std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    for (std::string& text : texts) pointers.push_back(text.data());
    write(TSTRING, pointers.data());
  };
  write_texts(ids);
  write_texts(classes);
  for (ValueColumn& column : values) write(TFLOAT, column.values.data());
  if (binary) write(TLOGICAL, predicted.data());
  write(TLONGLONG, masked.data());
  write_texts(files);
  if (!maps.empty()) write_texts(maps);
  if (has_positions(set)) {
    write(TDOUBLE, ra.data());
    write(TDOUBLE, dec.data());
  }
  const std::size_t end = memory.finish(name);

  AtomicFile out(path);
  out.stream().write(static_cast<const char*>(memory.bytes), static_cast<std::streamsize>(end));
  out.commit();
}

enum class CatalogueFormat { csv, fits, regions };

/// The format that a file name stands for. Throws OptionError for other endings.
inline CatalogueFormat catalogue_format(const std::filesystem::path& path) {
  const std::string ending = path.extension().string();
  if (ending == ".csv") return CatalogueFormat::csv;
  if (ending == ".fits" || ending == ".fit") return CatalogueFormat::fits;
  if (ending == ".reg") return CatalogueFormat::regions;
  throw OptionError("--out: expected a name that ends in .csv, .fits or .reg, found '" + path.string() + "'");
}

/// Writes the catalogue complete or not at all. Throws IoError and FormatError naming the file.
inline void write_catalogue(const std::filesystem::path& path, const Catalogue& catalogue) {
  const CatalogueFormat format = catalogue_format(path);
  if (format == CatalogueFormat::fits) return write_fits_catalogue(path, catalogue);
  AtomicFile file(path);
  format == CatalogueFormat::csv ? write_csv_catalogue(file.stream(), catalogue)
                                 : write_regions(file.stream(), catalogue);
  file.commit();
}

}  // namespace abell::program
