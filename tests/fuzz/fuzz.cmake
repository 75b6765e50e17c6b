# fuzz/<name>.cpp: in every build it reads the files of fuzz/<name>/ and the seeds that it makes itself; in the preset
# sanitize it is fuzzed by hand, with the words of fuzz/<name>.dict:
#   ABELL_FUZZ_SECONDS=600 ctest --preset sanitize -L fuzz

# abell_add_fuzz_program(NAME TARGETS...): builds fuzz/NAME.cpp as abell-fuzz-NAME.
function(abell_add_fuzz_program name)
  set(target abell-fuzz-${name})
  add_executable(${target} "fuzz/${name}.cpp")
  add_dependencies(abell-test-programs ${target})
  abell_warnings(${target})
  target_link_libraries(${target} PRIVATE ${ARGN})
endfunction()

# abell_add_libfuzzer_test(NAME TARGETS...): fuzz/NAME.cpp is a target of libFuzzer, which coverage leads.
function(abell_add_libfuzzer_test name)
  set(target abell-fuzz-${name})
  abell_add_fuzz_program(${name} ${ARGN})
  if(CMAKE_CXX_COMPILER_ID MATCHES Clang AND CMAKE_BUILD_TYPE STREQUAL Sanitize)
    target_compile_options(${target} PRIVATE -O1 -fsanitize=fuzzer-no-link)
    target_link_options(${target} PRIVATE -fsanitize=fuzzer)
  else()
    target_sources(${target} PRIVATE fuzz/replay.cpp)
  endif()
  add_test(NAME "fuzz: ${name}" COMMAND bash "${CMAKE_CURRENT_SOURCE_DIR}/fuzz/libfuzzer.sh" $<TARGET_FILE:${target}>
                                        "${CMAKE_CURRENT_SOURCE_DIR}/fuzz/${name}")
  set_tests_properties("fuzz: ${name}" PROPERTIES LABELS fuzz)
endfunction()

if(TARGET abell::votes)
  abell_add_libfuzzer_test(votes abell::votes)
  abell_add_libfuzzer_test(mapping abell::votes)
endif()
if(TARGET abell::fits)
  abell_add_libfuzzer_test(regions abell::fits)
  abell_add_libfuzzer_test(tables abell::fits)
  abell_add_libfuzzer_test(votable abell::fits)
endif()
if(TARGET abell::weights)
  abell_add_libfuzzer_test(safetensors abell::weights)
  abell_add_libfuzzer_test(checkpoint abell::weights)
endif()
if(TARGET abell::keras)
  abell_add_libfuzzer_test(keras_h5 abell::keras)
  abell_add_libfuzzer_test(keras_config abell::keras)
endif()

if(TARGET abell::onnx)
  abell_add_libfuzzer_test(onnx abell::onnx)
endif()
abell_add_libfuzzer_test(fits_name abell::abell)

if(TARGET abell::images)
  abell_add_libfuzzer_test(png abell::images)
  abell_add_libfuzzer_test(jpeg abell::images)
endif()

# CFITSIO and wcslib are not instrumented, so that coverage would not lead the way: it damages files itself.
if(TARGET abell::fits)
  abell_add_fuzz_program(fits abell::fits)
  add_test(NAME "fuzz: fits" COMMAND abell-fuzz-fits)
  set_tests_properties("fuzz: fits" PROPERTIES LABELS fuzz)
endif()
