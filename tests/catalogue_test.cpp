#include "../examples/programs/abell-classify/catalogue.hpp"

#include <abell/data/catalogue_forms.hpp>
#include <memory>
#include <sstream>

#include "../examples/programs/abell-classify/carried_columns.hpp"
#include "../examples/programs/abell-classify/inputs.hpp"
#include "../examples/programs/common/sha256.hpp"
#include "catch.hpp"
#include "error_message.hpp"
#include "temp_folder.hpp"

using namespace abell::program;
using abell::CatalogueColumn;
using abell::FormatError;
using abell::Object;
using Type = CatalogueColumn::Type;

namespace {

const std::vector<Object> objects{
    {.id = "a {1}", .files = {"x.fits", "o.fits"}, .ra = "150.10", .dec = "2.5", .class_text = "cluster"},
    {.id = "b,2", .files = {"images/b.png"}}};

std::string csv_of(const CatalogueContents& contents) {
  const std::vector<float> probabilities{0.75F, 0.5F};
  std::ostringstream out;
  abell::CsvCatalogue catalogue(out, {.file = "c.csv", .columns = catalogue_columns(contents, {})});
  for (std::size_t i = 0; i < objects.size(); ++i) {
    catalogue.add(catalogue_row(contents, {objects[i], {&probabilities[i], 1}, 7 * (1 - i)}));
  }
  return out.str();
}

/// The objects of a table, with all of its columns.
std::vector<Object> objects_of(const std::filesystem::path& table) {
  std::vector<Object> found;
  const auto source = abell::open_objects(table, {.need_class = false, .need_train = false, .need_others = true});
  while (auto object = source->next()) found.push_back(*std::move(object));
  return found;
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
  REQUIRE(csv_of({.positions = true}) ==
          "id,class,p_cluster,predicted,masked_pixels,file,ra,dec\n"
          "a {1},cluster,0.75,1,7,x.fits;o.fits,150.10,2.5\n"
          "\"b,2\",,0.5,0,0,images/b.png,,\n");
  REQUIRE_THAT(csv_of({}), Catch::Matchers::StartsWith("id,class,p_cluster,predicted,masked_pixels,file\n"));
}

TEST_CASE("a model of another task gives its own numbers", "[catalogue]") {
  const CatalogueContents contents{.numbers = {{"z", Type::real}, {"mass", Type::real}}, .maps = true};
  const auto columns = catalogue_columns(contents, {.id = 9, .map = 4});
  std::vector<std::string> names;
  for (const CatalogueColumn& column : columns) names.push_back(column.name);
  REQUIRE(names == std::vector<std::string>{"id", "class", "z", "mass", "masked_pixels", "file", "map"});
  REQUIRE((columns[0].width == 9 && columns[6].width == 4));
  const std::vector<float> numbers{0.25F, std::numeric_limits<float>::infinity()};
  REQUIRE(catalogue_row(contents, {.object = objects[1], .numbers = numbers, .masked = 3, .map = "m/b"}) ==
          std::vector<std::string>{"b,2", "", "0.25", "", "3", "images/b.png", "m/b"});
}

TEST_CASE("the columns of all tables are carried, each with its type", "[catalogue]") {
  const TempFolder folder;
  folder.write("i.fits", "");
  const auto first = objects_of(folder.write("first.csv",
                                             "id,image,RA,DEC,redshift,n,name,flux,big,p_cluster,third,none\n"
                                             "a,i.fits,1,2,0.3,7,007,+1,1,0.5,,\n"
                                             "b,i.fits,3,4,NaN,,NaN,2.5e-14,12345678901234567890,x,,\n"));
  const auto second = objects_of(folder.write("second.ecsv",
                                              "# %ECSV 1.0\n# ---\n# delimiter: ','\n# datatype:\n"
                                              "# - {name: id, datatype: string}\n"
                                              "# - {name: image, datatype: string}\n"
                                              "# - {name: flux, datatype: float64, unit: mJy, description: radio, "
                                              "meta: {ucd: phot.flux;meta.main}}\n"
                                              "# - {name: n, datatype: int64}\n"
                                              "id,image,flux,n\nc,i.fits,5.5,-1\n"));
  CarriedColumns carried;
  std::vector<Object> all = first;
  all.insert(all.end(), second.begin(), second.end());
  for (const Object& object : all) carried.survey(object);
  std::vector<CatalogueColumn> columns{{"id"}, {"n"}};  // n: a model's own number
  carried.append_to(columns);

  const auto check = [&](std::size_t i, const char* name, Type type) {
    INFO(name);
    REQUIRE(columns[i].name == name);
    REQUIRE(columns[i].type == type);
  };
  REQUIRE(columns.size() == 11);
  check(2, "redshift", Type::real);
  check(3, "cat_n", Type::whole);
  check(4, "name", Type::text);
  check(5, "flux", Type::real);
  check(6, "big", Type::text);
  check(7, "cat_p_cluster", Type::text);
  check(8, "cat_third", Type::text);
  check(9, "none", Type::text);
  check(10, "flux-2", Type::real);  // another unit
  REQUIRE(columns[6].width == 20);
  REQUIRE((columns[10].unit == "mJy" && columns[10].ucd == "phot.flux" && columns[10].description == "radio"));

  std::vector<std::vector<std::string>> rows;
  for (const Object& object : all) {
    rows.push_back({object.id});
    carried.append_to(rows.back(), object);
  }
  REQUIRE(rows[0] == std::vector<std::string>{"a", "0.3", "7", "007", "+1", "1", "0.5", "", "", ""});
  REQUIRE(rows[1] == std::vector<std::string>{"b", "", "", "NaN", "2.5e-14", "12345678901234567890", "x", "", "", ""});
  REQUIRE(rows[2] == std::vector<std::string>{"c", "", "-1", "", "", "", "", "", "", "5.5"});
}

TEST_CASE("objects keep no other columns unless they are asked for", "[catalogue]") {
  const TempFolder folder;
  folder.write("i.fits", "");
  const auto path = folder.write("t.csv", "id,image,z\na,i.fits,1\n");
  const auto object = abell::open_objects(path, {.need_class = false, .need_train = false})->next();
  REQUIRE((object->fields.empty() && !object->columns));
}

TEST_CASE("names of carried columns are no set's and stand once", "[catalogue]") {
  using Names = std::vector<std::string>;
  REQUIRE(carried_names({"z", "Z", "RA", "p_spiral", "", "predicted", "mass", "z"}, {"id", "Mass"}) ==
          Names{"z", "Z-2", "cat_RA", "cat_p_spiral", "column", "cat_predicted", "cat_mass", "z-3"});
}

TEST_CASE("inputs that changed between two readings are told", "[catalogue]") {
  const auto read = [](std::initializer_list<const char*> ids) {
    ReadObjects found;
    for (const char* id : ids) found.add({.id = id, .files = {}});
    return found;
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

TEST_CASE("positions must be degrees in range", "[catalogue]") {
  for (const char* ra : {"10:00:00", "-1", "360.5", "nan", "", "1e400", " 5"}) {
    Object object = objects[0];
    object.ra = ra;
    REQUIRE_THROWS_AS(check_position("table.csv", object, true), FormatError);
  }
  Object object = objects[0];
  object.dec = "+2.5";
  REQUIRE_NOTHROW(check_position("table.csv", object, true));
  REQUIRE_NOTHROW(check_position("table.csv", objects[1], false));
  REQUIRE_THROWS_WITH(check_position("table.csv", objects[1], true), Contains("'b,2'") && Contains("ra in degrees"));
}
