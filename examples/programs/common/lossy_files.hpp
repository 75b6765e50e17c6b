#pragma once
/// Images that were packed with loss, which users are told.

#include <abell/data/object.hpp>
#include <abell/images/fits.hpp>
#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <string_view>
#include <system_error>

namespace abell::program {

/// What is said of such a file.
inline constexpr const char* packed_with_loss = "packed with loss, which changes counts (fpack -q 0 keeps them)";

/// Finds the images of a set that were packed with loss. Files that are compressed whole are not looked into: they
/// would have to be unpacked once more.
class LossyFiles {
 public:
  /// Throws FormatError for a FITS file that cannot be read.
  void look_at(const Object& object) {
    ++objects_;
    const auto lossy = [](const std::filesystem::path& file) {
      return may_be_packed(file) && FitsFile(file).is_lossy();
    };
    const auto found = std::ranges::find_if(object.files, lossy);
    if (found == object.files.end() && !lossy(object.third)) return;
    if (lossy_++ == 0) first_ = found == object.files.end() ? object.third : *found;
  }

  /// One line on standard error, if there were any.
  void tell() const {
    if (lossy_ == 0) return;
    std::cerr << first_.string() << ": " << packed_with_loss;
    if (lossy_ > 1) std::cerr << "; so are images of " << lossy_ << " of " << objects_ << " objects";
    std::cerr << std::endl;
  }

 private:
  /// Whether the first cards, SIMPLE, BITPIX and NAXIS, are those of the empty HDU that stands before a packed image,
  /// or the name may choose one.
  static bool may_be_packed(const std::filesystem::path& file) {
    const std::filesystem::path base = fits_base(file);
    std::error_code error;
    if (!std::filesystem::is_regular_file(base, error)) return false;
    std::array<char, 240> head{};
    std::ifstream(base, std::ios::binary).read(head.data(), head.size());
    const std::string_view cards(head.data(), head.size());
    return cards.starts_with("SIMPLE") && (base != file || abell::detail::card_number(cards.substr(160)) == 0);
  }

  std::size_t objects_ = 0;
  std::size_t lossy_ = 0;
  std::filesystem::path first_;
};

}  // namespace abell::program
