#include <abell/training/checkpoint.hpp>
#include <abell/weights/model.hpp>
#include <abell/weights/safetensors.hpp>
#include <bit>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "catch.hpp"
#include "error_message.hpp"
#include "temp_folder.hpp"
#include "weights_tools.hpp"

using namespace abell;

namespace {

/// The bytes of a safetensors file with that header; its length is told truly.
std::string file_of(const std::string& header, const std::string& data) {
  const std::uint64_t length = header.size();
  std::string bytes(sizeof length, '\0');
  std::memcpy(bytes.data(), &length, sizeof length);
  return bytes + header + data;
}

}  // namespace

TEST_CASE("Safetensors files give back every bit of every type, and the metadata", "[weights]") {
  const TempFolder folder;
  const float quiet = std::bit_cast<float>(0x7fc01234u);
  const std::vector<float> f32{1.5f, -0.0f, quiet, 1e-45f, std::numeric_limits<float>::infinity(), 0};
  const std::vector<double> f64{0.1, std::numeric_limits<double>::denorm_min()};
  const std::vector<std::uint8_t> u8{0, 1, 255};
  const std::vector<std::int64_t> i64{std::numeric_limits<std::int64_t>::min()};
  const std::vector<std::uint64_t> u64{std::numeric_limits<std::uint64_t>::max(), (1ull << 53) + 1};
  TensorFile file;
  file.metadata = {{"a", "line\nbreak \"quoted\" \xc3\xa9"}, {"b", ""}};
  file.tensors.push_back(stored("z/first", {2, 3}, std::span(f32)));
  file.tensors.push_back(stored("bytes \"\n", {3}, std::span(u8)));
  file.tensors.push_back(stored("empty", {0, 7}, std::span<const float>()));
  file.tensors.push_back(stored("doubles", {2, 1}, std::span(f64)));
  file.tensors.push_back(stored("number", {}, std::span(i64)));
  file.tensors.push_back(stored("counts", {2}, std::span(u64)));
  write_safetensors(folder / "a.safetensors", file);

  const TensorFile back = read_safetensors(folder / "a.safetensors");
  REQUIRE(back.metadata == file.metadata);
  REQUIRE(read_safetensors_metadata(folder / "a.safetensors") == file.metadata);
  REQUIRE(back.tensors.size() == file.tensors.size());
  for (std::size_t i = 0; i < file.tensors.size(); ++i) {
    REQUIRE(back.tensors[i].name == file.tensors[i].name);
    REQUIRE(back.tensors[i].dtype == file.tensors[i].dtype);
    REQUIRE(back.tensors[i].shape == file.tensors[i].shape);
    REQUIRE(back.tensors[i].bytes == file.tensors[i].bytes);
  }
  REQUIRE(values_of<std::uint64_t>(back.tensors[5]) == u64);
  REQUIRE_FALSE(values_of<float>(back.tensors[5]));
  REQUIRE(back.find("nothing") == nullptr);

  write_safetensors(folder / "b.safetensors", back);
  const std::string bytes = slurp(folder / "a.safetensors");
  REQUIRE(slurp(folder / "b.safetensors") == bytes);
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  REQUIRE(length % 8 == 0);
  REQUIRE(bytes[8] == '{');
}

TEST_CASE("A safetensors file is written byte by byte as the format says", "[weights]") {
  const TempFolder folder;
  const std::vector<float> values{1, 2};
  TensorFile file;
  file.tensors.push_back(stored("x", {2}, std::span(values)));
  write_safetensors(folder / "x", file);
  std::string header = R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  header.append((8 - header.size() % 8) % 8, ' ');
  REQUIRE(slurp(folder / "x") == file_of(header, std::string("\0\0\x80\x3f\0\0\0\x40", 8)));

  write_safetensors(folder / "nothing", {});
  REQUIRE(read_safetensors(folder / "nothing").tensors.empty());
}

TEST_CASE("Tensors are read in the order of their data, whatever the header's order", "[weights]") {
  const TempFolder folder;
  const auto path = folder.write("a", file_of(R"({"a":{"shape":[2],"dtype":"U8","data_offsets":[1,3]},)"
                                              R"("b":{"data_offsets":[0,1],"dtype":"U8","shape":[]}} )",
                                              "xyz"));
  const TensorFile file = read_safetensors(path);
  REQUIRE(file.tensors[0].name == "b");
  REQUIRE(values_of<std::uint8_t>(file.tensors[1]) == std::vector<std::uint8_t>{'y', 'z'});
}

TEST_CASE("Each wrong field of a safetensors header is named", "[weights]") {
  const TempFolder folder;
  struct Attack {
    std::string header;
    std::string data;
    std::string words;
  };
  const std::string eight(8, '\0');
  const auto tensor = [](const std::string& dtype, const std::string& shape, const std::string& offsets) {
    return "{\"t\":{\"dtype\":" + dtype + ",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}}";
  };
  REQUIRE_NOTHROW(read_safetensors(folder.write("good", file_of(tensor("\"F32\"", "[2]", "[0,8]"), eight))));
  const std::vector<Attack> attacks{
      {"", "", "expected a JSON object"},
      {"[]", "", "expected a JSON object"},
      {" {}", "", "expected a JSON object"},
      {"{", "", "expected JSON"},
      {"{}x", "", "expected JSON"},
      {std::string("{}\0garbage", 10), "", "zero byte"},
      {"{\"\xff\":1}", "", "expected JSON"},
      {"{\"t\":1}", "", "expected an object, found 1"},
      {"{\"t\":{\"shape\":[],\"data_offsets\":[0,4]}}", "abcd", "expected a dtype, found none"},
      {"{\"t\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", "abcd", "expected a shape, found none"},
      {"{\"t\":{\"dtype\":\"F32\",\"shape\":[]}}", "abcd", "expected a data_offsets, found none"},
      {"{\"t\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1],\"more\":1}}", "a", "found \"more\""},
      {tensor("\"F33\"", "[2]", "[0,8]"), eight, "found \"F33\""},
      {tensor("\"BF17\"", "[4]", "[0,8]"), eight, "found \"BF17\""},
      {tensor("32", "[2]", "[0,8]"), eight, "found 32"},
      {tensor("\"F32\"", "2", "[0,8]"), eight, "shape: expected a list"},
      {tensor("\"F32\"", "[-2]", "[0,8]"), eight, "shape: expected whole numbers of 0 or more, found -2"},
      {tensor("\"F32\"", "[2.0]", "[0,8]"), eight, "shape: expected whole numbers"},
      {tensor("\"F32\"", "[\"2\"]", "[0,8]"), eight, "shape: expected whole numbers"},
      {tensor("\"F32\"", "[true,2]", "[0,8]"), eight, "shape: expected whole numbers"},
      {tensor("\"F32\"", "[18446744073709551616]", "[0,8]"), eight, "shape: expected whole numbers"},
      {tensor("\"F32\"", "[[2]]", "[0,8]"), eight, "levels"},
      {tensor("\"F32\"", "[3]", "[0,8]"), eight, "expected 12 bytes for shape [3] of F32, found 8"},
      {tensor("\"F32\"", "[4611686018427387905,4]", "[0,8]"), eight, "more than 2^64"},
      {tensor("\"F32\"", "[9223372036854775808,2]", "[0,8]"), eight, "more than 2^64"},
      {tensor("\"F32\"", "[9223372036854775808,8,0]", "[0,0]"), "", "more than 2^64"},
      {tensor("\"F32\"", "[2]", "[0]"), eight, "expected 2 data_offsets, found 1"},
      {tensor("\"F32\"", "[2]", "[0,8,8]"), eight, "expected 2 data_offsets, found 3"},
      {tensor("\"F32\"", "[2]", "[8,0]"), eight, "found [8, 0]"},
      {tensor("\"F32\"", "[2]", "[0,-8]"), eight, "found -8"},
      {tensor("\"F32\"", "[2]", "[0,8]"), eight.substr(1), "within 7 bytes of data, found [0, 8]"},
      {tensor("\"F32\"", "[2]", "[18446744073709551608,18446744073709551615]"), eight, "within 8 bytes"},
      {tensor("\"F32\"", "[1]", "[4,8]"), eight, "expected its data at offset 0, found 4 (a gap before it)"},
      {tensor("\"F32\"", "[1]", "[0,4]"), eight, "expected 4 bytes of data, found 8"},
      {R"({"a":{"dtype":"U8","shape":[5],"data_offsets":[0,5]},"b":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}})",
       eight, "tensor \"b\": expected its data at offset 5, found 4 (tensors overlap)"},
      {R"({"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}})",
       eight, "overlap"},
      {R"({"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}})",
       eight, "tensor \"b\": expected its data at offset 3, found 4 (a gap before it)"},
      {R"({"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}})",
       eight, "found \"a\" twice"},
      {R"({"a":{"dtype":"U8","dtype":"U8","shape":[8],"data_offsets":[0,8]}})", eight, "found \"dtype\" twice"},
      {R"({"__metadata__":{},"__metadata__":{}})", "", "found \"__metadata__\" twice"},
      {R"({"__metadata__":[]})", "", "__metadata__: expected an object"},
      {R"({"__metadata__":{"a":1}})", "", "expected text for \"a\", found 1"},
      {R"({"__metadata__":{"a":{}}})", "", "expected text for \"a\""},
      {"{}", "x", "expected 0 bytes of data, found 1"},
      {"{\"a\":" + std::string(100000, '['), "", "levels"},
      {"{\"a\\nb" + std::string(1000, 'x') + "\":1}", "", "found 1"},
  };
  for (const Attack& attack : attacks) {
    const auto path = folder.write("bad", file_of(attack.header, attack.data));
    const std::string message = message_of<FormatError>([&] { read_safetensors(path); });
    INFO(attack.header.substr(0, 200) << " -> " << message);
    REQUIRE_THAT(message, Contains(attack.words) && Contains(path.string()));
    REQUIRE(message.find('\n') == std::string::npos);
    REQUIRE(message.size() < 500);
    REQUIRE(message_of<FormatError>([&] { read_safetensors_metadata(path); }) == message);
  }
}

TEST_CASE("A safetensors file cut anywhere is refused", "[weights]") {
  const TempFolder folder;
  const auto network = build<float>(small_net, small_input);
  save_model(folder / "m", network, small_info());
  const std::string bytes = slurp(folder / "m");
  for (std::size_t size = 0; size < bytes.size(); size += size < 2000 ? 1 : 97) {
    const auto path = folder.write("cut", bytes.substr(0, size));
    INFO(size);
    REQUIRE_THROWS_AS(read_safetensors(path), FormatError);
  }
  REQUIRE_THROWS_AS(read_safetensors(folder.write("long", bytes + "x")), FormatError);
}

TEST_CASE("A header's length beyond the file or the limit is refused before memory is asked for", "[weights]") {
  const TempFolder folder;
  for (const std::uint64_t length :
       {std::uint64_t{3}, std::uint64_t{100'000'001}, std::uint64_t{1} << 40, std::numeric_limits<std::uint64_t>::max(),
        std::numeric_limits<std::uint64_t>::max() - 7}) {
    std::string bytes(8, '\0');
    std::memcpy(bytes.data(), &length, 8);
    const auto path = folder.write("bad", bytes + "{}");
    const bool cut = length <= 100'000'000;
    REQUIRE_THAT(message_of<FormatError>([&] { read_safetensors(path); }),
                 Contains(cut ? "the file is cut short" : "found another kind of file"));
  }
}

TEST_CASE("Another kind of file is called by its kind", "[weights]") {
  using namespace std::string_literals;
  const TempFolder folder;
  for (const auto& [start, kind] :
       {std::pair{"\x89HDF\r\n\x1a\n"s, "an HDF5 file"}, std::pair{"PK\x03\x04"s, "a zip archive (.keras, .pt, .npz)"},
        std::pair{"\x08\x07\x12\x07pytorch"s, "an ONNX model"}, std::pair{"\x80\x02}q"s, "a Python pickle"},
        std::pair{"\x1c\0\0\0TFL3"s, "a TensorFlow Lite model"}, std::pair{"SIMPLE  ="s, "a FITS file"}}) {
    const auto path = folder.write("other", start + std::string(64, 'x'));
    REQUIRE_THAT(message_of<FormatError>([&] { read_safetensors(path); }),
                 Contains("expected a safetensors file, found "s + kind));
  }
}

TEST_CASE("Files that are missing, folders or devices are an IoError naming the path", "[weights]") {
  const TempFolder folder;
  for (const std::filesystem::path& path : {folder / "none", folder.path(), std::filesystem::path("/dev/zero")}) {
    REQUIRE_THAT(message_of<IoError>([&] { read_safetensors(path); }), Contains(path.string()));
    REQUIRE_THAT(message_of<IoError>([&] { read_model_info(path); }), Contains(path.string()));
    REQUIRE_THAT(message_of<IoError>([&] { read_checkpoint_config(path); }), Contains(path.string()));
  }
  REQUIRE_THROWS_AS(write_safetensors(folder / "no-folder" / "x", {}), IoError);
}

TEST_CASE("Tensors that no reader would take are not written", "[weights]") {
  const TempFolder folder;
  const std::vector<float> values{1, 2};
  const auto message = [&](std::vector<StoredTensor> tensors) {
    return message_of<FormatError>([&] { write_safetensors(folder / "x", {std::move(tensors), {}}); });
  };
  const StoredTensor good = stored("x", {2}, std::span(values));
  REQUIRE_THAT(message({good, good}), Contains("\"x\": expected a name of its own"));
  REQUIRE_THAT(message({stored("__metadata__", {2}, std::span(values))}), Contains("expected a name of its own"));
  REQUIRE_THAT(message({stored("x", {3}, std::span(values))}), Contains("shape [3] of F32, found 8"));
  REQUIRE_THAT(message({stored("\xff", {2}, std::span(values))}), Contains("UTF-8"));
  REQUIRE(files_in(folder.path()) == 0);
}
