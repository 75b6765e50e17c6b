#include <abell/data/dataset.hpp>
#include <abell/data/fits_table.hpp>
#include <abell/data/samples.hpp>
#include <abell/images/fits.hpp>
#include <abell/images/fits_grammar.hpp>
#include <string>
#include <vector>

#include "catch.hpp"
#include "error_message.hpp"
#include "fuzz/seeds.hpp"
#include "temp_folder.hpp"

using abell::FitsBrackets;
using abell::FitsNameSource;
using abell::IoError;

namespace {

/// The grammar alone, on a file that is not there.
FitsBrackets brackets(const std::string& text, FitsNameSource source = FitsNameSource::user) {
  return abell::fits_brackets("f.fits" + text, source);
}
std::string refusal(const std::string& text, FitsNameSource source = FitsNameSource::user) {
  return message_of<IoError>([&] { brackets(text, source); });
}

/// Events as those of the seeds, and two images, of which the second is an extension with a name and a version.
std::string sample(const TempFolder& folder) {
  const auto made = seeds::made("sample", [](fitsfile* file, int& status) {
    std::vector<float> ramp(192);
    for (std::size_t i = 0; i < ramp.size(); ++i) ramp[i] = static_cast<float>(i * 37 % 101);
    std::array<long, 2> axes{16, 12};
    for (const char* name : {"", "SCI", "Moe's image"}) {
      fits_create_img(file, FLOAT_IMG, 2, axes.data(), &status);
      fits_write_img(file, TFLOAT, 1, 192, ramp.data(), &status);
      std::ranges::reverse(ramp);
      std::string title = name;
      int version = 2;
      if (!title.empty()) fits_update_key(file, TSTRING, "EXTNAME", title.data(), nullptr, &status);
      if (!title.empty()) fits_update_key(file, TINT, "EXTVER", &version, nullptr, &status);
    }
    seeds::write_events(file, status);
  });
  return folder.write("sample.fits", made.second).string();
}

/// What CFITSIO itself gives for a name.
std::vector<float> pixels_by_cfitsio(const std::string& name) {
  fitsfile* opened = nullptr;
  int status = 0, any = 0;
  std::array<long, 2> sides{};
  fits_open_file(&opened, name.c_str(), READONLY, &status);
  const abell::detail::FitsPointer file(opened);
  fits_get_img_size(opened, 2, sides.data(), &status);
  REQUIRE(status == 0);
  std::vector<float> pixels(static_cast<std::size_t>(sides[0] * sides[1]));
  fits_read_img(opened, TFLOAT, 1, static_cast<LONGLONG>(pixels.size()), nullptr, pixels.data(), &any, &status);
  REQUIRE(status == 0);
  return pixels;
}

std::vector<double> column_by_cfitsio(const std::string& name) {
  fitsfile* opened = nullptr;
  int status = 0, any = 0;
  LONGLONG rows = 0;
  fits_open_file(&opened, name.c_str(), READONLY, &status);
  const abell::detail::FitsPointer file(opened);
  fits_get_num_rowsll(opened, &rows, &status);
  std::vector<double> values(static_cast<std::size_t>(rows));
  if (rows > 0) fits_read_col(opened, TDOUBLE, 1, 1, 1, rows, nullptr, values.data(), &any, &status);
  REQUIRE(status == 0);
  return values;
}

}  // namespace

TEST_CASE("images by extension, section and bins are what CFITSIO makes of the name", "[fits]") {
  const TempFolder folder;
  const std::string name = sample(folder);
  for (const char* text : {"[0]",
                           "[ 1 ]",
                           "[SCI]",
                           "[sci, 2]",
                           "[SCI,2,I]",
                           "[Moe's image]",
                           "[2:9,3:5]",
                           "[*,-*]",
                           "[-*, 2:11:3]",
                           "[9:2,*]",
                           "[*:2,*:3]",
                           "[SCI][1:5,1:5]",
                           "[2][1:5, 1:5]",
                           "[EVENTS][bin]",
                           "[EVENTS][bin 8]",
                           "[EVENTS][bin (X,Y)=::8]",
                           "[EVENTS][bin (X, Y) = 1:200:10]",
                           "[EVENTS][bin X=1:99:2,Y=::5]",
                           "[EVENTS][bin X=:100:4, Y=20::4]",
                           "[EVENTS][BIN X=4,Y=4]",
                           "[EVENTS][binb (X,Y)=::8]",
                           "[EVENTS][bini (X,Y)=::8]",
                           "[EVENTS][binj (X,Y)=::8]",
                           "[EVENTS][bind (X,Y)=::8; 2.5]",
                           "[EVENTS][binr (X,Y)=::8;PI]",
                           "[EVENTS][binr X=1:200:8,Y=::8; /PI]",
                           "[EVENTS][binr X=-1.5e1:2e2:8.5,Y=.5:200:8; 1e1]",
                           "[EVENTS][PI=50:150][bin (X,Y)=::8]",
                           "[EVENTS][bin (X,Y)=::8][PI > 100]",
                           "[EVENTS, 1, B][PI > 100][bin (X,Y)=::8]"}) {
    INFO(text);
    const std::vector<float> expected = pixels_by_cfitsio(name + text);
    REQUIRE(abell::read_fits(name + text).pixels == expected);
  }
  REQUIRE(abell::read_fits(name + "[SCI][2:2,1:3]").pixels.size() == 3);
  REQUIRE(abell::FitsFile(name + "[*,-*]").is_section());
  REQUIRE(abell::FitsFile(name + "[EVENTS][bin]").is_section());
  REQUIRE_FALSE(abell::FitsFile(name + "[SCI]").is_section());
}

TEST_CASE("rows are filtered as CFITSIO filters them", "[fits]") {
  const TempFolder folder;
  const std::string name = sample(folder);
  for (const char* text :
       {"[EVENTS]", "[EVENTS][PI=50:150]", "[EVENTS][PI > 130]", "[EVENTS][PI>=50&&PI<=150]",
        "[EVENTS][(PI > 50 && X < 100) || !(Y == 68)]", "[EVENTS][ PI .gt. 50 .AND. X .le. 100 ]",
        "[EVENTS][.not.(PI .lt. 50)]", "[EVENTS][(PI & 4) == 4]", "[EVENTS][(PI | 1) != PI]", "[EVENTS][(PI ^^ 3) > 7]",
        "[EVENTS][PI % 3 == 1]", "[EVENTS][(X-100)**2 + (Y-100)^2 < 50**2]", "[EVENTS][-X*2/3 + 1.5e1 > -.5E2]",
        "[EVENTS][X != Y]", "[EVENTS][ra == dec]"}) {
    INFO(text);
    const std::vector<double> expected = column_by_cfitsio(name + text);
    const abell::Table found = abell::read_fits_table(name + text);
    REQUIRE(found.header[0] == "X");
    REQUIRE(found.rows.size() == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) REQUIRE(std::stod(found.rows[i][0]) == expected[i]);
  }
  // Without an extension in the name, of a file whose first data are a table.
  const std::string events = folder.write("events.fits", seeds::events().second).string();
  REQUIRE(abell::read_fits_table(events + "[PI > 130]").rows.size() == 16);
  REQUIRE(abell::read_fits_table(events + "[PI=50:150]").rows.size() ==
          column_by_cfitsio(events + "[PI=50:150]").size());
  for (const char* text : {"[bin (X,Y)=::80]", "[PI > 100][bin (X,Y)=::8]"}) {
    INFO(text);
    REQUIRE(abell::read_fits(events + text).pixels == pixels_by_cfitsio(events + text));
  }
}

TEST_CASE("brackets are told apart", "[fits]") {
  const FitsBrackets all = brackets("[EVENTS,1][PI=500:2000][bin (X,Y)=::80]");
  REQUIRE(all.extension == "EVENTS,1");
  REQUIRE(all.filter == "PI=500:2000");
  REQUIRE(all.bins == "bin (X,Y)=::80");
  REQUIRE(all.section.empty());
  REQUIRE(brackets("[Rate Table]").extension == "Rate Table");
  REQUIRE(brackets("[2XMM_a+b.c-d]").extension == "2XMM_a+b.c-d");
  REQUIRE(brackets("[0x1F & FLAG]").filter == "0x1F & FLAG");
  REQUIRE(brackets("[2][1:5,*]").section == "1:5,*");
  REQUIRE(brackets("").extension.empty());
}

TEST_CASE("what is not of the grammar is refused before CFITSIO sees it", "[fits]") {
  const std::string longest(68, 'x'), deep(30, '(');
  for (const std::string& text : std::vector<std::string>{
           // further files and addresses
           "[@f.txt]", "[EVENTS][@f.txt]", "[EVENTS][bin @f.txt]", "[EVENTS][col @f.txt]", "[EVENTS][bin X;@f.txt]",
           "[EVENTS][regfilter(\"f.reg\")]", "[regfilter('f.reg')]", "[EVENTS][gtifilter()]", "[gtifilter()]",
           "[EVENTS][PI>5&&gtifilter(\"f.fits\",TIME)]", "[EVENTS][gtioverlap(TIME,TIME)]", "[EVENTS][regfilter ()]",
           "[EVENTS][X>5 regfilter()]", "[ftp://example.org/f]", "[EVENTS](out.fits)", "[1](out.fits)[2]",
           // texts, functions, keywords, vectors
           "[EVENTS]['X'=='Y']", "[EVENTS][TEXT==\"a\"]", "[EVENTS][NAME=='a']", "[\"EVENTS\"]", "[EVENTS][sin(X)>0]",
           "[EVENTS][(sin)(X)>0]", "[EVENTS][5(X)>0]", "[EVENTS][#ROW>5]", "[EVENTS][$X$>5]", "[EVENTS][X[1]>5]",
           "[EVENTS][{1,2}==X]", "[EVENTS][X>5?1:0]", "[EVENTS][X,Y]", "[EVENTS][X>5;Y]", "[EVENTS][X>\\5]",
           // columns, pixel filters, cells, packing
           "[col X]", "[EVENTS][col X;Y=X]", "[Col -X]", "[COL X]", "[pix X>5]", "[EVENTS][pixr1 X*2]",
           "[PICS;image(12)]", "[PICS;image(X>5)]", "[compress Rice]", "[EVENTS#]",
           // sections and bins that are none
           "[1:5,]", "[1:]", "[:5]", "[1:5:]", "[1:5,3]", "[-1:5]", "[**]", "[1:1234567890]", "[1:5][1:5]",
           "[1:5][EVENTS]", "[1:5][X>5]", "[1:5][bin]", "[X>5][1:5]", "[EVENTS][bin X=]", "[EVENTS][bin X=TLMIN:5]",
           "[EVENTS][bin X=a]", "[EVENTS][bin (X,Y]", "[EVENTS][bin (X;Y)]", "[EVENTS][bin (X,3)]",
           "[EVENTS][bin X(Y*2)]", "[EVENTS][bin X,Y;]", "[EVENTS][bin X,Y;(PI)]", "[EVENTS][bin X;'PI']",
           "[EVENTS][bin X;-1]", "[EVENTS][binx X]", "[EVENTS][bin A,B,C,D,E]", "[EVENTS][bin (A,B,C,D,E)]",
           "[EVENTS][bin X][bin Y]", "[EVENTS][bin X=1:2:3:4]", "[EVENTS][bin 1e]",
           // unfinished, empty, too much
           "[", "[]", "[ ]", "[EVENTS", "[EVENTS]]", "[[EVENTS]]", "[EVENTS]x", "[EVENTS][", "[EVENTS][]", "[EVENTS] ",
           "[EVENTS][X>]", "[EVENTS][(X>5]", "[EVENTS][X>5)]", "[EVENTS][X>5][Y>5]", "[EVENTS][EVENTS,2]", "[EVENTS,]",
           "[EVENTS,x]", "[EVENTS,1,]", "[EVENTS][X 5]", "[EVENTS][X>5 6]", "[EVENTS][1.5.2]", "[EVENTS][X\t>5]",
           "[EVENTS][X>5\n]", "[EV\xC3\x89NTS]", "[EVENTS].png", "[" + longest + "x]", "[EVENTS][" + longest + "x>5]",
           "[EVENTS][1" + std::string(68, '0') + ">X]", "[EVENTS][" + deep + "(X" + std::string(31, ')') + "]",
           "[EVENTS][X" + std::string(512, ' ') + "]"}) {
    INFO(text);
    REQUIRE_THAT(refusal(text), Contains("f.fits[") && Contains("only names of local files are accepted") &&
                                    Contains("expected") && Contains("found"));
  }
  REQUIRE_FALSE(refusal(std::string("[EVENTS]\0[1]", 12)).empty());
  REQUIRE(refusal("[" + longest + "]").empty());
  REQUIRE(refusal("[EVENTS][" + deep + "X" + std::string(30, ')') + "]").empty());
  REQUIRE_THAT(refusal("[EVENTS][regfilter(\"f.reg\")]"), Contains("expected ']', found '(\"f.reg\")]'"));
  REQUIRE_THAT(refusal("[EVENTS][X>\x1B[31m]"), Contains("found '?[31m]'"));
}

TEST_CASE("a name from a table chooses an extension and a section", "[fits][data]") {
  for (const char* text : {"[2]", "[SCI,2]", "[1:5,1:5]", "[SCI][*,-*]"}) {
    INFO(text);
    REQUIRE(refusal(text, FitsNameSource::table).empty());
  }
  for (const char* text : {"[PI>5]", "[EVENTS][PI>5]", "[bin (X,Y)=::8]", "[EVENTS][bin]", "[SCI][*,*][X>5]"}) {
    INFO(text);
    REQUIRE(refusal(text).empty() == (std::string(text).find("*,*") == std::string::npos));
    REQUIRE_THAT(refusal(text, FitsNameSource::table), Contains("only names of local files are accepted"));
  }
  const TempFolder folder;
  sample(folder);
  folder.write("t.csv", "image,class\n\"sample.fits[SCI][1:5,1:5]\",a\nsample.fits[2],b\n");
  REQUIRE(abell::read_data_set(folder / "t.csv").objects.size() == 2);
  for (const char* name : {"\"sample.fits[EVENTS][bin (X,Y)=::8]\"", "sample.fits[EVENTS][PI>5]", "sample.fits[@f]"}) {
    INFO(name);
    const auto table = folder.write("bad.csv", std::string("image,class\nsample.fits,a\n") + name + ",b\n");
    REQUIRE_THAT(
        message_of<IoError>([&] { abell::read_data_set(table); }),
        Contains("bad.csv:3: ") && Contains("sample.fits[") && Contains("only names of local files are accepted"));
  }
  // As an input of its own the name is the user's.
  const auto own = abell::read_data_set(folder.path() / "sample.fits[EVENTS][bin (X,Y)=::8]",
                                        {.need_class = false, .need_train = false, .need_set = false});
  REQUIRE(own.objects.size() == 1);
}

TEST_CASE("names that CFITSIO would look for elsewhere are of this folder", "[fits]") {
  REQUIRE(abell::detail::as_file("~a.fits[1]") == "./~a.fits[1]");
  REQUIRE(abell::detail::as_file(" a.fits") == "./ a.fits");
  REQUIRE(abell::detail::as_file("a~ .fits") == "a~ .fits");
}

TEST_CASE("a name that CFITSIO would take for something else is refused", "[fits]") {
  const TempFolder folder;
  const std::string name = sample(folder);
  // An extension for CFITSIO, which finds no operator where it looks for one; a raw array; packing.
  for (const char* text : {"[!PI]", "[EVENTS:1]", "[PI .gt. 5]", "[bin]", "[b512,512]", "[compress]"}) {
    INFO(text);
    REQUIRE_THAT(message_of<IoError>([&] { abell::read_fits(name + text); }),
                 Contains("only names of local files are accepted: CFITSIO would read this one in another way"));
  }
}
