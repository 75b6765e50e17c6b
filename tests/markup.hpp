#pragma once
/// What the tests of pages and figures ask of markup.

#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

inline bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

inline std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size())) ++found;
  return found;
}

/// What is wrong with the tags of `html`; empty when all are balanced. Attributes must be quoted.
inline std::string tag_error(std::string_view html) {
  const std::set<std::string, std::less<>> empty_tags{"meta", "img", "!DOCTYPE"};
  std::vector<std::string> open;
  for (std::size_t at = html.find('<'); at != std::string_view::npos; at = html.find('<', at)) {
    bool quoted = false;
    std::size_t end = at + 1;
    for (; end < html.size() && (quoted || html[end] != '>'); ++end) {
      if (html[end] == '"') quoted = !quoted;
      if (html[end] == '<') return "'<' inside a tag near " + std::string(html.substr(at, 60));
    }
    if (end == html.size()) return "unfinished tag " + std::string(html.substr(at, 60));
    const std::string_view tag = html.substr(at + 1, end - at - 1);
    const bool closing = tag.starts_with('/');
    const std::size_t from = closing ? 1 : 0;
    const std::string name(tag.substr(from, tag.find_first_of(" \n/", from) - from));
    if (closing) {
      if (open.empty() || open.back() != name) return "unexpected </" + name + ">";
      open.pop_back();
    } else if (!tag.ends_with('/') && !empty_tags.contains(name)) {
      open.push_back(name);
    }
    at = end + 1;
  }
  return open.empty() ? "" : "<" + open.back() + "> is not closed";
}
