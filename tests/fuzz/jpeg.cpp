/// Any bytes as a JPEG file: they become an image of 0..255, or an Error; never anything else.

#include "try_picture.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { return try_picture({data, size}); }
