# recollect_version: what base/build_info.hpp tells about this program. The code version is asked of
# git at every build; its file is rewritten, and one tiny source compiled, only when it has changed.
set(version_source "${PROJECT_BINARY_DIR}/generated/code_version.cpp")
add_custom_target(recollect_code_version
  COMMAND "${CMAKE_COMMAND}" "-Dsource_dir=${PROJECT_SOURCE_DIR}" "-Doutput=${version_source}"
          -P "${PROJECT_SOURCE_DIR}/cmake/write_code_version.cmake"
  BYPRODUCTS "${version_source}"
  COMMENT "Code version"
  VERBATIM)

# Warnings do not change what is computed: a build that treats them as errors is the same build.
string(TOUPPER "${CMAKE_BUILD_TYPE}" build_type)
string(JOIN " " build_type_flags ${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_${build_type}})
set(number_options
  "$<FILTER:$<TARGET_PROPERTY:recollect_flags,INTERFACE_COMPILE_OPTIONS>,EXCLUDE,^(-W|-fpch|SHELL:)>")

add_library(recollect_version STATIC
  "${PROJECT_SOURCE_DIR}/base/build_info.cpp" "${version_source}")
add_dependencies(recollect_version recollect_code_version)
target_link_libraries(recollect_version PRIVATE recollect_flags)
target_compile_definitions(recollect_version PRIVATE
  "RECOLLECT_COMPILER=\"${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}\""
  "RECOLLECT_BUILD_TYPE=\"${CMAKE_BUILD_TYPE}\""
  "RECOLLECT_PROCESSOR=\"${CMAKE_SYSTEM_PROCESSOR}\""
  "RECOLLECT_BUILD_FLAGS=\"${build_type_flags} $<JOIN:${number_options}, >\"")
