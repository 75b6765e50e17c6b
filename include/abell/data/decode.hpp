#pragma once
/// From the files of an object to the values that the network's input is made of. Needs stb, CFITSIO and wcslib.

#include <abell/core/error.hpp>
#include <abell/core/shape.hpp>
#include <abell/data/dataset.hpp>
#include <abell/data/pixel_cache.hpp>
#include <abell/images/bands.hpp>
#include <abell/images/image.hpp>
#include <abell/images/pixel_scale.hpp>
#include <abell/images/read.hpp>
#include <abell/images/resample.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace abell {

/// How the files of an object become the channels of an image of the shape asked for. Decoding throws OptionError for a
/// `crop` out of range, FormatError where an exposure map that `bands` need is missing.
struct DecodeOptions {
  Resize resize = Resize::bilinear;
  double crop = 1;                    ///< share of each side, in (0, 1], that is cut from the centre before resizing
  MaskPolicy nan = MaskPolicy::zero;  ///< what masked pixels become
  Bands bands = {};                   ///< the steps of each band
  double max_megapixels = default_max_megapixels;  ///< of a file; checked before it is decoded
};

/// The channels of an object, 0..255.
struct Decoded {
  Image image;
  std::size_t masked = 0;  ///< pixels of its files, those of low exposure included
  bool grey = false;       ///< whether one channel was copied to all of several
};

/// Whether bytes lose nothing of an object: its files are PNG or JPEG, and no step is asked for.
inline bool fits_in_bytes(const Object& object, const DecodeOptions& options) {
  const auto fits = [](const std::filesystem::path& file) { return !file.empty() && is_fits(file); };
  return options.bands == Bands{} && !fits(object.third) && std::ranges::none_of(object.files, fits);
}

namespace detail {

/// Throws unless the object has the files that `shape` and the options ask for; none of them is read.
inline void check_files(const Object& object, const Shape& shape, const DecodeOptions& options) {
  if (object.files.size() != 1 && (object.files.size() != 2 || shape.channels != 3)) {
    throw ShapeError("an X-ray and an optical image make 3 channels; found " + std::to_string(object.files.size()) +
                     " files for " + to_string(shape));
  }
  const ExposureCorrection& correction = options.bands.exposure;
  if (correction.divide && !object.files.front().empty() && object.exposure.empty()) {
    throw FormatError(object.files.front().string() + ": expected an exposure map for ", "exposure",
                      " " + to_text(correction) + " (column 'exposure' of a table), found none");
  }
}

/// The exposures of an object's X-ray image, whose hardly seen pixels become masked.
inline std::vector<float> exposures(const Object& object, Image& counts, const DecodeOptions& options) {
  const ExposureCorrection& correction = options.bands.exposure;
  const std::string name = object.files.front().string();
  const std::string map_name = object.exposure.string();
  return exposure_weights(counts, grey(read_image(object.exposure, options.max_megapixels), map_name), correction.cut,
                          name, map_name);
}

/// Takes band `band` of an object to 0..255: one channel of the file called `name`, which is FITS if `physical`.
inline void prepare(Image& image, const Object& object, std::size_t band, bool physical, const std::string& name,
                    const DecodeOptions& options) {
  std::vector<float> weights;
  if (band == xray_band && options.bands.exposure.divide) weights = exposures(object, image, options);
  const Band& steps = options.bands.each[band];
  const double arcsec = physical && steps.smoothing.on_sky ? pixel_scale(name).arcsec : 0;
  prepare_band(image, steps, weights, physical, name, arcsec);
}

/// Masked pixels are filled, and the image comes to the network's size.
inline Image fit_image(Image image, const Shape& shape, const DecodeOptions& options) {
  fill_masked(image, options.nan);
  if (options.crop != 1) {
    const auto side = [&](int size) { return std::max(1, static_cast<int>(std::lround(size * options.crop))); };
    image = resize(image, side(image.height), side(image.width), Resize::crop);
  }
  return resize(image, shape.height, shape.width, options.resize);
}

/// One image for all channels, of the object's file. Grey is copied to all of them, and channel c is prepared as band
/// c.
inline Decoded decode_single(Image image, bool physical, const Object& object, const Shape& shape,
                             const DecodeOptions& options) {
  const std::string name = object.files[0].string();
  const Bands& bands = options.bands;
  check_masked(image, options.nan, name);
  const bool copied = shape.channels > 1 && is_grey(image);
  const bool untouched = !physical && bands == Bands{};
  const bool alike =
      image.channels == 1 && bands.each[0] == bands.each[1] && bands.each[1] == bands.each[2] && !bands.exposure.divide;
  if (untouched || alike) {
    if (!untouched) prepare(image, object, 0, physical, name, options);
    const std::size_t masked = masked_count(image);
    // Resized before grey is copied: a third of the work.
    return {with_channels(fit_image(std::move(image), shape, options), shape.channels, name), masked, copied};
  }
  image = with_channels(std::move(image), shape.channels, name);
  Decoded decoded{Image(shape.height, shape.width, shape.channels), 0, copied};
  for (std::size_t channel = 0; channel < static_cast<std::size_t>(image.channels); ++channel) {
    Image one = take_channel(image, channel);
    prepare(one, object, std::min(channel, xray_band), physical, name, options);
    decoded.masked = std::max(decoded.masked, masked_count(one));
    put_channel(decoded.image, channel, fit_image(std::move(one), shape, options));
  }
  return decoded;
}

/// A file for each band: [third band or empty, optical, X-ray].
inline Decoded decode_bands(const Object& object, const Shape& shape, const DecodeOptions& options) {
  const bool untouched = fits_in_bytes(object, options);
  const std::array<std::filesystem::path, 3> files{object.third, object.files[1], object.files[0]};
  Decoded decoded{Image(shape.height, shape.width, 3), 0};
  for (std::size_t band = 0; band < 3; ++band) {
    if (files[band].empty()) continue;
    const std::string name = files[band].string();
    Image image = grey(read_image(files[band], options.max_megapixels), name);
    check_masked(image, options.nan, name);
    if (!untouched) prepare(image, object, band, is_fits(files[band]), name, options);
    decoded.masked += masked_count(image);
    put_channel(decoded.image, band, fit_image(std::move(image), shape, options));
  }
  return decoded;
}

/// What all channels together need, and the rounding of what `fits_in_bytes`.
inline void finish(Image& image, bool bytes, const DecodeOptions& options) {
  if (const auto& lupton = options.bands.lupton) lupton_rgb(image, {255 * lupton->stretch, lupton->q});
  if (bytes) std::ranges::transform(image.pixels, image.pixels.begin(), to_byte);
}

inline void check_crop(const DecodeOptions& options) {
  if (!(options.crop > 0 && options.crop <= 1)) {
    throw OptionError("crop", "expected a share above 0 and up to 1, found " + std::to_string(options.crop));
  }
}

}  // namespace detail

/// Reads an object's one file (grey is copied to all channels) or its {xray, optical} with `third` and
/// `exposure` ([third band or empty, optical, X-ray]), prepares each band, fills masked pixels and
/// brings all to `shape`. Throws IoError and FormatError naming the file.
inline Decoded decode_object(const Object& object, const Shape& shape, const DecodeOptions& options = {}) {
  detail::check_crop(options);
  detail::check_files(object, shape, options);
  Decoded decoded;
  if (object.files.size() == 1) {
    const std::filesystem::path& file = object.files[0];
    decoded = detail::decode_single(read_image(file, options.max_megapixels), is_fits(file), object, shape, options);
  } else {
    decoded = detail::decode_bands(object, shape, options);
  }
  detail::finish(decoded.image, fits_in_bytes(object, options), options);
  return decoded;
}

/// The same with an image in memory, as of a FITS file if `physical`, else values 0..255 as of a PNG or JPEG. `name`
/// opens messages.
inline Decoded decode_image(Image image, bool physical, const Shape& shape, const DecodeOptions& options = {},
                            const std::string& name = "image") {
  detail::check_crop(options);
  check_image_size(image.height, image.width, name);
  const Object object{.id = name, .files = {name}};
  detail::check_files(object, shape, options);
  Decoded decoded = detail::decode_single(std::move(image), physical, object, shape, options);
  detail::finish(decoded.image, !physical && options.bands == Bands{}, options);
  return decoded;
}

/// Is given the number and the image of an object while a cache is filled, by several threads at once.
using SeenImage = std::function<void(std::size_t, const Decoded&)>;

/// Decodes every object of a set into a cache of images of one shape: bytes when they lose nothing of
/// any object, else floats. What the objects lack is told before the first is read.
inline std::shared_ptr<const PixelCache> cache_pixels(const DataSet& set, const Shape& shape,
                                                      const DecodeOptions& options = {},
                                                      const PixelCacheOptions& cache = {}, const SeenImage& seen = {}) {
  for (const Object& object : set.objects) detail::check_files(object, shape, options);
  const bool once = cache.cache != "off";
  const auto write = [objects = set.objects, shape, options, seen = once ? seen : nullptr](std::size_t index,
                                                                                           auto out) {
    const Decoded decoded = decode_object(objects[index], shape, options);
    if (seen) seen(index, decoded);
    using Value = typename decltype(out)::value_type;
    std::ranges::transform(decoded.image.pixels, out.begin(), [](float value) { return static_cast<Value>(value); });
    return decoded.masked;
  };
  const bool bytes = std::ranges::all_of(set.objects, [&](const Object& o) { return fits_in_bytes(o, options); });
  PixelCache::Decode decode;
  if (bytes) {
    decode = PixelCache::DecodeTo<std::uint8_t>(write);
  } else {
    decode = PixelCache::DecodeTo<float>(write);
  }
  return std::make_shared<const PixelCache>(set.objects.size(), shape, std::move(decode), cache);
}

}  // namespace abell
