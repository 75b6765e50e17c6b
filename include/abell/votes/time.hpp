#pragma once
/// Times as Panoptes writes them.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

namespace abell::votes {

/// "2015-06-01 00:01:37 UTC" of seconds since 1970.
inline std::string panoptes_time(std::int64_t seconds) {
  using namespace std::chrono;
  const sys_seconds at{std::chrono::seconds(seconds)};
  const auto day = floor<days>(at);
  const year_month_day date(day);
  const hh_mm_ss clock(at - day);
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02u %02d:%02d:%02d UTC", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text.data();
}

/// Seconds in a day.
inline constexpr std::int64_t day_seconds = 86400;

namespace detail {

/// The digits of `text` from `at` on; -1 when one of them is none.
inline int digits(std::string_view text, std::size_t at, std::size_t count) {
  int value = 0;
  for (const char c : text.substr(at, count)) {
    if (c < '0' || c > '9') return -1;
    value = 10 * value + (c - '0');
  }
  return value;
}

}  // namespace detail

/// Seconds since 1970 of "2015-06-01", its first moment. No value for another text.
inline std::optional<std::int64_t> day_of(std::string_view text) {
  using namespace std::chrono;
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const int year_number = detail::digits(text, 0, 4);
  const int month_number = detail::digits(text, 5, 2);
  const int day_number = detail::digits(text, 8, 2);
  if (year_number < 0 || month_number < 0 || day_number < 0) return std::nullopt;
  const year_month_day date(year(year_number), month(static_cast<unsigned>(month_number)),
                            day(static_cast<unsigned>(day_number)));
  if (!date.ok()) return std::nullopt;
  return std::int64_t{sys_days(date).time_since_epoch().count()} * day_seconds;
}

/// Seconds since 1970 of "2015-06-01 00:01:37 UTC" or "2015-06-01T00:01:37.250Z", always UTC. No value for another
/// text.
inline std::optional<std::int64_t> time_of(std::string_view text) {
  constexpr std::size_t length = 19;
  if (text.size() < length || (text[10] != ' ' && text[10] != 'T') || text[13] != ':' || text[16] != ':')
    return std::nullopt;
  const auto day = day_of(text.substr(0, 10));
  const int hour = detail::digits(text, 11, 2);
  const int minute = detail::digits(text, 14, 2);
  const int second = detail::digits(text, 17, 2);
  if (!day || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return std::nullopt;
  std::string_view rest = text.substr(length);
  if (rest.starts_with('.')) rest.remove_prefix(std::min(rest.size(), rest.find_first_not_of("0123456789", 1)));
  if (!rest.empty() && rest != " UTC" && rest != "Z" && rest != "+00:00") return std::nullopt;
  return *day + 3600 * hour + 60 * minute + second;
}

}  // namespace abell::votes
