#pragma once
/// ONNX files as messages of protobuf, whose sizes are bounded before memory is taken.

#ifndef ONNX_ML
#define ONNX_ML 1
#endif
#include <onnx/onnx_pb.h>

#include <abell/core/error.hpp>
#include <abell/core/file_kind.hpp>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>

namespace abell::detail {

/// Counts the fields of a message and of those within it, however they are meant: a byte of a file can become a message
/// of a hundred bytes, so their number bounds what parsing takes.
class OnnxFieldCount {
 public:
  static constexpr std::size_t most = 2'000'000;

  /// Whether there are more fields than `most`; what cannot be read is left to the parser.
  static bool too_many(std::string_view message) {
    OnnxFieldCount count;
    count.add(message, Kind::model);
    return count.fields_ > most;
  }

 private:
  enum class Kind { model, graph, node, attribute, tensor, other };

  /// What a field of that number holds.
  static Kind inner(Kind kind, std::uint64_t field) {
    switch (kind) {
      case Kind::model: return field == 7 ? Kind::graph : Kind::other;
      case Kind::graph: return field == 1 ? Kind::node : field == 5 ? Kind::tensor : Kind::other;
      case Kind::node: return field == 5 ? Kind::attribute : Kind::other;
      case Kind::attribute:
        return field == 5 || field == 10 ? Kind::tensor : field == 6 || field == 11 ? Kind::graph : Kind::other;
      default: return Kind::other;
    }
  }
  /// Whether a field holds a text, bytes or numbers.
  static bool plain(Kind kind, std::uint64_t field) {
    switch (kind) {
      case Kind::model: return field <= 6;
      case Kind::graph: return field == 2 || field == 10;
      case Kind::node: return field != 5;
      case Kind::attribute: return field == 1 || field == 4 || (field >= 7 && field <= 9) || field == 13;
      case Kind::tensor: return field != 3 && field != 13;
      default: return false;
    }
  }
  static bool number(std::string_view& text, std::uint64_t& value) {
    value = 0;
    for (unsigned shift = 0; shift < 64 && !text.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(text.front());
      text.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 127U) << shift;
      if (byte < 128) return true;
    }
    return false;
  }
  void add(std::string_view text, Kind kind, int level = 0) {
    constexpr int most_levels = 50;
    if (level > most_levels) return;
    for (std::uint64_t tag = 0, length = 0; fields_ <= most && number(text, tag); ++fields_) {
      const unsigned wire = tag % 8;
      if (wire == 0) {
        if (!number(text, length)) return;
      } else if (wire == 1 || wire == 5) {
        text.remove_prefix(std::min<std::size_t>(text.size(), wire == 1 ? 8 : 4));
      } else if (wire == 2) {
        if (!number(text, length) || length > text.size()) return;
        const Kind within = inner(kind, tag / 8);
        if (within != Kind::other) {
          add(text.substr(0, length), within, level + 1);
        } else if (!plain(kind, tag / 8)) {
          fields_ += length / 2;  // messages of two bytes, at worst
        }
        text.remove_prefix(length);
      } else {
        return;
      }
    }
  }

  std::size_t fields_ = 0;
};

/// The model of a file's bytes. Throws FormatError for another kind of file and for a damaged one.
inline onnx::ModelProto parse_onnx(const std::string& bytes, const std::string& where) {
  if (OnnxFieldCount::too_many(bytes)) {
    throw FormatError(where + ": expected an ONNX model of at most " + std::to_string(OnnxFieldCount::most) +
                      " parts, found more");
  }
  onnx::ModelProto model;
  if (model.ParseFromString(bytes) && model.has_graph()) return model;
  const std::string kind = kind_of_file(std::string_view(bytes).substr(0, 16));
  throw FormatError(
      where + ": expected an ONNX model, found " +
      (kind == "an ONNX model" || kind == "another kind of file" ? "a damaged one, or another kind of file" : kind));
}

/// The model of a file. Throws IoError, and FormatError as `parse_onnx` and for more than `max_bytes` or 2 GB, which is
/// protobuf's limit.
inline onnx::ModelProto read_onnx_file(const std::filesystem::path& path, double max_bytes) {
  constexpr double most = std::numeric_limits<int>::max();
  const std::string where = path.string();
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) throw IoError(where + ": no such file");
  const auto size = std::filesystem::file_size(path);
  if (static_cast<double>(size) > std::min(max_bytes, most)) {
    throw FormatError(where + ": expected a file of at most " +
                      std::to_string(static_cast<std::int64_t>(std::min(max_bytes, most))) + " bytes, found " +
                      std::to_string(size));
  }
  std::string bytes(static_cast<std::size_t>(size), '\0');
  std::ifstream file(path, std::ios::binary);
  if (!file.read(bytes.data(), static_cast<std::streamsize>(size))) throw IoError(where + ": cannot be read");
  return parse_onnx(bytes, where);
}

/// The version of ONNX's operators that a model is written in. Throws FormatError unless it is 7 to 22.
inline int onnx_opset(const onnx::ModelProto& model, const std::string& where) {
  constexpr std::int64_t oldest = 7, latest = 22;
  for (const onnx::OperatorSetIdProto& set : model.opset_import()) {
    if (!set.domain().empty() && set.domain() != "ai.onnx") continue;
    if (set.version() < oldest || set.version() > latest) {
      throw FormatError(where + ": expected opset " + std::to_string(oldest) + " to " + std::to_string(latest) +
                        ", found " + std::to_string(set.version()));
    }
    return static_cast<int>(set.version());
  }
  throw FormatError(where + ": expected operators of ONNX (an opset), found none");
}

}  // namespace abell::detail
