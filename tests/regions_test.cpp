/// Regions in all formats of DS9. The files of DS9 are what version 8.4.1 wrote of the shapes in `pixels` on the image
/// of `write_image`.

#include <abell/data/positions.hpp>
#include <abell/images/fits_write.hpp>
#include <initializer_list>
#include <numeric>
#include <string>
#include <vector>

#include "catch.hpp"
#include "error_message.hpp"
#include "temp_folder.hpp"

using abell::FitsFile;
using abell::FormatError;
using abell::RegionImage;
using abell::Regions;
using abell::SkyPosition;

namespace {

std::string cards(std::initializer_list<std::string> lines) {
  std::string all;
  for (std::string line : lines) {
    line.resize(80, ' ');
    all += line;
  }
  return all;
}

/// 100 x 80 pixels in FK5, every second one of a larger image.
FitsFile write_image(const TempFolder& folder) {
  const std::string sky =
      cards({"CTYPE1  = 'RA---TAN'", "CTYPE2  = 'DEC--TAN'", "CRPIX1  = 50.5", "CRPIX2  = 40.5", "CRVAL1  = 150.1",
             "CRVAL2  = 2.2", "CDELT1  = -0.001", "CDELT2  = 0.001", "RADESYS = 'FK5'", "EQUINOX = 2000.0",
             "LTM1_1  = 0.5", "LTM2_2  = 0.5", "LTV1    = -10.0", "LTV2    = -20.0"});
  abell::write_fits(folder / "f.fits", abell::Image(80, 100, 1), {.overwrite = true, .wcs = sky});
  return FitsFile(folder / "f.fits");
}

/// What a text marks on the image.
Regions read(const std::string& text, const std::string& system = "") {
  const TempFolder folder;
  const RegionImage image(write_image(folder));
  return abell::read_regions(folder.write("a.reg", text), {.image = &image, .system = system});
}

std::string refused(const std::string& text, bool strict = false) {
  const TempFolder folder;
  const RegionImage image(write_image(folder));
  const auto path = folder.write("a.reg", text);
  return message_of<FormatError>([&] { abell::read_regions(path, {.image = &image, .strict = strict}); });
}

/// Arcseconds between an object and a pixel of the image.
double apart(const abell::SkyObject& object, double x, double y) {
  const TempFolder folder;
  return 3600 * abell::separation(object.position, abell::Wcs(write_image(folder)).sky({x - 1, y - 1}));
}

struct Named {
  std::string text, colour;
  double x, y;
};

/// The objects lie within 0.02" of these pixels.
void require_objects(const Regions& regions, const std::vector<Named>& expected) {
  REQUIRE(regions.objects.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    INFO(regions.objects[i].where);
    REQUIRE(regions.objects[i].id == expected[i].text);
    REQUIRE(regions.objects[i].colour == expected[i].colour);
    REQUIRE(apart(regions.objects[i], expected[i].x, expected[i].y) < 0.02);
  }
}

}  // namespace

TEST_CASE("regions of DS9 lie where it wrote them, in every system", "[regions]") {
  for (const char* text :
       {"image\ncircle(10,20,5)", "physical\ncircle(40,80,10)", "fk5\ncircle(150.1405293,2.1794995,18.000\")",
        "fk5\ncircle(10:00:33.7270,+2:10:46.198,18.000\")", "icrs\ncircle(150.1405231,2.1795044,18.000\")",
        "icrs\ncircle(10:00:33.7255,+2:10:46.216,18.000\")", "galactic\ncircle(236.8678512,42.1237195,18.000\")",
        "galactic\ncircle(+236:52:04.264,+42:07:25.390,18.000\")", "J2000; CIRCLE 150.1405293d 2.1794995d 18\"",
        "fk5\ncircle(10h00m33.7270s,+2d10m46.198s,18\")", "fk5;circle(-209.8594707,2.1794995,0.005r)",
        "fk5;circle(40p,80p,10p)", "fk5;circle(10i,20i,5i)", "image;circle(150.1405293d,2.1794995d,5)"}) {
    INFO(text);
    const Regions regions = read(text);
    require_objects(regions, {{"", "green", 10, 20}});
    REQUIRE(regions.notes.empty());
  }
}

TEST_CASE("regions in FK4 lie where astropy has them", "[regions]") {
  // By astropy 5.2.1, as B1950 for the epoch 1950. DS9 itself takes the epoch 2000, which is 0.22" away.
  for (const char* text :
       {"fk4\ncircle(149.4942703,2.4200975,18.000\")", "b1950; circle 9:57:58.62487 +2:25:12.3510 18.000\""}) {
    const Regions regions = read(text);
    REQUIRE(3600 * abell::separation(regions.objects.at(0).position, {150.1404912, 2.1794516}) < 0.001);
    REQUIRE(apart(regions.objects[0], 10, 20) == Approx(0.222).margin(0.001));
  }
}

TEST_CASE("texts and colours of regions are read as DS9 reads them", "[regions]") {
  const Regions regions = read(
      "# Region file format: DS9 version 4.1\n"
      "global color=#d62728 dashlist=8 3 font=\"helvetica 10 normal roman\" text = {all of them} select=1\n"
      "image # pixels; from 1\n"
      "circle(1,2,3)\n"
      "circle(2,2,3) # text = {S17; test} color = red\r\n"
      "circle(3,2,3);circle(4,2,3) # color=blue text=\"5' (a) # {1}\";circle(5,2,3) # text={}\n"
      "+ellipse(6,2,10\",5\",30) # a background; circle(1,1,1) is none\n"
      "-circle(7,2,3)\n"
      "# circle(8,2,3)\n"
      "circle(9,2,3) || # text={first} tag={t 1} tag={t 2}\n"
      "box(10,2,3,1,0) # color=#f80 text=plain, width=2\n"
      "# text(11,2) textangle=30 text={Just text}\n");
  require_objects(regions, {{"all of them", "#d62728", 1, 2},
                            {"S17; test", "red", 2, 2},
                            {"all of them", "#d62728", 3, 2},
                            {"5' (a) # {1}", "blue", 4, 2},
                            {"all of them", "#d62728", 5, 2},
                            {"all of them", "#d62728", 6, 2},
                            {"first", "#d62728", 9, 2},
                            {"plain", "#f80", 10, 2},
                            {"Just text", "#d62728", 11, 2}});
  REQUIRE(regions.objects[3].where.ends_with("a.reg:6"));
  REQUIRE(regions.notes.empty());
}

TEST_CASE("shapes without a centre and backgrounds are left out and told", "[regions]") {
  const std::string lines =
      "image\npolygon(60,20,70,20,70,30,60,30)\nline(10,50,20,60) # line=0 1\n# vector(10,50,7,30) vector=1\n"
      "# ruler(80,50,90,60) ruler=image arcsec\n# compass(80,20,10) compass=physical {N} {E} 1 1\n"
      "# projection(80,30,90,30,4)\n# segment(5,5,7,9,8,10)\n# composite(90,70,0) || composite=1\n"
      "circle(90,70,2) ||\nbox(95,70,3,2,0)\nrectangle(1,2,5,8)\ncircle(9,9,9) # background\n";
  const Regions regions = read(lines);
  require_objects(regions, {{"", "green", 65, 25}, {"", "green", 90, 70}, {"", "green", 95, 70}, {"", "green", 3, 5}});
  REQUIRE(regions.notes.size() == 1);
  REQUIRE_THAT(regions.notes[0], Contains("a.reg:3: no object: 7 shapes (line, vector, ruler, compass, projection, "
                                          "segment, background) left out"));
  REQUIRE_THAT(refused(lines, true), Contains("a.reg:3: no object"));
  const SkyPosition across = read("icrs;polygon(359,-1,1,-1,1,1,359,1)").objects.at(0).position;
  REQUIRE(abell::separation(across, {0, 0}) < 1e-9);
}

TEST_CASE("shapes around one centre are one object", "[regions]") {
  const Regions regions = read(
      "image\ncircle(10,20,3) # color=red\nannulus(10,20,5,9) # text={A}\ncircle(10,20,3) # text={B}\n"
      "circle(11,20,3)\n");
  require_objects(regions, {{"A", "red", 10, 20}, {"B", "green", 10, 20}, {"", "green", 11, 20}});
  REQUIRE_THAT(regions.notes.at(0), Contains("a.reg:3: no object of its own: 1 shape with the centre of the one"));
}

TEST_CASE("regions without a system are physical pixels, or in FK5 where they are sexagesimal", "[regions]") {
  const Regions ciao = read(
      "# Region file format: CIAO version 1.0\ncircle(40,80,10)\npie(60,180,6,12,0,90)\npie(60,180,6,12,90,180)\n"
      "-circle(50,90,10)\ncircle(10:00:33.7270,+2:10:46.198,0.30000')\ncircle(1,1,1)-circle(2,2,2)\n");
  require_objects(ciao,
                  {{"", "green", 10, 20}, {"", "green", 20, 70}, {"", "green", 10, 20}, {"", "green", -9.5, -19.5}});
  REQUIRE(ciao.notes.size() == 2);
  REQUIRE_THAT(ciao.notes[1], Contains("a.reg:2: no coordinate system: taken as the image's physical pixels"));
  require_objects(read("circle(10,20,5)\n", "image"), {{"", "green", 10, 20}});
  require_objects(read("circle(236.8678512,42.1237195,5)\n", "galactic"), {{"", "green", 10, 20}});
  REQUIRE_THAT(message_of<abell::OptionError>([] { read("circle(1,2,3)", "amplifier"); }), Contains("'amplifier'"));
}

TEST_CASE("DS9's formats saotng, saoimage, pros and xy are read", "[regions]") {
  const std::vector<Named> tng{{"S17; test", "red", 10, 20}, {"A \"q\" 'x'", "#d62728", 30, 20}};
  require_objects(read("# format: degrees (fk5)\n# filename: f.fits\n#S17; test\n+circle(150.1405293,2.1794995,5) # "
                       "red\n#A \"q\" 'x'\n"
                       "+ellipse(150.1205148,2.1794999,5,3,20) # #d62728\n-circle(150.1355258,2.1844996,5) # green\n"
                       "+circle(150.1,2.2,5) # background\n"),
                  tng);
  require_objects(read("# format: hms (galactic)\n#S17; test\n+circle(+236:52:04.264,+42:07:25.390,5) # red\n"
                       "#A \"q\" 'x'\n+ellipse(+236:51:07.895,+42:06:26.777,5,3,20) # #d62728\n"),
                  tng);
  // It calls its own pixels physical.
  require_objects(
      read("# format: pixels (physical)\n#S17; test\n+circle(10,20,5) # red\n+text(40,40, \"Just; text\") # green\n"
           "+box(50,20,5,3,20) # source\n"),
      {tng[0], {"Just; text", "green", 40, 40}, {"", "green", 50, 20}});

  require_objects(
      read("circle(10,20,5)\nellipse(75,40,3,2,20)\nellipse(75,40,6,4,20) & !ellipse(75,40,3,2,20)\n", "image"),
      {{"", "green", 10, 20}, {"", "green", 75, 40}});
  require_objects(
      read("logical; circle 10 20 5\nphysical; box 120 80 5 3 20 # a label; of PROS\n"
           "galactic; ellipse 236.8678512d 42.1237195d 18.000\" 10.8\" 20 & !ellipse 1d 2d 3\" 4\" 5\n"
           "j2000; polygon 150.0904931d 2.1795000d 150.0804859d 2.1794999d 150.0804858d 2.1894999d "
           "150.0904931d 2.1895000d # text={P} color=red\n"),
      {{"", "green", 10, 20}, {"a label; of PROS", "green", 50, 20}, {"", "green", 10, 20}, {"P", "red", 65, 25}});

  require_objects(read("150.1405293 2.1794995\n150.1205148 2.1794999\n", "fk5"),
                  {{"", "green", 10, 20}, {"", "green", 30, 20}});
  require_objects(read("10:00:33.7270 +2:10:46.198\n"), {{"", "green", 10, 20}});
  require_objects(read("image\n10 20\n-5 20\n"), {{"", "green", 10, 20}, {"", "green", -5, 20}});
  REQUIRE_THAT(refused("150.1405293 2.1794995\n"), Contains("a.reg:1: expected a coordinate system before numbers"));
}

TEST_CASE("DS9's format xml is read", "[regions]") {
  const auto table = [](const std::string& system, const std::string& rows) {
    const std::string reference = "\" ref=\"" + system + "\"/>\n";
    std::string fields;
    for (const char* name : {"shape", "x", "y", "xv", "yv", "color", "text", "include", "source"}) {
      fields += "<FIELD ID=\"" + std::string(name) + "\" name=\"" + name + "\" datatype=\"float" +
                (name[0] == 'x' || name[0] == 'y' ? reference : "\"/>\n");
    }
    return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<VOTABLE version=\"1.1\">\n<DEFINITIONS>\n<COOSYS ID=\"fk5\" "
           "system=\"eq_FK5\" equinox=\"J2000\"/>\n</DEFINITIONS>\n<RESOURCE>\n<TABLE>\n" +
           fields + "<DATA>\n<TABLEDATA>\n" + rows + "</TABLEDATA>\n</DATA>\n</TABLE>\n</RESOURCE>\n</VOTABLE>\n";
  };
  const auto row = [](std::initializer_list<const char*> cells) {
    std::string all = "<TR>";
    for (const char* cell : cells) all += "<TD>" + std::string(cell) + "</TD>";
    return all + "</TR>\n";
  };
  const std::vector<Named> expected{{"S17; test", "red", 10, 20}, {"A \"q\" 'x'", "#d62728", 65, 25}};
  const Regions fk5 = read(
      table("fk5",
            row({"circle", "150.1405293", "2.1794995", "", "", "red", "S17; test", "1", "1"}) +
                row({"polygon", "", "", "150.0904931 150.0804859 150.0804858 150.0904931",
                     "2.1795000 2.1794999 2.1894999 2.1895000", "#d62728", "A &quot;q&quot; &apos;x&apos;", "1", "1"}) +
                row({"circle", "150.1355258", "2.1844996", "", "", "green", "", "0", "1"}) +
                row({"line", "", "", "150.1405301 150.1305229", "2.2094994 2.2194997", "green", "", "1", "1"}) +
                row({"circle", "150.1", "2.2", "", "", "green", "", "1", "0"})));
  require_objects(fk5, expected);
  REQUIRE(fk5.objects[1].where.ends_with("a.reg:2"));
  REQUIRE_THAT(fk5.notes.at(0), Contains("a.reg:4: no object: 2 shapes (line, background) left out"));
  for (const auto& [system, x, y] : std::vector<std::array<const char*, 3>>{{"fk5", "10:00:33.7270", "+2:10:46.198"},
                                                                            {"galactic", "236.8678512", "42.1237195"},
                                                                            {"ecliptic", "151.4463693", "-9.3815054"},
                                                                            {"image", "10", "20"},
                                                                            {"physical", "40", "80"}}) {
    INFO(system);
    require_objects(read(table(system, row({"circle", x, y, "", "", "red", "S17; test", "1", "1"}))), {expected[0]});
  }
  REQUIRE_THAT(refused(table("amplifier", "")), Contains("a.reg: expected coordinates in") && Contains("'amplifier'"));
  REQUIRE_THAT(refused("<VOTABLE><RESOURCE/></VOTABLE>"), Contains("a.reg: expected regions of DS9 in XML"));
  REQUIRE_THAT(refused("<VOTABLE><RESOURCE></VOTABLE>"), Contains("a.reg: ") && Contains("a fault at byte"));
}

TEST_CASE("what no region can be is refused with its line", "[regions]") {
  REQUIRE_THAT(refused("fk5\ncircle(a,2,3)\n"), Contains("a.reg:2: ") && Contains("'a' and '2'"));
  REQUIRE_THAT(refused("image;circle(1,b,3)\n"), Contains("a.reg:1: expected pixels, found '1' and 'b'"));
  REQUIRE_THAT(refused("fk5\ncircle\n"), Contains("a.reg:2: ") && Contains("'circle', found 0"));
  REQUIRE_THAT(refused("fk5\npolygon(1,2,3)\n"), Contains("'polygon', found 3"));
  REQUIRE_THAT(refused("fk5;star(1,2)\n"), Contains("expected a shape") && Contains("'star'"));
  REQUIRE_THAT(refused("amplifier\n"), Contains("expected coordinates in icrs") && Contains("'amplifier'"));
  REQUIRE_THAT(refused("fk5;circle(1,91,3)\n"), Contains("'1' and '91'"));
  REQUIRE_THAT(refused("galactic;circle(1h,1,3)\n"), Contains("Galactic longitude"));
  const TempFolder folder;
  const auto pixels = folder.write("a.reg", "circle(1,2,3)\n");
  REQUIRE_THAT(message_of<FormatError>([&] { abell::read_regions(pixels); }), Contains("a.reg:1: these are pixels"));
  REQUIRE_THAT(message_of<abell::IoError>([&] { abell::read_regions(folder / "b.reg"); }), Contains("no such file"));
}

TEST_CASE("physical pixels stay what they are in sections and binned events", "[regions][fits]") {
  const TempFolder folder;
  const RegionImage whole(write_image(folder));
  const std::string name = (folder / "f.fits").string();
  for (const char* section : {"[11:60,21:70]", "[-*,1:80:2]", "[5:100:3,70:10]"}) {
    INFO(section);
    const RegionImage cut{FitsFile(name + section)};
    const SkyPosition there = cut.wcs.sky(cut.physical.pixel(40, 80));
    REQUIRE(3600 * abell::separation(there, whole.wcs.sky(whole.physical.pixel(40, 80))) < 1e-4);
  }
  REQUIRE_FALSE(whole.physical.own());
}

TEST_CASE("a catalogue of regions has names for those without a text", "[regions][positions]") {
  const TempFolder folder;
  const RegionImage image(write_image(folder));
  const auto catalogue = abell::read_catalogue(
      folder.write("a.reg", "image\ncircle(1,2,3) # text={A 1}\npoint(6,6)\nline(1,2,3,4)\n"), {.image = &image});
  REQUIRE(catalogue.objects.size() == 2);
  REQUIRE(catalogue.objects[0].id == "A 1");
  REQUIRE(catalogue.objects[1].id == "object-0002");
  REQUIRE_THAT(catalogue.notes.at(0), Contains("a.reg:4: no object: 1 shape (line) left out"));
}
