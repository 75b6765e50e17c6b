#pragma once
/// Everything that the library does with a FITS file that it is given.

#include <abell/data/fits_table.hpp>
#include <abell/images/event_list.hpp>
#include <abell/images/fits.hpp>
#include <abell/images/wcs.hpp>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

/// Reads `path` as image, sky coordinates and table, as it is and by names with brackets. Errors of
/// abell are what a damaged file shall end in: returns their texts. Any other exception passes.
inline std::vector<std::string> try_fits(const std::filesystem::path& path) {
  std::vector<std::string> errors;
  const auto attempt = [&](const auto& work) {
    try {
      work();
    } catch (const abell::Error& error) {
      errors.emplace_back(error.what());
    }
  };
  const auto sky = [](const abell::FitsFile& file) {
    const abell::Wcs wcs(file);
    const abell::Wcs copy = wcs;
    const abell::SkyPosition middle = copy.sky(abell::PixelPosition{file.width() / 2.0, file.height() / 2.0});
    copy.pixel(middle);
    copy.pixel_size({0, 0});
    copy.cards();
  };
  attempt([&] {
    const abell::FitsFile file(path);
    const std::string header = file.header();
    abell::wcs_cards(header);
    abell::origin_cards(header);
    file.is_lossy();
    attempt([&] { sky(file); });
    file.read();
  });
  attempt([&] {
    const auto events = abell::binned_events(path, 4);
    if (events) sky(abell::FitsFile(events->name));
  });
  attempt([&] { abell::read_fits_table(path); });
  attempt([&] { abell::read_fits_table(path.string() + "[EVENTS][PI=50:150 && !(Y > 68)]"); });
  for (const char* brackets : {"[1]", "[1:7,2:5]", "[*,-*:2]", "[EVENTS][bin (X,Y)=::8]",
                               "[EVENTS,1][(PI & 4) == 0 || X / 2 != Y * -1.5][binr X=1:200:9,Y=:99:5; ra]"}) {
    attempt([&] {
      const abell::FitsFile file(path.string() + brackets);
      attempt([&] { sky(file); });
      file.read();
    });
  }
  return errors;
}
