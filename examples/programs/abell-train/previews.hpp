#pragma once
/// Objects as the network sees them, for the eye.

#include <abell/data/decode.hpp>
#include <abell/images/stb.hpp>
#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "../common/program.hpp"

namespace abell::program {

/// Side by side: every channel that is not empty in grey, then all three, if there are three, as red, green and blue.
inline Image preview(const Image& channels) {
  std::vector<std::array<std::size_t, 3>> panels;  // the channels that make red, green and blue
  for (std::size_t c = 0; c < static_cast<std::size_t>(channels.channels); ++c) {
    const Image one = take_channel(channels, c);
    const bool filled = std::ranges::any_of(one.pixels, [](float value) { return value != 0; });
    if (filled || channels.channels == 1) panels.push_back({c, c, c});
  }
  if (channels.channels == 3) panels.push_back({0, 1, 2});
  Image all(channels.height, channels.width * static_cast<int>(panels.size()), 3);
  for (std::size_t panel = 0; panel < panels.size(); ++panel) {
    for (int row = 0; row < channels.height; ++row) {
      for (int column = 0; column < channels.width; ++column) {
        float* pixel = &all.at(row, column + channels.width * static_cast<int>(panel));
        for (std::size_t c = 0; c < 3; ++c) pixel[c] = channels.at(row, column, static_cast<int>(panels[panel][c]));
      }
    }
  }
  return all;
}

/// Writes `count` objects, evenly spread over the set, as folder/001_<id>.png. Stops early when interrupted.
inline void write_previews(const DataSet& set, const Shape& shape, const DecodeOptions& options, std::size_t count,
                           const std::filesystem::path& folder, bool quiet) {
  make_folder(folder);
  count = std::min(count, set.objects.size());
  ProgressBar bar("previews", static_cast<long>(count), quiet);
  for (std::size_t i = 0; i < count && !interrupted(); ++i) {
    const Object& object = set.objects[i * set.objects.size() / count];
    const std::string number = std::to_string(i + 1);
    std::string name = std::string(number.size() < 3 ? 3 - number.size() : 0, '0') + number + "_" + object.id + ".png";
    std::ranges::replace(name, '/', '_');
    write_png(folder / name, preview(decode_object(object, shape, options).image), Durability::later);
    bar.update(static_cast<long>(i + 1));
  }
  sync_folder(folder);
}

}  // namespace abell::program
