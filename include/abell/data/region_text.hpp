#pragma once
/// Regions as text: the formats ds9, ciao, saotng, saoimage, pros and xy of DS9.

#include <abell/core/lower_case.hpp>
#include <abell/data/region_objects.hpp>
#include <algorithm>
#include <cctype>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace abell::detail {

inline std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r";
  const std::size_t first = std::min(text.find_first_not_of(blanks), text.size());
  return text.substr(first, text.find_last_not_of(blanks) + 1 - first);
}

/// The words of a text between blanks, commas and brackets.
inline std::vector<std::string> words_of(std::string_view text) {
  constexpr std::string_view between = " \t\r,()";
  std::vector<std::string> words;
  for (std::size_t at = text.find_first_not_of(between); at < text.size();) {
    const std::size_t end = std::min(text.find_first_of(between, at), text.size());
    words.emplace_back(text.substr(at, end - at));
    at = text.find_first_not_of(between, end);
  }
  return words;
}

/// Where the first of the characters `stops` stands that is in no braces or quotes, and no '#' of a colour; else the
/// end. Quotes behind a digit are units.
inline std::size_t find_outside(std::string_view text, std::string_view stops) {
  char before = ' ', solid = ' ';  // the last character, and the last but blanks
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool unit = std::isdigit(static_cast<unsigned char>(before)) != 0 || before == '.' || before == c;
    if (c == '{' || ((c == '"' || c == '\'') && !unit)) {
      const std::size_t close = text.find(c == '{' ? '}' : c, i + 1);
      if (close != std::string_view::npos) i = close;
    } else if (stops.find(c) != std::string_view::npos && !(c == '#' && solid == '=')) {
      return i;
    }
    before = text[i];
    if (before != ' ' && before != '\t') solid = before;
  }
  return text.size();
}

/// Properties such as `color = red text={S17; test} background`, names in lower case; a bare word has no value.
inline std::map<std::string, std::string> region_properties(std::string_view text) {
  const auto take_word = [&] {
    text = trimmed(text);
    const std::size_t kind = text.empty() ? text.npos : std::string_view("{\"'").find(text.front());
    const bool quoted = kind != text.npos;
    if (quoted) text.remove_prefix(1);
    const std::string_view stops = quoted ? std::string_view("}\"'").substr(kind, 1) : " \t\r,=";
    const std::string word(text.substr(0, text.find_first_of(stops)));
    text.remove_prefix(std::min(word.size() + (quoted ? 1 : 0), text.size()));
    return word;
  };
  std::map<std::string, std::string> properties;
  for (text = trimmed(text); !text.empty(); text = trimmed(text)) {
    const std::string name = lower_case(take_word());
    text = trimmed(text);
    const bool has_value = text.starts_with('=');
    if (has_value || text.starts_with(',')) text.remove_prefix(1);
    properties[name] = has_value ? take_word() : "";
  }
  return properties;
}

/// Reads regions line by line: coordinate systems and shapes, each ended by ';' or the line, and properties or comments
/// behind '#'.
class RegionText {
 public:
  explicit RegionText(RegionObjects& objects) : objects_(objects) {}

  void line(std::string_view text) {
    objects_.next_line();
    while (!text.empty()) {
      const std::size_t end = find_outside(text, ";#");
      const bool hash = end < text.size() && text[end] == '#';
      const std::string_view command = trimmed(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
      if (hash && command.empty()) return comment(trimmed(text));
      const std::size_t size = !hash ? 0 : has_properties(text) ? find_outside(text, ";") : text.size();
      if (!command.empty()) this->command(command, trimmed(text.substr(0, size)));
      if (hash) text.remove_prefix(std::min(size + 1, text.size()));
    }
  }

 private:
  /// Whether a text begins with a property: one word before '='.
  static bool has_properties(std::string_view text) {
    const std::size_t equals = text.find('=');
    return equals != std::string_view::npos && trimmed(text.substr(0, equals)).find_first_of(" \t;") == text.npos;
  }

  /// A line of its own behind '#': DS9's annotations, and what SAOtng tells there.
  void comment(std::string_view text) {
    const std::size_t open = std::min(text.find('('), text.size()), close = text.find(')', open);
    const std::string name = lower_case(text.substr(0, open));
    constexpr std::string_view annotations = " text vector segment ruler projection compass ";
    if (name.starts_with("format:")) {
      const std::vector<std::string> words = words_of(text);  // "format: degrees (fk5)"
      saotng_ = true;
      if (words.size() > 1) objects_.set_system(words[1] == "pixels" ? "image" : words.size() > 2 ? words[2] : "fk5");
    } else if (close != text.npos && annotations.find(" " + name + " ") != std::string_view::npos) {
      shape(text.substr(0, close), text.substr(close + 1));
    } else if (saotng_ && !name.starts_with("filename:") && !name.starts_with("date:")) {
      label_ = text;
    }
  }

  void command(std::string_view text, std::string_view behind) {
    const bool sign = text.front() == '+' || text.front() == '-' || text.front() == '!';
    const std::string_view unsigned_text = sign ? trimmed(text.substr(1)) : text;
    const bool number = unsigned_text.find_first_of("0123456789.") == 0;
    const std::string first = lower_case(text.substr(0, text.find_first_of(" \t(")));
    if (number) return coordinates(text);
    if (first == "global") return set_global(text);
    if (text.find_first_of(" \t(") == text.npos && !shape_centre(first)) return objects_.set_system(first);
    shape(text, behind);
  }

  void set_global(std::string_view text) {
    auto properties = region_properties(text);
    for (const char* name : {"text", "color"}) {
      if (properties.contains(name)) global_[name] = properties[name];
    }
  }

  /// A line of the format xy.
  void coordinates(std::string_view text) {
    const Region region{.shape = "point", .coordinates = words_of(text)};
    const auto plain = [](const std::string& word) { return plain_number(word).has_value(); };
    if (!objects_.has_system() && std::ranges::all_of(region.coordinates, plain)) {
      objects_.fail("expected a coordinate system before numbers alone (" + std::string(region_system_names) +
                    "), found none");
    }
    objects_.add(region);
  }

  /// A shape and what stands behind its '#'. Of shapes that are joined by operators the first one counts.
  void shape(std::string_view text, std::string_view behind) {
    Region region;
    region.excluded = text.front() == '-' || text.front() == '!';
    if (region.excluded || text.front() == '+') text = trimmed(text.substr(1));
    const std::size_t name = std::min(text.find_first_of(" \t("), text.size());
    region.shape = lower_case(text.substr(0, name));
    text.remove_prefix(name);
    const std::string_view points = text.substr(0, find_outside(text, ")&|"));
    region.coordinates = words_of(points);

    auto properties = region_properties(behind);
    const bool comment = !has_properties(behind), pros = points.find('(') == points.npos;
    region.background = properties.contains("background") && (!comment || behind.starts_with("background"));
    region.text = properties["text"];
    region.colour = properties["color"];
    const std::size_t quote = points.find('"');
    if (region.shape == "text" && region.text.empty() && quote < points.size()) {  // text(1, 2, "SAOtng's")
      region.text = points.substr(quote + 1, points.find('"', quote + 1) - quote - 1);
    }
    if (region.text.empty()) region.text = std::exchange(label_, "");
    if (comment && saotng_ && behind != "source" && behind.find(' ') == behind.npos) region.colour = behind;
    if (comment && pros && region.text.empty()) region.text = behind;
    if (region.text.empty()) region.text = global_["text"];
    if (region.colour.empty()) region.colour = global_["color"];
    objects_.add(region);
  }

  RegionObjects& objects_;
  std::map<std::string, std::string> global_;
  bool saotng_ = false;
  std::string label_;  ///< of the next shape, in SAOtng's format
};

}  // namespace abell::detail
