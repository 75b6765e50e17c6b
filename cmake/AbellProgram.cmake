# Our own programs and tests: strict ISO C++20, all warnings, warnings as errors (switch off with
# cmake --compile-no-warning-as-error). None of this reaches users of the library.

if(NOT DEFINED CMAKE_COMPILE_WARNING_AS_ERROR)
  set(CMAKE_COMPILE_WARNING_AS_ERROR ON)
endif()

set(ABELL_WARNINGS -Wall -Wextra -Wconversion -Wshadow)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  list(APPEND ABELL_WARNINGS -Wno-restrict) # GCC 12 gives false ones for string concatenation (PR 105651)
elseif(CMAKE_CXX_COMPILER_ID MATCHES Clang)
  list(APPEND ABELL_WARNINGS -Wno-pass-failed) # at -O1 it does not vectorise, and says so
endif()

function(abell_warnings target)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  target_compile_options(${target} PRIVATE ${ABELL_WARNINGS})
endfunction()

# Clang's check of pointers adds half to the compilation of the kernels: GCC's, in the preset ubsan-gcc, does not.
abell_warnings(abell_kernels)
if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
  target_compile_options(abell_kernels PRIVATE $<$<CONFIG:Sanitize>:-fno-sanitize=pointer-overflow>)
endif()

function(abell_set_up_program target)
  abell_warnings(${target})
  target_link_libraries(${target} PRIVATE abell::kernels)
endfunction()
