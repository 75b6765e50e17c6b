#pragma once
/// A catalogue as a FITS binary table. CFITSIO writes the header; the rows go to the file as they come, and what the
/// header tells of them last.

#include <abell/core/error.hpp>
#include <abell/core/version.hpp>
#include <abell/images/fits_library.hpp>
#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "catalogue.hpp"

namespace abell::program {

/// The longest text of each column of texts.
struct TextWidths {
  std::size_t id = 1, class_text = 1, file = 1, map = 1;

  void add(const Object& object, const std::string& map_file) {
    id = std::max(id, object.id.size());
    class_text = std::max(class_text, object.class_text.size());
    file = std::max(file, file_text(object).size());
    map = std::max(map, map_file.size());
  }
};

/// The sum of bytes that FITS keeps: that of big-endian words of 32 bits, carries added at the low end.
class FitsSum {
 public:
  void add(std::string_view bytes) {
    for (const char byte : bytes) {
      sum_ += std::uint64_t{static_cast<unsigned char>(byte)} << (24 - 8 * (size_++ % 4));
    }
    while (sum_ >> 32U != 0) sum_ = (sum_ & 0xFFFFFFFFU) + (sum_ >> 32U);
  }
  std::uint64_t value() const { return sum_; }
  std::uint64_t size() const { return size_; }

 private:
  std::uint64_t sum_ = 0;
  std::uint64_t size_ = 0;
};

/// A binary table with the columns of the CSV form, `predicted` as truth values, ra and dec in
/// degrees; the command, the model and its SHA-256, DATE, CHECKSUM and DATASUM in the header.
class FitsCatalogue final : public Catalogue {
 public:
  /// `out` can go back to its start; `name` is used in errors.
  FitsCatalogue(std::ostream& out, const std::string& name, CatalogueForm form, const TextWidths& widths)
      : out_(out), form_(std::move(form)), widths_(widths) {
    header_ = make_header(name);
    out_ << header_;
  }

  /// Throws FormatError for a text that is longer than all were expected to be.
  void add(const CatalogueRow& row) override {
    const Object& object = row.object;
    bytes_.clear();
    add_text(object.id, widths_.id, object);
    add_text(object.class_text, widths_.class_text, object);
    for (const float value : row.numbers) add_number(std::bit_cast<std::uint32_t>(value));
    if (form_.columns.empty()) bytes_ += is_positive(row.numbers[0]) ? 'T' : 'F';
    add_number(std::uint64_t{row.masked});
    add_text(file_text(object), widths_.file, object);
    if (form_.maps) add_text(row.map, widths_.map, object);
    if (form_.positions) {
      const auto [ra, dec] = position(form_.source, object, false);
      add_number(std::bit_cast<std::uint64_t>(ra));
      add_number(std::bit_cast<std::uint64_t>(dec));
    }
    data_.add(bytes_);
    out_ << bytes_;
    ++rows_;
  }

  void finish() override {
    const std::string fill((block - data_.size() % block) % block, '\0');
    data_.add(fill);
    out_ << fill;
    std::string count = std::to_string(rows_);
    count.insert(0, 20 - count.size(), ' ');
    header_.replace(card("NAXIS2") + value_at, count.size(), count);
    std::string sum = std::to_string(data_.value());
    sum.resize(std::max(sum.size(), std::size_t{8}), ' ');  // texts have eight places or more
    sum = "'" + sum + "'";
    sum.resize(20, ' ');
    header_.replace(card("DATASUM") + value_at, sum.size(), sum);
    const std::size_t code_at = card("CHECKSUM") + value_at + 1;
    header_.replace(code_at, 16, std::string(16, '0'));
    FitsSum all = data_;
    all.add(std::string_view(header_).substr(header_.find("XTENSION")));
    std::array<char, 17> code{};
    fits_encode_chksum(static_cast<unsigned long>(all.value()), 1, code.data());
    header_.replace(code_at, 16, code.data());
    out_.seekp(0);
    out_ << header_;
  }

 private:
  static constexpr std::size_t block = 2880;   ///< FITS files are made of such
  static constexpr std::size_t value_at = 10;  ///< where a card has its value

  std::string make_header(const std::string& name) {
    const auto lock = abell::detail::lock_fits();
    const auto text = [](std::size_t width) { return std::to_string(width) + "A"; };
    std::vector<std::array<std::string, 3>> columns{{"id", text(widths_.id), ""},
                                                    {"class", text(widths_.class_text), ""}};
    for (const std::string& column : form_.columns) columns.push_back({abell::detail::header_text(column), "1E", ""});
    const bool binary = form_.columns.empty();
    if (binary) columns.insert(columns.end(), {{"p_cluster", "1E", ""}, {"predicted", "1L", ""}});
    columns.push_back({"masked_pixels", "1K", "pixel"});
    columns.push_back({"file", text(widths_.file), ""});
    if (form_.maps) columns.push_back({"map", text(widths_.map), ""});
    if (form_.positions) columns.insert(columns.end(), {{"ra", "1D", "deg"}, {"dec", "1D", "deg"}});
    std::array<std::vector<char*>, 3> titles;
    for (auto& column : columns) {
      for (std::size_t i = 0; i < 3; ++i) titles[i].push_back(column[i].data());
    }

    abell::detail::MemoryFits memory(name);
    fitsfile* file = memory.file.get();
    int status = 0;
    fits_create_tbl(file, BINARY_TBL, 0, static_cast<int>(columns.size()), titles[0].data(), titles[1].data(),
                    titles[2].data(), "CLASSIFIED", &status);
    const auto key = [&](const char* keyword, std::string value, const char* comment) {
      value = abell::detail::header_text(std::move(value));
      fits_write_key_longstr(file, keyword, value.c_str(), comment, &status);
    };
    key("CREATOR", "abell-classify " + std::string(version), "program that made this table");
    key("MODEL", form_.model, "file of the network's weights");
    key("MODELSHA", form_.model_sha256, "SHA-256 of that file");
    float threshold = default_threshold;
    if (binary) fits_write_key(file, TFLOAT, "THRESH", &threshold, "predicted: p_cluster above this", &status);
    fits_write_date(file, &status);
    fits_write_history(file, abell::detail::header_text(form_.command).c_str(), &status);
    fits_set_hdustruc(file, &status);  // a table without rows is one, too
    abell::detail::check_fits(status, name, "cannot be written as FITS");
    const std::size_t end = memory.finish(name);
    return {static_cast<const char*>(memory.bytes), end};
  }

  /// Where a card of the table's header starts.
  std::size_t card(std::string keyword) const {
    keyword.resize(8, ' ');
    std::size_t at = header_.find("XTENSION");
    while (header_.compare(at, keyword.size(), keyword) != 0) at += 80;
    return at;
  }

  void add_text(const std::string& text, std::size_t width, const Object& object) {
    if (text.size() > width) {
      throw FormatError(form_.source + ": object '" + object.id + "': expected texts of at most " +
                        std::to_string(width) + " bytes, as when the set was read first, found '" + text + "'");
    }
    bytes_ += text;
    bytes_.append(width - text.size(), ' ');
  }
  /// Most significant byte first.
  template <class Bits>
  void add_number(Bits bits) {
    for (int shift = 8 * static_cast<int>(sizeof(Bits)) - 8; shift >= 0; shift -= 8) {
      bytes_ += static_cast<char>(bits >> shift & 0xFFU);
    }
  }

  std::ostream& out_;
  CatalogueForm form_;
  TextWidths widths_;
  std::string header_;
  std::string bytes_;  ///< of a row
  std::uint64_t rows_ = 0;
  FitsSum data_;
};

}  // namespace abell::program
