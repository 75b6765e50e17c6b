# Programs of other people: each way of getting abell builds a small program and runs it. The README's
# own program is taken from its page and built as the page says.

set(consumer_prefix "${PROJECT_BINARY_DIR}/consumers/prefix")
if(ABELL_INSTALL)
  add_test(NAME "consumers: install" COMMAND "${CMAKE_COMMAND}" --install "${PROJECT_BINARY_DIR}" --prefix
                                             "${consumer_prefix}" --component abell_headers)
  set_tests_properties("consumers: install" PROPERTIES LABELS consumers FIXTURES_SETUP abell_installed)

  foreach(way IN ITEMS find_package components pkg_config add_subdirectory readme)
    add_test(NAME "consumers: ${way}" COMMAND bash "${CMAKE_CURRENT_SOURCE_DIR}/consumers/${way}.sh")
    set_tests_properties(
      "consumers: ${way}"
      PROPERTIES LABELS consumers
                 FIXTURES_REQUIRED abell_installed
                 SKIP_RETURN_CODE 77
                 ENVIRONMENT
                 "ABELL_CXX=${CMAKE_CXX_COMPILER};ABELL_PREFIX=${consumer_prefix};ABELL_SOURCE=${PROJECT_SOURCE_DIR}")
  endforeach()
endif()
