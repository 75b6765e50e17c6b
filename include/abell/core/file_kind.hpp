#pragma once
/// What a file is, for messages about one that is not what was expected.

#include <array>
#include <string>
#include <string_view>

namespace abell {

/// "an HDF5 file", "a zip archive (.keras, .pt, .npz)", ... told by the first bytes of a file, eight or more; empty for
/// other kinds.
inline std::string known_kind_of_file(std::string_view start) {
  using namespace std::string_view_literals;
  struct Known {
    std::string_view magic;
    const char* kind;
  };
  static constexpr std::array known{Known{"\x89HDF\r\n\x1a\n"sv, "an HDF5 file"},
                                    Known{"PK\x03\x04"sv, "a zip archive (.keras, .pt, .npz)"},
                                    Known{"\x93NUMPY"sv, "a NumPy array (.npy)"},
                                    Known{"\x80\x02"sv, "a Python pickle (.pt, .pkl)"},
                                    Known{"\x80\x04"sv, "a Python pickle (.pt, .pkl)"},
                                    Known{"\x80\x05"sv, "a Python pickle (.pt, .pkl)"},
                                    Known{"SIMPLE  "sv, "a FITS file"},
                                    Known{"\x89PNG"sv, "a PNG image"},
                                    Known{"\xFF\xD8\xFF"sv, "a JPEG image"},
                                    Known{"GIF8"sv, "a GIF image"},
                                    Known{"II*\0"sv, "a TIFF image"},
                                    Known{"MM\0*"sv, "a TIFF image"},
                                    Known{"%PDF"sv, "a PDF"},
                                    Known{"\x1F\x8B"sv, "a gzip file"},
                                    Known{"{"sv, "JSON"},
                                    Known{"<"sv, "XML or HTML"}};
  for (const Known& each : known) {
    if (start.starts_with(each.magic)) return each.kind;
  }
  if (start.substr(0, 8).ends_with("TFL3") && start.size() >= 8) return "a TensorFlow Lite model";
  // A protobuf whose first field is the version of ONNX's form, and whose second one is known, too.
  if (start.size() >= 3 && start[0] == 8 && start[1] > 0 && start[1] < 32 && (start[2] == 0x12 || start[2] == 0x3A)) {
    return "an ONNX model";
  }
  return {};
}

/// The same, or "an empty file" or "another kind of file".
inline std::string kind_of_file(std::string_view start) {
  if (start.empty()) return "an empty file";
  const std::string known = known_kind_of_file(start);
  return known.empty() ? "another kind of file" : known;
}

}  // namespace abell
