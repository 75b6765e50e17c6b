#pragma once
/// Maps of the classes' probabilities, one FITS file an object.

#include <abell/core/atomic_file.hpp>
#include <abell/core/version.hpp>
#include <abell/data/decode.hpp>
#include <abell/images/fits_write.hpp>
#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "../common/decoded_wcs.hpp"
#include "../common/output_folder.hpp"
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
  return number + "_" + std::filesystem::path(id).filename().string() + ".fits";
}

/// The cards of a map's sky coordinates; empty where its object has none.
inline std::string map_coordinates(const Object& object, const Shape& map, const DecodeOptions& options) {
  const std::optional<Wcs> wcs = decoded_wcs(object, map, options);
  return wcs ? wcs->cards() : std::string();
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

/// The folder of the maps of a set's objects. They are written beside it, into `unfinished`, and go again unless the
/// catalogue that names them is complete. Throws as `OutputFolder` does.
class [[nodiscard]] Maps {
 public:
  Maps(const std::filesystem::path& folder, bool overwrite)
      : folder_(folder), unfinished_(folder / "unfinished"), lock_(folder, overwrite) {
    std::filesystem::remove_all(unfinished_);  // what a killed run left
    make_folder(unfinished_);
  }
  Maps(const Maps&) = delete;
  Maps& operator=(const Maps&) = delete;
  ~Maps() {
    std::error_code error;
    std::filesystem::remove_all(unfinished_, error);
  }

  std::filesystem::path unfinished(const std::string& name) const { return unfinished_ / name; }

  /// Puts all of them into their place.
  void commit() const {
    for (const auto& entry : std::filesystem::directory_iterator(unfinished_)) {
      std::filesystem::rename(entry.path(), folder_ / entry.path().filename());
    }
    sync_folder(folder_);
  }

 private:
  std::filesystem::path folder_, unfinished_;
  OutputFolder lock_;
};

}  // namespace abell::program
