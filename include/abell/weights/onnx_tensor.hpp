#pragma once
/// Tensors of ONNX files as numbers.

#ifndef ONNX_ML
#define ONNX_ML 1
#endif
#include <onnx/onnx_pb.h>

#include <abell/core/error.hpp>
#include <abell/weights/json.hpp>
#include <abell/weights/tensor_file.hpp>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <vector>

namespace abell::detail {

/// A constant of the graph. Whole numbers up to 2^53 are exact.
struct OnnxTensor {
  std::vector<std::int64_t> dimensions = {};
  std::vector<double> values = {};

  std::vector<std::int64_t> integers() const { return {values.begin(), values.end()}; }
};

/// Reads tensors. Those in files of their own ("external data") must lie in the model's folder, and be no links.
class OnnxTensorReader {
 public:
  explicit OnnxTensorReader(const std::filesystem::path& model)
      : folder_(model.has_parent_path() ? model.parent_path() : "."), where_(model.string()) {}

  /// Throws FormatError naming the tensor for another type, and for fewer or more values than its dimensions tell;
  /// nothing is allocated before.
  OnnxTensor read(const onnx::TensorProto& tensor) const {
    const std::string where = where_ + ": tensor " + in_quotes(tensor.name());
    OnnxTensor read;
    double count = 1;
    for (const std::int64_t size : tensor.dims()) {
      if (size < 0) throw FormatError(where + ": expected sizes of 0 or more, found " + std::to_string(size));
      read.dimensions.push_back(size);
      count *= static_cast<double>(size);
    }
    if (tensor.has_segment()) throw FormatError(where + ": expected a whole tensor, found a segment");
    switch (tensor.data_type()) {
      case onnx::TensorProto::FLOAT: read_values<float>(where, tensor, tensor.float_data(), count, read.values); break;
      case onnx::TensorProto::DOUBLE:
        read_values<double>(where, tensor, tensor.double_data(), count, read.values);
        break;
      case onnx::TensorProto::INT64:
        read_values<std::int64_t>(where, tensor, tensor.int64_data(), count, read.values);
        break;
      case onnx::TensorProto::INT32:
        read_values<std::int32_t>(where, tensor, tensor.int32_data(), count, read.values);
        break;
      case onnx::TensorProto::FLOAT16:
        read_values<std::uint16_t>(where, tensor, tensor.int32_data(), count, read.values);
        for (double& value : read.values) value = from_half(static_cast<std::uint16_t>(value));
        break;
      case onnx::TensorProto::BFLOAT16:
        read_values<std::uint16_t>(where, tensor, tensor.int32_data(), count, read.values);
        for (double& value : read.values) value = from_bfloat16(static_cast<std::uint16_t>(value));
        break;
      default:
        throw FormatError(where + ": expected float, float16, bfloat16, double, int32 or int64, found " +
                          type_of(tensor));
    }
    return read;
  }

 private:
  static std::string type_of(const onnx::TensorProto& tensor) {
    return onnx::TensorProto::DataType_IsValid(tensor.data_type())
               ? onnx::TensorProto::DataType_Name(static_cast<onnx::TensorProto::DataType>(tensor.data_type()))
               : "type " + std::to_string(tensor.data_type());
  }

  /// Values of the type Stored in raw_data, in a file of their own, or in the list `plain`.
  template <class Stored, class Plain>
  void read_values(const std::string& where, const onnx::TensorProto& tensor, const Plain& plain, double count,
                   std::vector<double>& values) const {
    std::string outside;
    const bool external = tensor.data_location() == onnx::TensorProto::EXTERNAL;
    if (external) outside = read_external(where, tensor, count * sizeof(Stored));
    const std::string& raw = external ? outside : tensor.raw_data();
    const bool is_raw = external || tensor.has_raw_data();
    const double found = is_raw ? static_cast<double>(raw.size()) / sizeof(Stored) : static_cast<double>(plain.size());
    if (found != count) {
      throw FormatError(where + ": expected " + whole(count) + " values, found " + whole(found));
    }
    values.resize(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (is_raw) {
        Stored value;
        std::memcpy(&value, raw.data() + i * sizeof(Stored), sizeof(Stored));
        values[i] = static_cast<double>(value);
      } else {
        values[i] = static_cast<double>(plain[static_cast<int>(i)]);
      }
    }
  }
  static std::string whole(double count) {
    return count < 1e15 ? std::to_string(static_cast<std::int64_t>(count)) : "more than 1e15";
  }

  std::string read_external(const std::string& where, const onnx::TensorProto& tensor, double wanted) const {
    namespace fs = std::filesystem;
    std::string name, offset = "0", length;
    for (const onnx::StringStringEntryProto& entry : tensor.external_data()) {
      if (entry.key() == "location") name = entry.value();
      if (entry.key() == "offset") offset = entry.value();
      if (entry.key() == "length") length = entry.value();
    }
    const fs::path relative(name);
    bool within = !name.empty() && relative.is_relative();
    for (const fs::path& part : relative) within = within && part != "..";
    fs::path path = folder_;
    std::error_code error;
    for (const fs::path& part : within ? relative : fs::path()) {
      path /= part;
      within = within && !fs::is_symlink(path, error);
    }
    if (!within) {
      throw FormatError(where + ": expected its data in a file in the model's folder, no link, found " +
                        in_quotes(name));
    }
    const auto size = fs::is_regular_file(path, error) ? fs::file_size(path, error) : 0;
    const double begin = number_of(where, "offset", offset);
    const double bytes = length.empty() ? wanted : number_of(where, "length", length);
    if (bytes != wanted || begin + bytes > static_cast<double>(size)) {
      throw FormatError(where + ": expected " + whole(wanted) + " bytes from byte " + whole(begin) + " of " +
                        path.string() + ", found " +
                        whole(std::min(bytes, std::max(0.0, static_cast<double>(size) - begin))));
    }
    std::string data(static_cast<std::size_t>(bytes), '\0');
    std::ifstream file(path, std::ios::binary);
    file.seekg(static_cast<std::streamoff>(begin));
    if (!file.read(data.data(), static_cast<std::streamsize>(data.size()))) {
      throw IoError(path.string() + ": cannot be read");
    }
    return data;
  }
  static double number_of(const std::string& where, const std::string& what, const std::string& text) {
    const bool digits = !text.empty() && text.size() <= 15 && text.find_first_not_of("0123456789") == std::string::npos;
    if (!digits) throw FormatError(where + ": expected a whole number as " + what + ", found " + in_quotes(text));
    return std::stod(text);
  }

  std::filesystem::path folder_;
  std::string where_;
};

/// The numbers in another order of their axes: axis i of the result is axis order[i] of the array.
inline std::vector<float> permuted(const std::vector<double>& values, const std::vector<std::int64_t>& dimensions,
                                   const std::vector<std::size_t>& order) {
  std::vector<std::size_t> strides(dimensions.size(), 1);
  for (std::size_t axis = dimensions.size(); axis-- > 1;) {
    strides[axis - 1] = strides[axis] * static_cast<std::size_t>(dimensions[axis]);
  }
  std::vector<float> result(values.size());
  for (std::size_t i = 0; i < result.size(); ++i) {
    std::size_t rest = i, from = 0;
    for (std::size_t axis = order.size(); axis-- > 0;) {
      const auto size = static_cast<std::size_t>(dimensions[order[axis]]);
      from += rest % size * strides[order[axis]];
      rest /= size;
    }
    result[i] = static_cast<float>(values[from]);
  }
  return result;
}

}  // namespace abell::detail
