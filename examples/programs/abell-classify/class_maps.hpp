#pragma once
/// Maps of the classes' probabilities, one FITS file an object.

#include <abell/core/version.hpp>
#include <abell/data/decode.hpp>
#include <abell/data/object_source.hpp>
#include <abell/images/fits_write.hpp>
#include <abell/images/wcs.hpp>
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "../common/program.hpp"

namespace abell::program {

/// The folder of a catalogue's maps: candidates.csv has candidates_maps.
inline std::filesystem::path maps_folder(const std::filesystem::path& catalogue) {
  return catalogue.parent_path() / (catalogue.stem().string() + "_maps");
}

/// The name of an object's map, number and file name of its id: 0001_candidate.fits.
inline std::string map_name(std::size_t at, const std::string& id) {
  std::string number = std::to_string(at + 1);
  number.insert(0, number.size() < 4 ? 4 - number.size() : 0, '0');
  return number + "_" + std::filesystem::path(id).stem().string() + ".fits";
}

/// An axis through the central crop and the resizing of `decode_object`.
inline ResizedAxis decoded_axis(int in, int out, const DecodeOptions& options) {
  const int cropped = std::max(1, static_cast<int>(std::lround(in * options.crop)));
  ResizedAxis axis = resized_axis(cropped, out, options.resize);
  axis.start += abell::detail::crop_start(in, cropped);
  return axis;
}

/// The cards of a map's sky coordinates, from the first FITS file of its object that has some; empty without.
inline std::string map_coordinates(const Object& object, const Shape& map, const DecodeOptions& options) {
  for (const std::filesystem::path& file : object.files) {
    if (file.empty() || !is_fits(file)) continue;
    try {
      const FitsFile image(file);
      const Wcs wcs(image);
      if (wcs.distorted()) continue;
      return wcs
          .resized(decoded_axis(image.width(), map.width, options), decoded_axis(image.height(), map.height, options))
          .cards();
    } catch (const FormatError&) {
      // An image without sky coordinates: its map has none either.
    }
  }
  return {};
}

/// Writes the probabilities [height][width][classes] as a plane a class.
inline void write_class_map(const std::filesystem::path& path, const Object& object, View<const float> map,
                            const std::vector<std::string>& classes, const DecodeOptions& options,
                            const std::string& command) {
  Image image(map.shape.height, map.shape.width, map.shape.channels);
  std::copy_n(map.data, map.shape.size(), image.pixels.begin());
  std::vector<std::string> history{command};
  for (std::size_t k = 0; k < classes.size(); ++k) {
    history.push_back("plane " + std::to_string(k + 1) + ": probability of class " + classes[k]);
  }
  write_fits(path, image,
             {.overwrite = true,
              .creator = "abell-classify " + std::string(version),
              .object = object.id,
              .wcs = map_coordinates(object, map.shape, options),
              .history = history,
              .durability = Durability::later});
}

/// The maps of the objects of a set, by number.
class Maps {
 public:
  /// Without maps every file is empty.
  Maps(bool there, const std::filesystem::path& catalogue) : there_(there) {
    if (there_) folder_ = maps_folder(catalogue);
  }

  bool there() const { return there_; }
  const std::filesystem::path& folder() const { return folder_; }
  std::filesystem::path file(std::size_t at, const Object& object) const {
    return there_ ? folder_ / map_name(at, object.id) : std::filesystem::path();
  }
  /// Removes those of the first objects of a set.
  void remove(std::size_t count, ObjectSource& objects) const {
    for (std::size_t i = 0; there_ && i < count; ++i) {
      if (const auto object = objects.next()) std::filesystem::remove(file(i, *object));
    }
  }

 private:
  bool there_;
  std::filesystem::path folder_;
};

}  // namespace abell::program
