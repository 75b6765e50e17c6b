#pragma once
/// A Keras 3 model (.keras): a zip archive of config.json, metadata.json and model.weights.h5.

#include <zip.h>

#include <abell/core/error.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace abell::detail {

inline bool is_archive(std::string_view bytes) { return bytes.starts_with("PK\x03\x04"); }

/// The bytes of a zip archive, which must outlive it.
class KerasArchive {
 public:
  /// Throws FormatError when the archive is damaged; `where` opens the messages.
  KerasArchive(std::string_view bytes, std::string where)
      : where_(std::move(where)), bytes_(bytes.size()), archive_(nullptr, zip_discard) {
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
    archive_.reset(source == nullptr ? nullptr : zip_open_from_source(source, ZIP_RDONLY, &error));
    zip_error_fini(&error);
    if (archive_ != nullptr) return;
    if (source != nullptr) zip_source_free(source);
    throw FormatError(where_ + ": expected a whole zip archive, found a damaged or truncated one");
  }

  /// A file of the archive. Its size is known to be of bounds before memory is taken. Throws FormatError.
  std::vector<char> read(const char* name) const {
    const auto fail = [&](const std::string& found) {
      throw FormatError(where_ + ": expected a file " + std::string(name) + " in the archive, found " + found);
    };
    zip_stat_t about{};
    if (zip_stat(archive_.get(), name, 0, &about) != 0 || (about.valid & ZIP_STAT_SIZE) == 0) fail("none");
    const std::uint64_t most = most_bytes + most_ratio * bytes_;
    if (about.size > most) fail("one of " + std::to_string(about.size) + " bytes, more than " + std::to_string(most));
    const std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> file(zip_fopen(archive_.get(), name, 0), zip_fclose);
    if (file == nullptr) fail("one that cannot be read");
    std::vector<char> bytes(static_cast<std::size_t>(about.size));
    std::size_t place = 0;
    while (place < bytes.size()) {
      const zip_int64_t got = zip_fread(file.get(), bytes.data() + place, bytes.size() - place);
      if (got <= 0) fail("damage");
      place += static_cast<std::size_t>(got);
    }
    char more = 0;  // the checksum is compared at the end
    if (zip_fread(file.get(), &more, 1) != 0) fail("damage");
    return bytes;
  }

 private:
  /// Of what a file unpacks to: a MiB and sixteen times the archive.
  static constexpr std::uint64_t most_bytes = std::uint64_t{1} << 20, most_ratio = 16;

  std::string where_;
  std::uint64_t bytes_;
  std::unique_ptr<zip_t, void (*)(zip_t*)> archive_;
};

}  // namespace abell::detail
