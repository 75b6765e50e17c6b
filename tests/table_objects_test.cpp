/// Tables of sets: which columns of images they have, and what they tell of themselves.

#include <abell/data/dataset.hpp>
#include <filesystem>
#include <string>

#include "catch.hpp"
#include "error_message.hpp"
#include "fuzz/seeds.hpp"
#include "temp_folder.hpp"

using abell::Channels;
using abell::FormatError;

TEST_CASE("a band may be without a file", "[data]") {
  const TempFolder folder;
  folder.write("x.fits", "");
  folder.write("table.csv", "id,xray,optical,class\n1,x.fits,,cluster\n2,,x.fits,other\n");
  const abell::DataSet set = abell::read_data_set(folder.path());
  REQUIRE(set.objects[0].files[0].filename() == "x.fits");
  REQUIRE(set.objects[0].files[1].empty());
  REQUIRE(set.objects[1].files[0].empty());
  folder.write("table.csv", "id,xray,optical,class\n1,,,cluster\n");
  REQUIRE_THROWS_WITH(abell::read_data_set(folder.path()), Contains("table.csv:2") && Contains("an empty field"));
}

TEST_CASE("a set for a network that sees one band may be without the other one's column", "[data]") {
  const TempFolder folder;
  folder.write("x.fits", "");
  const auto xray = folder.write("x.csv", "id,class,xray,exposure\n1,cluster,x.fits,x.fits\n2,other,x.fits,\n");
  const abell::DataSet set = abell::read_data_set(xray, {.channels = Channels::xray});
  REQUIRE(set.objects.size() == 2);
  REQUIRE(set.objects[0].files.size() == 2);
  REQUIRE(set.objects[0].files[0].filename() == "x.fits");
  REQUIRE(set.objects[0].files[1].empty());
  REQUIRE(set.objects[0].exposure.filename() == "x.fits");
  const auto optical = folder.write("o.csv", "optical,class\nx.fits,cluster\nx.fits[1],other\n");
  const abell::DataSet bright = abell::read_data_set(optical, {.channels = Channels::optical});
  REQUIRE(bright.objects[0].id == "x");
  REQUIRE(bright.objects[0].files[0].empty());
  REQUIRE(bright.objects[0].files[1].filename() == "x.fits");
  const auto refused = [](const std::filesystem::path& table, Channels channels) {
    return message_of<FormatError>([&] { abell::read_data_set(table, {.channels = channels}); });
  };
  REQUIRE_THAT(refused(xray, Channels::both),
               Contains("expected a column 'optical', found: id, class, xray, exposure"));
  REQUIRE_THAT(refused(xray, Channels::optical), Contains("expected a column 'optical'"));
  REQUIRE_THAT(refused(optical, Channels::xray), Contains("expected a column 'xray'"));
  const auto empty = folder.write("e.csv", "id,class,xray\n1,cluster,\n");
  REQUIRE_THAT(refused(empty, Channels::xray), Contains("e.csv:2: expected a file in column 'xray'"));
}

TEST_CASE("the notes of a table are those of its set", "[data]") {
  const TempFolder folder;
  folder.write("x.fits", "");
  const auto path = folder.write(
      "set.vot",
      "<VOTABLE><RESOURCE><INFO name=\"QUERY_STATUS\" value=\"OVERFLOW\"/><TABLE>"
      "<FIELD name=\"image\" datatype=\"char\" arraysize=\"*\"/><FIELD name=\"class\" datatype=\"char\" "
      "arraysize=\"*\"/>"
      "<DATA><TABLEDATA><TR><TD>x.fits</TD><TD>cluster</TD></TR></TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>");
  const auto source = abell::open_objects(path);
  REQUIRE(source->notes().size() == 1);
  REQUIRE_THAT(source->notes()[0], Contains("set.vot: ") && Contains("OVERFLOW"));
  REQUIRE(abell::read_data_set(path, {.need_class = false, .need_train = false}).notes == source->notes());
}

TEST_CASE("a FITS file is a table where it has no image", "[data]") {
  const TempFolder folder;
  folder.write("x.fits", "");
  const auto set_table = [](bool text_before, bool image_behind) {
    return seeds::made("set",
                       [&](fitsfile* file, int& status) {
                         long side = 9;
                         if (text_before) fits_create_img(file, BYTE_IMG, 1, &side, &status);  // as STILTS has it
                         std::vector<std::string> words{"id", "image", "1A", "6A", "", "7", "x.fits"};
                         const auto word = [&](std::size_t i) { return words[i].data(); };
                         std::vector<char*> names{word(0), word(1)}, forms{word(2), word(3)}, units{word(4), word(4)},
                             id{word(5)}, image{word(6)};
                         fits_create_tbl(file, BINARY_TBL, 0, 2, names.data(), forms.data(), units.data(), "SET",
                                         &status);
                         fits_write_col(file, TSTRING, 1, 1, 1, 1, id.data(), &status);
                         fits_write_col(file, TSTRING, 2, 1, 1, 1, image.data(), &status);
                         if (!image_behind) return;
                         std::vector<long> sides{9, 9};
                         std::vector<float> pixels(81);
                         fits_create_img(file, BYTE_IMG, 2, sides.data(), &status);
                         fits_write_img(file, TFLOAT, 1, 81, pixels.data(), &status);
                       })
        .second;
  };
  const auto id_of = [&](const std::string& bytes) {
    const auto path = folder.write("set.fits", bytes);
    return abell::open_objects(path, {.need_class = false, .need_set = false})->next()->id;
  };
  REQUIRE(id_of(set_table(false, false)) == "7");
  REQUIRE(id_of(set_table(true, false)) == "7");
  const std::string file = (folder / "set").string();
  REQUIRE(id_of(set_table(false, true)) == file);
  REQUIRE(id_of(seeds::image("packed", LONG_IMG, "TAN", RICE_1).second) == file);
  REQUIRE_THROWS_AS(id_of("SIMPLE  =                    T"), FormatError);
}
