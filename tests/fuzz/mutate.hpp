#pragma once
/// Damage to FITS files: single bytes, cards of the header, blocks, the end.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>

class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : random_(seed) {}

  /// One to eight changes to the bytes of a file.
  std::string operator()(std::string bytes) {
    const std::size_t changes = 1 + below(8);
    for (std::size_t i = 0; i < changes && !bytes.empty(); ++i) change(bytes);
    return bytes;
  }

  std::size_t below(std::size_t limit) { return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_); }

 private:
  void change(std::string& bytes) {
    const std::size_t at = below(bytes.size());
    switch (below(10)) {
      case 0: bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8))); break;
      case 1: bytes[at] = static_cast<char>(below(256)); break;
      case 2: bytes.resize(at); break;
      case 3: overwrite(bytes, at); break;
      case 4: {  // a block from elsewhere
        const std::size_t from = below(bytes.size()),
                          size = std::min({below(200) + 1, bytes.size() - from, bytes.size() - at});
        std::copy_n(bytes.substr(from, size).begin(), size, bytes.begin() + static_cast<std::ptrdiff_t>(at));
        break;
      }
      default: change_card(bytes);
    }
  }

  /// A big-endian integer such as descriptors and sizes are.
  void overwrite(std::string& bytes, std::size_t at) {
    const std::uint64_t number = (std::uint64_t{1} << below(64)) - below(2);
    const std::size_t size = below(2) == 0 ? 4 : 8;
    for (std::size_t i = 0; i < size && at + i < bytes.size(); ++i) {
      bytes[at + i] = static_cast<char>(number >> (8 * (size - 1 - i)));
    }
  }

  /// Another value, the name of another card, a card gone or there twice.
  void change_card(std::string& bytes) {
    static constexpr std::array<const char*, 14> values{
        "0",     "1",   "-1",  "2", "100", "-32", "20001", "2147483648", "9223372036854775807",
        "1E308", "0.5", "NaN", "T", "'A'"};
    constexpr std::size_t size = 80;
    if (bytes.size() < 2 * size) return;
    const auto card = [&] { return below(std::min<std::size_t>(bytes.size() / size, 4 * 36)) * size; };
    const std::size_t at = card();
    const auto put = [&](std::size_t where, std::string text, std::size_t width) {
      text.resize(width, ' ');
      bytes.replace(where, width, text);
    };
    switch (below(5)) {
      case 0:
      case 1: put(at + 8, std::string("= ") + values[below(values.size())], 30); break;
      case 2: put(at, bytes.substr(card(), 8), 8); break;
      case 3: put(at, "", size); break;
      default: put(at, bytes.substr(card(), size), size);
    }
  }

  std::mt19937_64 random_;
};
