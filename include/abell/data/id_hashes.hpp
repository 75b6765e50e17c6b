#pragma once
/// Which ids were met before, in 11 to 21 bytes an id whatever its length, and 32 while the set grows.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace abell {

/// A set of 64-bit hashes. Equal ids have equal hashes; that two others have is so rare that whoever finds one again
/// may take his time to compare the ids themselves.
class IdHashes {
 public:
  /// FNV-1a, its high bits mixed into the low ones; never 0.
  static std::uint64_t of(std::string_view id) {
    std::uint64_t hash = 0xCBF29CE484222325U;
    for (const char c : id) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
    hash ^= hash >> 32U;
    return hash != 0 ? hash : 1;
  }

  bool contains(std::uint64_t hash) const { return places_[place(hash)] == hash; }

  /// Whether the hash is a new one.
  bool insert(std::uint64_t hash) {
    std::uint64_t& there = places_[place(hash)];
    if (there == hash) return false;
    there = hash;
    if (++size_ > places_.size() / 4 * 3) grow();
    return true;
  }

 private:
  /// Where the hash is, or would be.
  std::size_t place(std::uint64_t hash) const {
    std::size_t at = static_cast<std::size_t>(hash) & (places_.size() - 1);
    while (places_[at] != 0 && places_[at] != hash) at = (at + 1) & (places_.size() - 1);
    return at;
  }
  void grow() {
    std::vector<std::uint64_t> old(2 * places_.size());
    old.swap(places_);
    for (const std::uint64_t hash : old) {
      if (hash != 0) places_[place(hash)] = hash;
    }
  }

  std::vector<std::uint64_t> places_ = std::vector<std::uint64_t>(64);  ///< a power of two; 0 is free
  std::size_t size_ = 0;
};

}  // namespace abell
