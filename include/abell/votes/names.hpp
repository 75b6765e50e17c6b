#pragma once
/// Texts that occur over and over, each kept once.

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace abell::votes {

/// Gives each distinct text a number, in order of first appearance.
class Names {
 public:
  Names() = default;
  Names(const Names&) = delete;  // the index looks into the texts
  Names& operator=(const Names&) = delete;
  Names(Names&&) = default;
  Names& operator=(Names&&) = default;

  /// The number of `text`, a new one when it is new.
  std::uint32_t add(std::string_view text) {
    if (const auto known = find(text)) return *known;
    const std::string& kept = texts_.emplace_back(text);
    return numbers_.emplace(kept, static_cast<std::uint32_t>(texts_.size() - 1)).first->second;
  }
  std::optional<std::uint32_t> find(std::string_view text) const {
    const auto at = numbers_.find(text);
    if (at == numbers_.end()) return std::nullopt;
    return at->second;
  }
  const std::string& operator[](std::size_t number) const { return texts_[number]; }
  std::size_t size() const { return texts_.size(); }

 private:
  std::deque<std::string> texts_;  // whose texts stay where they are
  std::unordered_map<std::string_view, std::uint32_t> numbers_;
};

}  // namespace abell::votes
