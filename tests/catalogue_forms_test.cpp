/// Catalogues in every form, read back by the readers of tables and regions.

#include <abell/core/atomic_file.hpp>
#include <abell/data/catalogue_forms.hpp>
#include <abell/data/open_table.hpp>
#include <abell/data/regions.hpp>
#include <abell/images/fits_library.hpp>
#include <abell/images/fits_name.hpp>
#include <initializer_list>
#include <sstream>
#include <string>
#include <vector>

#include "catch.hpp"
#include "error_message.hpp"
#include "temp_folder.hpp"

using namespace abell;
using Type = CatalogueColumn::Type;
using Row = std::vector<std::string>;

namespace {

const std::string long_text =
    "a description of more than 68 characters, which FITS continues in a card of its own: \"quotes\", 'both', & <tags>";

CatalogueHeader described() {
  return {.file = "c.out",
          .title = "CLASSIFIED",
          .frame = "ICRS",
          .keys = {{"CREATOR", "abell", "program"}, {"THRESH", 0.5, "number"}, {"CMDLINE", std::string(200, 'x'), ""}},
          .columns = {{"id", Type::text, "", "meta.id;meta.main", "name", 20},
                      {"ra", Type::real, "deg", "pos.eq.ra;meta.main", "right ascension"},
                      {"dec", Type::real, "deg", "pos.eq.dec;meta.main", "declination"},
                      {"p", Type::real, "", "stat.probability", long_text},
                      {"flux", Type::real, "erg.cm-2.s-1", "phot.flux;em.X-ray"},
                      {"masked", Type::whole, "pixel", "meta.number"},
                      {"predicted", Type::truth, "", "meta.code"}}};
}

const std::vector<Row> described_rows{{"a {1}", "150.1", "-2.5", "0.3", "1e-14", "7", "1"},
                                      {"=1+1, \"b\" <&>'", "0", "90", "1", "", "-9223372036854775807", "0"},
                                      {"-\xC3\xA9", "359.999999999", "0.1", "0", "-0.25", "", ""},
                                      {"'=x", "1", "2", "", "3", "0", "1"}};

void fill(CatalogueWriter& catalogue, const std::vector<Row>& rows) {
  for (const Row& row : rows) catalogue.add(row);
  catalogue.finish();
}

std::filesystem::path write(const std::filesystem::path& path, const CatalogueHeader& header,
                            const std::vector<Row>& rows) {
  AtomicFile file(path);
  fill(*begin_catalogue(catalogue_form(path), file.stream(), header), rows);
  file.commit();
  return path;
}

std::string text_of(CatalogueForm form, const CatalogueHeader& header, const std::vector<Row>& rows) {
  std::ostringstream out;
  fill(*begin_catalogue(form, out, header), rows);
  return out.str();
}

std::vector<Row> rows_of(TableReader& table) {
  std::vector<Row> found;
  while (table.next()) found.push_back(table.fields());
  return found;
}

/// The table of a FITS file whose checksums are all right.
detail::FitsPointer checked_table(const std::filesystem::path& path) {
  int status = 0, data = 0, header = 0;
  detail::FitsPointer file = detail::open_fits(path);
  for (const int unit : {1, 2}) {
    fits_movabs_hdu(file.get(), unit, nullptr, &status);
    fits_verify_chksum(file.get(), &data, &header, &status);
    REQUIRE((data == 1 && header == 1 && status == 0));
  }
  return file;
}

}  // namespace

TEST_CASE("every form of a catalogue is read back with units, UCDs, descriptions and nulls", "[catalogue]") {
  const TempFolder folder;
  for (const char* ending : {"csv", "ecsv", "fits", "vot"}) {
    INFO(ending);
    const auto table = open_table(write(folder / (std::string("c.") + ending), described(), described_rows));
    REQUIRE(table->header == Row{"id", "ra", "dec", "p", "flux", "masked", "predicted"});
    REQUIRE(rows_of(*table) == described_rows);
    if (std::string(ending) == "csv") continue;
    REQUIRE(table->units == Row{"", "deg", "deg", "", "erg.cm-2.s-1", "pixel", ""});
    REQUIRE(table->ucds == Row{"meta.id;meta.main", "pos.eq.ra;meta.main", "pos.eq.dec;meta.main", "stat.probability",
                               "phot.flux;em.X-ray", "meta.number", "meta.code"});
    REQUIRE(table->descriptions == Row{"name", "right ascension", "declination", long_text, "", "", ""});
    REQUIRE(table->frame(1) == "ICRS");
  }
}

TEST_CASE("positions in a catalogue are in the frame that it tells", "[catalogue]") {
  const TempFolder folder;
  CatalogueHeader header = described();
  header.frame = "Galactic";
  for (const char* ending : {"ecsv", "vot"}) {
    REQUIRE(open_table(write(folder / (std::string("c.") + ending), header, described_rows))->frame(1) == "Galactic");
  }
  header.frame = "";
  const auto table = open_table(write(folder / "none.ecsv", header, described_rows));
  REQUIRE(table->frame(1).empty());
  REQUIRE(rows_of(*table) == described_rows);
}

TEST_CASE("texts that XML, YAML and FITS have no place for are shown", "[catalogue]") {
  const TempFolder folder;
  CatalogueHeader header = described();
  header.columns.resize(1);
  header.columns[0].name = "1";  // no number in YAML
  header.columns[0].width = 24;  // as shown
  header.keys = {{"DATE", "2026-11-30T19:20:09", ""}};
  for (const char* ending : {"ecsv", "fits", "vot"}) {
    INFO(ending);
    const auto path = write(folder / (std::string("c.") + ending), header, {{"\x1b\n\x9B\xEF\xBF\xBF"}, {"true"}});
    const auto table = open_table(path);
    REQUIRE(table->header == Row{"1"});
    REQUIRE(rows_of(*table) == std::vector<Row>{{"\\x1b\\x0a\\x9b\\xef\\xbf\\xbf"}, {"true"}});
  }
  REQUIRE(text_of(CatalogueForm::csv, header, {{"\x1b"}}) == "1\n\x1b\n");
}

TEST_CASE("a catalogue without rows is a table", "[catalogue]") {
  const TempFolder folder;
  for (const char* ending : {"csv", "ecsv", "fits", "vot"}) {
    INFO(ending);
    const auto table = open_table(write(folder / (std::string("c.") + ending), described(), {}));
    REQUIRE(table->header.size() == 7);
    REQUIRE(rows_of(*table).empty());
  }
}

TEST_CASE("a FITS catalogue has right checksums whatever its rows are", "[catalogue]") {
  const TempFolder folder;
  CatalogueHeader header = described();
  header.columns[0].width = 61;
  for (const std::size_t count : std::initializer_list<std::size_t>{0, 1, 35, 36, 100}) {
    const std::vector<Row> rows(count, Row{std::string(61, '~'), "1", "-1", "0.3", "", "1000000", "1"});
    const auto path = write(folder / "c.fits", header, rows);
    REQUIRE(std::filesystem::file_size(path) % 2880 == 0);
    int status = 0;
    LONGLONG found = 0;
    fits_get_num_rowsll(checked_table(path).get(), &found, &status);
    REQUIRE((status == 0 && found == static_cast<LONGLONG>(count)));
  }
}

TEST_CASE("a FITS catalogue holds what other programs need", "[catalogue]") {
  const TempFolder folder;
  const auto path = write(folder / "c.fits", described(), described_rows);
  const detail::FitsPointer file = checked_table(path);
  const auto key = [&](const char* keyword) { return detail::fits_long_text(file.get(), keyword); };
  REQUIRE(key("EXTNAME") == "CLASSIFIED");
  REQUIRE(key("RADESYS") == "ICRS");
  REQUIRE(key("THRESH") == "0.5");
  REQUIRE(key("CMDLINE") == std::string(200, 'x'));
  REQUIRE(key("TNULL6") == "-9223372036854775808");
  REQUIRE(key("TFORM4") == "1D");
  REQUIRE(key("HISTORY").empty());
  const std::string bytes = slurp(path);
  const std::size_t data = bytes.size() - 2880;
  for (const char c : bytes.substr(0, data)) REQUIRE((c >= 32 && c <= 126));
  REQUIRE(bytes.substr(data, 20) == "a {1}" + std::string(15, '\0'));  // as astropy pads
}

TEST_CASE("a text that its column has no place for is refused", "[catalogue]") {
  const auto refused = [](std::size_t column, const std::string& text) {
    Row row = described_rows[0];
    row[column] = text;
    for (const auto form : {CatalogueForm::ecsv, CatalogueForm::votable, CatalogueForm::regions}) {
      REQUIRE_THROWS_AS(text_of(form, described(), {row}), FormatError);
    }
    REQUIRE(text_of(CatalogueForm::csv, described(), {row}).find(text) != std::string::npos);
    return message_of<FormatError>([&] { text_of(CatalogueForm::fits, described(), {row}); });
  };
  REQUIRE(refused(0, "more than twenty bytes") ==
          "c.out: column 'id': expected texts of at most 20 bytes, found 'more than twenty bytes'");
  REQUIRE_THAT(refused(1, "10:00:00"), Contains("column 'ra': expected a number, found '10:00:00'"));
  REQUIRE_THAT(refused(3, "nan"), Contains("column 'p': expected a number"));
  for (const char* text : {"07", "+7", "7.0", "9223372036854775808"}) {
    REQUIRE_THAT(refused(5, text), Contains("column 'masked': expected a whole number"));
  }
  REQUIRE_THAT(refused(6, "true"), Contains("column 'predicted': expected 1 or 0"));
}

TEST_CASE("regions are circles coloured by probability", "[catalogue]") {
  const TempFolder folder;
  std::vector<Row> rows = described_rows;
  rows[0][3] = "1";
  rows[1][0] = "b} # text={\r\nbox(1,2,3,4)\x1b";
  rows[1][3] = "0";
  CatalogueHeader header = described();
  header.columns[0].width = 50;
  header.keys[0].value = "m\nbox(1,2,3,4)";
  const std::string text = text_of(CatalogueForm::regions, header, rows);
  REQUIRE_THAT(text, Contains("\n# CREATOR: m\\x0abox(1,2,3,4)\n# THRESH: 0.5\n"));
  REQUIRE_THAT(text, Contains("\nicrs\ncircle(150.1,-2.5,60\") # color=#ff3322 text={a (1) 1.000}\n"));
  REQUIRE_THAT(text, Contains("# color=#4477ff text={b) # text=(\\x0d\\x0abox(1,2,3,4)\\x1b 0.000}\n"));
  REQUIRE_THAT(text, Contains("\ncircle(1,2,60\") # text={'=x}\n"));
  REQUIRE(std::ranges::count(text, '\n') == 10);
  const auto read = read_regions(write(folder / "c.reg", header, rows)).objects;
  REQUIRE(read.size() == 4);
  REQUIRE(read[0].id == "a (1) 1.000");
  REQUIRE((read[0].position.ra == 150.1 && read[0].position.dec == -2.5));

  rows[2][1] = "";
  REQUIRE_THROWS_WITH(text_of(CatalogueForm::regions, header, rows),
                      Contains("column 'ra': expected degrees for '-\xC3\xA9', which regions need"));
  header.columns.resize(2);
  REQUIRE_THROWS_WITH(text_of(CatalogueForm::regions, header, {}), Contains("a column of the UCD pos.eq.dec"));
}

TEST_CASE("names of catalogues must end in a known form", "[catalogue]") {
  REQUIRE(catalogue_form("a/c.fits") == CatalogueForm::fits);
  REQUIRE(catalogue_form("c.FIT") == CatalogueForm::fits);
  REQUIRE(catalogue_form("c.vot") == CatalogueForm::votable);
  REQUIRE(catalogue_form("c.ecsv") == CatalogueForm::ecsv);
  REQUIRE_THROWS_AS(catalogue_form("c.txt"), OptionError);
}
