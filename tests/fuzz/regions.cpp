/// DS9 regions, without and with an image whose pixels they may name: accepted positions lie on the sky, and a circle
/// there is read back.

#include <abell/core/csv.hpp>
#include <abell/data/regions.hpp>
#include <cmath>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "target.hpp"

namespace {

using abell::SkyObject;

/// An image with the North up.
const abell::Wcs& frame() {
  static const abell::Wcs wcs = [] {
    std::string header;
    for (std::string card : {"NAXIS   =                    2", "CTYPE1  = 'RA---TAN'", "CTYPE2  = 'DEC--TAN'",
                             "CRPIX1  =                  8.5", "CRPIX2  =                  8.5",
                             "CRVAL1  =                150.1", "CRVAL2  =                  2.2",
                             "CDELT1  =               -0.001", "CDELT2  =                0.001", "END"}) {
      card.resize(80, ' ');
      header += card;
    }
    return abell::Wcs(header, "frame");
  }();
  return wcs;
}

std::vector<SkyObject> read(const std::string& text, const abell::Wcs* image) {
  std::istringstream in(text);
  return abell::detail::read_regions(in, "fuzz.reg", image);
}

void try_regions(const std::string& text, const abell::Wcs* image) {
  try {
    const std::vector<SkyObject> objects = read(text, image);
    std::string circles = "fk5\n";
    for (const SkyObject& object : objects) {
      require(object.position.ra >= 0 && object.position.ra <= 360 && std::abs(object.position.dec) <= 90);
      require(object.where.starts_with("fuzz.reg:") && !object.colour.empty());
      circles += "circle(" + abell::csv_number(object.position.ra) + "," + abell::csv_number(object.position.dec) +
                 ",1') # color={" + object.colour + "}\n";
    }
    if (circles.find('\r') != std::string::npos) return;
    const std::vector<SkyObject> again = read(circles, nullptr);
    require(again.size() == objects.size());
    for (std::size_t i = 0; i < again.size(); ++i) {
      require(again[i].position.ra == objects[i].position.ra && again[i].position.dec == objects[i].position.dec);
    }
  } catch (const abell::FormatError& error) {
    require(std::string(error.what()).starts_with("fuzz.reg:"));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text = text_of(data, size);
  try_regions(text, nullptr);
  try_regions(text, &frame());
  return 0;
}
