#pragma once
/// Objects of HDF5 and the paths to them, which never leave the file.

#include <hdf5.h>

#include <abell/core/error.hpp>
#include <abell/weights/json.hpp>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace abell::detail::hdf5 {

/// HDF5 prints no errors of its own while this lives.
class Quiet {
 public:
  Quiet() {
    H5Eget_auto2(H5E_DEFAULT, &print_, &data_);
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  }
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;
  ~Quiet() { H5Eset_auto2(H5E_DEFAULT, print_, data_); }

 private:
  H5E_auto2_t print_ = nullptr;
  void* data_ = nullptr;
};

/// An identifier of HDF5, closed at the end; below 0 when the call that made it failed.
class Handle {
 public:
  Handle(hid_t id, herr_t (*close)(hid_t)) : id_(id), close_(close) {}
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Handle(const Handle&) = delete;
  Handle& operator=(Handle&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }
  operator hid_t() const { return id_; }
  explicit operator bool() const { return id_ >= 0; }

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

/// The most soft links on one path, and the most bytes of one.
inline constexpr int most_soft_links = 16;
inline constexpr std::size_t most_link_bytes = 65536;

/// What `path` leads to, within the file; nothing when there is no such thing. It goes from part to part, so that each
/// link is known before it is followed; as for HDF5, empty parts and "." lead nowhere and ".." is a name like others.
/// Throws FormatError for links to other files and of users' own kinds, and for too many soft links; `where` opens the
/// message.
inline Handle follow(hid_t start, const std::string& path, const std::string& where) {
  const auto fail = [&](const std::string& found) {
    throw FormatError(where + ": expected " + in_quotes(path) + " in this file, found " + found);
  };
  Handle here(-1, H5Oclose);
  std::vector<std::string> parts;  // still to go, the next one last
  const auto go = [&](hid_t from, std::string_view way) {
    here = Handle(H5Oopen(from, way.starts_with('/') ? "/" : ".", H5P_DEFAULT), H5Oclose);
    for (std::size_t end = way.size(); end != 0;) {
      const std::size_t slash = way.substr(0, end).rfind('/');
      const std::size_t begin = slash == std::string_view::npos ? 0 : slash + 1;
      const std::string_view part = way.substr(begin, end - begin);
      if (!part.empty() && part != ".") parts.emplace_back(part);
      end = begin == 0 ? 0 : begin - 1;
    }
  };
  go(start, path);
  if (parts.empty()) return {-1, H5Oclose};
  for (int soft_links = 0; !parts.empty();) {
    const std::string part = std::move(parts.back());
    parts.pop_back();
    if (H5Iget_type(here) != H5I_GROUP || H5Lexists(here, part.c_str(), H5P_DEFAULT) <= 0) return {-1, H5Oclose};
    H5L_info_t link{};
    if (H5Lget_info(here, part.c_str(), &link, H5P_DEFAULT) < 0) fail("a damaged link");
    if (link.type == H5L_TYPE_EXTERNAL) fail("a link to another file");
    if (link.type != H5L_TYPE_HARD && link.type != H5L_TYPE_SOFT) fail("a link of a user's own kind");
    if (link.type == H5L_TYPE_HARD) {
      here = Handle(H5Oopen(here, part.c_str(), H5P_DEFAULT), H5Oclose);
      if (!here) fail("damage");
      continue;
    }
    if (++soft_links > most_soft_links) fail("more than " + std::to_string(most_soft_links) + " soft links");
    if (link.u.val_size > most_link_bytes) fail("a damaged link");
    std::string target(link.u.val_size, '\0');
    if (H5Lget_val(here, part.c_str(), target.data(), target.size(), H5P_DEFAULT) < 0) fail("a damaged link");
    go(here, std::string_view(target).substr(0, target.find('\0')));
  }
  return here;
}

/// The group that `path` leads to, as `follow` does it.
inline Handle group(hid_t start, const std::string& path, const std::string& where) {
  Handle found = follow(start, path, where);
  if (H5Iget_type(found) != H5I_GROUP) return {-1, H5Oclose};
  return found;
}

}  // namespace abell::detail::hdf5
