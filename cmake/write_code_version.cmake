# Writes `output`, a source that defines recollect::code_version(), from the git checkout in
# `source_dir`; leaves the file alone when it would not change. Run with cmake -P.
find_program(GIT git)
set(version "unknown")
if(GIT)
  # An unpacked archive inside somebody else's checkout must not borrow that checkout's version.
  execute_process(COMMAND "${GIT}" rev-parse --show-prefix WORKING_DIRECTORY "${source_dir}"
    OUTPUT_VARIABLE prefix RESULT_VARIABLE failed OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(NOT failed AND prefix STREQUAL "")
    # Without optional locks a build does not disturb a commit that is being made at the same time.
    execute_process(COMMAND "${GIT}" --no-optional-locks describe --always --dirty
      WORKING_DIRECTORY "${source_dir}"
      OUTPUT_VARIABLE described RESULT_VARIABLE failed OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    if(NOT failed)
      set(version "${described}")
      # As behind a tag: a commit of digits alone, or 12e4567, is a number to those who read tables.
      if(version MATCHES "^[0-9a-f]+(-dirty)?$")
        set(version "g${version}")
      endif()
    endif()
  endif()
endif()

# file(CONFIGURE) keeps the time stamp of a file whose content stays the same.
file(CONFIGURE OUTPUT "${output}" @ONLY CONTENT [[
#include "base/build_info.hpp"

namespace recollect {

std::string_view code_version() noexcept { return "@version@"; }

}  // namespace recollect
]])
