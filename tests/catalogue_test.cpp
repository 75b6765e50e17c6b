#include "../examples/programs/abell-classify/catalogue.hpp"

#include <abell/core/atomic_file.hpp>
#include <abell/images/fits.hpp>
#include <sstream>

#include "../examples/programs/abell-classify/fits_catalogue.hpp"
#include "../examples/programs/abell-classify/inputs.hpp"
#include "../examples/programs/common/sha256.hpp"
#include "catch.hpp"
#include "temp_folder.hpp"

using namespace abell::program;
using abell::FormatError;
using abell::Object;
using Catch::Matchers::Contains;

namespace {

const CatalogueForm form{.source = "table.csv",
                         .positions = true,
                         .command = "abell-classify --model r\xC3\xBCn " + std::string(200, 'x'),
                         .model = "model.safetensors",
                         .model_sha256 = std::string(64, 'f')};

/// Objects with a probability and a number of masked pixels.
struct Rows {
  std::vector<Object> objects{
      {.id = "a {1}", .files = {"x.fits", "o.fits"}, .ra = "150.10", .dec = "2.5", .class_text = "cluster"},
      {.id = "b,2", .files = {"images/b.png"}}};
  std::vector<float> probabilities{0.75F, 0.5F};
  std::vector<std::size_t> masked{7, 0};

  void write(Catalogue& catalogue) const {
    for (std::size_t i = 0; i < objects.size(); ++i) {
      catalogue.add({objects[i], {&probabilities[i], 1}, masked[i]});
    }
    catalogue.finish();
  }
  TextWidths widths() const {
    TextWidths found;
    for (const Object& object : objects) found.add(object, "");
    return found;
  }
};

void write_fits_catalogue(const std::filesystem::path& path, const Rows& rows) {
  abell::AtomicFile file(path);
  FitsCatalogue catalogue(file.stream(), path.string(), form, rows.widths());
  rows.write(catalogue);
  file.commit();
}

std::string hash(const std::string& text) {
  Sha256 h;
  h.add({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  return h.digest();
}

}  // namespace

TEST_CASE("SHA-256 gives the standard's examples", "[catalogue]") {
  REQUIRE(hash("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  REQUIRE(hash("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  REQUIRE(hash("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  REQUIRE(hash(std::string(1'000'000, 'a')) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("a CSV catalogue has the table's positions only when there are some", "[catalogue]") {
  const auto text_of = [](const CatalogueForm& of_form) {
    std::ostringstream out;
    CsvCatalogue catalogue(out, of_form);
    Rows().write(catalogue);
    return out.str();
  };
  REQUIRE(text_of(form) ==
          "id,class,p_cluster,predicted,masked_pixels,file,ra,dec\n"
          "a {1},cluster,0.75,1,7,x.fits;o.fits,150.10,2.5\n"
          "\"b,2\",,0.5,0,0,images/b.png,,\n");
  CatalogueForm bare = form;
  bare.positions = false;
  REQUIRE_THAT(text_of(bare), Catch::Matchers::StartsWith("id,class,p_cluster,predicted,masked_pixels,file\n"));
}

TEST_CASE("a FITS catalogue reads back, with units and right checksums", "[catalogue]") {
  const TempFolder folder;
  const auto path = folder / "c.fits";
  write_fits_catalogue(path, {});
  int status = 0, rows = 0, data = 0, header = 0;
  fitsfile* opened = nullptr;
  fits_open_diskfile(&opened, path.c_str(), READONLY, &status);
  const abell::detail::FitsPointer file(opened);
  fits_verify_chksum(opened, &data, &header, &status);
  REQUIRE((data == 1 && header == 1));
  fits_movabs_hdu(opened, 2, nullptr, &status);
  fits_verify_chksum(opened, &data, &header, &status);
  REQUIRE((data == 1 && header == 1));
  long count = 0;
  fits_get_num_rows(opened, &count, &status);
  fits_get_num_cols(opened, &rows, &status);
  REQUIRE((count == 2 && rows == 8));

  float p[2];
  double ra[2];
  char predicted[2];
  long masked[2];
  char first[80], second[80];
  char* ids[2] = {first, second};
  fits_read_col(opened, TFLOAT, 3, 1, 1, 2, nullptr, p, nullptr, &status);
  fits_read_col(opened, TLOGICAL, 4, 1, 1, 2, nullptr, predicted, nullptr, &status);
  fits_read_col(opened, TLONG, 5, 1, 1, 2, nullptr, masked, nullptr, &status);
  fits_read_col(opened, TDOUBLE, 7, 1, 1, 2, nullptr, ra, nullptr, &status);
  fits_read_col(opened, TSTRING, 1, 1, 1, 2, nullptr, ids, nullptr, &status);
  REQUIRE(status == 0);
  REQUIRE((p[0] == 0.75F && p[1] == 0.5F));
  REQUIRE((predicted[0] == 1 && predicted[1] == 0));
  REQUIRE((masked[0] == 7 && masked[1] == 0));
  REQUIRE(ra[0] == 150.1);
  REQUIRE(std::isnan(ra[1]));
  REQUIRE(std::string(ids[0]) == "a {1}");
  REQUIRE(std::string(ids[1]) == "b,2");
  char text[80];
  fits_read_key(opened, TSTRING, "TUNIT7", text, nullptr, &status);
  REQUIRE(std::string(text) == "deg");
  fits_read_key(opened, TSTRING, "MODELSHA", text, nullptr, &status);
  REQUIRE(std::string(text) == std::string(64, 'f'));
  REQUIRE(status == 0);
  for (const char c : slurp(path).substr(0, 5760)) REQUIRE((c >= 32 && c <= 126));
}

TEST_CASE("a FITS catalogue has right checksums whatever its rows are", "[catalogue]") {
  const TempFolder folder;
  for (const std::size_t count : std::initializer_list<std::size_t>{1, 35, 36, 100}) {
    Rows rows;
    rows.objects.assign(count, {.id = std::string(61, '\xFF'), .files = {"f"}, .ra = "1", .dec = "-1"});
    rows.probabilities.assign(count, 0.3F);
    rows.masked.assign(count, 1'000'000);
    write_fits_catalogue(folder / "c.fits", rows);
    REQUIRE(std::filesystem::file_size(folder / "c.fits") % 2880 == 0);
    int status = 0, data = 0, header = 0;
    fitsfile* opened = nullptr;
    fits_open_diskfile(&opened, (folder / "c.fits").c_str(), READONLY, &status);
    const abell::detail::FitsPointer file(opened);
    fits_movabs_hdu(opened, 2, nullptr, &status);
    fits_verify_chksum(opened, &data, &header, &status);
    LONGLONG found = 0;
    fits_get_num_rowsll(opened, &found, &status);
    REQUIRE((data == 1 && header == 1 && status == 0));
    REQUIRE(found == static_cast<LONGLONG>(count));
  }
}

TEST_CASE("a text that has grown since the widths were measured is refused", "[catalogue]") {
  Rows rows;
  const TextWidths widths = rows.widths();
  std::ostringstream out;
  FitsCatalogue catalogue(out, "c.fits", form, widths);
  rows.objects[1].id += "longer";
  REQUIRE_THROWS_WITH(rows.write(catalogue),
                      Contains("table.csv: object 'b,2longer': expected texts of at most 5 bytes"));
}

TEST_CASE("inputs that changed between two readings are told", "[catalogue]") {
  const auto read = [](std::initializer_list<const char*> ids) {
    ReadObjects objects;
    for (const char* id : ids) objects.add({.id = id, .files = {}});
    return objects;
  };
  const std::vector<std::string> inputs{"a.csv", "b.csv"};
  const ReadObjects first = read({"x", "y"});
  REQUIRE_NOTHROW(check_unchanged(inputs, first, read({"x", "y"})));
  REQUIRE_THROWS_WITH(
      check_unchanged(inputs, first, read({"x"})),
      "a.csv, b.csv: expected the same objects when they were read again, found others (2 at first, then 1)");
  REQUIRE_THROWS_AS(check_unchanged(inputs, first, read({"y", "x"})), FormatError);
  REQUIRE_THROWS_AS(check_unchanged(inputs, first, read({"x", "z"})), FormatError);
}

TEST_CASE("regions are circles coloured by probability", "[catalogue]") {
  Rows rows;
  std::ostringstream out;
  RegionCatalogue refused(out, form);
  REQUIRE_THROWS_WITH(rows.write(refused), Contains("'b,2'") && Contains("ra in degrees"));
  rows.objects[1].ra = "0";
  rows.objects[1].dec = "-90";
  rows.probabilities = {1, 0};
  out.str("");
  RegionCatalogue catalogue(out, form);
  rows.write(catalogue);
  const std::string text = out.str();
  REQUIRE_THAT(text, Contains("\nfk5\ncircle(150.1,2.5,60\") # color=#ff3322 text={a (1) 1.000}\n"));
  REQUIRE_THAT(text, Contains("\ncircle(0,-90,60\") # color=#4477ff text={b,2 0.000}\n"));
}

TEST_CASE("names end neither the text nor the line of a region", "[catalogue]") {
  CatalogueForm strange = form;
  strange.model = "m\nbox(1,2,3,4)";
  Rows rows;
  rows.objects = {Object{.id = "a} # text={\r\nbox(1,2,3,4)\x1b", .files = {"x.fits"}, .ra = "1", .dec = "2"}};
  rows.probabilities = {1};
  std::ostringstream out;
  RegionCatalogue catalogue(out, strange);
  rows.write(catalogue);
  const std::string text = out.str();
  REQUIRE_THAT(text, Contains("\n# model m\\x0abox(1,2,3,4), sha256 "));
  REQUIRE_THAT(text, Contains(" text={a) # text=(\\x0d\\x0abox(1,2,3,4)\\x1b 1.000}\n"));
  REQUIRE(std::ranges::count(text, '\n') == 5);
}

TEST_CASE("positions must be degrees in range, names of catalogues must end in a known format", "[catalogue]") {
  const Object good = Rows().objects[0];
  for (const char* ra : {"10:00:00", "-1", "360.5", "nan", "", "1e400", " 5"}) {
    Object object = good;
    object.ra = ra;
    REQUIRE_THROWS_AS(position("table.csv", object, true), FormatError);
  }
  REQUIRE(position("table.csv", good, true) == std::pair(150.1, 2.5));
  REQUIRE_THROWS_AS(catalogue_format("c.txt"), abell::OptionError);
  REQUIRE(catalogue_format("a/c.fits") == CatalogueFormat::fits);
}
