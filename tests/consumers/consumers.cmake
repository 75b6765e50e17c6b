# Programs of other people: each way of getting abell builds a small program and runs it. The README's
# own program is taken from its page and built as the page says. One adds a layer, a loss and an optimizer.

if(NOT ABELL_INSTALL)
  return()
endif()

set(ways install find_package components pkg_config add_subdirectory readme extend)
if(CMAKE_BUILD_TYPE STREQUAL Release)
  list(APPEND ways kernels) # what sanitizers build links with sanitizers only
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_BUILD_TYPE STREQUAL Sanitize)
  list(APPEND ways readme_sanitized) # takes a minute
endif()
foreach(way IN LISTS ways)
  set(test "consumers: ${way}")
  add_test(NAME "${test}" COMMAND bash "${CMAKE_CURRENT_SOURCE_DIR}/consumers/${way}.sh")
  set_tests_properties(
    "${test}"
    PROPERTIES LABELS consumers
               ENVIRONMENT
               "ABELL_CXX=${CMAKE_CXX_COMPILER};ABELL_BUILD=${PROJECT_BINARY_DIR};ABELL_PREFIX=${PROJECT_BINARY_DIR}/consumers;ABELL_SOURCE=${PROJECT_SOURCE_DIR}")
  if(way STREQUAL "install")
    set_tests_properties("${test}" PROPERTIES FIXTURES_SETUP abell_installed)
  elseif(way STREQUAL "readme_sanitized")
    set_tests_properties("${test}" PROPERTIES LABELS sanitized)
  else()
    set_tests_properties("${test}" PROPERTIES FIXTURES_REQUIRED abell_installed)
  endif()
endforeach()
