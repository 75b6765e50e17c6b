# fuzz/<name>.cpp with the kept files of fuzz/<name>/: replayed in every build, fuzzed by hand in the preset sanitize:
#   ABELL_FUZZ_SECONDS=600 ctest --preset sanitize -L fuzz

function(abell_add_fuzz_test name script)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "LINK")
  set(target abell-fuzz-${name})
  add_executable(${target} "fuzz/${name}.cpp")
  add_dependencies(abell-test-programs ${target})
  abell_warnings(${target})
  target_link_libraries(${target} PRIVATE ${arg_LINK})
  add_test(NAME "fuzz: ${name}" COMMAND bash "${CMAKE_CURRENT_SOURCE_DIR}/fuzz/${script}" $<TARGET_FILE:${target}>
                                        "${CMAKE_CURRENT_SOURCE_DIR}/fuzz/${name}")
  set_tests_properties("fuzz: ${name}" PROPERTIES LABELS fuzz)
endfunction()

if(TARGET abell::votes)
  abell_add_fuzz_test(votes libfuzzer.sh LINK abell::votes)
  if(CMAKE_CXX_COMPILER_ID MATCHES Clang AND CMAKE_BUILD_TYPE STREQUAL Sanitize)
    target_compile_options(abell-fuzz-votes PRIVATE -fsanitize=fuzzer-no-link)
    target_link_options(abell-fuzz-votes PRIVATE -fsanitize=fuzzer)
  else()
    target_sources(abell-fuzz-votes PRIVATE fuzz/replay.cpp)
  endif()
endif()

# CFITSIO and wcslib are not instrumented, so that coverage would not lead the way: it damages files itself.
if(TARGET abell::fits)
  abell_add_fuzz_test(fits damaged_files.sh LINK abell::fits)
endif()
