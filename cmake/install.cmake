# What `cmake --install` puts where: the program with its configurations and pages (component program), and the
# libraries, headers and CMake files of find_package(recollect) (component development).
include(CMakePackageConfigHelpers)

# recollect_library(NAME TARGET): recollect::NAME, here and where it is installed.
function(recollect_library name target)
  add_library(recollect::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  install(TARGETS ${target} EXPORT recollect
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT development
    OBJECTS DESTINATION "${CMAKE_INSTALL_LIBDIR}/recollect" COMPONENT development)
endfunction()

# In the order of the tree; each brings those before it.
recollect_library(flags recollect_flags)
recollect_library(version recollect_version)
recollect_library(processor recollect_processor)
recollect_library(base recollect_base)
recollect_library(math recollect_math)
recollect_library(tasks recollect_tasks)
recollect_library(models recollect_models)
recollect_library(harness recollect_harness)
recollect_library(cli recollect_cli)
recollect_library(program recollect_program)
recollect_library(contract_checks recollect_contract_checks)
recollect_library(contracts recollect_contract_program)
add_custom_target(recollect_libraries DEPENDS recollect_program recollect_contract_program)

# Headers keep their places. Left out is what would need a package that only building needs.
install(DIRECTORY base math tasks models harness
  DESTINATION "${RECOLLECT_HEADERS}" COMPONENT development
  FILES_MATCHING PATTERN "*.hpp"
  PATTERN "precompiled.hpp" EXCLUDE PATTERN "simd.hpp" EXCLUDE
  PATTERN "harness/cli" EXCLUDE)
install(FILES harness/cli/cli_main.hpp DESTINATION "${RECOLLECT_HEADERS}/harness/cli" COMPONENT development)
install(DIRECTORY tests/contracts tests/support
  DESTINATION "${RECOLLECT_HEADERS}/tests" COMPONENT development
  FILES_MATCHING
  PATTERN "contracts/contracts.hpp" PATTERN "contracts/contracts_main.hpp" PATTERN "contracts/checks.hpp"
  PATTERN "contracts/learning.hpp" PATTERN "support/mixer_fixture.hpp" PATTERN "support/model_options.hpp"
  PATTERN "support/random_numbers.hpp" PATTERN "support/tensor_names.hpp" PATTERN "support/test_model.hpp")

set(package "${CMAKE_INSTALL_LIBDIR}/cmake/recollect")
install(EXPORT recollect NAMESPACE recollect:: FILE recollectTargets.cmake
  DESTINATION "${package}" COMPONENT development)
configure_package_config_file(cmake/recollectConfig.cmake.in "${PROJECT_BINARY_DIR}/recollectConfig.cmake"
  INSTALL_DESTINATION "${package}" NO_SET_AND_CHECK_MACRO)
# Before 1.0 a minor version may change anything.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/recollectConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/recollectConfig.cmake" "${PROJECT_BINARY_DIR}/recollectConfigVersion.cmake"
  DESTINATION "${package}" COMPONENT development)

install(TARGETS recollect RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT program)
install(DIRECTORY configs DESTINATION "${CMAKE_INSTALL_DATADIR}/recollect" COMPONENT program)
install(FILES README.md CHANGELOG.md DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT program)
install(DIRECTORY docs DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT program)
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DOCDIR}" RENAME copyright COMPONENT program)
