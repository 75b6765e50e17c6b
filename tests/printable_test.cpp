#include <abell/core/printable.hpp>
#include <sstream>
#include <string>
#include <string_view>

#include "../examples/programs/common/printable_output.hpp"
#include "catch.hpp"

using abell::printable;

namespace {

/// The UTF-8 of a code point, surrogates too.
std::string utf8(unsigned code) {
  const auto byte = [](unsigned value) { return std::string(1, static_cast<char>(value)); };
  const auto tail = [&](unsigned shift) { return byte(0x80U | (code >> shift & 0x3FU)); };
  if (code < 0x80) return byte(code);
  if (code < 0x800) return byte(0xC0U | code >> 6U) + tail(0);
  if (code < 0x10000) return byte(0xE0U | code >> 12U) + tail(6) + tail(0);
  return byte(0xF0U | code >> 18U) + tail(12) + tail(6) + tail(0);
}

bool visible(std::string_view text) { return text.find("\\x") != std::string_view::npos; }

}  // namespace

TEST_CASE("Printable text is what it was", "[printable]") {
  for (const char* text : {"", "sim000001", "a \"b\" \\ 'c'", "Grüße, β-model, 銀河団 🔭, עברית", "−3×10⁻⁵ – …"}) {
    CHECK(printable(text) == text);
  }
}

TEST_CASE("What a terminal would obey is shown instead", "[printable]") {
  CHECK(printable("a\x1b[31mb") == "a\\x1b[31mb");
  CHECK(printable("\r\n\t\x7f") == "\\x0d\\x0a\\x09\\x7f");
  CHECK(printable(std::string_view("a\0b", 3)) == "a\\x00b");
  CHECK(printable("\xc2\x9b"
                  "31m") == "\\xc2\\x9b31m");
  CHECK(printable("\u202Egnp") == "\\xe2\\x80\\xaegnp");
}

TEST_CASE("Bytes that are no UTF-8 are shown one by one", "[printable]") {
  CHECK(printable("caf\xe9") == "caf\\xe9");
  CHECK(printable("\x9b"
                  "31m") == "\\x9b31m");
  CHECK(printable("\xc0\xaf") == "\\xc0\\xaf");           // longer than needed
  CHECK(printable("\xe0\x82\x9b") == "\\xe0\\x82\\x9b");  // the same, of a control character
  CHECK(printable("\xf0\x80\x80\x80") == "\\xf0\\x80\\x80\\x80");
  CHECK(printable("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");  // beyond U+10FFFF
  CHECK(printable("\xe2\x82") == "\\xe2\\x82");                    // cut
  CHECK(printable("\xc3\x1b") == "\\xc3\\x1b");                    // cut by a control character
}

TEST_CASE("Every code point stays or is shown, by the rule", "[printable]") {
  for (unsigned code = 0; code <= 0x10FFFF; ++code) {
    const bool control = code < 0x20 || (code >= 0x7F && code < 0xA0);
    const bool turns = (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
    const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
    const bool no_xml = code == 0xFFFE || code == 0xFFFF;
    const std::string shown = printable(utf8(code));
    if (visible(shown) != (control || turns || surrogate || no_xml))
      FAIL("U+" << std::hex << code << " became " << shown);
  }
}

TEST_CASE("A stream's text is printable, line feeds pass, and what was there before comes back", "[printable]") {
  std::ostringstream text;
  std::ostream out(text.rdbuf());
  std::streambuf* const before = out.rdbuf();
  {
    abell::program::PrintableBuffer buffer(out);
    out << "id '\x1b]0;title\a'" << 7 << '\n' << "next " << std::hex << 255;
    CHECK(before != out.rdbuf());
    out << '\xc3' << '\xbc';  // one character in two pieces
    out.flush();
    out << "\x1b";
  }
  CHECK(out.rdbuf() == before);
  CHECK(text.str() == "id '\\x1b]0;title\\x07'7\nnext ff\xc3\xbc\\x1b");
}
