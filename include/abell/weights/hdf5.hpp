#pragma once
/// HDF5 as far as files of weights need it: groups, datasets of floating-point numbers, attributes with
/// text. Files are read and written as a whole, in memory (HDF5's "core" driver): what cannot be read or
/// written is told from what is damaged, and nothing half-written ever has the final name.
///
/// All numbers come from the file itself: links to other files, numbers in other files and virtual datasets are
/// refused before HDF5 would open what they name.
///
/// HDF5 as Debian builds it may be called from one thread at a time only.

#include <hdf5.h>

#include <abell/core/atomic_file.hpp>
#include <abell/core/error.hpp>
#include <abell/core/file_kind.hpp>
#include <abell/weights/hdf5_path.hpp>
#include <abell/weights/json.hpp>
#include <abell/weights/open_file.hpp>
#include <abell/weights/tensor_file.hpp>
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace abell::detail::hdf5 {

/// HDF5 wants a name for what is in memory: of no file that exists, another for each.
inline std::string new_name() {
  static std::atomic<unsigned> count{0};
  return "/dev/null/" + std::to_string(count++);
}

inline Handle in_memory() {
  Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  constexpr std::size_t growth = std::size_t{1} << 20;
  H5Pset_fapl_core(access, growth, false);         // false: no file behind it
  H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);  // what a damaged file left open is closed with it
  return access;
}

/// Throws FormatError when the bytes are no HDF5 file's; `where` opens the message.
inline void require_signature(std::string_view bytes, const std::string& where) {
  constexpr std::string_view signature("\x89HDF\r\n\x1a\n");
  if (bytes.starts_with(signature)) return;
  throw FormatError(where + ": expected an HDF5 file, found " + kind_of_file(bytes.substr(0, 8)));
}

/// Opens the bytes of a file for reading. Throws FormatError when they are damaged; `where` opens the message.
inline Handle open(const std::string& where, std::vector<char>& bytes) {
  const Handle access = in_memory();
  H5Pset_file_image(access, bytes.data(), bytes.size());
  Handle opened(H5Fopen(new_name().c_str(), H5F_ACC_RDONLY, access), H5Fclose);
  if (!opened) throw FormatError(where + ": expected a whole HDF5 file, found a damaged or truncated one");
  return opened;
}

/// Opens a file. Throws IoError, and FormatError when it is no HDF5 file.
inline Handle open(const std::filesystem::path& path) {
  std::vector<char> bytes = bytes_of_file(path);
  require_signature({bytes.data(), bytes.size()}, path.string());
  return open(path.string(), bytes);
}

/// A new file that `write` puts on disk.
inline Handle create() {
  const Handle access = in_memory();
  return {H5Fcreate(new_name().c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access), H5Fclose};
}

/// Throws IoError; an older file then stays.
inline void write(const std::filesystem::path& path, const Handle& file) {
  H5Fflush(file, H5F_SCOPE_GLOBAL);
  const ssize_t size = H5Fget_file_image(file, nullptr, 0);
  std::vector<char> bytes(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  if (size < 1 || H5Fget_file_image(file, bytes.data(), bytes.size()) != size) {
    throw IoError(path.string() + ": HDF5 failed to make the file");
  }
  AtomicFile out(path);
  out.stream().write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.commit();
}

/// Limits of text in attributes, before memory is taken for what a damaged file announces.
inline constexpr hssize_t most_texts = 1'000'000;
inline constexpr std::size_t most_text_bytes = 100'000'000;

/// The texts of an attribute, of fixed or variable length; nothing when there is no such attribute. Throws
/// FormatError when it cannot be read; `where` opens the message.
inline std::optional<std::vector<std::string>> texts(hid_t object, const std::string& name, const std::string& where) {
  if (H5Aexists(object, name.c_str()) <= 0) return std::nullopt;
  const auto fail = [&](const std::string& found) {
    throw FormatError(where + ": attribute " + in_quotes(name) + ": expected text, found " + found);
  };
  const Handle attribute(H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose);
  const Handle space(attribute ? H5Aget_space(attribute) : -1, H5Sclose);
  const Handle type(attribute ? H5Aget_type(attribute) : -1, H5Tclose);
  if (!space || !type) fail("a damaged attribute");
  const hssize_t count = H5Sget_simple_extent_npoints(space);
  if (count < 0 || count > most_texts) fail("a damaged attribute");
  std::vector<std::string> all;
  if (count == 0) return all;  // of whatever type: numpy takes an empty list for numbers
  if (H5Tget_class(type) != H5T_STRING) fail("values of another type");
  const std::size_t size = H5Tget_size(type);
  const auto number = static_cast<std::size_t>(count);
  if (H5Tis_variable_str(type) > 0) {
    std::vector<char*> pointers(number, nullptr);
    if (H5Aread(attribute, type, pointers.data()) < 0) fail("a damaged attribute");
    for (const char* text : pointers) all.emplace_back(text == nullptr ? "" : text);
    H5Dvlen_reclaim(type, space, H5P_DEFAULT, pointers.data());
  } else {
    if (size == 0 || size > most_text_bytes / number) fail("a damaged attribute");
    std::vector<char> bytes(size * number);
    if (H5Aread(attribute, type, bytes.data()) < 0) fail("a damaged attribute");
    for (std::size_t i = 0; i < number; ++i) {
      const std::string_view text(bytes.data() + i * size, size);
      all.emplace_back(text.substr(0, text.find('\0')));
      if (H5Tget_strpad(type) == H5T_STR_SPACEPAD) all.back().erase(all.back().find_last_not_of(' ') + 1);
    }
  }
  return all;
}

/// The names of what stands in a group, sorted. Throws FormatError.
inline std::vector<std::string> names_in(hid_t group, const std::string& where) {
  const auto fail = [&] { throw FormatError(where + ": expected a whole HDF5 file, found a damaged group"); };
  H5G_info_t info{};
  constexpr hsize_t most_names = 1'000'000;
  if (H5Gget_info(group, &info) < 0 || info.nlinks > most_names) fail();
  std::vector<std::string> names;
  for (hsize_t i = 0; i < info.nlinks; ++i) {
    const auto name = [&](char* to, std::size_t size) {
      return H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, i, to, size, H5P_DEFAULT);
    };
    const ssize_t size = name(nullptr, 0);
    if (size < 0 || static_cast<std::size_t>(size) > most_link_bytes) fail();
    std::string& text = names.emplace_back(static_cast<std::size_t>(size), '\0');
    if (name(text.data(), text.size() + 1) < 0) fail();
  }
  return names;
}

/// An open dataset, and its shape and the type in which its numbers are read: F64 for wider floating-point numbers than
/// F32. Its bytes are not read yet.
struct Dataset {
  Handle data;
  StoredTensor tensor;
};

/// Throws FormatError when there is none, its numbers lie in another file or are no floating-point numbers.
inline Dataset dataset(hid_t group, const std::string& name, const std::string& where) {
  const auto fail = [&](const std::string& found) {
    throw FormatError(where + ": expected a dataset " + in_quotes(name) + " of floating-point numbers, found " + found);
  };
  Handle data = follow(group, name, where);
  if (!data) fail("none");
  const Handle creation(H5Iget_type(data) == H5I_DATASET ? H5Dget_create_plist(data) : -1, H5Pclose);
  if (!creation) fail("a group or damage");
  if (H5Pget_external_count(creation) != 0) fail("one whose numbers are in another file");
  if (H5Pget_layout(creation) == H5D_VIRTUAL) fail("a virtual one, whose numbers are in other datasets");
  const Handle space(H5Dget_space(data), H5Sclose);
  const Handle type(H5Dget_type(data), H5Tclose);
  if (!space || !type) fail("damage");
  if (H5Tget_class(type) != H5T_FLOAT) fail("another type");
  const int rank = H5Sget_simple_extent_ndims(space);
  if (rank < 0 || rank > H5S_MAX_RANK) fail("a damaged shape");
  std::vector<hsize_t> sizes(static_cast<std::size_t>(rank));
  H5Sget_simple_extent_dims(space, sizes.data(), nullptr);
  StoredTensor tensor;
  tensor.dtype = H5Tget_size(type) > sizeof(float) ? DType::f64 : DType::f32;
  tensor.shape.assign(sizes.begin(), sizes.end());
  return {std::move(data), std::move(tensor)};
}

/// Reads the numbers of `data` into `tensor`, which has its shape.
inline void read_into(const Handle& data, StoredTensor& tensor, const std::string& where) {
  const std::optional<std::uint64_t> bytes = byte_count(tensor.dtype, tensor.shape);
  tensor.bytes.resize(static_cast<std::size_t>(bytes.value()));
  const hid_t type = tensor.dtype == DType::f64 ? H5T_NATIVE_DOUBLE : H5T_NATIVE_FLOAT;
  if (H5Dread(data, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, tensor.bytes.data()) < 0) {
    throw FormatError(where + ": dataset " + in_quotes(tensor.name) + " is damaged or truncated");
  }
}

/// Throws IoError when a call that writes has failed.
inline void require(bool done, const std::filesystem::path& path, const std::string& name) {
  if (!done) throw IoError(path.string() + ": HDF5 failed to write " + in_quotes(name));
}

/// A group that is not there yet.
inline Handle new_group(hid_t parent, const std::string& name, const std::filesystem::path& path) {
  Handle group(H5Gcreate2(parent, name.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose);
  require(bool(group), path, name);
  return group;
}

/// A type of text of that many bytes, the rest filled with zeros, as numpy writes it.
inline Handle text_type(std::size_t size) {
  Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type, std::max<std::size_t>(size, 1));
  H5Tset_strpad(type, H5T_STR_NULLPAD);
  return type;
}

/// Writes an attribute with one text.
inline void write_text(hid_t object, const std::string& name, std::string text, const std::filesystem::path& path) {
  const Handle type = text_type(text.size());
  const Handle space(H5Screate(H5S_SCALAR), H5Sclose);
  const Handle attribute(H5Acreate2(object, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  text.resize(std::max<std::size_t>(text.size(), 1));
  require(attribute && H5Awrite(attribute, type, text.data()) >= 0, path, name);
}

/// Writes an attribute with a list of texts, each in the room of the longest.
inline void write_texts(hid_t object, const std::string& name, std::span<const std::string> list,
                        const std::filesystem::path& path) {
  std::size_t size = 1;
  for (const std::string& text : list) size = std::max(size, text.size());
  std::string bytes;
  for (const std::string& text : list) (bytes += text).append(size - text.size(), '\0');
  const Handle type = text_type(size);
  const hsize_t count = list.size();
  const Handle space(H5Screate_simple(1, &count, nullptr), H5Sclose);
  const Handle attribute(H5Acreate2(object, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  require(attribute && (count == 0 || H5Awrite(attribute, type, bytes.data()) >= 0), path, name);
}

/// Writes a tensor (F32 or F64) as a dataset, making the groups on the way; no times are kept.
inline void write_dataset(hid_t group, const std::string& name, const StoredTensor& tensor,
                          const std::filesystem::path& path) {
  const Handle links(H5Pcreate(H5P_LINK_CREATE), H5Pclose);
  H5Pset_create_intermediate_group(links, 1);
  const Handle creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  H5Pset_obj_track_times(creation, false);
  const std::vector<hsize_t> sizes(tensor.shape.begin(), tensor.shape.end());
  const Handle space(H5Screate_simple(static_cast<int>(sizes.size()), sizes.data(), nullptr), H5Sclose);
  const bool wide = tensor.dtype == DType::f64;
  const Handle data(
      H5Dcreate2(group, name.c_str(), wide ? H5T_IEEE_F64LE : H5T_IEEE_F32LE, space, links, creation, H5P_DEFAULT),
      H5Dclose);
  require(data && H5Dwrite(data, wide ? H5T_NATIVE_DOUBLE : H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT,
                           tensor.bytes.data()) >= 0,
          path, name);
}

}  // namespace abell::detail::hdf5
