#pragma once
/// Versions of workflows: a major number that counts changes of the tasks, a minor one for those of their texts.

#include <charconv>
#include <compare>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace abell::votes {

/// Compared as a pair: 10.9 comes before 10.10.
struct WorkflowVersion {
  int major = 0;
  int minor = 0;

  friend auto operator<=>(const WorkflowVersion&, const WorkflowVersion&) = default;
};

/// "16.55", or "16" with the minor number `minor`. No value for another text.
inline std::optional<WorkflowVersion> version_of(std::string_view text, int minor = 0) {
  WorkflowVersion version{.minor = minor};
  const char* const end = text.data() + text.size();
  const auto number = [&](const char* from, int& to) {
    const auto [rest, error] = std::from_chars(from, end, to);
    return error == std::errc() && to >= 0 && *from != '-' ? rest : nullptr;
  };
  const char* const point = text.empty() ? nullptr : number(text.data(), version.major);
  if (point == end && point != nullptr) return version;
  if (point == nullptr || *point != '.' || point + 1 == end || number(point + 1, version.minor) != end)
    return std::nullopt;
  return version;
}

/// All versions from `first` to `last`.
struct VersionRange {
  static constexpr int any_minor = std::numeric_limits<int>::max();

  WorkflowVersion first = {};
  WorkflowVersion last = {std::numeric_limits<int>::max(), any_minor};

  bool contains(const WorkflowVersion& version) const { return first <= version && version <= last; }
  /// Whether it takes a part of a major version.
  bool by_minor() const { return first.minor != 0 || last.minor != any_minor; }
};

/// " version 10.9..10.11" for messages; empty for the range of all.
inline std::string shown_range(const VersionRange& range) {
  const auto shown = [](const WorkflowVersion& version, int all_of_major) {
    const std::string major = std::to_string(version.major);
    return version.minor == all_of_major ? major : major + "." + std::to_string(version.minor);
  };
  if (range.first == WorkflowVersion{} && range.last == VersionRange{}.last) return {};
  const std::string first = shown(range.first, 0);
  const std::string last = shown(range.last, VersionRange::any_minor);
  return " version " + (first == last ? first : first + ".." + last);
}

/// "10" (all of 10), "10.9", "9..10" or "10.9..10.11". No value for another text.
inline std::optional<VersionRange> versions_of(std::string_view text) {
  const std::size_t dots = text.find("..");
  const auto first = version_of(text.substr(0, dots));
  const auto last = version_of(dots == text.npos ? text : text.substr(dots + 2), VersionRange::any_minor);
  if (!first || !last || *last < *first) return std::nullopt;
  return VersionRange{*first, *last};
}

}  // namespace abell::votes
