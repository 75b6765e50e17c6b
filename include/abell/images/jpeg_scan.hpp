#pragma once
/// The entropy-coded data of a JPEG scan, walked code by code and not turned into pixels: every block must be there
/// whole, and every value within its range (ITU T.81, annexes C, F and G).

#include <abell/core/error.hpp>
#include <abell/images/bytes.hpp>
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace abell::detail {

/// A place in a JPEG file, for messages.
struct JpegPlace {
  std::string name;     ///< of the file
  std::string segment;  ///< what stands there
  std::size_t byte = 0;

  FormatError damaged(const std::string& what) const { return error("damaged", what); }
  FormatError unsupported(const std::string& what) const { return error("unsupported", what); }
  FormatError truncated() const {
    return FormatError(name + ": truncated JPEG: expected an end-of-image marker, found the end of the file");
  }

 private:
  FormatError error(const char* kind, const std::string& what) const {
    return FormatError(name + ": " + kind + " JPEG: " + segment + " at byte " + std::to_string(byte) + ": " + what);
  }
};

/// The symbols in the order of their codes. A code of n bits, followed by anything up to 16 bits, lies below limit[n]
/// and not below limit[n - 1].
struct HuffmanTable {
  bool defined = false;
  std::array<std::uint32_t, 17> limit{};
  std::array<int, 17> offset{};  ///< of the symbols, from codes of n bits
  std::array<std::uint8_t, 256> symbols{};
};

/// The bits between two markers.
class ScanBits {
 public:
  ScanBits(Bytes bytes, std::size_t at, const JpegPlace& place) : bytes_(bytes), at_(at), place_(&place) {}

  /// Up to 32 bits.
  unsigned take(int count) {
    if (held_ < count) fill();
    if (held_ < count) throw missing("more entropy-coded data");
    const auto bits = static_cast<unsigned>(count == 0 ? 0 : buffer_ >> (64 - count));
    buffer_ <<= count;
    held_ -= count;
    return bits;
  }

  std::uint8_t symbol(const HuffmanTable& table) {
    if (held_ < 16) fill();
    const auto prefix = static_cast<std::uint32_t>(buffer_ >> 48);
    for (std::size_t n = 1; n <= 16; ++n) {
      if (prefix >= table.limit[n]) continue;
      take(static_cast<int>(n));
      return table.symbols[static_cast<std::size_t>(table.offset[n] + static_cast<int>(prefix >> (16 - n)))];
    }
    throw held_ < 16 ? missing("more entropy-coded data") : place_->damaged("found a code that is in no table");
  }

  /// To the marker, which less than a byte of padding parts from the last block. Returns where it stands.
  std::size_t end() {
    fill();
    if (held_ >= 8) throw place_->damaged("expected a marker after the last block, found more data");
    buffer_ = 0;
    held_ = 0;
    return at_;
  }

  /// Steps over the marker of restart `number`.
  void restart(int number) {
    at_ = end();
    while (at_ + 1 < bytes_.size() && bytes_[at_ + 1] == 0xFF) ++at_;  // fill bytes
    if (at_ + 1 >= bytes_.size()) throw place_->truncated();
    if (bytes_[at_ + 1] != 0xD0 + number) throw missing("restart marker " + std::to_string(number));
    at_ += 2;
  }

 private:
  void fill() {
    for (; held_ <= 56 && at_ < bytes_.size(); ++at_) {
      const std::uint64_t byte = bytes_[at_];
      if (byte == 0xFF) {
        if (at_ + 1 >= bytes_.size() || bytes_[at_ + 1] != 0) return;
        ++at_;
      }
      buffer_ |= byte << (56 - held_);
      held_ += 8;
    }
  }

  FormatError missing(const std::string& what) const {
    if (at_ + 1 >= bytes_.size()) return place_->truncated();
    return place_->damaged("expected " + what + ", found another marker at byte " + std::to_string(at_));
  }

  Bytes bytes_;
  std::size_t at_;
  const JpegPlace* place_;
  std::uint64_t buffer_ = 0;  ///< the next bit is the highest
  int held_ = 0;
};

/// A colour channel of the frame.
struct JpegComponent {
  int id = 0;
  int across = 1, down = 1;              ///< sampling factors: blocks in an interleaved unit
  int quantization = 0;                  ///< number of its table
  int wide = 0, high = 0;                ///< in blocks, for scans of this component alone
  int stride = 0;                        ///< blocks in a row that is filled up to whole units
  std::array<int, 64> low{};             ///< the lowest bit of each coefficient so far; `never_sent` before the first
  std::vector<std::uint64_t> nonzero{};  ///< progressive: a bit for each coefficient of each block
};

inline constexpr int never_sent = 64;

struct JpegFrame {
  bool progressive = false;
  int height = 0, width = 0;
  int units_wide = 0, units_high = 0;  ///< interleaved units
  std::vector<JpegComponent> components{};
};

/// A component's part in a scan.
struct ScanPart {
  JpegComponent* component = nullptr;
  const HuffmanTable* dc = nullptr;
  const HuffmanTable* ac = nullptr;
};

struct JpegScan {
  bool progressive = false;
  int start = 0, end = 63;  ///< coefficients
  int high = 0, low = 0;    ///< the bits before and now (successive approximation)
  int restart_interval = 0;
  int units_wide = 0, units_high = 0;
  std::vector<ScanPart> parts{};
};

class ScanWalk {
 public:
  ScanWalk(const JpegScan& scan, Bytes bytes, std::size_t at, const JpegPlace& place)
      : scan_(scan), place_(place), bits_(bytes, at, place) {}

  /// Returns where the marker after the scan stands. Throws FormatError.
  std::size_t operator()() {
    const bool alone = scan_.parts.size() == 1;
    const JpegComponent& first = *scan_.parts[0].component;
    const int high = alone ? first.high : scan_.units_high, wide = alone ? first.wide : scan_.units_wide;
    int units = 0;
    for (int row = 0; row < high; ++row) {
      for (int column = 0; column < wide; ++column, ++units) {
        if (scan_.restart_interval > 0 && units > 0 && units % scan_.restart_interval == 0) restart();
        for (std::size_t i = 0; i < scan_.parts.size(); ++i) {
          const JpegComponent& c = *scan_.parts[i].component;
          const int down = alone ? 1 : c.down, across = alone ? 1 : c.across;
          for (int y = row * down; y < (row + 1) * down; ++y) {
            for (int x = column * across; x < (column + 1) * across; ++x) block(i, y, x);
          }
        }
      }
    }
    return bits_.end();
  }

 private:
  void restart() {
    bits_.restart(restarts_++ % 8);
    dc_ = {};
    band_ends_ = 0;
  }

  void block(std::size_t part, int row, int column) {
    JpegComponent& c = *scan_.parts[part].component;
    std::uint64_t unused = 0;
    std::uint64_t& nonzero = scan_.progressive
                                 ? c.nonzero[static_cast<std::size_t>(row) * static_cast<std::size_t>(c.stride) +
                                             static_cast<std::size_t>(column)]
                                 : unused;
    if (scan_.start == 0 && scan_.high > 0) {
      bits_.take(1);
    } else if (scan_.start == 0) {
      first_dc(part);
    }
    if (scan_.end == 0) return;
    const HuffmanTable& table = *scan_.parts[part].ac;
    scan_.high > 0 ? refined_ac(table, nonzero) : first_ac(table, nonzero);
  }

  void first_dc(std::size_t part) {
    const int size = bits_.symbol(*scan_.parts[part].dc);
    const int bits = static_cast<int>(bits_.take(size));
    const bool negative = size > 0 && bits < 1 << (size - 1);
    dc_[part] += negative ? bits - (1 << size) + 1 : bits;
    constexpr int largest = 2047;
    if (std::abs(dc_[part]) > largest >> scan_.low) throw place_.damaged("found a mean brightness out of range");
  }

  void first_ac(const HuffmanTable& table, std::uint64_t& nonzero) {
    if (band_ends_ > 0) {
      --band_ends_;
      return;
    }
    for (int k = std::max(scan_.start, 1); k <= scan_.end; ++k) {
      const int symbol = bits_.symbol(table), size = symbol & 15, run = symbol >> 4;
      if (size == 0 && run < 15) {
        end_bands(run);
        --band_ends_;
        return;
      }
      k += run;
      if (k > scan_.end || (size == 0 && k == scan_.end)) throw past_the_end();
      bits_.take(size);
      if (size > 0) nonzero |= std::uint64_t{1} << k;
    }
  }

  /// One bit more of what is not zero, and new values of one bit among the zeros (T.81, figure G.7).
  void refined_ac(const HuffmanTable& table, std::uint64_t& nonzero) {
    int k = scan_.start;
    while (band_ends_ == 0 && k <= scan_.end) {
      const int symbol = bits_.symbol(table), size = symbol & 15;
      int zeros = symbol >> 4;
      if (size == 0 && zeros < 15) {
        end_bands(zeros);
        break;
      }
      if (size > 1) throw place_.damaged("expected a value of one bit, found " + std::to_string(size));
      bits_.take(size);
      for (; k <= scan_.end; ++k) {
        if ((nonzero >> k & 1) != 0) {
          bits_.take(1);
        } else if (zeros-- == 0) {
          break;
        }
      }
      if (k > scan_.end) throw past_the_end();
      if (size == 1) nonzero |= std::uint64_t{1} << k;
      ++k;
    }
    if (band_ends_ == 0) return;
    for (; k <= scan_.end; ++k) bits_.take(static_cast<int>(nonzero >> k & 1));
    --band_ends_;
  }

  /// This block and those after it whose bands hold no further new value.
  void end_bands(int size) {
    if (!scan_.progressive && size > 0) throw place_.damaged("found the end of many bands in a sequential image");
    band_ends_ = (1 << size) + static_cast<int>(bits_.take(size));
  }

  FormatError past_the_end() const { return place_.damaged("found a coefficient past the end of its block"); }

  const JpegScan& scan_;
  const JpegPlace& place_;
  ScanBits bits_;
  std::array<int, 4> dc_{};
  int band_ends_ = 0;
  int restarts_ = 0;
};

}  // namespace abell::detail
