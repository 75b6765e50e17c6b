# The interface targets. abell::abell needs OpenMP, and Eigen for core/eigen.hpp, only; each further target stands for
# headers that read or write files, and is left out when its library is missing.

include(GNUInstallDirs)

# A project that adds abell by add_subdirectory must see the libraries that its targets link.
set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL ON)
find_package(Eigen3 3.4 REQUIRED NO_MODULE)
find_package(OpenMP REQUIRED COMPONENTS CXX)
include("${CMAKE_CURRENT_LIST_DIR}/AbellDependencies.cmake")

add_library(abell INTERFACE)
add_library(abell::abell ALIAS abell)
target_compile_features(abell INTERFACE cxx_std_20)
target_include_directories(abell INTERFACE "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>"
                                           "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
target_link_libraries(abell INTERFACE Eigen3::Eigen OpenMP::OpenMP_CXX)

# Components that are there, in the order in which they must be loaded.
set(ABELL_COMPONENTS abell)

# abell_add_component(name NEEDS targets...): adds abell::<name> on top of abell::abell and of the
# targets named, when all of them exist.
function(abell_add_component name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "NEEDS")
  foreach(needed IN LISTS arg_NEEDS)
    if(NOT TARGET ${needed})
      message(STATUS "abell::${name} is left out: ${needed} was not found")
      return()
    endif()
  endforeach()
  add_library(abell_${name} INTERFACE)
  add_library(abell::${name} ALIAS abell_${name})
  set_target_properties(abell_${name} PROPERTIES EXPORT_NAME ${name})
  target_link_libraries(abell_${name} INTERFACE abell::abell ${arg_NEEDS})
  set(ABELL_COMPONENTS ${ABELL_COMPONENTS} ${name} PARENT_SCOPE)
endfunction()

abell_find_dependency(images)
abell_add_component(images NEEDS stb::stb)
abell_find_dependency(fits)
abell_add_component(fits NEEDS PkgConfig::CFITSIO PkgConfig::WCSLIB PkgConfig::ERFA PkgConfig::PUGIXML
                               PkgConfig::YAML_CPP ZLIB::ZLIB)
abell_find_dependency(weights)
abell_add_component(weights NEEDS nlohmann_json::nlohmann_json)
abell_find_dependency(keras)
abell_add_component(keras NEEDS nlohmann_json::nlohmann_json PkgConfig::HDF5 PkgConfig::LIBZIP)
abell_find_dependency(onnx)
abell_add_component(onnx NEEDS onnx_proto protobuf::libprotobuf)
abell_add_component(votes NEEDS nlohmann_json::nlohmann_json)
abell_add_component(sky)

# abell::kernels: the kernels of all instruction sets, the layers, networks and their training as a static library, so
# that units need not compile them again and again. Optimised in every build: they run long otherwise.
add_library(abell_kernels STATIC "${PROJECT_SOURCE_DIR}/cmake/kernels.cpp")
add_library(abell::kernels ALIAS abell_kernels)
set_target_properties(abell_kernels PROPERTIES EXPORT_NAME kernels POSITION_INDEPENDENT_CODE ON)
target_compile_options(abell_kernels PRIVATE $<$<OR:$<CONFIG:>,$<CONFIG:Debug>>:-O2> $<$<CONFIG:Sanitize>:-O1>)
target_compile_definitions(abell_kernels PUBLIC ABELL_COMPILED_KERNELS)
target_link_libraries(abell_kernels PUBLIC abell::abell)
if(ABELL_INSTALL)
  list(APPEND ABELL_COMPONENTS kernels)
else()
  set_target_properties(abell_kernels PROPERTIES EXCLUDE_FROM_ALL ON)
endif()
