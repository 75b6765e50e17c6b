/// Regions as text and XML, without and with an image whose pixels they may name: accepted positions lie on the sky,
/// and a circle there is read back.

#include <abell/core/csv.hpp>
#include <abell/data/regions.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "target.hpp"

namespace {

using abell::SkyObject;

/// An image with the North up.
const abell::RegionImage& image() {
  static const abell::RegionImage made = [] {
    std::string header;
    for (std::string card : {"NAXIS   =                    2", "CTYPE1  = 'RA---TAN'", "CTYPE2  = 'DEC--TAN'",
                             "CRPIX1  =                  8.5", "CRPIX2  =                  8.5",
                             "CRVAL1  =                150.1", "CRVAL2  =                  2.2",
                             "CDELT1  =               -0.001", "CDELT2  =                0.001", "END"}) {
      card.resize(80, ' ');
      header += card;
    }
    return abell::RegionImage(abell::Wcs(header, "image"));
  }();
  return made;
}

std::vector<SkyObject> read(const std::string& text, const abell::RegionOptions& options) {
  return abell::detail::read_regions(text, "fuzz.reg", options).objects;
}

void try_regions(const std::string& text, const abell::RegionOptions& options) {
  try {
    const std::vector<SkyObject> objects = read(text, options);
    std::string circles = "icrs\n";
    for (std::size_t i = 0; i < objects.size(); ++i) {
      const SkyObject& object = objects[i];
      require(object.position.ra >= 0 && object.position.ra <= 360 && std::abs(object.position.dec) <= 90);
      require(object.where.starts_with("fuzz.reg:") && !object.colour.empty());
      circles += "circle(" + abell::csv_number(object.position.ra) + "," + abell::csv_number(object.position.dec) +
                 ",1') # text={" + std::to_string(i) + "}\n";
    }
    const std::vector<SkyObject> again = read(circles, {});
    require(again.size() == objects.size());
    for (std::size_t i = 0; i < again.size(); ++i) {
      require(again[i].id == std::to_string(i));
      require(again[i].position.ra == objects[i].position.ra && again[i].position.dec == objects[i].position.dec);
    }
  } catch (const abell::FormatError& error) {
    require(std::string(error.what()).starts_with("fuzz.reg:"));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text = text_of(data, size);
  try_regions(text, {});
  try_regions(text, {.image = &image()});
  try_regions(text, {.image = &image(), .system = "galactic"});
  return 0;
}
