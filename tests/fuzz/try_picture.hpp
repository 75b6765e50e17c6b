#pragma once
/// What the library does with the bytes of a PNG or JPEG file.

#include <abell/core/error.hpp>
#include <abell/images/stb.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

inline int try_picture(std::span<const std::uint8_t> bytes) {
  try {
    const abell::Image image = abell::decode_png_jpeg(bytes, "fuzz", 0.1);
    for (const float value : image.pixels) {
      if (!(value >= 0 && value <= 255)) std::abort();
    }
  } catch (const abell::Error&) {
  }
  return 0;
}
