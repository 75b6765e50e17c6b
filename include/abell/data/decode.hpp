#pragma once
/// From the files of an object to the bytes that the network's input is made of. Needs stb and CFITSIO.

#include <abell/core/error.hpp>
#include <abell/core/shape.hpp>
#include <abell/data/dataset.hpp>
#include <abell/data/pixel_cache.hpp>
#include <abell/images/image.hpp>
#include <abell/images/read.hpp>
#include <abell/images/resample.hpp>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace abell {

struct DecodeOptions {
  Resize resize = Resize::bilinear;
  double crop = 1;  ///< share of each side, in (0, 1], that is cut from the centre before resizing
  MaskPolicy nan = MaskPolicy::zero;
};

/// Reads one file ({image}: grey is copied to all channels) or two ({xray, optical}: combined as
/// [empty, optical, X-ray], zero where a name is empty), brings them to `shape`, and writes shape.size()
/// rounded bytes. Returns the number of masked pixels in the files. Throws IoError and FormatError
/// naming the file.
inline std::size_t decode_files(const std::vector<std::filesystem::path>& files, const Shape& shape,
                                const DecodeOptions& options, std::span<std::uint8_t> out) {
  if (!(options.crop > 0 && options.crop <= 1)) {
    throw OptionError("crop: expected a share above 0 and up to 1, found " + std::to_string(options.crop));
  }
  std::size_t masked = 0;
  const auto read = [&](const std::filesystem::path& file) {
    DisplayImage display = read_display_image(file, options.nan);
    masked += display.masked;
    if (options.crop == 1) return std::move(display.image);
    const auto side = [&](int size) { return std::max(1, static_cast<int>(std::lround(size * options.crop))); };
    return resize(display.image, side(display.image.height), side(display.image.width), Resize::crop);
  };
  if (files.size() == 1) {
    // Resized before grey is copied: a third of the work.
    const Image image = with_channels(resize(read(files[0]), shape.height, shape.width, options.resize), shape.channels,
                                      files[0].string());
    std::ranges::transform(image.pixels, out.begin(), to_byte);
    return masked;
  }
  if (files.size() != 2 || shape.channels != 3) {
    throw ShapeError("an X-ray and an optical image make 3 channels; found " + std::to_string(files.size()) +
                     " files for " + to_string(shape));
  }
  std::ranges::fill(out, std::uint8_t{0});
  for (const std::size_t i : {std::size_t{0}, std::size_t{1}}) {
    if (files[i].empty()) continue;
    const Image image = resize(grey(read(files[i]), files[i].string()), shape.height, shape.width, options.resize);
    const std::size_t channel = i == 0 ? 2 : 1;
    for (std::size_t p = 0; p < image.pixels.size(); ++p) out[3 * p + channel] = to_byte(image.pixels[p]);
  }
  return masked;
}

/// Decodes every object of a set into a cache of images of one shape.
inline std::shared_ptr<const PixelCache> cache_pixels(const DataSet& set, const Shape& shape,
                                                      const DecodeOptions& decode = {},
                                                      const PixelCacheOptions& options = {}) {
  std::vector<std::vector<std::filesystem::path>> files;
  for (const Object& object : set.objects) files.push_back(object.files);
  const std::size_t count = files.size();
  return std::make_shared<const PixelCache>(
      count, shape,
      [files = std::move(files), shape, decode](std::size_t index, std::span<std::uint8_t> out) {
        return decode_files(files[index], shape, decode, out);
      },
      options);
}

}  // namespace abell
