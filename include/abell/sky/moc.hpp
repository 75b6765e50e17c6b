#pragma once
/// Multi-order coverage maps: the sky that something covers, as cells of HEALPix (IVOA MOC 2.0).

#include <abell/core/error.hpp>
#include <abell/sky/healpix.hpp>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <vector>

namespace abell::sky {

/// A set of cells of one order, in ICRS.
class Moc {
 public:
  /// Throws OptionError for an order that HEALPix does not have.
  explicit Moc(int order) : order_(order) {
    if (order < 0 || order > max_healpix_order) {
      throw OptionError("order",
                        "expected 0 to " + std::to_string(max_healpix_order) + ", found " + std::to_string(order));
    }
  }

  int order() const { return order_; }

  /// Adds cells of its order, in any sequence.
  void add(std::vector<std::uint64_t> cells) {
    std::ranges::sort(cells);
    std::vector<Range> added, sorted, all;
    for (const std::uint64_t cell : cells) join(added, {cell, cell + 1});
    std::ranges::merge(ranges_, added, std::back_inserter(sorted), {}, &Range::begin, &Range::begin);
    for (const Range& range : sorted) join(all, range);
    ranges_ = std::move(all);
  }

  bool contains(const SkyPosition& position) const {
    const std::uint64_t cell = healpix_cell(order_, position);
    const auto after = std::ranges::upper_bound(ranges_, cell, {}, &Range::begin);
    return after != ranges_.begin() && cell < std::prev(after)->end;
  }

  /// Square degrees.
  double area() const {
    std::uint64_t count = 0;
    for (const Range& range : ranges_) count += range.end - range.begin;
    return static_cast<double>(count) * healpix_side(order_) * healpix_side(order_);
  }

  /// The largest cells of any order that make up the set, each as 4 * 4^order + number (NUNIQ), ascending.
  std::vector<std::uint64_t> merged_cells() const {
    const auto size = [](int orders) { return std::uint64_t{1} << 2 * orders; };
    std::vector<std::uint64_t> cells;
    for (Range range : ranges_) {
      while (range.begin < range.end) {
        int up = 0;
        while (up < order_ && range.begin % size(up + 1) == 0 && range.begin + size(up + 1) <= range.end) ++up;
        cells.push_back(4 * size(order_ - up) + range.begin / size(up));
        range.begin += size(up);
      }
    }
    std::ranges::sort(cells);
    return cells;
  }

 private:
  struct Range {
    std::uint64_t begin, end;
  };

  /// Appends a range that begins before none of `ranges`.
  static void join(std::vector<Range>& ranges, const Range& next) {
    if (ranges.empty() || next.begin > ranges.back().end) return ranges.push_back(next);
    ranges.back().end = std::max(ranges.back().end, next.end);
  }

  int order_;
  std::vector<Range> ranges_;  ///< ascending, with gaps between them
};

}  // namespace abell::sky
