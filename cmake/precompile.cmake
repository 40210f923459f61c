# Headers that nearly every source reads are parsed once a set of compiler options. Off: every source is
# parsed whole, which shows an include that is missing.
option(RECOLLECT_PRECOMPILE "Parse common headers once" ON)

# recollect_precompile(TARGET [HEADER...]): the common headers, taken over from recollect_base, which
# must be compiled with the same options, unless more headers are named.
function(recollect_precompile target)
  if(NOT RECOLLECT_PRECOMPILE)
    return()
  endif()
  # Fuzzers are built with options of their own for some libraries: nothing can be taken over.
  if(target STREQUAL recollect_base OR ARGN OR RECOLLECT_FUZZ)
    target_precompile_headers(${target} PRIVATE "${PROJECT_SOURCE_DIR}/base/precompiled.hpp" ${ARGN})
  else()
    target_precompile_headers(${target} REUSE_FROM recollect_base)
  endif()
endfunction()
