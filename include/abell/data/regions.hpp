#pragma once
/// Positions of DS9 regions.

#include <abell/core/error.hpp>
#include <abell/data/position_columns.hpp>
#include <abell/images/wcs.hpp>
#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <istream>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace abell {

/// One entry of a catalogue of positions.
struct SkyObject {
  std::string id;
  SkyPosition position;
  std::string class_name = {};
  std::string colour = {};               ///< of a region
  std::string where = {};                ///< "file:line", for errors
  std::vector<std::string> fields = {};  ///< of the other columns of a table
};

namespace detail {

/// Reads regions line by line: coordinate systems and shapes ended by ';' or the line, properties
/// behind '#'. The centre is all that is kept of a shape.
class RegionParser {
 public:
  RegionParser(std::string name, const Wcs* frame) : name_(std::move(name)), frame_(frame) {}

  void line(const std::string& text) {
    ++line_;
    const std::size_t comment = text.find('#');
    const std::string properties = comment == std::string::npos ? "" : text.substr(comment + 1);
    std::string_view rest = std::string_view(text).substr(0, comment);
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(';'), rest.size());
      command(trimmed(rest.substr(0, end)), properties);
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }

  std::vector<SkyObject> objects;

 private:
  static std::string trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t\r");
    if (first == std::string_view::npos) return {};
    return std::string(text.substr(first, text.find_last_not_of(" \t\r") - first + 1));
  }

  static std::string lower(std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw FormatError(name_ + ":" + std::to_string(line_) + ": " + what);
  }

  /// The value of a property: a word, or what stands in {}, "" or ''.
  static std::string property(const std::string& text, const std::string& key) {
    const std::size_t at = text.find(key + "=");
    if (at == std::string::npos || (at > 0 && text[at - 1] != ' ')) return {};
    const std::size_t start = at + key.size() + 1;
    if (start >= text.size()) return {};
    const char open = text[start];
    if (open != '{' && open != '"' && open != '\'') return text.substr(start, text.find_first_of(" \r", start) - start);
    return text.substr(start + 1, text.find(open == '{' ? '}' : open, start + 1) - start - 1);
  }

  void command(std::string text, const std::string& properties) {
    if (text.empty()) return;
    if (lower(text).starts_with("global")) {
      if (const std::string colour = property(text, "color"); !colour.empty()) colour_ = colour;
      return;
    }
    if (text.starts_with('-')) return;  // an excluded part, no object
    if (text.starts_with('+')) text = trimmed(text.substr(1));
    const std::size_t word = text.find_first_of("( \t");
    const std::string name = lower(text.substr(0, word));
    if (word == std::string::npos) return system(name);
    for (const char* shape :
         {"circle", "ellipse", "box", "annulus", "point", "text", "panda", "epanda", "bpanda", "cross"}) {
      if (name == shape) return shape_at(text.substr(word), properties);
    }
    fail("expected a shape with a centre (circle, ellipse, box, annulus, point), found '" + name + "'");
  }

  void system(const std::string& word) {
    if (word != "fk5" && word != "icrs" && word != "j2000" && word != "image") {
      fail("expected coordinates in fk5, icrs or image, found '" + word + "'");
    }
    system_ = word;
  }

  void shape_at(std::string text, const std::string& properties) {
    std::ranges::replace(text, '(', ' ');
    std::ranges::replace(text, ')', ' ');
    std::ranges::replace(text, ',', ' ');
    std::vector<std::string> words;
    for (std::size_t at = text.find_first_not_of(" \t"); at != std::string::npos;) {
      const std::size_t end = std::min(text.find_first_of(" \t", at), text.size());
      words.push_back(text.substr(at, end - at));
      at = text.find_first_not_of(" \t", end);
    }
    if (words.size() < 2) fail("expected a centre, found '" + trimmed(text) + "'");
    if (system_.empty()) fail("expected a coordinate system (fk5, icrs or image) before the first shape");
    SkyObject object;
    object.where = name_ + ":" + std::to_string(line_);
    object.id = property(properties, "text");
    const std::string colour = property(properties, "color");
    object.colour = colour.empty() ? colour_ : colour;
    object.position = system_ == "image" ? from_pixels(words) : from_sky(words);
    objects.push_back(std::move(object));
  }

  SkyPosition from_pixels(const std::vector<std::string>& words) const {
    if (frame_ == nullptr) fail("these are pixels: expected the image that they refer to, found none");
    const auto x = plain_number(words[0]), y = plain_number(words[1]);
    if (!x || !y) fail("expected pixels, found '" + words[0] + "' and '" + words[1] + "'");
    const SkyPosition found = frame_->sky(PixelPosition{*x - 1, *y - 1});
    if (!std::isfinite(found.ra)) fail("this pixel lies outside the sky of its image");
    return found;
  }

  SkyPosition from_sky(const std::vector<std::string>& words) const {
    const auto ra = parse_angle(words[0], true), dec = parse_angle(words[1], false);
    if (!ra || !dec || !(*ra >= 0 && *ra <= 360) || !(*dec >= -90 && *dec <= 90)) {
      fail("expected right ascension and declination, found '" + words[0] + "' and '" + words[1] + "'");
    }
    return {*ra, *dec};
  }

  std::string name_;
  const Wcs* frame_;
  int line_ = 0;
  std::string system_;
  std::string colour_ = "green";  // DS9's own default
};

inline std::vector<SkyObject> read_regions(std::istream& in, const std::string& name, const Wcs* frame) {
  RegionParser parser(name, frame);
  for (std::string line; std::getline(in, line);) parser.line(line);
  return std::move(parser.objects);
}

}  // namespace detail

/// The centres of the shapes in a DS9 region file, in fk5, icrs or pixels of `frame`; ids are the
/// regions' texts. Excluded shapes ('-') are left out. Throws IoError and FormatError naming file and
/// line: another coordinate system, a shape without a centre, pixels without a frame.
inline std::vector<SkyObject> read_regions(const std::filesystem::path& path, const Wcs* frame = nullptr) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) throw IoError(path.string() + ": no such file");
  std::ifstream file(path);
  if (!file || std::filesystem::is_directory(path, error)) throw IoError(path.string() + ": cannot be read");
  return detail::read_regions(file, path.string(), frame);
}

}  // namespace abell
