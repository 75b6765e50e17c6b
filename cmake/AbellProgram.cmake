# Our own programs and tests: strict ISO C++20, all warnings, warnings as errors (switch off with
# cmake --compile-no-warning-as-error). None of this reaches users of the library.

if(NOT DEFINED CMAKE_COMPILE_WARNING_AS_ERROR)
  set(CMAKE_COMPILE_WARNING_AS_ERROR ON)
endif()

set(ABELL_WARNINGS -Wall -Wextra -Wconversion -Wshadow)

function(abell_set_up_program target)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  target_compile_options(${target} PRIVATE ${ABELL_WARNINGS})
endfunction()
