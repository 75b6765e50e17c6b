#pragma once
/// A JPEG file against its standard (ITU T.81) before stb_image sees it: stb_image 2.27 takes much on trust.

#include <abell/core/error.hpp>
#include <abell/images/bytes.hpp>
#include <abell/images/image.hpp>
#include <abell/images/jpeg_scan.hpp>
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

namespace abell::detail {

inline bool is_jpeg(Bytes bytes) {
  return bytes.size() >= 3 && bytes[0] == 0xFF && bytes[1] == 0xD8 && bytes[2] == 0xFF;
}

/// What the segments before a scan have defined.
struct JpegTables {
  std::array<bool, 4> quantization{};
  std::array<HuffmanTable, 4> dc{}, ac{};
  int restart_interval = 0;
};

inline FormatError wrong_length(const JpegPlace& place, std::size_t expected, std::size_t found) {
  return place.damaged("expected " + std::to_string(expected) + " bytes, found " + std::to_string(found));
}

/// DQT: tables of 64 values of one or two bytes, none zero.
inline void define_quantization(Bytes segment, JpegTables& tables, const JpegPlace& place) {
  if (segment.empty()) throw place.damaged("expected a table, found none");
  while (!segment.empty()) {
    const int precision = segment[0] >> 4, number = segment[0] & 15;
    if (precision > 1) throw place.damaged("expected precision 0 or 1, found " + std::to_string(precision));
    if (number > 3) throw place.damaged("expected table 0 to 3, found " + std::to_string(number));
    const std::size_t width = precision == 0 ? 1 : 2;
    if (segment.size() < 1 + 64 * width) throw wrong_length(place, 1 + 64 * width, segment.size());
    for (std::size_t i = 0; i < 64; ++i) {
      const unsigned value = width == 1 ? segment[1 + i] : big_endian16(segment.subspan(1 + 2 * i, 2));
      if (value == 0) throw place.damaged("expected values above 0, found 0");
    }
    tables.quantization[static_cast<std::size_t>(number)] = true;
    segment = segment.subspan(1 + 64 * width);
  }
}

/// The table of `counts` codes of 1 to 16 bits. Differences of means have up to 11 bits, other values up to 10.
inline HuffmanTable huffman_table(Bytes counts, Bytes symbols, bool dc, const JpegPlace& place) {
  HuffmanTable table;
  table.defined = true;
  std::copy(symbols.begin(), symbols.end(), table.symbols.begin());
  std::uint32_t code = 0;  // the first that is free
  int used = 0;
  for (std::size_t n = 1; n <= 16; ++n) {
    code <<= 1;
    table.offset[n] = used - static_cast<int>(code);
    code += counts[n - 1];
    used += counts[n - 1];
    if (code > 1U << n) throw place.damaged("found more codes of " + std::to_string(n) + " bits than there are");
    table.limit[n] = code << (16 - n);
  }
  for (const std::uint8_t symbol : symbols) {
    const int size = dc ? symbol : symbol & 15, most = dc ? 11 : 10;
    if (size <= most) continue;
    throw place.damaged("expected values of up to " + std::to_string(most) + " bits, found " + std::to_string(size));
  }
  return table;
}

/// DHT: tables of 16 counts and as many symbols as they add up to.
inline void define_huffman(Bytes segment, JpegTables& tables, const JpegPlace& place) {
  if (segment.empty()) throw place.damaged("expected a table, found none");
  while (!segment.empty()) {
    const int kind = segment[0] >> 4, number = segment[0] & 15;
    if (kind > 1) throw place.damaged("expected class 0 or 1, found " + std::to_string(kind));
    if (number > 3) throw place.damaged("expected table 0 to 3, found " + std::to_string(number));
    if (segment.size() < 17) throw wrong_length(place, 17, segment.size());
    const Bytes counts = segment.subspan(1, 16);
    const auto codes = std::accumulate(counts.begin(), counts.end(), std::size_t{0});
    if (codes > 256) throw place.damaged("expected up to 256 codes, found " + std::to_string(codes));
    if (segment.size() < 17 + codes) throw wrong_length(place, 17 + codes, segment.size());
    auto& target = (kind == 0 ? tables.dc : tables.ac)[static_cast<std::size_t>(number)];
    target = huffman_table(counts, segment.subspan(17, codes), kind == 0, place);
    segment = segment.subspan(17 + codes);
  }
}

/// DRI.
inline void define_restarts(Bytes segment, JpegTables& tables, const JpegPlace& place) {
  if (segment.size() != 2) throw wrong_length(place, 2, segment.size());
  tables.restart_interval = static_cast<int>(big_endian16(segment));
}

/// SOF0, SOF1 or SOF2: 8 bits a sample, 1, 3 or 4 components. Sides of the image are the caller's to check.
inline JpegFrame frame_header(Bytes segment, bool progressive, const JpegPlace& place) {
  if (segment.size() < 6) throw wrong_length(place, 6, segment.size());
  JpegFrame frame{.progressive = progressive};
  if (segment[0] != 8) throw place.unsupported("expected 8 bits a sample, found " + std::to_string(segment[0]));
  frame.height = static_cast<int>(big_endian16(segment.subspan(1, 2)));
  frame.width = static_cast<int>(big_endian16(segment.subspan(3, 2)));
  const std::size_t count = segment[5];
  if (count != 1 && count != 3 && count != 4) {
    throw place.unsupported("expected 1, 3 or 4 components, found " + std::to_string(count));
  }
  if (segment.size() != 6 + 3 * count) throw wrong_length(place, 6 + 3 * count, segment.size());
  int across = 1, down = 1;
  for (std::size_t at = 6; at < segment.size(); at += 3) {
    JpegComponent c{.id = segment[at],
                    .across = segment[at + 1] >> 4,
                    .down = segment[at + 1] & 15,
                    .quantization = segment[at + 2]};
    for (const int factor : {c.across, c.down}) {
      if (factor < 1 || factor > 4) {
        throw place.damaged("expected sampling factors 1 to 4, found " + std::to_string(factor));
      }
    }
    if (c.quantization > 3) {
      throw place.damaged("expected quantization table 0 to 3, found " + std::to_string(c.quantization));
    }
    if (std::ranges::find(frame.components, c.id, &JpegComponent::id) != frame.components.end()) {
      throw place.damaged("expected each component once, found " + std::to_string(c.id) + " twice");
    }
    c.low.fill(never_sent);
    across = std::max(across, c.across);
    down = std::max(down, c.down);
    frame.components.push_back(c);
  }
  const auto parts = [](int size, int part) { return (size + part - 1) / part; };
  frame.units_wide = parts(frame.width, 8 * across);
  frame.units_high = parts(frame.height, 8 * down);
  for (JpegComponent& c : frame.components) {
    if (across % c.across != 0 || down % c.down != 0) {
      throw place.unsupported("expected sampling factors that divide the largest, found " + std::to_string(c.across) +
                              " x " + std::to_string(c.down) + " of " + std::to_string(across) + " x " +
                              std::to_string(down));
    }
    c.wide = parts(parts(frame.width * c.across, across), 8);
    c.high = parts(parts(frame.height * c.down, down), 8);
    c.stride = frame.units_wide * c.across;
  }
  return frame;
}

/// The coefficients and bits of a scan, which must follow on those sent before; they then count as sent.
inline void progress(JpegComponent& component, const JpegScan& scan, const JpegPlace& place) {
  for (int k = scan.start; k <= scan.end; ++k) {
    int& low = component.low[static_cast<std::size_t>(k)];
    const bool follows = scan.high == 0 ? low == never_sent : low == scan.high && scan.low == scan.high - 1;
    if (!follows || (k > 0 && component.low[0] == never_sent)) {
      throw place.damaged("expected each bit of a coefficient once and in its order, found coefficient " +
                          std::to_string(k) + " of component " + std::to_string(component.id) + " otherwise");
    }
    low = scan.low;
  }
}

/// SOS.
inline JpegScan scan_header(Bytes segment, JpegFrame& frame, const JpegTables& tables, const JpegPlace& place) {
  const std::size_t count = segment.empty() ? 0 : segment[0];
  if (count < 1 || count > frame.components.size()) {
    throw place.damaged("expected 1 to " + std::to_string(frame.components.size()) + " components, found " +
                        std::to_string(count));
  }
  if (segment.size() != 4 + 2 * count) throw wrong_length(place, 4 + 2 * count, segment.size());
  const Bytes last = segment.subspan(1 + 2 * count);
  JpegScan scan{.progressive = frame.progressive,
                .start = last[0],
                .end = last[1],
                .high = last[2] >> 4,
                .low = last[2] & 15,
                .restart_interval = tables.restart_interval,
                .units_wide = frame.units_wide,
                .units_high = frame.units_high};
  const bool whole = scan.start == 0 && scan.end == 63 && scan.high == 0 && scan.low == 0;
  const bool part = scan.end <= 63 && scan.low <= 13 && scan.high <= 13 &&
                    (scan.start == 0 ? scan.end == 0 : scan.start <= scan.end && count == 1);
  if (frame.progressive ? !part : !whole) {
    throw place.damaged("expected coefficients and bits of a " +
                        std::string(frame.progressive ? "progressive" : "sequential") + " image, found " +
                        std::to_string(scan.start) + " to " + std::to_string(scan.end) + ", bits " +
                        std::to_string(scan.high) + " and " + std::to_string(scan.low));
  }
  int blocks = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const int id = segment[1 + 2 * i];
    const std::size_t dc = segment[2 + 2 * i] >> 4, ac = segment[2 + 2 * i] & 15;
    const auto found = std::ranges::find(frame.components, id, &JpegComponent::id);
    if (found == frame.components.end()) {
      throw place.damaged("expected components of the frame, found " + std::to_string(id));
    }
    const bool needs_dc = scan.start == 0 && scan.high == 0, needs_ac = scan.end > 0;
    if (dc > 3 || ac > 3 || (needs_dc && !tables.dc[dc].defined) || (needs_ac && !tables.ac[ac].defined) ||
        !tables.quantization[static_cast<std::size_t>(found->quantization)]) {
      throw place.damaged("expected tables that are defined before the scan, found others");
    }
    progress(*found, scan, place);
    if (scan.progressive && found->nonzero.empty()) {
      found->nonzero.resize(static_cast<std::size_t>(found->stride) *
                            static_cast<std::size_t>(frame.units_high * found->down));
    }
    blocks += found->across * found->down;
    scan.parts.push_back({&*found, &tables.dc[dc % 4], &tables.ac[ac % 4]});
  }
  if (count > 1 && blocks > 10) {
    throw place.damaged("expected up to 10 blocks in an interleaved unit, found " + std::to_string(blocks));
  }
  return scan;
}

/// Walks all segments and scans up to EOI. Throws FormatError naming the file for sizes above the limits before
/// anything else, for kinds that are not supported, and where a segment or a scan is not what T.81 demands.
inline void check_jpeg(Bytes bytes, const std::string& name, double max_megapixels = default_max_megapixels) {
  JpegTables tables;
  JpegFrame frame;
  for (std::size_t at = 2;;) {
    const std::size_t start = at;
    while (at + 1 < bytes.size() && bytes[at] == 0xFF && bytes[at + 1] == 0xFF) ++at;  // fill bytes
    const auto place = [&](const char* segment) { return JpegPlace{name, segment, start}; };
    if (at + 1 >= bytes.size()) throw place("").truncated();
    if (bytes[at] != 0xFF) throw place("marker").damaged("expected FF, found another byte");
    const unsigned marker = bytes[at + 1];
    const bool framed = !frame.components.empty();
    if (marker == 0xD9) {
      const auto sent = [](const JpegComponent& c) { return c.low[0] != never_sent; };
      if (framed && std::ranges::all_of(frame.components, sent)) return;
      throw place("end of the image").damaged("expected scans of all components before it, found fewer");
    }
    if (marker < 0xC0 || (marker >= 0xD0 && marker <= 0xD8)) {
      throw place("marker").damaged("expected a segment, found marker " + std::to_string(marker));
    }
    if (at + 3 >= bytes.size()) throw place("").truncated();
    const std::size_t length = big_endian16(bytes.subspan(at + 2, 2));
    if (length < 2) throw place("segment").damaged("expected a length of at least 2, found " + std::to_string(length));
    if (length > bytes.size() - at - 2) throw place("").truncated();
    const Bytes segment = bytes.subspan(at + 4, length - 2);
    at += 2 + length;
    if (marker == 0xDB) {
      define_quantization(segment, tables, place("quantization table (DQT)"));
    } else if (marker == 0xC4) {
      define_huffman(segment, tables, place("Huffman table (DHT)"));
    } else if (marker == 0xDD) {
      define_restarts(segment, tables, place("restart interval (DRI)"));
    } else if (marker >= 0xC0 && marker <= 0xC2) {
      const JpegPlace here = place("frame header (SOF)");
      if (framed) throw here.damaged("expected one frame, found a second");
      frame = frame_header(segment, marker == 0xC2, here);
      check_image_size(frame.height, frame.width, name);
      check_megapixels(frame.height, frame.width, max_megapixels, name);
    } else if (marker == 0xDA) {
      const JpegPlace here = place("scan header (SOS)");
      if (!framed) throw here.damaged("expected a frame header before it, found none");
      const JpegScan scan = scan_header(segment, frame, tables, here);
      at = ScanWalk(scan, bytes, at, place("scan"))();
    } else if (marker < 0xE0 || (marker >= 0xF0 && marker != 0xFE)) {  // neither APPn nor a comment
      const bool frame_kind = marker < 0xD0 && marker != 0xCC;
      throw place(frame_kind ? "frame header (SOF)" : "segment")
          .unsupported(frame_kind ? "expected a sequential or progressive image of Huffman codes, found lossless, "
                                    "hierarchical or arithmetic coding"
                                  : "expected tables, scans, comments or application data, found marker " +
                                        std::to_string(marker));
    }
  }
}

}  // namespace abell::detail
