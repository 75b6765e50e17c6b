#include <abell/images/fits_write.hpp>
#include <abell/images/wcs.hpp>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "catch.hpp"
#include "error_message.hpp"
#include "temp_folder.hpp"

using abell::FormatError;
using abell::PixelPosition;
using abell::SkyPosition;
using abell::Wcs;

namespace {

std::string card(std::string text) {
  text.resize(80, ' ');
  return text;
}

/// A header from "KEY = value" lines.
std::string header(std::initializer_list<const char*> lines) {
  std::string cards;
  for (const std::string line : lines) {
    const std::size_t equals = line.find('=');
    std::string key = line.substr(0, line.find(' '));
    key.resize(8, ' ');
    cards += card(key + "= " + line.substr(equals + 2));
  }
  return cards;
}

std::string tan_with(std::initializer_list<const char*> more) {
  return header({"CTYPE1 = 'RA---TAN'", "CTYPE2 = 'DEC--TAN'", "CRPIX1 = 5.0", "CRPIX2 = 5.0", "CRVAL1 = 150.0",
                 "CRVAL2 = 2.0", "CDELT1 = -0.001", "CDELT2 = 0.001"}) +
         header(more);
}

std::string refusal(const std::string& cards) {
  return message_of<FormatError>([&] { const Wcs wcs(cards, "f.fits"); });
}

/// Milliarcseconds.
double apart(const SkyPosition& a, const SkyPosition& b) { return abell::separation(a, b) * 3.6e6; }

abell::Image ramp(int height, int width) {
  abell::Image image(height, width, 1);
  for (std::size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = static_cast<float>(i);
  return image;
}

struct GoldenCase {
  std::string name, header;
  std::vector<PixelPosition> pixels;
  std::vector<SkyPosition> sky;
};

std::vector<GoldenCase> golden_cases() {
  std::ifstream file(std::string(ABELL_GOLDEN_DIR) + "/wcs.json");
  const auto golden = nlohmann::json::parse(file);
  std::vector<GoldenCase> cases;
  for (const auto& one : golden["cases"]) {
    GoldenCase read{one["name"], "", {}, {}};
    for (const std::string line : one["header"]) read.header += line;
    for (const auto& pixel : one["pixels"])
      read.pixels.push_back({pixel[0].get<double>() - 1, pixel[1].get<double>() - 1});
    for (const auto& sky : one["sky"]) read.sky.push_back({sky[0], sky[1]});
    cases.push_back(std::move(read));
  }
  return cases;
}

}  // namespace

TEST_CASE("every projection, distortion, frame and plate solution lies where astropy puts it", "[wcs]") {
  const auto golden = golden_cases();
  REQUIRE(golden.size() == 27);
  for (const auto& one : golden) {
    INFO(one.name);
    const Wcs wcs(one.header, one.name);
    if (!wcs.distorted()) {
      INFO("from its own cards");
      REQUIRE(apart(Wcs(wcs.cards(), one.name).sky(one.pixels[0]), one.sky[0]) < 0.1);
    }
    REQUIRE(one.pixels.size() >= 5);
    for (std::size_t i = 0; i < one.pixels.size(); ++i) {
      INFO("pixel " << one.pixels[i].x << ' ' << one.pixels[i].y);
      REQUIRE(apart(wcs.sky(one.pixels[i]), one.sky[i]) < 0.01);
      const PixelPosition back = wcs.pixel(one.sky[i]);
      REQUIRE(std::hypot(back.x - one.pixels[i].x, back.y - one.pixels[i].y) < 1e-5);
    }
  }
}

TEST_CASE("a section shows the same sky as its pixels in the whole file", "[wcs][fits]") {
  const TempFolder folder;
  const abell::Image whole = ramp(300, 400);
  struct Section {
    const char* name;
    abell::ResizedAxis x, y;
  };
  const std::vector<Section> sections{{"[*,*]", {1, 0}, {1, 0}},
                                      {"[-*,*]", {-1, 399}, {1, 0}},
                                      {"[11:390, 5:300]", {1, 10}, {1, 4}},
                                      {"[1:400:2,290:20:3]", {2, 0}, {-3, 289}},
                                      {"[-*:3,2:300:7]", {-3, 399}, {7, 1}}};
  for (const auto& one : golden_cases()) {
    if (one.name == "DSS") continue;
    abell::write_fits(folder / "f.fits", whole, {.overwrite = true, .wcs = one.header});
    for (const auto& [name, x, y] : sections) {
      INFO(one.name << ' ' << name);
      const abell::FitsFile file((folder / "f.fits").string() + name);
      REQUIRE(file.read().at(1, 2) ==
              whole.at(static_cast<int>(y.start + y.step), static_cast<int>(x.start + 2 * x.step)));
      const Wcs wcs(file);
      for (std::size_t i = 0; i < one.pixels.size(); ++i) {
        const PixelPosition& pixel = one.pixels[i];
        REQUIRE(apart(wcs.sky({(pixel.x - x.start) / x.step, (pixel.y - y.start) / y.step}), one.sky[i]) < 0.01);
      }
    }
  }
}

TEST_CASE("SIP polynomials follow a section that flips or steps", "[wcs][fits]") {
  const auto sip = [](const char* square) {
    return header({"CTYPE1 = 'RA---TAN-SIP'", "CTYPE2 = 'DEC--TAN-SIP'", "CRPIX1 = 900.0", "CRPIX2 = 2.0",
                   "CRVAL1 = 150.0", "CRVAL2 = 2.0", "CD1_1 = -0.000138888888889", "CD1_2 = 0.0", "CD2_1 = 0.0",
                   "CD2_2 = 0.000138888888889", "A_ORDER = 2", "B_ORDER = 2"}) +
           header({square, "B_0_2 = 1.0E-05"});
  };
  const TempFolder folder;
  abell::write_fits(folder / "f.fits", ramp(4, 1800), {.wcs = sip("A_2_0 = 1.0E-05")});
  const auto section = [&](const char* brackets) {
    return Wcs(abell::FitsFile((folder / "f.fits").string() + brackets));
  };
  // 800 pixels of 0.5" from CRPIX: 6.4 pixels, 3.2", of distortion.
  const SkyPosition whole = section("[*,*]").sky({1699, 1});
  REQUIRE(apart(whole, Wcs(sip("A_2_0 = 0.0"), "plain").sky({1699, 1})) == Approx(3200).epsilon(1e-3));
  REQUIRE(apart(section("[-*,*]").sky({100, 1}), whole) < 0.01);
  REQUIRE(apart(section("[2:1800:2,*]").sky({849, 1}), whole) < 0.01);
}

TEST_CASE("files without a usable sky frame are told, not guessed", "[wcs]") {
  REQUIRE(refusal(tan_with({})).empty());
  REQUIRE(refusal(tan_with({"RADESYS = 'FK5'", "EQUINOX = 2000.0"})).empty());
  REQUIRE(refusal(tan_with({"RADECSYS = 'FK5'", "EPOCH = 2000.0"})).empty());
  const std::string none = header({"SIMPLE = T", "BITPIX = 16", "NAXIS = 2", "NAXIS1 = 9", "NAXIS2 = 9"});
  REQUIRE_THAT(refusal(none), Contains("f.fits: no usable sky coordinates"));
  REQUIRE_THAT(refusal(header({"CTYPE1 = 'X'", "CTYPE2 = 'Y'"})), Contains("'X', 'Y'"));
  REQUIRE_THAT(refusal(header({"CTYPE1 = 'RA---TAN'", "CTYPE2 = 'FREQ'"})), Contains("f.fits"));
  REQUIRE(refusal(tan_with({"RADECSYS = 'fk4'", "EPOCH = 1950.0"})).empty());
  REQUIRE_THAT(refusal(tan_with({"RADESYS = 'FK4'", "EQUINOX = 1700.0"})),
               Contains("RADESYS 'FK4'") && Contains("1700"));
  REQUIRE_THAT(refusal(tan_with({"RADESYS = 'GAPPT'"})), Contains("GAPPT"));
  REQUIRE_THAT(refusal(header(
                   {"CTYPE1 = 'ELON-TAN'", "CTYPE2 = 'ELAT-TAN'", "CDELT1 = 0.1", "CDELT2 = 0.1", "RADESYS = 'FK4'"})),
               Contains("ELON-TAN") && Contains("FK4"));
  REQUIRE_THAT(refusal(header({"CTYPE1 = 'HLON-TAN'", "CTYPE2 = 'HLAT-TAN'", "CDELT1 = 0.1", "CDELT2 = 0.1"})),
               Contains("HLON-TAN"));
  REQUIRE_THAT(refusal(tan_with({"CD1_1 = 0.0", "CD1_2 = 0.0", "CD2_1 = 0.0", "CD2_2 = 0.0"})), Contains("f.fits"));
  REQUIRE_THAT(refusal(header({"CTYPE1 = 'RA---TAN'", "CTYPE2 = 'DEC--TAN'", "CRVAL1 = 1.0"})),
               Contains("CDELT1 or CD1_1"));
  REQUIRE_THAT(refusal(header({"CTYPE1 = 'RA---XYZ'", "CTYPE2 = 'DEC--XYZ'"})), Contains("f.fits"));
}

TEST_CASE("maps in old equinoxes and ecliptic coordinates become ICRS", "[wcs]") {
  const auto reference = [](const char* longitude, const char* latitude, std::initializer_list<const char*> more) {
    const std::string plane = header({"CRPIX1 = 5.0", "CRPIX2 = 5.0", "CRVAL1 = 149.59", "CRVAL2 = -11.06",
                                      "CDELT1 = -0.001", "CDELT2 = 0.001", longitude, latitude});
    return Wcs(plane + header(more), "map").sky({4, 4});
  };
  const char *ra = "CTYPE1 = 'RA---TAN'", *dec = "CTYPE2 = 'DEC--TAN'", *lon = "CTYPE1 = 'ELON-TAN'",
             *lat = "CTYPE2 = 'ELAT-TAN'";
  // As in sky_frame_test.cpp, by astropy 5.2.1.
  REQUIRE(apart(reference(ra, dec, {"RADESYS = 'FK5'", "EQUINOX = 1975.0"}),
                {149.89647301481142, -11.180222579462566}) < 0.1);
  REQUIRE(apart(reference(ra, dec, {"RADESYS = 'FK4'", "EQUINOX = 1900.0"}),
                {150.81543888532286, -11.543234744763643}) < 0.1);
  REQUIRE(apart(reference(ra, dec, {"EPOCH = 1855.0"}), {151.366404134476, -11.762660691190453}) < 0.1);
  REQUIRE(apart(reference(lon, lat, {}), {147.84429553187007, 1.2377906529005316}) < 0.1);
  REQUIRE(apart(reference(lon, lat, {"RADESYS = 'FK5'", "EQUINOX = 1975.0"}),
                {148.16613962350507, 1.1214764901557075}) < 0.1);
}

TEST_CASE("PV of a plain tangent plane are no polynomials", "[wcs]") {
  const Wcs plain(tan_with({}), "plain");
  for (const Wcs& wcs :
       {Wcs(tan_with({"PV2_1 = 0.0", "PV2_2 = 0.0"}), "zeros"), Wcs(tan_with({"PV1_3 = 180.0"}), "pole")}) {
    REQUIRE_FALSE(wcs.distorted());
    REQUIRE(apart(wcs.sky({7, 8}), plain.sky({7, 8})) < 1e-6);
  }
  // SCAMP 1's polynomials of degree 1: the plane itself, and not one that lies 90 degrees away.
  const Wcs scamp(tan_with({"PV1_1 = 1.0", "PV2_1 = 1.0"}), "SCAMP");
  REQUIRE(scamp.distorted());
  REQUIRE(apart(scamp.sky({7, 8}), plain.sky({7, 8})) < 1e-3);
}

TEST_CASE("spectral and Stokes axes are left out", "[wcs]") {
  const std::string cube =
      tan_with({"CTYPE3 = 'FREQ'", "CRVAL3 = 1.4E9", "CDELT3 = 1E6", "CTYPE4 = 'STOKES'", "CDELT4 = 1.0"});
  const Wcs flat(tan_with({}), "flat"), deep(cube, "cube");
  REQUIRE(apart(flat.sky({7, 8}), deep.sky({7, 8})) < 1e-6);
  const std::string first = header({"CTYPE1 = 'STOKES'", "CTYPE2 = 'RA---TAN'", "CTYPE3 = 'DEC--TAN'",
                                    "CDELT2 = -0.001", "CDELT3 = 0.001", "CRVAL2 = 10.0"});
  REQUIRE_THAT(refusal(first), Contains("axes 1 and 2"));
  const Wcs behind(first, "first", {2, 3});
  REQUIRE(std::abs(behind.pixel({10, 0}).x + 1) < 1e-9);
}

TEST_CASE("declination may be the first axis", "[wcs]") {
  const Wcs turned(header({"CTYPE1 = 'DEC--TAN'", "CTYPE2 = 'RA---TAN'", "CRVAL1 = -30.0", "CRVAL2 = 200.0",
                           "CDELT1 = 0.01", "CDELT2 = -0.01"}),
                   "turned");
  REQUIRE(turned.sky({3, -1}).dec == Approx(-29.96).margin(1e-4));
  REQUIRE(turned.pixel({200, -29.9}).x == Approx(9).margin(1e-3));
}

TEST_CASE("a tangent plane has North up and East left, and its cards give it back", "[wcs]") {
  const Wcs plane = Wcs::tangent({0.01, 60}, 100, 200, 2);
  REQUIRE(apart(plane.sky({99.5, 49.5}), {0.01, 60}) < 1e-3);
  REQUIRE(plane.sky({99.5, 60}).dec > 60);
  const double east = plane.sky({90, 49.5}).ra;
  REQUIRE((east > 0.01 && east < 0.1));
  REQUIRE(plane.sky({150, 49.5}).ra > 359);
  REQUIRE(plane.pixel_size({99.5, 49.5}) == Approx(2).epsilon(1e-6));
  REQUIRE(abell::separation(plane.sky({99.5, 49.5}), plane.sky({99.5, 79.5})) * 3600 == Approx(60).epsilon(1e-6));
  const Wcs again(plane.cards(), "cards");
  REQUIRE(apart(again.sky({3, 4}), plane.sky({3, 4})) < 1e-3);
  REQUIRE(std::isnan(plane.pixel({180, -60}).x));
  const Wcs copy = again;
  REQUIRE(apart(copy.sky({3, 4}), again.sky({3, 4})) < 1e-9);
}

TEST_CASE("written FITS keeps coordinates, unit, history and checksums, and replaces nothing unasked", "[wcs][fits]") {
  const TempFolder folder;
  const auto path = folder / "a [b].fits";
  abell::Image image = ramp(40, 50);
  image.mask.assign(image.pixel_count(), 0);
  image.mask[7] = 1;
  image.pixels[7] = std::nanf("");
  for (const auto pixels : {abell::FitsPixels::float32, abell::FitsPixels::int32}) {
    const Wcs plane = Wcs::tangent({12, -3}, 40, 50, 4);
    abell::write_fits(path, image,
                      {.overwrite = true,
                       .pixels = pixels,
                       .unit = "count",
                       .creator = "test",
                       .wcs = plane.cards(),
                       .keys = {{"EXPOSURE", 1234.5, "[s]"}},
                       .history = {"made by\ta test", std::string(200, 'x')}});
    const abell::FitsFile file(path);
    const abell::Image read = file.read();
    REQUIRE(read.mask == image.mask);
    REQUIRE(std::isnan(read.pixels[7]));
    REQUIRE(read.pixels[8] == 8);
    REQUIRE(file.key("BUNIT") == "count");
    REQUIRE(std::stod(file.key("EXPOSURE")) == 1234.5);
    REQUIRE(file.key("CHECKSUM").size() == 16);
    REQUIRE_FALSE(file.key("DATASUM").empty());
    REQUIRE_THAT(file.header(), Contains("HISTORY made by?a test") && Contains("CREATOR"));
    REQUIRE(apart(Wcs(file).sky({1, 2}), plane.sky({1, 2})) < 1e-3);
    // The cards of a file that was read may go into the next one.
    abell::write_fits(folder / "copy.fits", read, {.overwrite = true, .wcs = abell::wcs_cards(file.header())});
    REQUIRE(apart(Wcs(abell::FitsFile(folder / "copy.fits")).sky({1, 2}), plane.sky({1, 2})) < 1e-3);
  }
  const std::string before = slurp(path);
  REQUIRE_THROWS_WITH(abell::write_fits(path, ramp(2, 2)), Contains("a [b].fits: already exists"));
  REQUIRE(slurp(path) == before);
  abell::Image half = ramp(2, 2);
  half.pixels[1] = 0.5F;
  REQUIRE_THROWS_WITH(abell::write_fits(folder / "h.fits", half, {.pixels = abell::FitsPixels::int32}),
                      Contains("whole numbers"));
  REQUIRE_FALSE(std::filesystem::exists(folder / "h.fits"));
  abell::Image planes(3, 4, 2);
  for (std::size_t i = 0; i < planes.pixels.size(); ++i) planes.pixels[i] = static_cast<float>(i);
  abell::write_fits(folder / "p.fits", planes);
  REQUIRE(abell::read_fits(folder / "p.fits").pixels == planes.pixels);
}

TEST_CASE("real headers are read as they are meant", "[wcs]") {
  const char* data = std::getenv("ABELL_REAL_DATA");
  if (data == nullptr) {
    WARN("skipped: ABELL_REAL_DATA does not name a folder");
    return;
  }
  const std::filesystem::path root = data;
  const auto at = [&](const std::string& name, const PixelPosition& p) {
    return Wcs(abell::FitsFile(root / name)).sky(p);
  };
  // A plate without CTYPE: CFITSIO's own linear guess is wrong; the corner is astropy's, in FK5.
  const auto fk5 = abell::SkyFrame::fk5();
  REQUIRE(apart(at("dss_plates/M6707HH.fits", {0, 0}), fk5.to_icrs({133.0873020957, 11.5601726886})) < 0.01);
  // The plate solution goes before the local approximation, which is 0.1" to 0.2" off.
  const double off = apart(at("dss_plates/HorseHead.fits", {445, 446}), {85.274970, -2.458265});
  REQUIRE((off > 50 && off < 300));
  const std::string section = (root / "dss_plates/HorseHead.fits[1:99,1:99]").string();
  REQUIRE_THROWS_WITH(Wcs(abell::FitsFile(section)), Contains("DSS plate solution"));
  // Abell 907's brightest part lies at the cluster (149.592, -11.064), in an image and in binned events.
  const std::string events = "xga_xmm_clusters/mos1_exp1_clean_evts.fits.gz[EVENTS][PI=500:2000][bin (X,Y)=::80]";
  for (const std::string& name : {std::string("xga_xmm_clusters/0201901401_pn_exp1-0.50-2.00keVimg.fits.gz"), events}) {
    INFO(name);
    const abell::FitsFile file(root / name);
    const abell::Image image = file.read();
    // Of boxes of 33 x 33 pixels: a point source has the brightest single pixel.
    double most = 0;
    PixelPosition peak;
    for (int y = 16; y + 16 < image.height; y += 4) {
      for (int x = 16; x + 16 < image.width; x += 4) {
        double sum = 0;
        for (int row = y - 16; row <= y + 16; ++row) {
          for (int column = x - 16; column <= x + 16; ++column) sum += static_cast<double>(image.at(row, column));
        }
        if (sum > most) peak = {double(x), double(y)};
        most = std::max(most, sum);
      }
    }
    const SkyPosition found = Wcs(file).sky(peak);
    REQUIRE(abell::separation(found, {149.592, -11.064}) * 3600 < 40);
  }
}
