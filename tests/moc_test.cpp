#include <abell/core/random.hpp>
#include <abell/data/fits_table.hpp>
#include <abell/images/moc_write.hpp>
#include <abell/images/wcs.hpp>
#include <abell/sky/moc.hpp>
#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "catch.hpp"
#include "temp_folder.hpp"

using abell::SkyPosition;
using abell::sky::Moc;
using Catch::Matchers::Contains;
using Cells = std::vector<std::uint64_t>;

TEST_CASE("positions lie in the cells of HEALPix that astropy_healpix gives", "[moc]") {
  struct Value {
    SkyPosition position;
    std::array<std::uint64_t, 4> cells;
  };
  // lonlat_to_healpix(ra, dec, 2**order, order="nested") of astropy_healpix 0.6, orders 0, 3, 10, 29; on the borders
  // of cells conventions differ.
  constexpr Value values[] = {
      {{0.001, 0.002}, {4, 304, 4980736, 1369094287039301528}},
      {{45.001, 0.003}, {0, 0, 0, 516637922}},
      {{149.59, -11.06}, {6, 418, 6857004, 1884839127333868412}},
      {{10, 85}, {0, 63, 1043294, 286778719617294402}},
      {{359.9999, 0.5}, {4, 304, 4980796, 1369111001725647758}},
      {{0, 90}, {0, 63, 1048575, 288230376151711743}},
      {{0, -90}, {8, 512, 8388608, 2305843009213693952}},
      {{200, -89.9999}, {10, 640, 10485760, 2882303761517805557}},
      {{300.25, 41.9}, {3, 230, 3774913, 1037640246564719386}},
      {{300.25, 41.7}, {3, 230, 3774781, 1037604050259998103}},
      {{123.4, -66.6}, {9, 585, 9588730, 2635730298972357699}},
      {{270.0001, -41.82}, {11, 746, 12233386, 3362687711021773592}},
  };
  constexpr std::array orders{0, 3, 10, 29};
  for (const Value& value : values) {
    for (std::size_t i = 0; i < orders.size(); ++i) {
      INFO(value.position.ra << " " << value.position.dec << " order " << orders[i]);
      REQUIRE(abell::sky::healpix_cell(orders[i], value.position) == value.cells[i]);
    }
  }
  // Turns of right ascension.
  REQUIRE(abell::sky::healpix_cell(10, {149.59 - 360, -11.06}) == 6857004);
  for (const double ra : {-1e-15, 360.0, 720.0, -360.0}) {
    REQUIRE(abell::sky::healpix_cell(10, {ra, 0}) == abell::sky::healpix_cell(10, {0, 0}));
  }
}

TEST_CASE("centres of cells are those of astropy_healpix", "[moc]") {
  struct Value {
    int order;
    std::uint64_t cell;
    SkyPosition centre;
  };
  // healpix_to_lonlat(cell, 2**order, order="nested")
  constexpr Value values[] = {
      {0, 4, {0, 0}},
      {0, 0, {45, 41.810314895778596}},
      {3, 700, {225, -14.477512185929925}},
      {10, 8000000, {238.35937499999991, -6.542045108684459}},
      {10, 12582911, {315.0, -0.037301942422267316}},
      {14, 123456789, {85.59569658405894, 55.371226860019696}},
      {29, 3000000000000000000, {229.405412183551, -45.92743303113218}},
      {29, 3458764513820540927, {315.0, -7.114780385429948e-08}},
      {29, 288230376151711743, {45.0, 89.9999999128621}},
  };
  for (const Value& value : values) {
    INFO(value.order << " " << value.cell);
    REQUIRE(abell::separation(abell::sky::healpix_centre(value.order, value.cell), value.centre) < 1e-10);
  }
}

TEST_CASE("the centre of a cell lies in it", "[moc]") {
  for (int order = 0; order <= 5; ++order) {
    for (std::uint64_t cell = 0; cell < std::uint64_t{12} << 2 * order; ++cell) {
      const SkyPosition centre = abell::sky::healpix_centre(order, cell);
      REQUIRE((centre.ra >= 0 && centre.ra < 360 && std::abs(centre.dec) < 90));
      REQUIRE(abell::sky::healpix_cell(order, centre) == cell);
    }
  }
  abell::Random random(1);
  for (int i = 0; i < 3000; ++i) {
    const int order = 20 + i % 10;
    const auto cell =
        static_cast<std::uint64_t>(random.uniform() * static_cast<double>(std::uint64_t{12} << 2 * order));
    REQUIRE(abell::sky::healpix_cell(order, abell::sky::healpix_centre(order, cell)) == cell);
    // A cell of a coarser order holds it, too.
    REQUIRE(abell::sky::healpix_cell(order - 7, abell::sky::healpix_centre(order, cell)) == cell >> 14U);
  }
}

TEST_CASE("a coverage holds its cells, merged to the largest ones", "[moc]") {
  Moc moc(2);
  REQUIRE(moc.merged_cells().empty());
  REQUIRE(moc.area() == 0);
  moc.add({7, 4, 5});
  moc.add({6, 5, 20});
  // Cells 4 to 7 are cell 1 of order 1.
  REQUIRE(moc.merged_cells() == Cells{4 * 4 + 1, 4 * 16 + 20});
  REQUIRE(moc.area() == Approx(5 * 41252.96125 / 192));
  REQUIRE(moc.contains(abell::sky::healpix_centre(2, 6)));
  REQUIRE(moc.contains(abell::sky::healpix_centre(2, 20)));
  for (const std::uint64_t cell : Cells{0, 3, 8, 19, 21, 191})
    REQUIRE_FALSE(moc.contains(abell::sky::healpix_centre(2, cell)));
  // All of base cell 3, then of the sky.
  Moc all(3);
  Cells cells;
  for (std::uint64_t cell = 0; cell < 768; ++cell) cells.push_back(767 - cell);
  all.add({cells.begin() + 512, cells.end()});
  REQUIRE(all.merged_cells() == Cells{4, 5, 6, 7});
  all.add(cells);
  REQUIRE(all.merged_cells() == Cells{4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15});
  REQUIRE(all.area() == Approx(41252.96125));
  REQUIRE_THROWS_AS(Moc(30), abell::OptionError);
  REQUIRE_THROWS_AS(Moc(-1), abell::OptionError);
}

TEST_CASE("a coverage of a tangent field has its area and no holes", "[moc]") {
  constexpr int side = 360;  // pixels of 10": one degree
  constexpr int order = 13;
  for (const SkyPosition& centre :
       {SkyPosition{150, 2}, {0.01, -41.8}, {45, 66}, {90, 75}, {200, 89.9}, {3, -90}, {359.99, 0}}) {
    INFO(centre.ra << " " << centre.dec);
    const auto wcs = abell::Wcs::tangent(centre, side, side, 10);
    Moc moc(order);
    for (int y = 0; y < side; ++y) {
      Cells cells;
      for (int x = 0; x < side; ++x) cells.push_back(abell::sky::healpix_cell(order, wcs.sky({double(x), double(y)})));
      moc.add(std::move(cells));
    }
    // The pixels' centres span 0.994; cells that the border crosses add about half a cell on each side.
    REQUIRE(moc.area() > 0.994);
    REQUIRE(moc.area() < 1 + 4 * abell::sky::healpix_side(order));
    for (int y = 4; y < side - 4; y += 7) {
      for (int x = 4; x < side - 4; x += 7) REQUIRE(moc.contains(wcs.sky({x + 0.47, y - 0.51})));
    }
    REQUIRE_FALSE(moc.contains(wcs.sky({side + 5.0, side / 2.0})));
    REQUIRE_FALSE(moc.contains(wcs.sky({side / 2.0, -6.0})));
  }
}

TEST_CASE("a coverage is written as the standard has it", "[moc][fits]") {
  const TempFolder folder;
  const auto path = folder / "moc.fits";
  Moc moc(14);
  moc.add({0, 1, 2, 3, 3221225471});
  abell::write_moc(path, moc.order(), moc.merged_cells(), {.creator = "test 1", .history = {"by hand"}});
  const abell::Table table = abell::read_fits_table(path);
  REQUIRE(table.header == std::vector<std::string>{"UNIQ"});
  REQUIRE(table.rows == std::vector<std::vector<std::string>>{{"268435456"}, {"4294967295"}});
  const std::string bytes = slurp(path);
  for (const char* card :
       {"MOCVERS = '2.0     '", "MOCDIM  = 'SPACE   '", "ORDERING= 'NUNIQ   '", "COORDSYS= 'C       '",
        "MOCORD_S=                   14", "MOCORDER=                   14", "TFORM1  = '1K      '",
        "MOCTYPE = 'IMAGE   '", "MOCTOOL = 'test 1  '", "HISTORY by hand", "CHECKSUM= "}) {
    INFO(card);
    REQUIRE(bytes.find(card) != std::string::npos);
  }
  REQUIRE_THROWS_WITH(abell::write_moc(path, 0, {}), Contains("moc.fits: already exists"));
  REQUIRE(slurp(path) == bytes);
  abell::write_moc(path, 0, {}, {.overwrite = true});
  REQUIRE(abell::read_fits_table(path).rows.empty());
}
