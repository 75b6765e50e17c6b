/// ONNX files as networks: what is read is what was written, and what has no layer here is refused by name.

#include <abell/images/stb.hpp>
#include <abell/inference/classifier.hpp>
#include <abell/inference/load_onnx.hpp>
#include <abell/weights/onnx.hpp>
#include <cmath>
#include <filesystem>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "catch.hpp"
#include "error_message.hpp"
#include "temp_folder.hpp"
#include "weights_tools.hpp"

using namespace abell;

namespace {

template <class Description>
Network<float> drawn(const Description& description, Shape input) {
  auto network = build<float>(description, input, 3);
  std::mt19937 random(7);
  std::uniform_real_distribution<float> numbers(0.5F, 1.5F);
  for (const NamedParameter& named : network.named_parameters()) {
    if (named.name.ends_with("kernel")) continue;
    for (float& value : network.parameters().subspan(named.offset, named.size)) value = numbers(random);
  }
  return network;
}

double difference(const Network<float>& a, const Network<float>& b) {
  REQUIRE(a.output() == b.output());
  const auto image = self_test_image<float>(a.input());
  const auto one = a.predict(image), other = b.predict(image);
  double most = 0;
  for (std::size_t i = 0; i < one.size(); ++i) {
    most = std::max(most, std::abs(static_cast<double>(one.data()[i]) - static_cast<double>(other.data()[i])));
  }
  return most;
}

constexpr auto net =
    describe(Conv2d{.filters = 4, .stride = 2, .bias = false}, BatchNorm{}, Relu6{},
             DepthwiseConv2d{.depth_multiplier = 2}, LeakyRelu{}, MaxPool2d{}, Flatten{}, Dense{.units = 3}, Softmax{});
constexpr Shape input{12, 9, 2};

/// The model of `net`, changed.
onnx::ModelProto changed(const std::function<void(onnx::ModelProto&)>& change) {
  const auto network = drawn(net, input);
  onnx::ModelProto model = onnx_model<float>(network.description(), input, network.parameters());
  change(model);
  return model;
}
onnx::NodeProto& node_of(onnx::ModelProto& model, const std::string& kind) {
  for (onnx::NodeProto& node : *model.mutable_graph()->mutable_node()) {
    if (node.op_type() == kind) return node;
  }
  FAIL("no node " << kind);
  return *model.mutable_graph()->mutable_node(0);
}
onnx::AttributeProto& attribute(onnx::NodeProto& node, const std::string& name,
                                onnx::AttributeProto::AttributeType type) {
  for (onnx::AttributeProto& each : *node.mutable_attribute()) {
    if (each.name() == name) return each;
  }
  onnx::AttributeProto& made = *node.add_attribute();
  made.set_name(name);
  made.set_type(type);
  return made;
}
onnx::TensorProto& tensor_of(onnx::ModelProto& model, const std::string& name) {
  for (onnx::TensorProto& tensor : *model.mutable_graph()->mutable_initializer()) {
    if (tensor.name() == name) return tensor;
  }
  FAIL("no tensor " << name);
  return *model.mutable_graph()->mutable_initializer(0);
}

struct Files {
  TempFolder folder;
  std::filesystem::path write(const onnx::ModelProto& model) const {
    folder.write("m.onnx", model.SerializeAsString());
    return folder / "m.onnx";
  }
  /// What reading a model ends with.
  std::string fault(const std::function<void(onnx::ModelProto&)>& change) const {
    const auto path = write(changed(change));
    return message_of<Error>([&] { load_network(path); });
  }
};

}  // namespace

TEST_CASE("A network written as ONNX is read with its layers and answers", "[onnx]") {
  const TempFolder folder;
  const auto same = [&](const auto& description, Shape shape) {
    const auto network = drawn(description, shape);
    save_onnx(folder / "m.onnx", network);
    auto read = load_network(folder / "m.onnx");
    CHECK(difference(network, read) < 1e-6);
    return read;
  };
  const auto read = same(net, input);
  REQUIRE(read.layers().size() == 9);
  CHECK(read.description()[3].as<DepthwiseConv2d>()->depth_multiplier == 2);
  CHECK(read.description()[0].as<Conv2d>()->padding == Padding::same);
  CHECK_FALSE(read.description()[0].as<Conv2d>()->bias);
  CHECK(read.description()[1].as<BatchNorm>()->epsilon == Approx(1e-3));
  same(describe(Residual{describe(Conv2d{.filters = 2}, Tanh{})},
                Concatenate{describe(AveragePool2d{}, Conv2dTranspose{.filters = 3}), describe()},
                UpSample2d{.interpolation = UpSampling::bilinear}, Sigmoid{}),
       {6, 4, 2});
  same(describe(Flatten{}, BatchNorm{}, Dense{.units = 12}, Reshape{.shape = {2, 3, 2}}, Conv2d{.filters = 3},
                Softmax{}),
       {3, 5, 2});
}

TEST_CASE("Other types of tensors, constants and files beside the model are read", "[onnx]") {
  const Files files;
  const auto network = drawn(net, input);
  const auto same = [&](const std::function<void(onnx::ModelProto&)>& change, double most) {
    const auto path = files.write(changed(change));
    CHECK(difference(network, load_network(path)) < most);
  };
  same(
      [](onnx::ModelProto& model) {  // as numbers in place of bytes, in double
        onnx::TensorProto& kernel = tensor_of(model, "dense_1/kernel");
        const std::string raw = kernel.raw_data();
        kernel.clear_raw_data();
        kernel.set_data_type(onnx::TensorProto::DOUBLE);
        for (std::size_t i = 0; i < raw.size(); i += sizeof(float)) {
          float value = 0;
          std::memcpy(&value, raw.data() + i, sizeof value);
          kernel.add_double_data(static_cast<double>(value));
        }
      },
      1e-6);
  same(
      [](onnx::ModelProto& model) {  // a bias that a Constant gives, through Cast and Identity
        onnx::GraphProto& graph = *model.mutable_graph();
        onnx::TensorProto bias = tensor_of(model, "dense_1/bias");
        tensor_of(model, "dense_1/bias").set_name("unused");
        onnx::GraphProto nodes;
        const auto add = [&](const std::string& kind, const std::string& from,
                             const std::string& to) -> onnx::NodeProto& {
          onnx::NodeProto& node = *nodes.add_node();
          node.set_op_type(kind);
          if (!from.empty()) node.add_input(from);
          node.add_output(to);
          return node;
        };
        *attribute(add("Constant", "", "a"), "value", onnx::AttributeProto::TENSOR).mutable_t() = bias;
        attribute(add("Cast", "a", "b"), "to", onnx::AttributeProto::INT).set_i(onnx::TensorProto::FLOAT);
        add("Identity", "b", "dense_1/bias");
        nodes.mutable_node()->MergeFrom(graph.node());
        graph.mutable_node()->Swap(nodes.mutable_node());
      },
      1e-6);
  same(
      [&](onnx::ModelProto& model) {
        onnx::TensorProto& kernel = tensor_of(model, "dense_1/kernel");
        files.folder.write("weights", "12345678" + kernel.raw_data());
        kernel.clear_raw_data();
        kernel.set_data_location(onnx::TensorProto::EXTERNAL);
        for (const auto& [key, value] : {std::pair{"location", "weights"}, {"offset", "8"}}) {
          onnx::StringStringEntryProto& entry = *kernel.add_external_data();
          entry.set_key(key);
          entry.set_value(value);
        }
      },
      1e-6);
}

TEST_CASE("What has no layer is refused by its node", "[onnx]") {
  const Files files;
  const auto with = [&](const char* kind, const char* name, auto type, const auto& set) {
    return files.fault([&](onnx::ModelProto& model) { set(attribute(node_of(model, kind), name, type)); });
  };
  using Attribute = onnx::AttributeProto;
  const auto number = [](std::int64_t value) { return [value](Attribute& a) { a.set_i(value); }; };
  const auto two = [](std::int64_t a, std::int64_t b) {
    return [a, b](Attribute& each) {
      each.clear_ints();
      each.add_ints(a);
      each.add_ints(b);
    };
  };
  CHECK_THAT(files.fault([](auto& model) { node_of(model, "LeakyRelu").set_op_type("Elu"); }),
             Contains("m.onnx: node \"leaky_relu_1\" (Elu): expected one of the operators Concat, Add, AveragePool") &&
                 Contains(", found Elu"));
  CHECK_THAT(files.fault([](auto& model) { node_of(model, "LeakyRelu").set_domain("org.mine"); }),
             Contains("expected an operator of ONNX, found one of \"org.mine\""));
  CHECK_THAT(with("LeakyRelu", "beta", Attribute::INT, number(1)),
             Contains("(LeakyRelu): expected an attribute that is known here, found \"beta\""));
  CHECK_THAT(with("Conv", "dilations", Attribute::INTS, two(2, 2)), Contains("(Conv): expected dilations of 1"));
  CHECK_THAT(with("Conv", "group", Attribute::INT, number(2)),
             Contains("a group for each of them, found 2 channels, 2"));
  CHECK_THAT(with("Conv", "strides", Attribute::INTS, two(0, 1)), Contains("expected strides of two numbers from 1"));
  CHECK_THAT(with("Conv", "strides", Attribute::INTS, two(1, 1)),
             Contains("(Conv): expected pads as of same, valid or symmetric windows at 12x9x2, found 0, 1, 1, 1"));
  CHECK_THAT(with("MaxPool", "kernel_shape", Attribute::INTS, two(2, 1'000'000)), Contains("from 1 to 1000"));
  CHECK_THAT(with("Softmax", "axis", Attribute::INT, number(0)),
             Contains("expected a softmax over the channels, found axis 0"));
  CHECK_THAT(with("Clip", "max", Attribute::FLOAT, [](Attribute& a) { a.set_f(1); }),
             Contains("expected limits of 0 and 6"));
  CHECK_THAT(with("Gemm", "transA", Attribute::INT, number(1)), Contains("expected transA of 0, found 1"));
  CHECK_THAT(with("Gemm", "alpha", Attribute::INT, number(1)),
             Contains("expected attribute \"alpha\" as FLOAT, found INT"));
  CHECK_THAT(with("BatchNormalization", "epsilon", Attribute::FLOAT, [](Attribute& a) { a.set_f(-1); }),
             Contains("an epsilon above 0"));
}

TEST_CASE("Graphs and tensors that are not sound are refused", "[onnx]") {
  const Files files;
  CHECK_THAT(files.fault([](auto& model) { model.mutable_opset_import(0)->set_version(6); }),
             Contains("expected opset 7 to 22, found 6"));
  CHECK_THAT(files.fault([](auto& model) { model.mutable_opset_import(0)->set_version(23); }), Contains("found 23"));
  CHECK_THAT(files.fault([](auto& model) { model.clear_opset_import(); }), Contains("expected operators of ONNX"));
  CHECK_THAT(files.fault([](auto& model) { *model.mutable_graph()->add_output() = model.graph().output(0); }),
             Contains("found 2 outputs"));
  CHECK_THAT(files.fault([](auto& model) { model.mutable_graph()->add_input()->set_name("more"); }),
             Contains("expected one input, found \"images\" and \"more\""));
  CHECK_THAT(files.fault([](auto& model) { node_of(model, "Gemm").set_input(0, "nothing"); }),
             Contains("expected inputs that nodes before it give, found \"nothing\""));
  CHECK_THAT(files.fault([](auto& model) { node_of(model, "Conv").set_input(0, "softmax_1/out"); }),
             Contains("that nodes before it give"));
  const auto dim = [](onnx::ModelProto& model, int i) {
    return model.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->mutable_shape()->mutable_dim(
        i);
  };
  CHECK_THAT(files.fault([&](auto& model) { dim(model, 2)->set_dim_param("height"); }), Contains("found an open one"));
  CHECK_THAT(files.fault([&](auto& model) { dim(model, 2)->set_dim_value(1'000'000'000'000); }),
             Contains("with sizes"));
  CHECK_THAT(files.fault([](auto& model) {
    for (int i = 0; i < 20'000; ++i) model.mutable_graph()->add_node()->set_op_type("Identity");
  }),
             Contains("expected at most 20000 nodes, found 20009"));
  const auto tensor = [&](const std::function<void(onnx::TensorProto&)>& change) {
    return files.fault([&](onnx::ModelProto& model) { change(tensor_of(model, "dense_1/kernel")); });
  };
  CHECK_THAT(tensor([](auto& t) { t.set_dims(0, 1'000'000'000'000); }),
             Contains("tensor \"dense_1/kernel\": expected ") && Contains(" values, found"));
  CHECK_THAT(tensor([](auto& t) { t.set_dims(0, -3); }), Contains("expected sizes of 0 or more, found -3"));
  CHECK_THAT(tensor([](auto& t) { t.set_data_type(onnx::TensorProto::STRING); }),
             Contains("double, int32 or int64, found STRING"));
  CHECK_THAT(tensor([](auto& t) {
               std::string raw = t.raw_data();
               const float none = std::numeric_limits<float>::quiet_NaN();
               std::memcpy(raw.data(), &none, sizeof none);
               t.set_raw_data(raw);
             }),
             Contains("(Gemm): expected finite weights, found nan"));
  files.folder.write("a.onnx", "\x89PNG and more");
  CHECK_THAT(message_of<FormatError>([&] { load_network(files.folder / "a.onnx"); }),
             Contains("expected an ONNX model, found a PNG image"));
  const std::string whole = changed([](auto&) {}).SerializeAsString();
  files.folder.write("a.onnx", whole.substr(0, whole.size() / 2));
  CHECK_THAT(message_of<FormatError>([&] { load_network(files.folder / "a.onnx"); }), Contains("found a damaged one"));
  files.folder.write("a.onnx", whole);
  CHECK_THAT(message_of<FormatError>([&] { load_network(files.folder / "a.onnx", {.max_memory = 1000}); }),
             Contains("at most 1000 bytes"));
  CHECK_THAT(message_of<FormatError>([&] { load_network(files.folder / "a.onnx", {.max_memory = 4000}); }),
             Contains("a.onnx: expected to need at most 3.9 KiB") && Contains("found an input of 12x9x2"));
  CHECK_THAT(message_of<IoError>([&] { load_network(files.folder / "none.onnx"); }), Contains("no such file"));
}

TEST_CASE("Data of tensors outside of the model's folder is not read", "[onnx]") {
  const Files files;
  std::filesystem::create_directory(files.folder / "inner");
  const std::string raw =
      tensor_of(const_cast<onnx::ModelProto&>(static_cast<const onnx::ModelProto&>(changed([](auto&) {}))),
                "dense_1/kernel")
          .raw_data();
  files.folder.write("weights", raw);
  std::filesystem::create_symlink(files.folder / "weights", files.folder / "link");
  const auto at = [&](const std::string& location, const std::string& offset = "0") {
    return files.fault([&](onnx::ModelProto& model) {
      onnx::TensorProto& kernel = tensor_of(model, "dense_1/kernel");
      kernel.clear_raw_data();
      kernel.set_data_location(onnx::TensorProto::EXTERNAL);
      for (const auto& [key, value] : {std::pair<std::string, std::string>{"location", location}, {"offset", offset}}) {
        onnx::StringStringEntryProto& entry = *kernel.add_external_data();
        entry.set_key(key);
        entry.set_value(value);
      }
    });
  };
  for (const std::string& name : {(files.folder / "weights").string(), std::string("inner/../weights"),
                                  std::string("../weights"), std::string("link"), std::string()}) {
    CHECK_THAT(at(name), Contains("expected its data in a file in the model's folder, no link, found"));
  }
  CHECK_THAT(at("none"), Contains("bytes from byte 0 of") && Contains("found 0"));
  CHECK_THAT(at("weights", "4"), Contains("bytes from byte 4 of"));
  CHECK_THAT(at("weights", "-4"), Contains("expected a whole number as offset"));
}

TEST_CASE("Classifier takes ONNX models with what their metadata or a file beside them tells", "[onnx]") {
  const TempFolder folder;
  const auto network = drawn(small_net, small_input);
  Image image(20, 17, 3);
  std::mt19937 random(2);
  for (float& value : image.pixels) value = static_cast<float>(random() % 256);
  save_model(folder / "m.safetensors", network, {.classes = {"other", "cluster"}, .positive = {"cluster"}});
  const auto wanted = Classifier(folder / "m.safetensors").predict(image).outputs;
  save_onnx(folder / "m.onnx", network,
            {.metadata = {{"abell", read_safetensors_metadata(folder / "m.safetensors").at("abell")}}});
  const Classifier told(folder / "m.onnx");
  CHECK(told.info().classes == std::vector<std::string>{"other", "cluster"});
  CHECK(told.predict(image).outputs[1] == Approx(wanted[1]).margin(1e-6));
  save_onnx(folder / "n.onnx", network);
  CHECK_THAT(message_of<FormatError>([&] { Classifier model(folder / "n.onnx"); }),
             Contains("n.onnx: expected classes in its metadata, or in ") && Contains("n.json"));
  folder.write("n.json", R"({"classes": ["a", "b"], "positive": ["b"]})");
  CHECK(Classifier(folder / "n.onnx").predict(image).outputs[1] == Approx(wanted[1]).margin(1e-6));
  folder.write("n.json", R"({"classes": ["a", "b", "c"], "positive": ["b"]})");
  CHECK_THAT(message_of<FormatError>([&] { Classifier model(folder / "n.onnx"); }),
             Contains("expected 2 classes, found 3"));
}

TEST_CASE("Weights of an ONNX model start a network of the same layers, but for another head", "[onnx]") {
  const TempFolder folder;
  const auto network = drawn(small_net, small_input);
  save_onnx(folder / "m.onnx", network);
  auto same = build<float>(small_net, small_input, 9);
  CHECK(load_onnx_weights(folder / "m.onnx", same).missing.empty());
  CHECK(difference(network, same) < 1e-6);
  auto other = build<float>(describe(Conv2d{.filters = 4}, Relu{}, MaxPool2d{}, Flatten{}, Dense{.units = 8}, Relu{},
                                     Dropout{.rate = 0.5}, Dense{.units = 5}, Softmax{}),
                            small_input, 9);
  const auto before = copy_of(other);
  CHECK_THAT(
      message_of<ShapeError>([&] { load_onnx_weights(folder / "m.onnx", other); }),
      Contains("weights of another network: expected \"dense_2/kernel\" [8, 5], found \"dense_2/kernel\" [8, 2]"));
  CHECK(copy_of(other) == before);
  CHECK(load_onnx_weights(folder / "m.onnx", other, {.missing = {"dense_2"}}).missing ==
        std::vector<std::string>{"dense_2"});
  CHECK(copy_of(other) != before);
}
