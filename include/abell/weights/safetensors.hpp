#pragma once
/// The safetensors format (github.com/huggingface/safetensors): eight bytes with the length of the
/// header (little-endian), the header as JSON
///
///     {"__metadata__": {key: text, ...}, name: {"dtype": "F32", "shape": [3, 3], "data_offsets": [begin, end]}, ...}
///
/// and the arrays, little-endian and row-major, one after the other without gaps.

#include <abell/core/atomic_file.hpp>
#include <abell/core/error.hpp>
#include <abell/core/file_kind.hpp>
#include <abell/weights/json.hpp>
#include <abell/weights/open_file.hpp>
#include <abell/weights/tensor_file.hpp>
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <istream>
#include <map>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace abell {

namespace detail {

/// The limit of the format's reference reader.
inline constexpr std::uint64_t most_header_bytes = 100'000'000;
inline constexpr std::string_view metadata_key = "__metadata__";

/// A tensor as the header tells of it; `tensor.bytes` is still empty.
struct HeaderEntry {
  StoredTensor tensor;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

struct TensorHeader {
  std::map<std::string, std::string> metadata;
  std::vector<HeaderEntry> entries;
};

inline std::vector<std::uint64_t> sizes_of(const Json& list, const std::string& where) {
  if (!list.is_array()) throw FormatError(where + ": expected a list of numbers, found " + shown(list));
  std::vector<std::uint64_t> sizes;
  for (const Json& size : list) {
    if (!size.is_number_unsigned()) {
      throw FormatError(where + ": expected whole numbers of 0 or more, found " + shown(size));
    }
    sizes.push_back(size.get<std::uint64_t>());
  }
  return sizes;
}

/// Checks one entry by itself; `data` are the bytes after the header.
inline HeaderEntry header_entry(const std::string& file, const std::string& name, const Json& json,
                                std::uint64_t data) {
  const std::string where = file + ": tensor " + in_quotes(name);
  if (!json.is_object()) throw FormatError(where + ": expected an object, found " + shown(json));
  for (const char* key : {"dtype", "shape", "data_offsets"}) {
    if (!json.contains(key)) throw FormatError(where + ": expected a " + key + ", found none");
  }
  for (const auto& item : json.items()) {
    if (item.key() != "dtype" && item.key() != "shape" && item.key() != "data_offsets") {
      throw FormatError(where + ": expected dtype, shape and data_offsets only, found " + in_quotes(item.key()));
    }
  }
  const Json& type = json["dtype"];
  const auto known = std::ranges::find_if(
      dtypes, [&](const DTypeEntry& e) { return type.is_string() && type == std::string(e.name); });
  if (known == dtypes.end()) {
    std::string all;
    for (const DTypeEntry& each : dtypes) all += (all.empty() ? "" : ", ") + std::string(each.name);
    throw FormatError(where + ": expected a dtype of " + all + ", found " + shown(type));
  }
  HeaderEntry result;
  result.tensor = {name, known->dtype, sizes_of(json["shape"], where + ": shape"), {}};
  const std::vector<std::uint64_t> offsets = sizes_of(json["data_offsets"], where + ": data_offsets");
  if (offsets.size() != 2) {
    throw FormatError(where + ": expected 2 data_offsets, found " + std::to_string(offsets.size()));
  }
  result.begin = offsets[0];
  result.end = offsets[1];
  if (result.begin > result.end || result.end > data) {
    throw FormatError(where + ": expected data_offsets that rise within " + std::to_string(data) +
                      " bytes of data, found " + shape_text(offsets));
  }
  const std::optional<std::uint64_t> bytes = byte_count(known->dtype, result.tensor.shape);
  if (bytes != result.end - result.begin) {
    throw FormatError(where + ": expected " + (bytes ? std::to_string(*bytes) : "more than 2^64") +
                      " bytes for shape " + shape_text(result.tensor.shape) + " of " + std::string(known->name) +
                      ", found " + std::to_string(result.end - result.begin));
  }
  return result;
}

/// The tensors must follow each other from 0 to the end of the data.
inline void check_layout(const std::string& file, std::vector<HeaderEntry>& entries, std::uint64_t data) {
  std::ranges::stable_sort(entries, {}, [](const HeaderEntry& e) { return std::pair(e.begin, e.end); });
  std::uint64_t place = 0;
  for (const HeaderEntry& e : entries) {
    if (e.begin != place) {
      throw FormatError(file + ": tensor " + in_quotes(e.tensor.name) + ": expected its data at offset " +
                        std::to_string(place) + ", found " + std::to_string(e.begin) +
                        (e.begin < place ? " (tensors overlap)" : " (a gap before it)"));
    }
    place = e.end;
  }
  if (place != data) {
    throw FormatError(file + ": expected " + std::to_string(place) + " bytes of data, found " + std::to_string(data));
  }
}

/// Reads the header of a file of `size` bytes and checks it to the last field; the stream then stands at the first
/// byte of data. `file` opens the messages.
inline TensorHeader read_header(std::istream& in, std::uint64_t size, const std::string& file) {
  TensorHeader result;
  std::uint64_t length = 0;
  if (size < sizeof length) {
    throw FormatError(file + ": expected a safetensors file of at least 8 bytes, found " + std::to_string(size));
  }
  std::array<char, sizeof length> start{};
  in.read(start.data(), start.size());
  std::memcpy(&length, start.data(), sizeof length);
  const std::uint64_t rest = size - sizeof length;
  if (length > most_header_bytes) {
    throw FormatError(file + ": expected a safetensors file, found " + kind_of_file({start.data(), start.size()}));
  }
  if (length > rest) {
    throw FormatError(file + ": expected a header of " + std::to_string(length) + " bytes, found " +
                      std::to_string(rest) + ": the file is cut short, or no safetensors file");
  }
  std::string text(static_cast<std::size_t>(length), '\0');
  in.read(text.data(), static_cast<std::streamsize>(length));
  if (!in) throw IoError(file + ": cannot be read");
  if (!text.starts_with('{')) {
    throw FormatError(file + ": header: expected a JSON object, found " + in_quotes(text.substr(0, 1)));
  }
  const Json header = parse_json(text, file + ": header", 3);
  for (const auto& item : header.items()) {
    if (item.key() != metadata_key) {
      result.entries.push_back(header_entry(file, item.key(), item.value(), rest - length));
      continue;
    }
    if (!item.value().is_object()) {
      throw FormatError(file + ": __metadata__: expected an object, found " + shown(item.value()));
    }
    for (const auto& pair : item.value().items()) {
      if (!pair.value().is_string()) {
        throw FormatError(file + ": __metadata__: expected text for " + in_quotes(pair.key()) + ", found " +
                          shown(pair.value()));
      }
      result.metadata[pair.key()] = pair.value().get<std::string>();
    }
  }
  check_layout(file, result.entries, rest - length);
  return result;
}

/// Reads a whole file of `size` bytes.
inline TensorFile read_tensors(std::istream& in, std::uint64_t size, const std::string& file) {
  TensorHeader header = read_header(in, size, file);
  TensorFile result{{}, std::move(header.metadata)};
  for (HeaderEntry& entry : header.entries) {
    std::vector<std::byte>& bytes = entry.tensor.bytes;
    bytes.resize(static_cast<std::size_t>(entry.end - entry.begin));
    in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (!in) throw IoError(file + ": tensor " + in_quotes(entry.tensor.name) + " cannot be read");
    result.tensors.push_back(std::move(entry.tensor));
  }
  return result;
}

/// Writes a whole file.
inline void write_tensors(std::ostream& out, const TensorFile& file, const std::string& path) {
  std::string header = "{";
  std::uint64_t place = 0;
  std::set<std::string_view> names{metadata_key};
  try {
    if (!file.metadata.empty()) header += "\"__metadata__\":" + Json(file.metadata).dump();
    for (const StoredTensor& tensor : file.tensors) {
      const std::string where = path + ": tensor " + in_quotes(tensor.name);
      if (!names.insert(tensor.name).second)
        throw FormatError(where + ": expected a name of its own, found one in use");
      if (byte_count(tensor.dtype, tensor.shape) != tensor.bytes.size()) {
        throw FormatError(where + ": expected bytes for shape " + shape_text(tensor.shape) + " of " +
                          to_string(tensor.dtype) + ", found " + std::to_string(tensor.bytes.size()));
      }
      if (header.size() > 1) header += ',';
      header += Json(tensor.name).dump() + ":{\"dtype\":\"" + to_string(tensor.dtype) +
                "\",\"shape\":" + Json(tensor.shape).dump() + ",\"data_offsets\":[" + std::to_string(place) + ",";
      place += tensor.bytes.size();
      header += std::to_string(place) + "]}";
    }
  } catch (const Json::exception&) {
    throw FormatError(path + ": expected names and metadata in UTF-8, found other bytes");
  }
  header += '}';
  header.append((8 - header.size() % 8) % 8, ' ');
  if (header.size() > most_header_bytes) {
    throw FormatError(path + ": expected a header of at most " + std::to_string(most_header_bytes) + " bytes, found " +
                      std::to_string(header.size()));
  }
  const std::uint64_t length = header.size();
  out.write(reinterpret_cast<const char*>(&length), sizeof length);
  out.write(header.data(), static_cast<std::streamsize>(header.size()));
  for (const StoredTensor& tensor : file.tensors) {
    out.write(reinterpret_cast<const char*>(tensor.bytes.data()), static_cast<std::streamsize>(tensor.bytes.size()));
  }
}

}  // namespace detail

/// Reads a whole file. Throws IoError when it cannot be opened or read, FormatError naming the file
/// and the tensor when a field of the header is wrong: a length beyond the file, an unknown dtype, a
/// shape that does not fill its bytes, tensors that overlap, leave gaps or stand twice, bytes behind.
inline TensorFile read_safetensors(const std::filesystem::path& path) {
  detail::OpenFile open = detail::open_file(path);
  return detail::read_tensors(open.stream, open.size, path.string());
}

/// The metadata alone; the header is checked as by `read_safetensors`.
inline std::map<std::string, std::string> read_safetensors_metadata(const std::filesystem::path& path) {
  detail::OpenFile open = detail::open_file(path);
  return detail::read_header(open.stream, open.size, path.string()).metadata;
}

/// Writes `file`, its tensors in the order given; the same content gives the same bytes. The file
/// appears under its name only when complete. Throws IoError (disk full, no such folder), and
/// FormatError for names that are used twice or no UTF-8, and for bytes that do not fill a shape.
inline void write_safetensors(const std::filesystem::path& path, const TensorFile& file) {
  AtomicFile out(path);
  detail::write_tensors(out.stream(), file, path.string());
  out.commit();
}

}  // namespace abell
