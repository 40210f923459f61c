# One target carries the language standard, the warnings and the options that decide numbers.
add_library(recollect_flags INTERFACE)
target_compile_features(recollect_flags INTERFACE cxx_std_20)
target_include_directories(recollect_flags INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<INSTALL_INTERFACE:${RECOLLECT_HEADERS}>)
# Warnings are for this tree alone; whoever uses the libraries has others.
set(warnings
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion
  # clang counts changes of sign as conversions, g++ does not: both check the same.
  $<$<CXX_COMPILER_ID:Clang>:-Wno-sign-conversion>
  $<$<BOOL:${RECOLLECT_WERROR}>:-Werror>
  # g++ 12 calls its own AVX-512 intrinsics uninitialised: https://gcc.gnu.org/PR105593
  "$<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-uninitialized;-Wno-maybe-uninitialized>")
target_compile_options(recollect_flags INTERFACE "$<BUILD_INTERFACE:${warnings}>")
target_compile_options(recollect_flags INTERFACE
  # No a*b+c is fused behind our back: data and initial weights are the same bytes everywhere.
  # Eigen asks for fused operations by name, so products lose nothing.
  -ffp-contract=off
  # The same roots, but without a call that sets errno for negative numbers: loops become vectors.
  -fno-math-errno
  $<$<BOOL:${RECOLLECT_PROCESSOR}>:-march=${RECOLLECT_PROCESSOR}>)

# Eigen must not thread tiny products by itself: we run one sequence a thread.
# The stack limit keeps its packing buffers off the heap for every product we make.
target_compile_definitions(recollect_flags INTERFACE
  EIGEN_DONT_PARALLELIZE
  EIGEN_STACK_ALLOCATION_LIMIT=1048576)

# Highway's vectors are those of the target that the compiler was told, with no choice at run time:
# it would change bits. It asks for AES before it uses AVX2, which -march=x86-64-v3 does not promise
# and we do not need. Its assertions would need its library; we use its headers alone.
target_compile_definitions(recollect_flags INTERFACE
  HWY_COMPILE_ONLY_STATIC
  HWY_DISABLE_PCLMUL_AES
  HWY_IS_DEBUG_BUILD=0)
# On 64-bit Arm that is NEON. Highway compiles it for processors with AES, unless it is told that there is
# nothing to choose from at run time. SVE is out: its vectors have no size that an array could have.
if(CMAKE_SYSTEM_PROCESSOR STREQUAL aarch64)
  target_compile_definitions(recollect_flags INTERFACE
    TOOLCHAIN_MISS_SYS_AUXV_H
    "HWY_DISABLED_TARGETS=(HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)")
endif()

if(RECOLLECT_SANITIZE)
  target_compile_options(recollect_flags INTERFACE
    -fsanitize=${RECOLLECT_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(recollect_flags INTERFACE -fsanitize=${RECOLLECT_SANITIZE})
endif()

set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# ccache makes the second build of a clone quick; without it everything builds just the same. It has to
# be told that a precompiled header may be trusted.
find_program(RECOLLECT_CCACHE ccache)
if(RECOLLECT_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER
    "${CMAKE_COMMAND}" -E env CCACHE_SLOPPINESS=pch_defines,time_macros "${RECOLLECT_CCACHE}")
  target_compile_options(recollect_flags INTERFACE
    $<BUILD_INTERFACE:$<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>>
    "$<BUILD_INTERFACE:$<$<CXX_COMPILER_ID:Clang>:SHELL:-Xclang -fno-pch-timestamp>>")
endif()
