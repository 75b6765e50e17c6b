# fuzz/<name>.cpp with the corpus fuzz/<name>/: replayed in every build, fuzzed by hand in the preset sanitize:
#   ABELL_FUZZ_SECONDS=600 ctest --preset sanitize -L fuzz

function(abell_add_fuzz_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LINK")
  set(target abell-fuzz-${name})
  add_executable(${target} "fuzz/${name}.cpp")
  add_dependencies(abell-test-programs ${target})
  abell_warnings(${target})
  target_link_libraries(${target} PRIVATE ${arg_LINK})
  if(CMAKE_CXX_COMPILER_ID MATCHES Clang AND CMAKE_BUILD_TYPE STREQUAL Sanitize)
    target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link)
    target_link_options(${target} PRIVATE -fsanitize=fuzzer)
  else()
    target_sources(${target} PRIVATE fuzz/replay.cpp)
  endif()
  add_test(NAME "fuzz: ${name}" COMMAND bash "${CMAKE_CURRENT_SOURCE_DIR}/fuzz/fuzz.sh" $<TARGET_FILE:${target}>
                                        "${CMAKE_CURRENT_SOURCE_DIR}/fuzz/${name}")
  set_tests_properties("fuzz: ${name}" PROPERTIES LABELS fuzz)
endfunction()

if(TARGET abell::votes)
  abell_add_fuzz_test(votes LINK abell::votes)
endif()
