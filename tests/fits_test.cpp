#include <fitsio.h>

#include <abell/core/parallel.hpp>
#include <abell/images/fits_cards.hpp>
#include <abell/images/read.hpp>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <memory>
#include <vector>

#include "catch.hpp"
#include "error_message.hpp"
#include "temp_folder.hpp"

using abell::FormatError;
using abell::Image;
using abell::IoError;

namespace {

/// Writes FITS files; every call is checked.
class Writer {
 public:
  explicit Writer(const std::string& name) { check(fits_create_file(&file_, name.c_str(), &status_)); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer() {
    int ignored = 0;
    fits_close_file(file_, &ignored);
  }

  template <class T>
  void image(int bitpix, std::vector<long> axes, int datatype, std::vector<T> values) {
    check(fits_create_img(file_, bitpix, static_cast<int>(axes.size()), axes.data(), &status_));
    if (values.empty()) return;
    check(fits_write_img(file_, datatype, 1, static_cast<LONGLONG>(values.size()), values.data(), &status_));
  }
  void empty_primary() { check(fits_create_img(file_, BYTE_IMG, 0, nullptr, &status_)); }
  void key(const char* name, double value) { check(fits_update_key(file_, TDOUBLE, name, &value, nullptr, &status_)); }
  void key(const char* name, int value) { check(fits_update_key(file_, TINT, name, &value, nullptr, &status_)); }
  void quantise(float level) { check(fits_set_quantize_level(file_, level, &status_)); }
  void compress(int kind) { check(fits_set_compression_type(file_, kind, &status_)); }
  /// Turns the scaling of written values off, so that raw values are stored.
  void raw() { check(fits_set_bscale(file_, 1, 0, &status_)); }
  template <class T>
  void values(int datatype, std::vector<T> all) {
    check(fits_write_img(file_, datatype, 1, static_cast<LONGLONG>(all.size()), all.data(), &status_));
  }
  void table() {
    char column[] = "X", form[] = "1E";
    char* columns[] = {column};
    char* forms[] = {form};
    check(fits_create_tbl(file_, BINARY_TBL, 0, 1, columns, forms, nullptr, "T", &status_));
  }

 private:
  void check(int status) { REQUIRE(status == 0); }
  fitsfile* file_ = nullptr;
  int status_ = 0;
};

const float missing = std::numeric_limits<float>::quiet_NaN();

std::string fits_error(const std::filesystem::path& path) {
  return message_of<FormatError>([&] { abell::read_fits(path); });
}

}  // namespace

TEST_CASE("every BITPIX is read with rows in file order", "[fits]") {
  const TempFolder folder;
  for (const int bitpix : {BYTE_IMG, SHORT_IMG, LONG_IMG, LONGLONG_IMG, FLOAT_IMG, DOUBLE_IMG}) {
    INFO("BITPIX " << bitpix);
    const std::string name = (folder / ("a" + std::to_string(bitpix) + ".fits")).string();
    Writer(name).image<double>(bitpix, {3, 2}, TDOUBLE, {1, 2, 3, 40, 50, 60});
    const Image image = abell::read_image(name);
    REQUIRE(image.height == 2);
    REQUIRE(image.width == 3);
    REQUIRE(image.channels == 1);
    REQUIRE(image.mask.empty());
    REQUIRE(image.pixels == std::vector<float>{1, 2, 3, 40, 50, 60});
  }
}

TEST_CASE("BSCALE and BZERO are applied", "[fits]") {
  const TempFolder folder;
  const std::string unsigned16 = (folder / "u16.fits").string();
  Writer(unsigned16).image<std::uint16_t>(USHORT_IMG, {3, 1}, TUSHORT, {0, 40000, 65535});
  REQUIRE(abell::read_fits(unsigned16).pixels == std::vector<float>{0, 40000, 65535});

  const std::string scaled = (folder / "scaled.fits").string();
  {
    Writer writer(scaled);
    writer.image<short>(SHORT_IMG, {3, 1}, TSHORT, {});
    writer.key("BSCALE", 0.5);
    writer.key("BZERO", -10.0);
    writer.raw();
    writer.values<short>(TSHORT, {0, 4, -8});
  }
  REQUIRE(abell::read_fits(scaled).pixels == std::vector<float>{-10, -8, -14});
}

TEST_CASE("BLANK, NaN and infinity are masked and never zero", "[fits]") {
  const TempFolder folder;
  const std::string blank = (folder / "blank.fits").string();
  {
    Writer writer(blank);
    writer.image<short>(SHORT_IMG, {4, 1}, TSHORT, {});
    writer.key("BLANK", -99);
    writer.key("BSCALE", 2.0);
    writer.key("BZERO", 1.0);
    writer.raw();
    writer.values<short>(TSHORT, {5, -99, 0, 7});
  }
  Image image = abell::read_fits(blank);
  REQUIRE(image.mask == std::vector<std::uint8_t>{0, 1, 0, 0});
  REQUIRE(std::isnan(image.pixels[1]));
  REQUIRE(image.pixels[0] == 11);
  REQUIRE(image.pixels[2] == 1);

  const std::string floats = (folder / "nan.fits").string();
  Writer(floats).image<float>(FLOAT_IMG, {4, 1}, TFLOAT, {1, missing, std::numeric_limits<float>::infinity(), 4});
  image = abell::read_fits(floats);
  REQUIRE(image.mask == std::vector<std::uint8_t>{0, 1, 1, 0});

  const std::string doubles = (folder / "double.fits").string();
  Writer(doubles).image<double>(DOUBLE_IMG, {4, 1}, TDOUBLE, {1, std::numeric_limits<double>::quiet_NaN(), 1e300, 4});
  const std::string refused = fits_error(doubles);
  if (refused.empty()) REQUIRE(abell::read_fits(doubles).mask == std::vector<std::uint8_t>{0, 1, 1, 0});
}

TEST_CASE("the first image is found behind an empty primary HDU and a table", "[fits]") {
  const TempFolder folder;
  const std::string name = (folder / "second.fits").string();
  {
    Writer writer(name);
    writer.empty_primary();
    writer.table();
    writer.image<float>(FLOAT_IMG, {2, 2}, TFLOAT, {1, 2, 3, 4});
  }
  REQUIRE(abell::read_fits(name).pixels == std::vector<float>{1, 2, 3, 4});
  REQUIRE(abell::read_fits(name + "[2]").pixels == std::vector<float>{1, 2, 3, 4});
  REQUIRE(abell::read_image(name + "[2][2:2,1:2]").pixels == std::vector<float>{2, 4});
  REQUIRE_THAT(fits_error(name + "[1]"), Contains("expected a FITS image"));

  const std::string none = (folder / "none.fits").string();
  {
    Writer writer(none);
    writer.empty_primary();
    writer.table();
  }
  REQUIRE_THAT(fits_error(none), Contains("none.fits") && Contains("expected a FITS image"));
}

TEST_CASE("axes of length one are squeezed and planes become channels", "[fits]") {
  const TempFolder folder;
  const std::string flat = (folder / "flat.fits").string();
  Writer(flat).image<float>(FLOAT_IMG, {3, 2, 1, 1}, TFLOAT, {1, 2, 3, 4, 5, 6});
  REQUIRE(abell::read_fits(flat).channels == 1);
  REQUIRE(abell::read_fits(flat).height == 2);

  const std::string cube = (folder / "cube.fits").string();
  Writer(cube).image<float>(FLOAT_IMG, {2, 2, 3}, TFLOAT, {1, 2, 3, 4, 5, missing, 7, 8, 9, 10, 11, 12});
  const Image image = abell::read_fits(cube);
  REQUIRE(image.height == 2);
  REQUIRE(image.channels == 3);
  REQUIRE(image.at(0, 1, 0) == 2);
  REQUIRE(image.at(1, 0, 2) == 11);
  REQUIRE(image.mask == std::vector<std::uint8_t>{0, 1, 0, 0});

  const std::string line = (folder / "line.fits").string();
  Writer(line).image<float>(FLOAT_IMG, {5}, TFLOAT, {1, 2, 3, 4, 5});
  REQUIRE_THAT(fits_error(line), Contains("expected 2 axes"));
}

TEST_CASE("gzip and tile compression are read", "[fits]") {
  const TempFolder folder;
  std::vector<int> counts(64 * 48);
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] = static_cast<int>(i * 7 % 1000);
  const std::string zipped = (folder / "a.fits.gz").string();
  Writer(zipped).image<int>(LONG_IMG, {64, 48}, TINT, counts);
  const std::string tiled = (folder / "a.fits.fz").string();
  {
    Writer writer(tiled);
    writer.compress(RICE_1);
    writer.image<int>(LONG_IMG, {64, 48}, TINT, counts);
  }
  const std::string renamed = (folder / "a.FTZ").string();
  std::filesystem::copy_file(zipped, renamed);
  for (const std::string& name : {zipped, renamed, tiled}) {
    const Image image = abell::read_image(name);
    REQUIRE(image.height == 48);
    REQUIRE(image.width == 64);
    for (std::size_t i = 0; i < counts.size(); ++i) REQUIRE(image.pixels[i] == static_cast<float>(counts[i]));
  }
}

TEST_CASE("truncated FITS is refused at every length, packed or not", "[fits]") {
  const TempFolder folder;
  std::vector<float> values(60 * 50, 3.5F);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] += static_cast<float>(i % 13);
  for (const std::string kind : {"a.fits", "a.fits.gz", "a.fits.fz"}) {
    const std::string name = (folder / kind).string();
    {
      Writer writer(name);
      if (kind == "a.fits.fz") writer.compress(GZIP_1);
      writer.image<float>(FLOAT_IMG, {60, 50}, TFLOAT, values);
    }
    const std::string bytes = slurp(name);
    REQUIRE_NOTHROW(abell::read_image(name));
    // What only pads the last block may be missing: of a plain image 2880 + 60 * 50 * 4 bytes are
    // the image, of a gzip file all but the end. Then every pixel must still be right.
    const std::size_t needed = kind == "a.fits" ? 2880 + 60 * 50 * 4 : bytes.size() - (kind == "a.fits.gz" ? 40 : 0);
    for (std::size_t keep = 10; keep < bytes.size(); keep += keep + 60 < bytes.size() ? 41 : 1) {
      INFO(kind << " cut at " << keep << " of " << bytes.size());
      const auto cut = folder.write("cut-" + kind, bytes.substr(0, keep));
      Image image;
      const std::string message = message_of<FormatError>([&] { image = abell::read_image(cut); });
      if (keep < needed || !message.empty()) {
        REQUIRE_THAT(message, Contains("cut-"));
      } else {
        REQUIRE(image.pixels == values);
      }
    }
  }
}

TEST_CASE("a truncated FITS file inside a whole gzip file is refused", "[fits]") {
  const TempFolder folder;
  const std::string name = (folder / "a.fits").string();
  Writer(name).image<float>(FLOAT_IMG, {60, 50}, TFLOAT, std::vector<float>(3000, 2));
  const auto cut = folder.write("cut.fits", slurp(name).substr(0, 9000));
  if (std::system(("gzip -q '" + cut.string() + "' 2>/dev/null").c_str()) != 0) {
    WARN("gzip was not found");
    return;
  }
  REQUIRE_THAT(fits_error(cut.string() + ".gz"), Contains("cut.fits.gz"));
}

TEST_CASE("errors carry CFITSIO's whole message stack on one line", "[fits]") {
  const TempFolder folder;
  folder.write("bad.fits", "SIMPLE  =                    T\nthis is no header");
  const std::string message = fits_error(folder / "bad.fits");
  REQUIRE_THAT(message, Contains("bad.fits") && Contains("CFITSIO") && Contains("; "));
  REQUIRE(message.find('\n') == std::string::npos);
}

TEST_CASE("a file of exactly that name is opened literally", "[fits]") {
  const TempFolder folder;
  const std::string plain = (folder / "a.fits").string();
  Writer(plain).image<float>(FLOAT_IMG, {2, 1}, TFLOAT, {1, 2});
  for (const char* odd : {"b[1].fits", "c(d).fits", "!e.fits", "f+1", "g [x] (y)"}) {
    std::filesystem::copy_file(plain, folder / odd);
    INFO(odd);
    REQUIRE(abell::read_image(folder / odd).pixels == std::vector<float>{1, 2});
  }
}

TEST_CASE("names that reach beyond local files are refused", "[fits]") {
  const TempFolder folder;
  const std::string plain = (folder / "a.fits").string();
  Writer(plain).image<float>(FLOAT_IMG, {2, 1}, TFLOAT, {1, 2});
  for (const std::string& name :
       {std::string("http://example.org/a.fits"), std::string("ftp://example.org/a.fits[1]"), std::string("mem://a"),
        std::string("shmem://h1"), "!" + plain, "file://" + plain, plain + "(" + (folder / "copy.fits").string() + ")",
        plain + "(" + (folder / "copy.fits").string() + ")[0]", std::string("-"), std::string("stdin[0]"),
        (folder / "missing.fits").string(), (folder / "missing.fits[0]").string(), folder.path().string()}) {
    INFO(name);
    REQUIRE_FALSE(message_of<IoError>([&] { abell::read_fits(name); }).empty());
  }
  REQUIRE_FALSE(std::filesystem::exists(folder / "copy.fits"));
  // A file whose own name CFITSIO would read as an output file.
  std::filesystem::copy_file(plain, folder / "a.fits(out.fits)");
  REQUIRE_THROWS_AS(abell::read_fits(folder / "a.fits(out.fits)[0]"), IoError);
  REQUIRE_FALSE(std::filesystem::exists(folder / "out.fits"));
}

TEST_CASE("too large FITS images are refused before their pixels are looked for", "[fits]") {
  const TempFolder folder;
  const std::string name = (folder / "wide.fits").string();
  std::string header;
  for (const char* card :
       {"SIMPLE  =                    T", "BITPIX  =                    8", "NAXIS   =                    2",
        "NAXIS1  =                20001", "NAXIS2  =                    3", "END"}) {
    std::string line = card;
    line.resize(80, ' ');
    header += line;
  }
  header.resize(2880, ' ');
  folder.write("wide.fits", header);
  REQUIRE_THAT(fits_error(name), Contains("wide.fits") && Contains("1 to 20000 pixels"));
}

TEST_CASE("files are read from several threads at once", "[fits]") {
  const TempFolder folder;
  const std::string name = (folder / "a.fits.gz").string();
  Writer(name).image<float>(FLOAT_IMG, {64, 64}, TFLOAT, std::vector<float>(4096, 5));
  std::vector<int> good(40);
  abell::parallel_for(40, 4, [&](int chunk, int) {
    const Image image = abell::read_fits(name);
    good[static_cast<std::size_t>(chunk)] = image.pixels == std::vector<float>(4096, 5);
  });
  REQUIRE(good == std::vector<int>(40, 1));
}

TEST_CASE("real FITS files are read", "[fits]") {
  const char* data = std::getenv("ABELL_REAL_DATA");
  if (data == nullptr) {
    WARN("skipped: ABELL_REAL_DATA does not name a folder");
    return;
  }
  const std::filesystem::path root = data;
  const Image plate = abell::read_fits(root / "dss_plates/HorseHead.fits");
  REQUIRE(plate.width == 891);
  REQUIRE(plate.height == 893);
  std::size_t radio = 0, counts = 0;
  for (const auto& entry : std::filesystem::directory_iterator(root / "mirabest_fits")) {
    if (entry.path().extension() != ".gz") continue;
    const Image image = abell::read_fits(entry.path());
    REQUIRE(image.width == 300);
    REQUIRE(image.height == 300);
    ++radio;
  }
  REQUIRE(radio == 40);
  for (const auto& entry : std::filesystem::directory_iterator(root / "xga_xmm_clusters")) {
    if (entry.path().string().find("img.fits") == std::string::npos) continue;
    const Image image = abell::read_fits(entry.path());
    REQUIRE(image.width == 512);
    ++counts;
  }
  REQUIRE(counts > 10);
  const std::string events = (root / "xga_xmm_clusters/mos1_exp1_clean_evts.fits.gz").string();
  REQUIRE_THROWS_AS(abell::read_fits(events), FormatError);
  const Image binned = abell::read_fits(events + "[EVENTS][bin (X,Y)=::80]");
  REQUIRE(binned.width == 648);
}

TEST_CASE("pixels that were packed with loss are told from others", "[fits]") {
  const TempFolder folder;
  std::vector<float> values(64 * 48);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i * 7 % 5) + 0.1F;
  const auto lossy = [&](float level, int kind, int bitpix) {
    const std::string name = (folder / "a.fits.fz").string();
    std::filesystem::remove(name);
    {
      Writer writer(name);
      writer.compress(kind);
      writer.quantise(level);
      writer.image<float>(bitpix, {64, 48}, TFLOAT, values);
    }
    REQUIRE(abell::FitsFile(name + "[1][1:20,*]").is_lossy() == abell::FitsFile(name).is_lossy());
    return abell::FitsFile(name).is_lossy();
  };
  REQUIRE(lossy(4, RICE_1, FLOAT_IMG));
  REQUIRE_FALSE(lossy(0, GZIP_2, FLOAT_IMG));
  REQUIRE_FALSE(lossy(4, RICE_1, LONG_IMG));
  const std::string plain = (folder / "a.fits").string();
  Writer(plain).image<float>(FLOAT_IMG, {64, 48}, TFLOAT, values);
  REQUIRE_FALSE(abell::FitsFile(plain).is_lossy());
}

TEST_CASE("units have the standard's names, and a map's origin is kept", "[fits]") {
  for (const char* text : {"count", "counts", "COUNTS", "\"counts\"", "cts"})
    REQUIRE(abell::standard_unit(text) == "count");
  for (const char* text : {"s", "sec", "SECONDS"}) REQUIRE(abell::standard_unit(text) == "s");
  REQUIRE(abell::standard_unit("\"cm2 s\"") == "cm2 s");
  REQUIRE(abell::standard_unit("Jy/beam") == "Jy/beam");
  REQUIRE(abell::standard_unit("\"").size() == 1);
  const auto card = [](std::string text) {
    text.resize(80, ' ');
    return text;
  };
  const std::string kept = card("TELESCOP= 'ROSAT'") + card("OBJECT  = 'O''Neil'") + card("EXPOSURE= 12.5");
  REQUIRE(abell::origin_cards(card("EXPOSURE= 1.25D1 / s") + card("OBSERVER= 'x'") +
                              card("OBJECT  = 'O''Neil   ' / who") + card("TELESCOP= 'ROSAT'") +
                              card("FILTER  = 'open") + card("OBS_ID  =")) == kept);
}
