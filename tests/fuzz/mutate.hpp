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
    static constexpr std::array<std::uint64_t, 8> numbers{
        0, 1, 0x7F, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 0x7FFFFFFFFFFFFFFF, ~std::uint64_t{0}};
    const std::uint64_t number = numbers[below(numbers.size())];
    const std::size_t size = below(2) == 0 ? 4 : 8;
    for (std::size_t i = 0; i < size && at + i < bytes.size(); ++i) {
      bytes[at + i] = static_cast<char>(number >> (8 * (size - 1 - i)));
    }
  }

  /// Another value, another name, a card gone or there twice.
  void change_card(std::string& bytes) {
    static const std::array<const char*, 26> values{"0",
                                                    "1",
                                                    "-1",
                                                    "2",
                                                    "3",
                                                    "8",
                                                    "16",
                                                    "-32",
                                                    "-64",
                                                    "999",
                                                    "20000",
                                                    "20001",
                                                    "2147483647",
                                                    "2147483648",
                                                    "-2147483649",
                                                    "9223372036854775807",
                                                    "99999999999999999999",
                                                    "1E308",
                                                    "-1E-308",
                                                    "NaN",
                                                    "T",
                                                    "''",
                                                    "'RA---TAN'",
                                                    "'GZIP_1'",
                                                    "'1PB(1)'",
                                                    "'65535J'"};
    static const std::array<const char*, 28> names{
        "NAXIS", "NAXIS1", "NAXIS2",  "NAXIS3", "BITPIX",  "PCOUNT",  "GCOUNT",   "TFIELDS", "TFORM1", "TFORM2",
        "THEAP", "ZNAXIS", "ZNAXIS1", "ZTILE1", "ZTILE2",  "ZBITPIX", "ZCMPTYPE", "ZVAL1",   "BSCALE", "BZERO",
        "BLANK", "CTYPE1", "CRPIX1",  "CDELT1", "WCSAXES", "PV2_1",   "END",      "XTENSION"};
    constexpr std::size_t card = 80;
    if (bytes.size() < 2 * card) return;
    std::size_t at = below(std::min<std::size_t>(bytes.size() / card, 4 * 36)) * card;
    if (at + card > bytes.size()) at = 0;
    const auto put = [&](std::size_t where, std::string text, std::size_t size) {
      text.resize(size, ' ');
      bytes.replace(where, size, text);
    };
    switch (below(5)) {
      case 0:
      case 1: put(at + 8, std::string("= ") + values[below(values.size())], 30); break;
      case 2: put(at, names[below(names.size())], 8); break;
      case 3: put(at, "", card); break;
      default:
        bytes.replace(at, card,
                      bytes.substr(below(bytes.size() / card) * card, card).append(card, ' ').substr(0, card));
    }
  }

  std::mt19937_64 random_;
};
