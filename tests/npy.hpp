#pragma once
/// Reads .npy files, the golden ones among them: version 1, little-endian, C order, of u1, i4, f4 or f8.

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace abell::testing {

/// An array as doubles, which hold every value of the four types.
struct Npy {
  std::vector<int> dimensions;
  std::vector<double> values;
};

/// Throws std::runtime_error when the file is not as described above.
inline Npy read_npy_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const auto demand = [&](bool holds, const char* what) {
    if (!holds) throw std::runtime_error(path.string() + ": " + what);
  };
  demand(bytes.size() > 10 && bytes.compare(0, 8, std::string("\x93NUMPY\x01\x00", 8)) == 0,
         "not a .npy file of version 1");
  const std::size_t header_size = static_cast<unsigned char>(bytes[8]) + 256U * static_cast<unsigned char>(bytes[9]);
  demand(bytes.size() >= 10 + header_size, "the header is cut short");
  const std::string header = bytes.substr(10, header_size);
  demand(header.find("'fortran_order': False") != std::string::npos, "not in C order");
  Npy array;
  std::size_t count = 1;
  const std::size_t open = header.find("'shape': (") + 10;
  for (std::size_t at = open; header[at] != ')';) {
    std::size_t digits = 0;
    array.dimensions.push_back(std::stoi(header.substr(at), &digits));
    count *= static_cast<std::size_t>(array.dimensions.back());
    at = header.find_first_not_of(", ", at + digits);
  }
  const char* data = bytes.data() + 10 + header_size;
  const std::size_t size = bytes.size() - 10 - header_size;
  const auto read_as = [&]<class T>(T value) {
    demand(size == count * sizeof(T), "not as many bytes as the shape says");
    for (std::size_t i = 0; i < count; ++i) {
      std::memcpy(&value, data + i * sizeof(T), sizeof(T));
      array.values.push_back(static_cast<double>(value));
    }
  };
  if (header.find("'|u1'") != std::string::npos) {
    read_as(std::uint8_t{});
  } else if (header.find("'<i4'") != std::string::npos) {
    read_as(std::int32_t{});
  } else if (header.find("'<f4'") != std::string::npos) {
    read_as(float{});
  } else if (header.find("'<f8'") != std::string::npos) {
    read_as(double{});
  } else {
    demand(false, "not of type u1, i4, f4 or f8");
  }
  return array;
}

#ifdef ABELL_GOLDEN_DIR
/// The file `name`.npy of tests/golden.
inline Npy read_npy(const std::string& name) {
  return read_npy_file(std::filesystem::path(ABELL_GOLDEN_DIR) / (name + ".npy"));
}
#endif

}  // namespace abell::testing
