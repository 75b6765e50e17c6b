#include <abell/images/stb.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "catch.hpp"
#include "error_message.hpp"
#include "temp_folder.hpp"

using abell::FormatError;
using namespace abell::detail;
using namespace std::string_literals;

namespace {

Bytes bytes_of(const std::string& text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }

const JpegPlace place{"a.jpg", "segment", 2};

/// What check_jpeg says of a file; "sound" when nothing.
std::string said(const std::string& file) {
  try {
    check_jpeg(bytes_of(file), "a.jpg");
  } catch (const FormatError& error) {
    return error.what();
  }
  return "sound";
}

std::string seed(const std::string& name) { return slurp(ABELL_GOLDEN_DIR "/../fuzz/jpeg/" + name); }

/// Where the n-th marker of a kind stands.
std::size_t marker(const std::string& file, int kind, int n = 0) {
  std::size_t at = 0;
  for (; n >= 0; --n) at = file.find("\xFF"s + static_cast<char>(kind), at + 1);
  REQUIRE(at != std::string::npos);
  return at;
}

std::string with(std::string file, std::size_t at, int byte) {
  file[at] = static_cast<char>(byte);
  return file;
}

/// A frame of components {id, sampling factors as one byte}.
JpegFrame frame_of(const std::string& components, bool progressive = false) {
  std::string segment = "\x08\0\x20\0\x10"s + static_cast<char>(components.size() / 2);
  for (std::size_t i = 0; i < components.size(); i += 2) segment += components.substr(i, 2) + '\0';
  return frame_header(bytes_of(segment), progressive, place);
}

JpegTables all_tables() {
  JpegTables tables;
  tables.quantization[0] = tables.dc[0].defined = tables.ac[1].defined = true;
  return tables;
}

/// A scan of the component 1 with tables 0 and 1: first and last coefficient, bits.
JpegScan scan_of(JpegFrame& frame, int start, int end, int high, int low) {
  const std::string segment{
      1, 1, 1, static_cast<char>(start), static_cast<char>(end), static_cast<char>(high << 4 | low)};
  return scan_header(bytes_of(segment), frame, all_tables(), place);
}

}  // namespace

TEST_CASE("check_jpeg takes what ordinary programs write, and no part of it", "[images]") {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(ABELL_GOLDEN_DIR "/../fuzz/jpeg")) {
    files.push_back(slurp(entry.path()));
    REQUIRE_NOTHROW(abell::read_stb(entry.path()));
  }
  REQUIRE(files.size() >= 8);
  std::string written;
  const std::vector<std::uint8_t> pixels(19 * 23 * 3, 77);
  stbi_write_jpg_to_func(
      [](void* to, void* data, int size) {
        static_cast<std::string*>(to)->append(static_cast<const char*>(data), static_cast<std::size_t>(size));
      },
      &written, 19, 23, 3, pixels.data(), 90);
  files.push_back(written);
  for (const std::string& whole : files) {
    REQUIRE(said(whole) == "sound");
    REQUIRE(said(whole + "anything") == "sound");
    for (std::size_t size = 2; size < whole.size(); ++size) {
      INFO("cut at " << size);
      REQUIRE_THAT(said(whole.substr(0, size)), Contains("a.jpg: truncated JPEG"));
    }
    for (std::size_t at = 2; at < whole.size(); ++at) {
      INFO("byte " << at << " left out");
      const std::string found = said(whole.substr(0, at) + whole.substr(at + 1));
      REQUIRE((found == "sound" || found.starts_with("a.jpg: ")));
    }
  }
}

TEST_CASE("check_jpeg: quantization tables", "[images]") {
  const auto define = [](const std::string& segment) {
    JpegTables tables;
    define_quantization(bytes_of(segment), tables, place);
    return tables.quantization;
  };
  const std::string bytes(64, 'q'), words(128, 'q');
  REQUIRE(define("\1"s + bytes) == std::array{false, true, false, false});
  REQUIRE(define("\x13"s + words + "\0"s + bytes) == std::array{true, false, false, true});
  REQUIRE_THROWS_WITH(define("\x20"s + words),
                      "a.jpg: damaged JPEG: segment at byte 2: expected precision 0 or 1, found 2");
  REQUIRE_THROWS_WITH(define("\4"s + bytes), Contains("expected table 0 to 3, found 4"));
  REQUIRE_THROWS_WITH(define("\x10"s + bytes), Contains("expected 129 bytes, found 65"));
  REQUIRE_THROWS_WITH(define("\1"s + bytes + "\1"), Contains("expected 65 bytes, found 1"));
  REQUIRE_THROWS_WITH(define("\1"s + bytes.substr(1) + "\0"s), Contains("values above 0"));
  REQUIRE_THROWS_WITH(define(""), Contains("found none"));
}

TEST_CASE("check_jpeg: Huffman tables", "[images]") {
  const auto define = [](const std::string& segment) {
    JpegTables tables;
    define_huffman(bytes_of(segment), tables, place);
    return tables;
  };
  // Codes 0, 10, 110, 111.
  const std::string counts = "\1\1\2"s + std::string(13, '\0');
  const JpegTables tables = define("\2"s + counts + "\0\5\x0B\1"s + "\x11"s + counts + "\0\x1A\xF0\1"s);
  REQUIRE(tables.dc[2].defined);
  REQUIRE(tables.ac[1].defined);
  REQUIRE_FALSE((tables.dc[0].defined || tables.ac[2].defined));
  const std::string code = "\x5B\xC0"s;  // 0 10 110 111 ...
  ScanBits bits(bytes_of(code), 0, place);
  for (const int symbol : {0x00, 0x05, 0x0B, 0x01}) REQUIRE(bits.symbol(tables.dc[2]) == symbol);

  REQUIRE_THROWS_WITH(define("\x20"s + counts + "1234"), Contains("expected class 0 or 1, found 2"));
  REQUIRE_THROWS_WITH(define("\4"s + counts + "1234"), Contains("expected table 0 to 3, found 4"));
  REQUIRE_THROWS_WITH(define("\0"s + counts + "\1\1\1"s), Contains("expected 21 bytes, found 20"));
  REQUIRE_THROWS_WITH(define("\0"s + counts + "\1\1\1\1\1"s), Contains("expected 17 bytes, found 1"));
  REQUIRE_THROWS_WITH(define("\0\1"s), Contains("expected 17 bytes, found 2"));
  REQUIRE_THROWS_WITH(define(""), Contains("found none"));
  REQUIRE_THROWS_WITH(define("\0"s + counts + "\1\1\1\x0C"s), Contains("up to 11 bits, found 12"));
  REQUIRE_THROWS_WITH(define("\x10"s + counts + "\1\1\1\x3B"s), Contains("up to 10 bits, found 11"));
}

TEST_CASE("check_jpeg: no more codes than there are", "[images]") {
  const auto table = [](std::vector<std::uint8_t> counts) {
    counts.resize(16);
    std::size_t codes = 0;
    for (const std::uint8_t count : counts) codes += count;
    return huffman_table(counts, std::vector<std::uint8_t>(std::min<std::size_t>(codes, 256), 1), false, place);
  };
  REQUIRE_NOTHROW(table({2}));
  REQUIRE_NOTHROW(table({0, 0, 0, 0, 0, 0, 0, 255, 1}));
  REQUIRE_THROWS_WITH(table({3}), Contains("more codes of 1 bits than there are"));
  REQUIRE_THROWS_WITH(table({2, 1}), Contains("more codes of 2 bits"));
  REQUIRE_THROWS_WITH(table({1, 1, 1, 1, 1, 1, 1, 3}), Contains("more codes of 8 bits"));
  JpegTables tables;
  REQUIRE_THROWS_WITH(define_huffman(bytes_of("\0"s + std::string(16, '\x20')), tables, place),
                      Contains("expected up to 256 codes, found 512"));
}

TEST_CASE("check_jpeg: the frame header", "[images]") {
  const JpegFrame frame = frame_of("\1\x22\2\x11\3\x12"s);
  REQUIRE((frame.width == 16 && frame.height == 32 && frame.units_wide == 1 && frame.units_high == 2));
  REQUIRE((frame.components[0].wide == 2 && frame.components[0].high == 4));
  REQUIRE((frame.components[1].wide == 1 && frame.components[1].high == 2));
  REQUIRE((frame.components[2].wide == 1 && frame.components[2].high == 4));
  REQUIRE_THROWS_WITH(frame_of("\1\x11\2\x11"s),
                      Contains("unsupported JPEG") && Contains("1, 3 or 4 components, found 2"));
  REQUIRE_THROWS_WITH(frame_of("\1\x11\2\x11\1\x11"s), Contains("each component once, found 1 twice"));
  REQUIRE_THROWS_WITH(frame_of("\1\x01"s), Contains("sampling factors 1 to 4, found 0"));
  REQUIRE_THROWS_WITH(frame_of("\1\x15"s), Contains("sampling factors 1 to 4, found 5"));
  REQUIRE_THROWS_WITH(frame_of("\1\x31\2\x21\3\x11"s), Contains("unsupported JPEG") && Contains("2 x 1 of 3 x 1"));
  const auto header = [](const std::string& segment) { frame_header(bytes_of(segment), false, place); };
  REQUIRE_NOTHROW(header("\x08\0\1\0\1\1\1\x11\3"s));
  REQUIRE_THROWS_WITH(header("\x08\0\1\0\1\1\1\x11\4"s), Contains("quantization table 0 to 3, found 4"));
  REQUIRE_THROWS_WITH(header("\x0C\0\1\0\1\1\1\x11\0"s),
                      Contains("unsupported JPEG") && Contains("8 bits a sample, found 12"));
  REQUIRE_THROWS_WITH(header("\x08\0\1\0\1\1\1\x11"s), Contains("expected 9 bytes, found 8"));
  REQUIRE_THROWS_WITH(header("\x08\0\1\0\1\1\1\x11\0\0"s), Contains("expected 9 bytes, found 10"));
  REQUIRE_THROWS_WITH(header("\x08\0\1"s), Contains("expected 6 bytes, found 3"));
}

TEST_CASE("check_jpeg: scan headers", "[images]") {
  JpegFrame grey = frame_of("\1\x11"s);
  REQUIRE(scan_of(grey, 0, 63, 0, 0).parts.size() == 1);
  REQUIRE_THROWS_WITH(scan_of(grey, 0, 63, 0, 0), Contains("each bit of a coefficient once"));
  for (const auto& [start, end, high, low] :
       {std::array{0, 0, 0, 0}, {1, 63, 0, 0}, {0, 64, 0, 0}, {0, 63, 1, 0}, {0, 63, 0, 1}}) {
    JpegFrame fresh = frame_of("\1\x11"s);
    REQUIRE_THROWS_WITH(scan_of(fresh, start, end, high, low), Contains("bits of a sequential image"));
  }
  const auto header = [](const std::string& segment, const std::string& components = "\1\x11\2\x11\3\x11"s) {
    JpegFrame frame = frame_of(components);
    return scan_header(bytes_of(segment), frame, all_tables(), place).parts.size();
  };
  const std::string rest = "\0\x3F\0"s;
  REQUIRE(header("\3\1\1\2\1\3\1"s + rest) == 3);
  REQUIRE_THROWS_WITH(header("\0"s + rest), Contains("expected 1 to 3 components, found 0"));
  REQUIRE_THROWS_WITH(header("\4\1\1\2\1\3\1\4\1"s + rest), Contains("expected 1 to 3 components, found 4"));
  REQUIRE_THROWS_WITH(header(""), Contains("found 0"));
  REQUIRE_THROWS_WITH(header("\1\1\1\0\x3F"s), Contains("expected 6 bytes, found 5"));
  REQUIRE_THROWS_WITH(header("\1\1\1"s + rest + "\0"s), Contains("expected 6 bytes, found 7"));
  REQUIRE_THROWS_WITH(header("\1\4\1"s + rest), Contains("components of the frame, found 4"));
  REQUIRE_THROWS_WITH(header("\2\1\1\1\1"s + rest), Contains("each bit of a coefficient once"));
  for (const char* tables : {"\x11", "\x02", "\x41", "\x04"}) {
    REQUIRE_THROWS_WITH(header("\1\1"s + tables + rest), Contains("tables that are defined before the scan"));
  }
  REQUIRE_THROWS_WITH(header("\3\1\1\2\1\3\1"s + rest, "\1\x42\2\x12\3\x11"s),
                      Contains("up to 10 blocks") && Contains("found 11"));
  JpegFrame frame = frame_of("\1\x11"s);
  JpegTables none = all_tables();
  none.quantization = {};
  REQUIRE_THROWS_WITH(scan_header(bytes_of("\1\1\1"s + rest), frame, none, place), Contains("defined before the scan"));
}

TEST_CASE("check_jpeg: progressive scans follow each other", "[images]") {
  JpegFrame frame = frame_of("\1\x11"s, true);
  const auto refused = [&](int start, int end, int high, int low, int coefficient) {
    JpegFrame copy = frame;
    REQUIRE_THROWS_WITH(scan_of(copy, start, end, high, low),
                        Contains("found coefficient " + std::to_string(coefficient) + " of component 1 otherwise"));
  };
  refused(1, 5, 0, 2, 1);  // the mean comes first
  refused(0, 0, 1, 0, 0);
  scan_of(frame, 0, 0, 0, 1);
  refused(0, 0, 0, 1, 0);
  scan_of(frame, 0, 0, 1, 0);
  refused(0, 0, 1, 0, 0);
  scan_of(frame, 1, 5, 0, 2);
  scan_of(frame, 6, 63, 0, 0);
  refused(1, 63, 2, 1, 6);
  refused(1, 5, 2, 0, 1);
  scan_of(frame, 1, 5, 2, 1);
  for (const auto& [start, end, high, low] :
       {std::array{0, 5, 0, 0}, {5, 4, 0, 0}, {1, 64, 0, 0}, {64, 64, 0, 0}, {1, 5, 0, 14}, {1, 5, 14, 13}}) {
    JpegFrame fresh = frame_of("\1\x11"s, true);
    scan_of(fresh, 0, 0, 0, 0);
    REQUIRE_THROWS_WITH(scan_of(fresh, start, end, high, low), Contains("bits of a progressive image"));
  }
  JpegFrame colour = frame_of("\1\x11\2\x11\3\x11"s, true);
  REQUIRE_THROWS_WITH(scan_header(bytes_of("\2\1\1\2\1\1\5\0"s), colour, all_tables(), place),
                      Contains("progressive image"));
}

TEST_CASE("check_jpeg: what is not supported is told so", "[images]") {
  const std::string file = seed("grey.jpg");
  const std::size_t frame = marker(file, 0xC0) + 1;
  REQUIRE(said(with(file, frame, 0xC1)) == "sound");  // extended, which the same bytes are
  for (const int kind : {0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}) {
    REQUIRE_THAT(said(with(file, frame, kind)), Contains("unsupported JPEG") && Contains("arithmetic"));
  }
  for (const int kind : {0xCC, 0xDC, 0xDE, 0xDF, 0xF0, 0xFD}) {
    REQUIRE_THAT(said(with(file, frame, kind)),
                 Contains("unsupported JPEG") && Contains("found marker " + std::to_string(kind)));
  }
  REQUIRE_THAT(said(with(file, frame + 3, 12)),
               Contains("expected 9 bytes") || Contains("damaged") || Contains("unsupported"));
}

TEST_CASE("check_jpeg: segments in their order", "[images]") {
  const std::string file = seed("grey.jpg");
  const std::size_t frame = marker(file, 0xC0), scan = marker(file, 0xDA), end = marker(file, 0xD9);
  const std::string header = file.substr(frame, 13), comment = "\xFF\xFE\0\4hi"s, restarts = "\xFF\xDD\0\4\0\0"s;
  const auto insert = [&](std::size_t at, const std::string& text) {
    return said(file.substr(0, at) + text + file.substr(at));
  };
  REQUIRE(insert(frame, comment + "\xFF\xFF" + restarts + comment) == "sound");
  REQUIRE(insert(end, comment) == "sound");
  REQUIRE_THAT(insert(scan, header), Contains("expected one frame, found a second"));
  REQUIRE_THAT(insert(scan, "\xFF\xD8"s), Contains("expected a segment, found marker 216"));
  REQUIRE_THAT(insert(scan, "\xFF\xD0"s), Contains("expected a segment, found marker 208"));
  REQUIRE_THAT(insert(scan, "\xFF\1"s), Contains("expected a segment, found marker 1"));
  REQUIRE_THAT(insert(scan, "\0"s), Contains("expected FF, found another byte"));
  REQUIRE_THAT(insert(scan, "\xFF\xE0\0\1"s), Contains("length of at least 2, found 1"));
  REQUIRE_THAT(insert(scan, "\xFF\xDD\0\3\1"s), Contains("restart interval") && Contains("expected 2 bytes, found 1"));
  REQUIRE_THAT(insert(scan, "\xFF\xD9"s), Contains("expected scans of all components"));
  REQUIRE_THAT(insert(end, file.substr(scan, end - scan)), Contains("each bit of a coefficient once"));
  REQUIRE_THAT(said(file.substr(0, frame) + file.substr(frame + 13)), Contains("expected a frame header before it"));
  REQUIRE_THAT(said(file.substr(0, scan) + "\xFF\xE0\xFF\xFF"s + file.substr(scan)), Contains("truncated JPEG"));
  const std::string planes = seed("planes.jpg");  // a scan for each component
  REQUIRE_THAT(said(planes.substr(0, marker(planes, 0xDA, 2)) + "\xFF\xD9"), Contains("scans of all components"));
}

TEST_CASE("check_jpeg: scans are whole", "[images]") {
  const std::string file = seed("restart.jpg");  // 2 x 3 units, a restart after each
  for (int n = 0; n < 5; ++n) {
    const std::size_t at = marker(file, 0xD0 + n);
    const std::string want = "restart marker " + std::to_string(n);
    REQUIRE_THAT(said(with(file, at + 1, 0xD0 + (n + 1) % 8)), Contains("expected " + want));
    REQUIRE_THAT(said(file.substr(0, at) + file.substr(at + 2)), Contains("damaged JPEG: scan"));
    REQUIRE_THAT(said(file.substr(0, at - 4) + file.substr(at)), Contains("damaged JPEG: scan"));
    REQUIRE(said(file.substr(0, at) + "\xFF" + file.substr(at)) == "sound");  // a fill byte
    REQUIRE_THAT(said(file.substr(0, at) + "\xFF\0"s + file.substr(at)), Contains("found more data"));
  }
  for (const char* name : {"grey.jpg", "progressive.jpg", "planes.jpg"}) {
    const std::string whole = seed(name);
    const std::size_t end = marker(whole, 0xD9);
    REQUIRE_THAT(said(whole.substr(0, end) + "\x55" + whole.substr(end)), Contains("found more data"));
    REQUIRE_THAT(said(whole.substr(0, end - 6) + whole.substr(end)), Contains("damaged JPEG: scan"));
  }
}

TEST_CASE("check_jpeg: values in their range", "[images]") {
  // One grey block. A mean of `size` bits, then the end of the block; codes 0 for both.
  const auto walk = [](int size, int run, const std::string& data) {
    JpegTables tables = all_tables();
    const std::vector<std::uint8_t> counts{1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    tables.dc[0] = huffman_table(counts, std::vector<std::uint8_t>{static_cast<std::uint8_t>(size), 0}, true, place);
    tables.ac[1] = huffman_table(counts, std::vector<std::uint8_t>{0, static_cast<std::uint8_t>(run)}, false, place);
    JpegFrame frame = frame_header(bytes_of("\x08\0\x08\0\x10\1\1\x11\0"s), false, place);  // two blocks
    const std::string segment = "\1\1\1\0\x3F\0"s;
    const JpegScan scan = scan_header(bytes_of(segment), frame, tables, place);
    const std::string scanned = data + "\xFF\xD9";
    return ScanWalk(scan, bytes_of(scanned), 0, place)();
  };
  // 0 and eleven ones: +2047. Twice: a mean of 4094.
  REQUIRE(walk(0, 1, "\0"s) == 1);
  REQUIRE_THROWS_WITH(walk(11, 1, "\x7F\xF3\xFF\0\x80"s), Contains("brightness out of range"));
  REQUIRE_THROWS_WITH(walk(0, 0x10, "\x40"s), Contains("the end of many bands in a sequential image"));
  // Runs of 15 zeros and a value of one bit, five times: past 63.
  REQUIRE_THROWS_WITH(walk(0, 0xF1, "\x5B\x6D\xB6\xDB"s), Contains("past the end of its block"));
  REQUIRE_THROWS_WITH(walk(0, 0xF0, "\x55\x55"s), Contains("past the end of its block"));
}
