#pragma once
/// The inputs of abell-classify, which are read twice: once to check and count, once to classify.

#include <abell/core/error.hpp>
#include <abell/data/dataset.hpp>
#include <abell/data/id_hashes.hpp>
#include <abell/data/image_name.hpp>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "catalogue.hpp"

namespace abell::program {

/// The objects of input number `i`. Images that are inputs by themselves, whose paths differ in their endings alone,
/// are known by their whole paths.
inline std::unique_ptr<ObjectSource> open_input(const std::vector<std::string>& inputs, std::size_t i,
                                                const DataSetOptions& options) {
  auto source = open_objects(inputs[i], options);
  const std::string id = abell::detail::without_image_ending(inputs[i]);
  const bool shared = std::ranges::count_if(inputs, [&](const std::string& input) {
                        return abell::detail::without_image_ending(input) == id;
                      }) > 1;
  std::error_code error;
  if (id == inputs[i] || !shared || !std::filesystem::is_regular_file(inputs[i], error)) return source;
  std::vector<Object> objects;
  while (auto object = source->next()) {
    if (object->id != id || !objects.empty()) return open_objects(inputs[i], options);  // a table
    objects.push_back(*std::move(object));
    objects.back().id = inputs[i];
  }
  return std::make_unique<ListedObjects>(std::move(objects));
}

/// All objects of all inputs, in their order.
class InputObjects final : public ObjectSource {
 public:
  InputObjects(const std::vector<std::string>& inputs, DataSetOptions options)
      : inputs_(inputs), options_(std::move(options)) {}

  std::optional<Object> next() override {
    for (;;) {
      if (source_) {
        if (std::optional<Object> object = source_->next()) return object;
      }
      if (at_ == inputs_.size()) return std::nullopt;
      source_ = open_input(inputs_, at_++, options_);
    }
  }

 private:
  const std::vector<std::string>& inputs_;
  DataSetOptions options_;
  std::size_t at_ = 0;
  std::unique_ptr<ObjectSource> source_;
};

/// Objects in the order in which they were read.
struct ReadObjects {
  std::size_t count = 0;
  std::uint64_t ids = 0;  ///< of all of them, in this order

  void add(const Object& object) {
    ++count;
    ids = (ids * 31) ^ IdHashes::of(object.id);
  }
};

/// What a first reading of the inputs finds.
struct Survey {
  ReadObjects objects;
  std::vector<std::string> classes;  ///< sorted
  bool positions = false;            ///< whether any object has one
  std::vector<std::string> notes;    ///< of the inputs' sources
};

/// Which positions a form of the output needs.
enum class Positions {
  any,      ///< whatever texts there are
  degrees,  ///< numbers, where there are some
  needed    ///< numbers for each object
};

/// Ids that no two inputs may have.
class InputIds {
 public:
  InputIds(const std::vector<std::string>& inputs, DataSetOptions options)
      : inputs_(inputs), options_(std::move(options)) {}

  /// Throws FormatError for an id that an input before number `input` has; the hashes only tell when to look.
  void check(const std::string& id, std::size_t input) {
    if (inputs_.size() == 1) return;
    const std::uint64_t hash = IdHashes::of(id);
    if (before_.contains(hash)) {
      for (std::size_t i = 0; i < input; ++i) {
        const auto source = open_input(inputs_, i, options_);
        while (const auto object = source->next()) {
          if (object->id == id)
            throw FormatError(inputs_[input] + ": duplicate id '" + id + "', first in " + inputs_[i]);
        }
      }
    }
    own_.push_back(hash);
  }
  /// Ends an input.
  void next_input() {
    for (const std::uint64_t hash : own_) before_.insert(hash);
    own_.clear();
  }

 private:
  const std::vector<std::string>& inputs_;
  DataSetOptions options_;
  IdHashes before_;
  std::vector<std::uint64_t> own_;
};

/// Reads all inputs and calls visit(object, number from 0) for each object. Throws FormatError for an id in two inputs,
/// and for positions that the form of the output cannot do without.
inline Survey survey(const std::vector<std::string>& inputs, const DataSetOptions& options, Positions positions,
                     const std::function<void(const Object&, std::size_t)>& visit) {
  Survey found;
  InputIds ids(inputs, options);
  std::set<std::string> classes;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const std::string& input = inputs[i];
    if (std::ranges::count(inputs, input) > 1) throw FormatError(input + ": this input is named twice");
    if (positions == Positions::needed) {
      const auto source = open_input(inputs, i, options);
      std::optional<Object> object = source->next();
      while (object && !has_position(*object)) object = source->next();
      if (!object) {
        throw FormatError(input + ": expected a table with columns ra and dec, which regions (.reg) need, found none");
      }
    }
    const auto source = open_input(inputs, i, options);
    for (std::string& note : source->notes()) found.notes.push_back(std::move(note));
    while (const auto object = source->next()) {
      ids.check(object->id, i);
      if (positions != Positions::any) check_position(input, *object, positions == Positions::needed);
      found.positions = found.positions || has_position(*object);
      if (options.several_classes) {
        for (const std::string& name : classes_in(object->class_text)) classes.insert(name);
      } else if (!object->class_text.empty()) {
        classes.insert(object->class_text);
      }
      visit(*object, found.objects.count);
      found.objects.add(*object);
    }
    ids.next_input();
  }
  found.classes.assign(classes.begin(), classes.end());
  return found;
}

/// Throws FormatError unless the second reading gave the objects that the first one gave.
inline void check_unchanged(const std::vector<std::string>& inputs, const ReadObjects& first,
                            const ReadObjects& second) {
  if (first.count == second.count && first.ids == second.ids) return;
  std::string all;
  for (const std::string& input : inputs) all += (all.empty() ? "" : ", ") + input;
  throw FormatError(all + ": expected the same objects when they were read again, found others (" +
                    std::to_string(first.count) + " at first, then " + std::to_string(second.count) + ")");
}

}  // namespace abell::program
