# Tests of the house itself: every header alone, headers together and in other orders, the order of
# the floors, the length of files. They compile with the compiler of the build, in bash scripts.

get_target_property(eigen_includes Eigen3::Eigen INTERFACE_INCLUDE_DIRECTORIES)
string(REPLACE ";" " " structure_includes "${eigen_includes};${HDF5_INCLUDE_DIRS}")
set(structure_environment
    "ABELL_CXX=${CMAKE_CXX_COMPILER}" #
    "ABELL_OPENMP=${OpenMP_CXX_FLAGS}" #
    "ABELL_INCLUDES=${structure_includes}" #
    "ABELL_SOURCE=${PROJECT_SOURCE_DIR}")

function(abell_add_structure_test name label script)
  add_test(NAME "structure: ${name}" COMMAND bash "${CMAKE_CURRENT_SOURCE_DIR}/structure/${script}" ${ARGN})
  set_tests_properties("structure: ${name}" PROPERTIES LABELS "${label}" ENVIRONMENT "${structure_environment}")
endfunction()

abell_add_structure_test("a file includes lower floors only" structure floors.sh)
abell_add_structure_test("the floors test finds broken floors" structure floors_detect.sh)
abell_add_structure_test("no file is too long" structure file_length.sh)
abell_add_structure_test("every file is written through AtomicFile" structure atomic_writes.sh)
abell_add_structure_test("two units with abell.hpp link and run" headers two_units.sh)

file(
  GLOB_RECURSE headers CONFIGURE_DEPENDS
  RELATIVE "${PROJECT_SOURCE_DIR}/include"
  "${PROJECT_SOURCE_DIR}/include/*.hpp")
foreach(header IN LISTS headers)
  abell_add_structure_test("${header} compiles alone" header-alone header_alone.sh "${header}")
endforeach()

file(
  GLOB leaves CONFIGURE_DEPENDS
  RELATIVE "${PROJECT_SOURCE_DIR}/include"
  "${PROJECT_SOURCE_DIR}/include/abell/kernels/isa/*.inl")
foreach(leaf IN LISTS leaves)
  abell_add_structure_test("${leaf} compiles alone" header-alone leaf_alone.sh "${leaf}")
endforeach()

if(TARGET abell::images AND TARGET abell::fits AND TARGET abell::keras AND TARGET abell::onnx)
  string(REPLACE ";" " " structure_libraries "${CFITSIO_LDFLAGS};${WCSLIB_LDFLAGS};${ERFA_LDFLAGS};${PUGIXML_LDFLAGS};${YAML_CPP_LDFLAGS};${HDF5_LDFLAGS}")
  list(APPEND structure_environment "ABELL_LIBRARIES=${structure_libraries} -lz -lonnx_proto -lprotobuf")
  abell_add_structure_test("all headers in any order link and run" headers any_order.sh)
endif()
