#pragma once
/// Names of image files, and the ids that objects have by them.

#include <abell/core/lower_case.hpp>
#include <abell/data/object.hpp>
#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace abell::detail {

/// A file's name without its endings as an image, .gz and .fz included: "a/b" of "a/b.fits.gz"; the name itself where
/// it has none, or nothing else.
inline std::string without_image_ending(const std::string& name) {
  const std::string lower = lower_case(name);
  std::string_view rest = lower;
  const auto drop = [&](std::string_view ending) {
    const bool there = rest.ends_with(ending);
    if (there) rest.remove_suffix(ending.size());
    return there;
  };
  const bool packed = drop(".fz");
  const bool zipped = !packed && drop(".gz");
  bool image = packed;
  for (const char* ending : {".png", ".jpg", ".jpeg", ".fits", ".fit", ".fts", ".ftz"}) {
    if (!drop(ending)) continue;
    image = true;
    break;
  }
  const bool bare = rest.empty() || rest.ends_with('/');
  return (zipped && !image) || bare ? name : name.substr(0, rest.size());
}

/// Whether a name ends like an image, .gz and .fz included.
inline bool has_image_name(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  return without_image_ending(name) != name;
}

/// Takes the endings off ids that are names of files, where that leaves all of them different.
inline void shorten_ids(std::vector<Object>& objects) {
  std::map<std::string, std::size_t> uses;
  for (const Object& object : objects) {
    const std::string id = without_image_ending(object.id);
    ++uses[id];
    if (id != object.id) ++uses[object.id];
  }
  for (Object& object : objects) {
    std::string id = without_image_ending(object.id);
    if (uses[id] == 1) object.id = std::move(id);
  }
}

}  // namespace abell::detail
