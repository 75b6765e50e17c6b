#pragma once
/// Objects one after the other.

#include <abell/data/object.hpp>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace abell {

/// Gives the objects of a set in its order, so that they need not be in memory together. `open_objects` makes one of
/// whatever is a set; write your own for objects from elsewhere.
class ObjectSource {
 public:
  ObjectSource() = default;
  ObjectSource(const ObjectSource&) = delete;
  ObjectSource& operator=(const ObjectSource&) = delete;
  virtual ~ObjectSource() = default;

  /// The next object, whose class is a text only (`label` and `labels` are positions in a whole set's classes); none
  /// at the end.
  virtual std::optional<Object> next() = 0;
  /// What the user should know of the set, a line each: values that cannot be read, rows that a service left out.
  virtual std::vector<std::string> notes() const { return {}; }
};

/// Gives the objects of a list.
class ListedObjects final : public ObjectSource {
 public:
  explicit ListedObjects(std::vector<Object> objects) : objects_(std::move(objects)) {}

  bool empty() const { return objects_.empty(); }
  std::optional<Object> next() override {
    if (at_ == objects_.size()) return std::nullopt;
    return std::move(objects_[at_++]);
  }

 private:
  std::vector<Object> objects_;
  std::size_t at_ = 0;
};

}  // namespace abell
