#pragma once
/// Which ids were met before, in 16 bytes an id whatever its length.

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

  bool contains(std::uint64_t hash) const { return slots_[place(hash)] == hash; }

  /// Whether the hash is a new one.
  bool insert(std::uint64_t hash) {
    std::uint64_t& slot = slots_[place(hash)];
    if (slot == hash) return false;
    slot = hash;
    if (++size_ > slots_.size() / 4 * 3) grow();
    return true;
  }

 private:
  /// Where the hash is, or would be.
  std::size_t place(std::uint64_t hash) const {
    std::size_t at = static_cast<std::size_t>(hash) & (slots_.size() - 1);
    while (slots_[at] != 0 && slots_[at] != hash) at = (at + 1) & (slots_.size() - 1);
    return at;
  }
  void grow() {
    std::vector<std::uint64_t> old(2 * slots_.size());
    old.swap(slots_);
    for (const std::uint64_t hash : old) {
      if (hash != 0) slots_[place(hash)] = hash;
    }
  }

  std::vector<std::uint64_t> slots_ = std::vector<std::uint64_t>(64);  ///< a power of two; 0 is free
  std::size_t size_ = 0;
};

}  // namespace abell
