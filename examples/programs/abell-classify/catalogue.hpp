#pragma once
/// A classified set as a catalogue that grows row by row: CSV or DS9 regions (FITS: fits_catalogue.hpp).

#include <abell/core/error.hpp>
#include <abell/core/printable.hpp>
#include <abell/data/object.hpp>
#include <abell/data/table.hpp>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <ostream>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "../common/run_folder.hpp"

namespace abell::program {

/// What a catalogue tells beside its rows, and what is known of all of them before the first.
struct CatalogueForm {
  std::string source;  ///< of the objects, for errors
  /// Numbers in place of p_cluster and predicted; empty for a network that has these.
  std::vector<std::string> columns = {};
  bool positions = false;  ///< whether any object has one
  bool maps = false;       ///< whether the objects have maps
  std::string command = {};
  std::string model = {};         ///< file name of the model
  std::string model_sha256 = {};  ///< of the model's file
};

/// An object with what its network tells.
struct CatalogueRow {
  const Object& object;
  std::span<const float> numbers;  ///< p(positive), or one for each of `CatalogueForm::columns`
  std::size_t masked = 0;          ///< pixels
  std::string map = {};            ///< file, where there are some
};

/// A catalogue under way. Errors of the stream are the caller's to look for.
class Catalogue {
 public:
  Catalogue() = default;
  Catalogue(const Catalogue&) = delete;
  Catalogue& operator=(const Catalogue&) = delete;
  virtual ~Catalogue() = default;

  virtual void add(const CatalogueRow& row) = 0;
  /// Writes what can be told behind the last row only.
  virtual void finish() {}
};

inline bool has_position(const Object& object) { return !object.ra.empty() || !object.dec.empty(); }

/// A coordinate in degrees within [low, high]. Throws FormatError naming the object.
inline double degrees(const std::string& source, const Object& object, const char* name, const std::string& text,
                      double low, double high) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end || !(value >= low && value <= high)) {
    throw FormatError(source + ": object '" + object.id + "': expected " + name + " in degrees from " + number(low) +
                      " to " + number(high) + ", found '" + text + "'");
  }
  return value;
}

/// Right ascension and declination in degrees, NaN where the object has none. Throws FormatError for
/// other texts than numbers, and when `needed` and absent.
inline std::pair<double, double> position(const std::string& source, const Object& object, bool needed) {
  if (!needed && !has_position(object)) {
    return {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::quiet_NaN()};
  }
  return {degrees(source, object, "ra", object.ra, 0, 360), degrees(source, object, "dec", object.dec, -90, 90)};
}

/// The file of an object; those of several bands with semicolons between them.
inline std::string file_text(const Object& object) {
  std::string text;
  for (const auto& file : object.files) {
    if (!file.empty()) text += (text.empty() ? "" : ";") + file.string();
  }
  return text;
}

/// `prediction_columns`, or the form's columns between class and masked_pixels; file, map where there are maps, and ra
/// and dec as the table has them where any object has a position.
class CsvCatalogue final : public Catalogue {
 public:
  CsvCatalogue(std::ostream& out, CatalogueForm form) : out_(out), form_(std::move(form)) {
    std::vector<std::string> header = prediction_columns;
    if (!form_.columns.empty()) {
      header = {"id", "class"};
      header.insert(header.end(), form_.columns.begin(), form_.columns.end());
      header.emplace_back("masked_pixels");
    }
    header.emplace_back("file");
    if (form_.maps) header.emplace_back("map");
    if (form_.positions) header.insert(header.end(), {"ra", "dec"});
    write_csv_row(out_, header);
  }

  void add(const CatalogueRow& row) override {
    const Object& object = row.object;
    std::vector<std::string> fields;
    if (form_.columns.empty()) {
      fields = prediction_row(object, row.numbers[0], row.masked);
    } else {
      fields = {object.id, object.class_text};
      for (const float value : row.numbers) fields.push_back(number(value));
      fields.push_back(std::to_string(row.masked));
    }
    fields.push_back(file_text(object));
    if (form_.maps) fields.push_back(row.map);
    if (form_.positions) fields.insert(fields.end(), {object.ra, object.dec});
    write_csv_row(out_, fields);
  }

 private:
  std::ostream& out_;
  CatalogueForm form_;
};

/// DS9 regions: a circle of 1' around each object, from blue (p = 0) over yellow to red (p = 1).
class RegionCatalogue final : public Catalogue {
 public:
  RegionCatalogue(std::ostream& out, const CatalogueForm& form) : out_(out), source_(form.source) {
    out_ << "# Region file format: DS9 version 4.1\n# "
         << "model " << printable(form.model) << ", sha256 " << form.model_sha256
         << "\nglobal width=2 font=\"helvetica 10 normal roman\"\nfk5\n";
  }

  void add(const CatalogueRow& row) override {
    const auto [ra, dec] = position(source_, row.object, true);
    const double p = static_cast<double>(row.numbers[0]);
    std::string id = printable(row.object.id);  // a line feed would end the region, a brace its text
    for (char& c : id) c = c == '{' ? '(' : c == '}' ? ')' : c;
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "%.3f", p);
    out_ << "circle(" << number(ra) << ',' << number(dec) << ",60\") # color=" << colour(p) << " text={" << id << ' '
         << text.data() << "}\n";
  }

 private:
  static std::string colour(double p) {
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
    return text.data();
  }

  std::ostream& out_;
  std::string source_;
};

enum class CatalogueFormat { csv, fits, regions };

/// The format that a file name stands for. Throws OptionError for other endings.
inline CatalogueFormat catalogue_format(const std::filesystem::path& path) {
  const std::string ending = path.extension().string();
  if (ending == ".csv") return CatalogueFormat::csv;
  if (ending == ".fits" || ending == ".fit") return CatalogueFormat::fits;
  if (ending == ".reg") return CatalogueFormat::regions;
  throw OptionError("--out: expected a name that ends in .csv, .fits or .reg, found '" + path.string() + "'");
}

}  // namespace abell::program
