# Headers, the CMake package and abell.pc. Nothing of them depends on the architecture, so all goes to share/;
# libabell_kernels.a, a component of its own, goes to lib/.

include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_DATADIR}/cmake/abell")
install(
  DIRECTORY "${PROJECT_SOURCE_DIR}/include/abell"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
  COMPONENT abell_headers
  FILES_MATCHING
  PATTERN "*.hpp"
  PATTERN "*.inl")

# One export a component: a consumer loads only those whose libraries it has.
foreach(component IN LISTS ABELL_COMPONENTS)
  set(target abell)
  if(NOT component STREQUAL "abell")
    set(target abell_${component})
  endif()
  set(part abell_headers)
  if(component STREQUAL "kernels")
    set(part abell_kernels)
  endif()
  install(
    TARGETS ${target}
    EXPORT abell-${component}
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT ${part})
  install(
    EXPORT abell-${component}
    NAMESPACE abell::
    FILE abell-${component}.cmake
    DESTINATION "${package_dir}"
    COMPONENT ${part})
endforeach()

configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/abellConfig.cmake.in"
                              "${PROJECT_BINARY_DIR}/abellConfig.cmake" INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file(
  "${PROJECT_BINARY_DIR}/abellConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion
  ARCH_INDEPENDENT)
configure_file("${PROJECT_SOURCE_DIR}/cmake/abell.pc.in" "${PROJECT_BINARY_DIR}/abell.pc" @ONLY)

install(
  FILES "${PROJECT_BINARY_DIR}/abellConfig.cmake" "${PROJECT_BINARY_DIR}/abellConfigVersion.cmake"
        "${PROJECT_SOURCE_DIR}/cmake/AbellDependencies.cmake"
  DESTINATION "${package_dir}"
  COMPONENT abell_headers)
install(
  FILES "${PROJECT_BINARY_DIR}/abell.pc"
  DESTINATION "${CMAKE_INSTALL_DATADIR}/pkgconfig"
  COMPONENT abell_headers)
