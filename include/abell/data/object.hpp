#pragma once
/// One object of a set: its files, its class, its part of the set.

#include <array>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace abell {

enum class Split { train, validation, test };

constexpr std::string_view name_of(Split split) {
  constexpr std::array<std::string_view, 3> names{"train", "validation", "test"};
  return names[static_cast<std::size_t>(split)];
}

/// One object: one image file, or an X-ray and an optical one.
struct Object {
  std::string id;
  std::vector<std::filesystem::path> files;  ///< {image} or {xray, optical}, of which one may be empty
  int label = -1;                            ///< position in DataSet::classes, -1 when not known
  Split split = Split::train;
  std::string ra = {};  ///< right ascension and declination as the table has them; empty without such columns
  std::string dec = {};
  std::filesystem::path third = {};     ///< image of the first channel, beside {xray, optical}; may be empty
  std::filesystem::path exposure = {};  ///< exposure map of the X-ray image; may be empty
};

}  // namespace abell
