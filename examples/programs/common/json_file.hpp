#pragma once
/// JSON files that the programs write and read back.

#include <abell/core/atomic_file.hpp>
#include <abell/core/error.hpp>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace abell::program {

using Json = nlohmann::ordered_json;

/// Bytes that are no UTF-8, of a path say, become U+FFFD.
inline void write_json(const std::filesystem::path& path, const Json& json) {
  AtomicFile file(path);
  file.stream() << json.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
  file.commit();
}

/// A file of ours, which holds a JSON object. Throws IoError and FormatError.
inline Json read_json(const std::filesystem::path& path) {
  std::ifstream file(path);
  if (!file) throw IoError(path.string() + ": cannot be opened for reading");
  Json json = Json::parse(file, nullptr, false);
  if (!json.is_object()) throw FormatError(path.string() + ": expected a JSON object");
  return json;
}

}  // namespace abell::program
