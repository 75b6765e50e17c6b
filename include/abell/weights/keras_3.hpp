#pragma once
/// The layout of Keras 3's weights in HDF5 (`model.save_weights("m.weights.h5")`, and in a .keras archive):
///
///     layers/conv2d_1/vars/0            the arrays of a layer by their numbers; the group is called after the class
///     layers/conv2d_1/vars              with the attribute name, the layer's, in files of Keras 3.3 and later
///     layers/functional/layers/dense    a layer of a model within the model
///
/// which does not tell in which order layers of several classes stand: the archive's config.json does, see
/// keras_config.hpp.

#include <abell/core/error.hpp>
#include <abell/weights/hdf5.hpp>
#include <abell/weights/keras_config.hpp>
#include <abell/weights/keras_names.hpp>
#include <cstddef>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace abell::detail {

/// The name of a group of layers, and what tf.keras 2.12 and 2.13 called it.
inline constexpr const char *keras_3_layers = "layers", *keras_3_layers_before = "_layer_checkpoint_dependencies";

/// The group of the model's layers; none in a file of another layout.
inline hdf5::Handle keras_3_root(const hdf5::Handle& file, const std::string& where) {
  hdf5::Handle root = hdf5::group(file, keras_3_layers, where);
  return root ? std::move(root) : hdf5::group(file, keras_3_layers_before, where);
}

/// Lists the layers of a file and their arrays.
class Keras3Index {
 public:
  /// `names` are those of the layers by their paths, where a config tells them. Throws FormatError.
  KerasFile read(const hdf5::Handle& root, const std::map<std::string, std::string>& names, const std::string& where) {
    where_ = where;
    names_ = &names;
    keras_.ordered = false;
    walk(root, keras_3_layers, 0);
    return std::move(keras_);
  }

 private:
  static constexpr int most_levels = 32;
  static constexpr std::size_t most_groups = 100'000;

  void walk(const hdf5::Handle& group, const std::string& path, int level) {
    if (++groups_ > most_groups || level > most_levels) {
      throw FormatError(where_ + ": expected at most " + std::to_string(most_groups) + " groups on " +
                        std::to_string(most_levels) + " levels, found more, or a cycle");
    }
    for (const std::string& name : hdf5::names_in(group, where_)) {
      if (name == "seed_generator") continue;  // of Dropout
      const hdf5::Handle inner = hdf5::group(group, name, where_);
      if (!inner) continue;
      if (name == "vars") {
        add_layer(inner, path);
      } else {
        walk(inner, path + "/" + (name == keras_3_layers_before ? keras_3_layers : name), level + 1);
      }
    }
  }

  void add_layer(const hdf5::Handle& arrays, const std::string& path) {
    const std::size_t count = hdf5::names_in(arrays, where_).size();
    if (count == 0) return;
    const std::string here = where_ + ": layer " + in_quotes(path);
    const std::string name = name_of(arrays, path, here);
    if (!taken_.insert(name).second) throw FormatError(here + ": expected a name of its own, found " + in_quotes(name));
    keras_.layers.push_back({name, path});
    for (std::size_t i = 0; i < count; ++i) {
      auto [data, tensor] = hdf5::dataset(arrays, std::to_string(i), here);
      tensor.name = name + "/" + std::to_string(i);
      keras_.file.tensors.push_back(std::move(tensor));
      keras_.datasets.push_back(std::move(data));
    }
  }

  std::string name_of(const hdf5::Handle& arrays, const std::string& path, const std::string& here) const {
    if (const auto known = names_->find(path); known != names_->end()) return known->second;
    const auto stored = hdf5::texts(arrays, "name", here);
    const std::string name = stored && stored->size() == 1 ? stored->front() : path;
    return name.empty() ? path : name;
  }

  std::string where_;
  const std::map<std::string, std::string>* names_ = nullptr;
  KerasFile keras_;
  std::set<std::string> taken_;
  std::size_t groups_ = 0;
};

/// Writes the arrays of `layers`, which stand under their full names in `tensors`.
inline void write_keras_3(const hdf5::Handle& file, const std::vector<KerasWanted>& layers, const TensorFile& tensors,
                          const std::filesystem::path& path) {
  std::map<std::string, int> counts;
  const hdf5::Handle own = hdf5::new_group(file, "vars", path);  // of the model itself: none
  const hdf5::Handle root = hdf5::new_group(file, keras_3_layers, path);
  for (const KerasWanted& layer : layers) {
    const int count = counts[layer.word]++;
    const hdf5::Handle group = hdf5::new_group(root, layer.word + (count > 0 ? "_" + std::to_string(count) : ""), path);
    const hdf5::Handle arrays = hdf5::new_group(group, "vars", path);
    hdf5::write_text(arrays, "name", layer.keras_name, path);
    for (std::size_t i = 0; i < layer.parameters.size(); ++i) {
      hdf5::write_dataset(arrays, std::to_string(i), *tensors.find(layer.name + "/" + layer.parameters[i]), path);
    }
  }
}

}  // namespace abell::detail
