#pragma once
/// Catalogues as FITS binary tables.

#include <abell/core/error.hpp>
#include <abell/data/catalogue_writer.hpp>
#include <abell/images/fits_library.hpp>
#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace abell {

namespace detail {

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

}  // namespace detail

/// A binary table with CHECKSUM and DATASUM. CFITSIO writes the header; the rows go to the stream as they come, and
/// what the header tells of them last: CFITSIO writes to a file of its own or to memory, which would hold them all.
/// Texts are padded with zeros (blanks would become a part of them elsewhere), null is TNULL or NaN. There is no
/// HISTORY: STILTS makes of it what astropy cannot read in a VOTable.
class FitsCatalogue final : public TypedCatalogue {
 public:
  /// `out` can go back to its start.
  FitsCatalogue(std::ostream& out, CatalogueHeader told) : TypedCatalogue(std::move(told)), out_(out) {
    cards_ = make_cards();
    out_ << cards_;
  }

  void finish() override {
    const std::string fill((block - data_.size() % block) % block, '\0');
    data_.add(fill);
    out_ << fill;
    std::string count = std::to_string(rows_);
    count.insert(0, 20 - count.size(), ' ');
    cards_.replace(card("NAXIS2") + value_at, count.size(), count);
    std::string sum = std::to_string(data_.value());
    sum.resize(std::max(sum.size(), std::size_t{8}), ' ');  // texts have eight places or more
    sum = "'" + sum + "'";
    sum.resize(20, ' ');
    cards_.replace(card("DATASUM") + value_at, sum.size(), sum);
    const std::size_t code_at = card("CHECKSUM") + value_at + 1;
    cards_.replace(code_at, 16, std::string(16, '0'));
    detail::FitsSum all = data_;
    all.add(std::string_view(cards_).substr(cards_.find("XTENSION")));
    std::array<char, 17> code{};
    fits_encode_chksum(static_cast<unsigned long>(all.value()), 1, code.data());
    cards_.replace(code_at, 16, code.data());
    out_.seekp(0);
    out_ << cards_;
  }

 private:
  static constexpr std::size_t block = 2880;   ///< FITS files are made of such
  static constexpr std::size_t value_at = 10;  ///< where a card has its value
  static constexpr std::int64_t null_whole = std::numeric_limits<std::int64_t>::min();

  void write(std::span<const std::string> cells) override {
    bytes_.clear();
    for (std::size_t i = 0; i < cells.size(); ++i) add_cell(columns()[i], cells[i]);
    data_.add(bytes_);
    out_ << bytes_;
    ++rows_;
  }

  std::string make_cards() const {
    const auto lock = detail::lock_fits();
    std::array<std::vector<std::string>, 3> titles;
    for (const CatalogueColumn& column : columns()) {
      titles[0].push_back(detail::header_text(column.name));
      titles[1].push_back(form(column));
      titles[2].push_back(detail::header_text(column.unit));
    }
    std::array<std::vector<char*>, 3> texts;
    for (std::size_t i = 0; i < 3; ++i) {
      for (std::string& title : titles[i]) texts[i].push_back(title.data());
    }
    detail::MemoryFits memory(header().file);
    fitsfile* file = memory.file.get();
    int status = 0;
    fits_create_tbl(file, BINARY_TBL, 0, static_cast<int>(columns().size()), texts[0].data(), texts[1].data(),
                    texts[2].data(), detail::header_text(header().title).c_str(), &status);
    const auto tell = [&](const std::string& keyword, const std::string& value, const std::string& comment) {
      if (value.empty()) return;
      fits_write_key_longstr(file, keyword.c_str(), detail::header_text(value).c_str(), comment.c_str(), &status);
    };
    for (std::size_t i = 0; i < columns().size(); ++i) {
      const std::string number = std::to_string(i + 1);
      tell("TUCD" + number, columns()[i].ucd, "");
      tell("TCOMM" + number, columns()[i].description, "");
      LONGLONG null = null_whole;
      if (columns()[i].type == CatalogueColumn::Type::whole) {
        fits_write_key(file, TLONGLONG, ("TNULL" + number).c_str(), &null, "", &status);
      }
    }
    tell("RADESYS", header().frame, "frame of the positions");
    for (const CatalogueKey& key : header().keys) {
      if (const auto* text = std::get_if<std::string>(&key.value)) {
        tell(key.keyword, *text, key.comment);
      } else {
        double value = std::get<double>(key.value);
        fits_write_key(file, TDOUBLE, key.keyword.c_str(), &value, key.comment.c_str(), &status);
      }
    }
    fits_set_hdustruc(file, &status);  // a table without rows is one, too
    detail::check_fits(status, header().file, "cannot be written as FITS");
    const std::size_t end = memory.finish(header().file);
    return {static_cast<const char*>(memory.bytes), end};
  }

  static std::string form(const CatalogueColumn& column) {
    switch (column.type) {
      case CatalogueColumn::Type::whole: return "1K";
      case CatalogueColumn::Type::real: return "1D";
      case CatalogueColumn::Type::truth: return "1L";
      case CatalogueColumn::Type::text: break;
    }
    return std::to_string(column.width) + "A";
  }

  /// Where a card of the table's header starts.
  std::size_t card(std::string keyword) const {
    keyword.resize(8, ' ');
    std::size_t at = cards_.find("XTENSION");
    while (cards_.compare(at, keyword.size(), keyword) != 0) at += 80;
    return at;
  }

  void add_cell(const CatalogueColumn& column, const std::string& cell) {
    switch (column.type) {
      case CatalogueColumn::Type::text:
        bytes_.append(cell, 0, column.width);
        bytes_.append(column.width - std::min(column.width, cell.size()), '\0');
        break;
      case CatalogueColumn::Type::whole:
        add_bits(std::bit_cast<std::uint64_t>(detail::plain_whole(cell).value_or(null_whole)));
        break;
      case CatalogueColumn::Type::real:
        add_bits(std::bit_cast<std::uint64_t>(
            detail::plain_number(cell).value_or(std::numeric_limits<double>::quiet_NaN())));
        break;
      case CatalogueColumn::Type::truth: bytes_ += cell.empty() ? '\0' : cell == "1" ? 'T' : 'F'; break;
    }
  }

  /// Most significant byte first.
  void add_bits(std::uint64_t bits) {
    for (int shift = 56; shift >= 0; shift -= 8) bytes_ += static_cast<char>(bits >> shift & 0xFFU);
  }

  std::ostream& out_;
  std::string cards_;
  std::string bytes_;  ///< of a row
  std::uint64_t rows_ = 0;
  detail::FitsSum data_;
};

}  // namespace abell
