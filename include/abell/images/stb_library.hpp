#pragma once
/// stb_image and stb_image_write, compiled with internal linkage into each translation unit that
/// reads or writes PNG and JPEG. A system header: their unused functions warn nobody.
#pragma GCC system_header

#include <cstdlib>
#include <cstring>

namespace abell::detail {

/// Memory that stb_image asks for is zero: where a damaged file leaves a gap, pixels do not show what lay there before.
inline void* grow_zeroed(void* memory, std::size_t old_size, std::size_t size) {
  void* grown = std::realloc(memory, size);
  if (grown != nullptr && size > old_size) std::memset(static_cast<char*>(grown) + old_size, 0, size - old_size);
  return grown;
}

}  // namespace abell::detail

#define STBI_MALLOC(size) std::calloc(1, size)
#define STBI_REALLOC_SIZED(memory, old_size, size) abell::detail::grow_zeroed(memory, old_size, size)
#define STBI_FREE(memory) std::free(memory)
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_NO_STDIO
#define STBI_FAILURE_USERMSG
#define STBI_MAX_DIMENSIONS 20000
#include <stb/stb_image.h>
#undef STB_IMAGE_IMPLEMENTATION

#define STB_IMAGE_WRITE_STATIC
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STBI_WRITE_NO_STDIO
#include <stb/stb_image_write.h>
#undef STB_IMAGE_WRITE_IMPLEMENTATION
