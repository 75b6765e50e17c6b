/// Any bytes as the brackets of a FITS name: an Error, or parts that make up the whole text and hold no character and
/// no form that could name a file or call a function.

#include <abell/core/error.hpp>
#include <abell/images/fits_grammar.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

const std::string names = "_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

void check(bool good) {
  if (!good) std::abort();
}

void check_only(std::string_view text, const std::string& set) {
  check(text.find_first_not_of(set) == std::string_view::npos);
}

void check_brackets(const std::string& text, abell::FitsNameSource source) {
  const abell::FitsBrackets found = abell::detail::FitsNameParser(text, "f.fits", source).read();
  check_only(found.extension, names + " ,-.+'");
  check_only(found.section, " 0123456789:,*-");
  check_only(found.bins, names + " ,;:=()/.+-");
  check_only(found.filter, names + " .:=<>!&|^+-*/%()");
  // A name before a parenthesis would be a function.
  for (std::size_t at = found.filter.find('('); at != std::string::npos; at = found.filter.find('(', at + 1)) {
    const std::size_t before = at == 0 ? std::string::npos : found.filter.find_last_not_of(' ', at - 1);
    check(before == std::string::npos || names.find(found.filter[before]) == std::string::npos);
  }
  std::size_t used = 0;
  for (const std::string* part : {&found.extension, &found.section, &found.filter, &found.bins}) {
    if (!part->empty()) used += part->size() + 2;
  }
  check(used == text.size());
  if (source == abell::FitsNameSource::table) check(found.filter.empty() && found.bins.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  for (const auto source : {abell::FitsNameSource::user, abell::FitsNameSource::table}) {
    try {
      check_brackets(std::string(data, data + size), source);
    } catch (const abell::Error&) {
    }
  }
  return 0;
}
