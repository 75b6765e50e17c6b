/// What a Keras file names outside itself is neither read nor opened.

#include <sys/inotify.h>
#include <unistd.h>

#include <abell/weights/keras_h5.hpp>
#include <array>
#include <functional>
#include <string>
#include <vector>

#include "catch.hpp"
#include "error_message.hpp"
#include "keras_file.hpp"
#include "temp_folder.hpp"
#include "weights_tools.hpp"

using namespace abell;

namespace {

/// Tells whether a file of a folder was opened.
class Watch {
 public:
  explicit Watch(const std::filesystem::path& folder) : queue_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
    REQUIRE(::inotify_add_watch(queue_, folder.c_str(), IN_OPEN) >= 0);
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch() { ::close(queue_); }

  /// Since the last call.
  bool saw_one() {
    std::array<char, 4096> events{};
    bool any = false;
    while (::read(queue_, events.data(), events.size()) > 0) any = true;
    return any;
  }

 private:
  int queue_;
};

/// Files of the tiny network whose layer dense_1 leads into other.h5 and numbers, sound files of another folder.
class Away {
 public:
  Away() {
    std::filesystem::create_directory(folder_ / "away");
    save_keras_weights(other(), numbered_tiny());
    const std::vector<StoredTensor> kernel = {weights_of(numbered_tiny(), "dense_1", "")[0].second};
    folder_.write("away/numbers", {reinterpret_cast<const char*>(kernel[0].bytes.data()), kernel[0].bytes.size()});
  }

  std::filesystem::path other() const { return folder_ / "away" / "other.h5"; }
  std::filesystem::path numbers() const { return folder_ / "away" / "numbers"; }
  Watch watch() const { return Watch(folder_ / "away"); }

  /// `make` makes the layer.
  std::filesystem::path with(const std::function<void(const hdf5::Handle& root)>& make) const {
    const Described<> tiny = numbered_tiny();
    RawFile raw;
    for (const std::string& layer : layers_with_weights(tiny)) {
      if (layer == "dense_1") {
        raw.named(layer);
        make(raw.root());
      } else {
        raw.layer(layer, weights_of(tiny, layer, layer + "/"));
      }
    }
    return raw.write(folder_ / "x.h5");
  }

  void link_to_other(hid_t group, const char* name, const std::string& target) const {
    REQUIRE(H5Lcreate_external(other().c_str(), target.c_str(), group, name, H5P_DEFAULT, H5P_DEFAULT) >= 0);
  }

 private:
  TempFolder folder_;
};

void soft_link(hid_t group, const char* name, const std::string& target) {
  REQUIRE(H5Lcreate_soft(target.c_str(), group, name, H5P_DEFAULT, H5P_DEFAULT) >= 0);
}

const std::vector<std::string> weight_names{"dense_1/kernel:0", "dense_1/bias:0"};

/// The group of the layer, with the names of its weights only.
hdf5::Handle layer_group(hid_t root, const std::string& name = "dense_1",
                         const std::vector<std::string>& weights = weight_names) {
  hdf5::Handle group = RawFile::group_at(root, name);
  hdf5::write_texts(group, "weight_names", weights, {});
  return group;
}

/// The arrays of the layer, under their usual names.
void write_arrays(hid_t group, bool with_kernel = true) {
  for (const auto& [name, tensor] : weights_of(numbered_tiny(), "dense_1", "dense_1/")) {
    if (with_kernel || name != weight_names[0]) hdf5::write_dataset(group, name, tensor, {});
  }
}

/// The kernel as a dataset without numbers of its own; `set` tells where they are.
void make_kernel(hid_t group, const std::function<void(hid_t creation, hid_t space)>& set) {
  write_arrays(group, false);
  const std::array<hsize_t, 2> sizes{2, 3};
  const hdf5::Handle space(H5Screate_simple(2, sizes.data(), nullptr), H5Sclose);
  const hdf5::Handle creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  set(creation, space);
  const hdf5::Handle data(
      H5Dcreate2(group, "dense_1/kernel:0", H5T_IEEE_F32LE, space, H5P_DEFAULT, creation, H5P_DEFAULT), H5Dclose);
  REQUIRE(data);
}

/// The one line with which `path` is refused, by the child and without one.
std::string refusal(const std::filesystem::path& path) {
  Described<> network(tiny_net, tiny_input);
  const auto message = [&](bool in_child) {
    return message_of<FormatError>([&] { load_keras_weights(path, network, {.in_child = in_child}); });
  };
  const std::string text = message(true);
  REQUIRE(message(false) == text);
  REQUIRE_THAT(text, Contains(path.string() + ": "));
  REQUIRE(text.find('\n') == std::string::npos);
  for (const float value : network.parameters()) REQUIRE(value == 0);
  return text;
}

/// What HDF5 itself makes of a path: whether there is an object.
bool hdf5_opens(const std::filesystem::path& path, const char* object) {
  const hdf5::Handle file = hdf5::open(path);
  const hdf5::Handle found(H5Oopen(file, object, H5P_DEFAULT), H5Oclose);
  return bool(found);
}

void require_loads(const std::filesystem::path& path) {
  Described<> network(tiny_net, tiny_input);
  load_keras_weights(path, network);
  REQUIRE(copy_of(network) == copy_of(numbered_tiny()));
}

}  // namespace

TEST_CASE("Links to other files are refused wherever they stand on a path", "[weights]") {
  const Away away;
  Watch watch = away.watch();
  const std::string layer = "layer \"dense_1\": expected ", other = " in this file, found a link to another file";

  const auto linked_layer = away.with([&](hid_t root) { away.link_to_other(root, "dense_1", "/dense_1"); });
  REQUIRE_THAT(refusal(linked_layer), Contains(layer + "\"dense_1\"" + other));
  REQUIRE_FALSE(watch.saw_one());
  REQUIRE(hdf5_opens(linked_layer, "dense_1/dense_1/kernel:0"));
  REQUIRE(watch.saw_one());

  const std::string kernel = layer + "\"dense_1/kernel:0\"" + other;
  const auto within = [&](hid_t root) { away.link_to_other(layer_group(root), "dense_1", "/dense_1/dense_1"); };
  REQUIRE_THAT(refusal(away.with(within)), Contains(kernel));
  const auto last = [&](hid_t root) {
    const hdf5::Handle group = layer_group(root);
    write_arrays(group, false);
    const hdf5::Handle inner(H5Gopen2(group, "dense_1", H5P_DEFAULT), H5Gclose);
    away.link_to_other(inner, "kernel:0", "/dense_1/dense_1/kernel:0");
  };
  REQUIRE_THAT(refusal(away.with(last)), Contains(kernel));

  RawFile model;
  away.link_to_other(model.root(), "model_weights", "/");
  model.write(away.other().parent_path().parent_path() / "model.h5");
  REQUIRE_THAT(refusal(away.other().parent_path().parent_path() / "model.h5"),
               Contains("model.h5: expected \"model_weights\"" + other));
  REQUIRE_FALSE(watch.saw_one());
}

TEST_CASE("Soft links are followed within the file, and no further", "[weights]") {
  const Away away;
  Watch watch = away.watch();
  const std::string refused = "layer \"dense_1\": expected \"dense_1\" in this file, found a link to another file";
  for (const std::string target : {"/there", "there", "/there/."}) {
    const auto to_link = [&](hid_t root) {
      away.link_to_other(root, "there", "/dense_1");
      soft_link(root, "dense_1", target);
    };
    REQUIRE_THAT(refusal(away.with(to_link)), Contains(refused));
  }
  const auto through_link = [&](hid_t root) {
    away.link_to_other(root, "there", "/");
    soft_link(root, "one", "/there/dense_1");
    soft_link(root, "dense_1", "one");
  };
  REQUIRE_THAT(refusal(away.with(through_link)), Contains(refused));
  const auto of_array = [&](hid_t root) {
    away.link_to_other(root, "there", "/dense_1/dense_1/kernel:0");
    const hdf5::Handle group = layer_group(root);
    write_arrays(group, false);
    const hdf5::Handle inner(H5Gopen2(group, "dense_1", H5P_DEFAULT), H5Gclose);
    soft_link(inner, "kernel:0", "/there");
  };
  REQUIRE_THAT(refusal(away.with(of_array)), Contains("expected \"dense_1/kernel:0\" in this file, found a link"));
  REQUIRE_FALSE(watch.saw_one());

  for (const std::string target : {"/inside/dense", "inside/dense", "./inside//dense/", "hop"}) {
    require_loads(away.with([&](hid_t root) {
      const hdf5::Handle inside = RawFile::group_at(root, "inside");
      write_arrays(layer_group(inside, "dense"));
      soft_link(root, "hop", "/inside/hop");
      soft_link(inside, "hop", "dense");
      soft_link(root, "dense_1", target);
    }));
  }
  REQUIRE_THAT(refusal(away.with([](hid_t root) { soft_link(root, "dense_1", "nowhere"); })),
               Contains("layer \"dense_1\": expected a group, found none"));
  REQUIRE_THAT(refusal(away.with([](hid_t root) { soft_link(root, "dense_1", "/dense_1"); })),
               Contains("expected \"dense_1\" in this file, found more than 16 soft links"));
}

TEST_CASE("Links of a user's own kind are refused", "[weights]") {
  const Away away;
  H5L_class_t kind{};
  kind.version = H5L_LINK_CLASS_T_VERS;
  kind.id = static_cast<H5L_type_t>(H5L_TYPE_UD_MIN + 100);
  kind.comment = "leads to the layer";
  kind.trav_func = [](const char*, hid_t group, const void*, std::size_t, hid_t, hid_t) {
    return H5Oopen(group, "there", H5P_DEFAULT);
  };
  REQUIRE(H5Lregister(&kind) >= 0);
  const auto path = away.with([&](hid_t root) {
    write_arrays(layer_group(root, "there"));
    REQUIRE(H5Lcreate_ud(root, "dense_1", kind.id, "", 0, H5P_DEFAULT, H5P_DEFAULT) >= 0);
  });
  REQUIRE(hdf5_opens(path, "dense_1/dense_1/kernel:0"));
  REQUIRE_THAT(refusal(path), Contains("expected \"dense_1\" in this file, found a link of a user's own kind"));
  H5Lunregister(kind.id);
}

TEST_CASE("Numbers in other files and virtual datasets are refused", "[weights]") {
  const Away away;
  Watch watch = away.watch();
  const std::string kernel = "layer \"dense_1\": expected a dataset \"dense_1/kernel:0\" of floating-point numbers, ";
  const auto external = away.with([&](hid_t root) {
    make_kernel(layer_group(root),
                [&](hid_t creation, hid_t) { REQUIRE(H5Pset_external(creation, away.numbers().c_str(), 0, 24) >= 0); });
  });
  REQUIRE_THAT(refusal(external), Contains(kernel + "found one whose numbers are in another file"));
  for (const std::string& source : {away.other().string(), std::string(".")}) {
    const auto made = away.with([&](hid_t root) {
      make_kernel(layer_group(root), [&](hid_t creation, hid_t space) {
        REQUIRE(H5Pset_virtual(creation, space, source.c_str(), "/dense_1/dense_1/kernel:0", space) >= 0);
      });
    });
    REQUIRE_THAT(refusal(made), Contains(kernel + "found a virtual one"));
  }
  REQUIRE_FALSE(watch.saw_one());
}

TEST_CASE("Names from a file are walked part by part", "[weights]") {
  const Away away;
  const auto named = [&](const std::string& prefix) {
    return away.with([&](hid_t root) {
      write_arrays(layer_group(root, "dense_1", {prefix + weight_names[0], prefix + weight_names[1]}));
    });
  };
  for (const char* prefix : {"", "./", ".//./", "/dense_1/", "//dense_1//"}) require_loads(named(prefix));
  for (const char* prefix : {"../dense_1/", "..", "dense_1/kernel:0/", "/", "/../"}) {
    INFO(prefix);
    REQUIRE_THAT(refusal(named(prefix)), Contains("of floating-point numbers, found none"));
  }
}
