#pragma once
/// Files that appear under their final name only when they are complete.

#include <sys/stat.h>
#include <unistd.h>

#include <abell/core/error.hpp>
#include <abell/core/file_descriptor.hpp>
#include <abell/core/temporary_file.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <ios>
#include <optional>
#include <ostream>
#include <streambuf>
#include <string>
#include <vector>

namespace abell {

/// When a file is safe from a failure of power: as soon as it has its name, or after `sync_folder`, which is far
/// cheaper for many files.
enum class Durability { now, later };

namespace detail {

/// Writes to an open file.
class DescriptorBuffer : public std::streambuf {
 public:
  explicit DescriptorBuffer(int file) : file_(file), room_(std::size_t{1} << 16U) {
    setp(room_.data(), room_.data() + room_.size());
  }

  /// Why a write failed; 0 when none did.
  int error() const { return error_; }

 protected:
  int_type overflow(int_type c) override {
    if (!empty()) return traits_type::eof();
    if (!traits_type::eq_int_type(c, traits_type::eof())) sputc(traits_type::to_char_type(c));
    return traits_type::not_eof(c);
  }
  std::streamsize xsputn(const char* text, std::streamsize size) override {
    if (size > epptr() - pptr()) {
      if (!empty()) return 0;
      if (size >= epptr() - pptr()) return write(text, size) ? size : 0;
    }
    std::copy_n(text, size, pptr());
    pbump(static_cast<int>(size));
    return size;
  }
  int sync() override { return empty() ? 0 : -1; }
  /// Goes to a byte of the file, from its start.
  pos_type seekpos(pos_type to, std::ios_base::openmode) override {
    return empty() && ::lseek(file_, to, SEEK_SET) >= 0 ? to : pos_type(off_type(-1));
  }

 private:
  bool empty() {
    const bool written = write(pbase(), pptr() - pbase());
    setp(room_.data(), room_.data() + room_.size());
    return written;
  }
  bool write(const char* text, std::streamsize size) {
    while (size > 0 && error_ == 0) {
      const ssize_t done = ::write(file_, text, static_cast<std::size_t>(size));
      if (done < 0 && errno != EINTR) error_ = errno;
      if (done < 0) continue;
      text += done;
      size -= done;
    }
    return error_ == 0;
  }

  int file_;
  int error_ = 0;
  std::vector<char> room_;
};

inline std::filesystem::path folder_of(const std::filesystem::path& file) {
  return file.has_parent_path() ? file.parent_path() : ".";
}

/// The file that `path` leads to over symbolic links, which need not exist. Throws IoError.
inline std::filesystem::path follow_links(std::filesystem::path path) {
  const std::string asked = path.string();
  std::error_code error;
  for (int links = 0; std::filesystem::is_symlink(path, error); ++links) {
    constexpr int most = 40;  // as Linux has it
    if (links == most) throw IoError(asked + ": too many symbolic links");
    path = path.parent_path() / std::filesystem::read_symlink(path, error);
  }
  return path;
}

}  // namespace detail

/// Waits until everything written to the file system of `folder` is on disk. Throws IoError.
inline void sync_folder(const std::filesystem::path& folder) {
  const detail::FileDescriptor file(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!file) throw IoError(folder.string() + ": cannot be opened" + detail::reason(errno));
#ifdef __linux__
  if (::syncfs(file.get()) != 0) throw IoError(folder.string() + ": cannot be written" + detail::reason(errno));
#else
  ::sync();
#endif
}

/// Writes to a temporary name in the folder of `path`; `commit` renames it to `path`. Without a commit the destructor
/// removes the temporary file; that of a killed run is removed by whoever writes `path` next, or by
/// `remove_leftovers`. A file that is replaced hands on its mode; a symbolic link stays, and what it leads to is
/// replaced.
class AtomicFile {
 public:
  /// Throws IoError when the temporary file cannot be created, or when `path` is something else than a file.
  explicit AtomicFile(const std::filesystem::path& path, Durability durability = Durability::now)
      : path_(detail::follow_links(path)),
        durability_(durability),
        mode_(mode_of(path_)),
        file_(make()),
        buffer_(file_.get()),
        stream_(&buffer_) {}
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile() {
    if (!committed_) ::unlink(part_.c_str());
  }

  /// `seekp` goes to a byte counted from the start.
  std::ostream& stream() { return stream_; }

  /// Completes the file and renames it. Throws IoError (disk full, folder gone); the old file then stays.
  void commit() {
    stream_.flush();
    if (!stream_.good()) fail("cannot be written", buffer_.error());
    if (mode_ && ::fchmod(file_.get(), *mode_) != 0) fail("cannot be given the mode of the old file", errno);
    const bool synced = durability_ == Durability::later || ::fsync(file_.get()) == 0;
    // Network file systems tell at the first close that a disk is full; the lock stays with the other descriptor.
    const int copy = synced ? ::dup(file_.get()) : -1;
    if (copy < 0 || ::close(copy) != 0) fail("cannot be written", errno);
    if (std::rename(part_.c_str(), path_.c_str()) != 0) fail("cannot be renamed into place", errno);
    committed_ = true;
    if (durability_ == Durability::later) return;
    const detail::FileDescriptor folder(::open(detail::folder_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    // EINVAL: a file system that syncs no folders.
    if (folder && ::fsync(folder.get()) != 0 && errno != EINVAL) fail("its name cannot be written", errno);
  }

 private:
  /// The mode of the file that is to be replaced.
  static std::optional<mode_t> mode_of(const std::filesystem::path& path) {
    struct stat old {};
    if (::lstat(path.c_str(), &old) != 0) return std::nullopt;
    if (!S_ISREG(old.st_mode)) throw IoError(path.string() + ": is not a file");
    return old.st_mode & 0777U;
  }
  /// The old file's leftovers are looked for where that costs little beside writing to disk.
  detail::FileDescriptor make() {
    if (durability_ == Durability::now) {
      detail::remove_leftovers(detail::folder_of(path_), detail::temporary_stem(path_));
    }
    return detail::make_temporary(path_, mode_ ? *mode_ | 0600U : 0666U, part_);
  }
  [[noreturn]] void fail(const char* what, int code) const {
    throw IoError(path_.string() + ": " + what + detail::reason(code));
  }

  std::filesystem::path path_;
  Durability durability_;
  std::optional<mode_t> mode_;
  std::filesystem::path part_;
  detail::FileDescriptor file_;
  detail::DescriptorBuffer buffer_;
  std::ostream stream_;
  bool committed_ = false;
};

}  // namespace abell
