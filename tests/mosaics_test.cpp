/// What programs tell of the images that they are given.

#include "../examples/programs/abell-cutout/mosaics.hpp"

#include <fitsio.h>

#include <abell/images/fits_write.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "catch.hpp"
#include "temp_folder.hpp"

using namespace abell;
using namespace abell::program;

namespace {

/// Counts of 0.3 and more on 48 x 64 pixels, packed by fpack's default, which rounds floats.
std::string write_packed_counts(const std::filesystem::path& path) {
  fitsfile* file = nullptr;
  int status = 0;
  std::vector<long> sides{64, 48};
  std::vector<float> values(64 * 48);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i * 7 % 5) + 0.3F;
  fits_create_file(&file, path.c_str(), &status);
  fits_set_compression_type(file, RICE_1, &status);
  fits_set_quantize_level(file, 4, &status);
  fits_create_img(file, FLOAT_IMG, 2, sides.data(), &status);
  const std::string cards = Wcs::tangent({150, 2}, 48, 64, 4).cards();
  for (std::size_t at = 0; at < cards.size(); at += 80) {
    fits_write_record(file, cards.substr(at, 80).c_str(), &status);
  }
  fits_write_img(file, TFLOAT, 1, static_cast<LONGLONG>(values.size()), values.data(), &status);
  fits_close_file(file, &status);
  REQUIRE(status == 0);
  return path.string();
}

}  // namespace

TEST_CASE("counts that were packed with loss, or are none, are told once a file", "[cutout]") {
  const TempFolder folder;
  const std::string name = write_packed_counts(folder / "counts.fits.fz");
  const auto told = [&](const BandOptions& options) {
    std::ostringstream text;
    std::streambuf* before = std::cerr.rdbuf(text.rdbuf());
    Band band({name}, {}, options);
    for (int pass = 0; pass < 2; ++pass) {
      band.for_each([](int) { return true; }, [](int, const Mosaic&, const MosaicPixels&) {});
    }
    std::cerr.rdbuf(before);
    return text.str();
  };
  const BandOptions counts{.max_megapixels = 1, .unit = "count"};
  REQUIRE(told(counts) == name + ": 3072 of 3072 pixels are negative or no whole number, which counts are not\n" +
                              name + ": packed with loss, which changes counts (fpack -q 0 keeps them)\n");
  REQUIRE(told({.max_megapixels = 1}).empty());
  REQUIRE(told({.max_megapixels = 1, .unit = "count", .quiet = true}).empty());
}

TEST_CASE("images of a set that were packed with loss are told in one line", "[cutout]") {
  const TempFolder folder;
  const std::string lossy = write_packed_counts(folder / "lossy.fits.fz");
  write_fits(folder / "plain.fits", Image(8, 8, 1));
  const std::string plain = (folder / "plain.fits").string();
  const auto told = [](const std::vector<Object>& objects) {
    LossyFiles files;
    for (const Object& object : objects) files.look_at(object);
    std::ostringstream text;
    std::streambuf* before = std::cerr.rdbuf(text.rdbuf());
    files.tell();
    std::cerr.rdbuf(before);
    return text.str();
  };
  const std::string line = lossy + ": packed with loss, which changes counts (fpack -q 0 keeps them)";
  const Object good{.id = "a", .files = {plain, ""}}, bad{.id = "b", .files = {plain, lossy}};
  REQUIRE(told({good, good}).empty());
  REQUIRE(told({good, bad}) == line + "\n");
  REQUIRE(told({{.id = "c", .files = {plain, ""}, .third = lossy}}) == line + "\n");
  REQUIRE(told({bad, good, bad}) == line + "; so are images of 2 of 3 objects\n");
  REQUIRE(told({{.id = "d", .files = {lossy + "[1]"}}}).find("lossy.fits.fz[1]: packed") != std::string::npos);
}
