# Fails when a source includes what the direction of the tree forbids (data flows downwards; see
# docs/architecture.md), or prints where only harness/cli may. Reads the sources under `root`.
#   cmake -Droot=DIR -P cmake/check_includes.cmake
# It sees what a file names itself, not what that brings in turn.

# One line a part of the tree: its path, and the paths it may include. A file belongs to the first
# line whose path its own begins with, so the narrower ones come first.
set(rules
  "base/                     base/"
  "math/                     base/ math/"
  "tasks/                    base/ math/ tasks/"
  "models/kernels/           base/ math/ models/kernels/"
  "models/layers/            base/ math/ models/(kernels|layers)/ models/[a-z_]+[.]hpp"
  "models/level_weights/     base/ math/ models/(kernels|layers|level_weights)/ models/[a-z_]+[.]hpp"
  "models/linear_attention/  base/ math/ models/"
  "models/attention/         base/ math/ models/"
  "models/shortcuts/         base/ math/ models/"
  "models/                   base/ math/ models/"
  "harness/config/           base/ math/ tasks/ models/ harness/config/"
  "harness/stats/            base/ math/rng.hpp harness/stats/"
  "harness/store/            base/ math/ tasks/ models/ harness/(config|store|train)/"
  "harness/train/            base/ math/ tasks/ models/ harness/(config|store|train)/"
  "harness/sweep/            base/ math/ tasks/ models/ harness/(config|store|train|sweep)/"
  "harness/report/           base/ math/ tasks/ models/ harness/(config|store|train|stats|sweep|report)/"
  "harness/compare/          base/ math/ tasks/ models/ harness/(config|store|train|stats|sweep|report|compare)/"
  "harness/bench/            base/ math/ tasks/ models/ harness/(config|store|train|stats|report|bench)/"
  "harness/cli/              base/ math/ tasks/ models/ harness/")
# What the lines above would allow and must not: "part forbidden-include".
set(exceptions
  "tasks/                    math/view[.]hpp"
  "tasks/                    (unsupported/)?Eigen/"
  "models/layers/            models/sequence_model[.]hpp"
  "models/level_weights/     models/sequence_model[.]hpp"
  "models/linear_attention/  models/sequence_model[.]hpp"
  "models/attention/         models/sequence_model[.]hpp"
  "models/shortcuts/         models/sequence_model[.]hpp")
set(our_folders "(base|math|tasks|models|harness|tests|bench)/")
# Building a string is not printing: fmt::format and snprintf are free to use.
set(printing
  "std::(cout|cerr|clog|puts|putchar|printf|print|println)[^A-Za-z0-9_]|fmt::print(ln)?[ \n]*[(]|[^A-Za-z0-9_](printf|vprintf|puts|putchar)[ \n]*[(]|[^A-Za-z0-9_]fprintf[ \n]*[(][ \n]*std(out|err)|<iostream>")

set(violations "")

# Reports `what` at the line of `file` on which `found`, a piece of `text`, first stands.
function(violation file text found what)
  string(FIND "${text}" "${found}" position)
  string(SUBSTRING "${text}" 0 ${position} before)
  string(REGEX REPLACE "[^\n]" "" newlines "${before}")
  string(LENGTH "${newlines}" line)
  math(EXPR line "${line} + 1")
  set(violations "${violations}${file}:${line}: ${what}\n" PARENT_SCOPE)
endfunction()

file(GLOB_RECURSE files RELATIVE "${root}"
  "${root}/base/*.[ch]pp" "${root}/math/*.[ch]pp" "${root}/tasks/*.[ch]pp" "${root}/models/*.[ch]pp" "${root}/harness/*.[ch]pp")
list(LENGTH files count)
if(count EQUAL 0)
  message(FATAL_ERROR "no sources under '${root}'")
endif()

foreach(file IN LISTS files)
  set(part "")
  foreach(rule IN LISTS rules)
    string(REGEX MATCH "^([^ ]+) +(.+)$" matched "${rule}")
    set(path "${CMAKE_MATCH_1}")
    set(allowed_by_rule "${CMAKE_MATCH_2}")
    if(file MATCHES "^${path}")
      set(part "${path}")
      string(REPLACE " " "|" allowed "^(${allowed_by_rule})")
      break()
    endif()
  endforeach()
  if(part STREQUAL "")
    string(APPEND violations "${file}:1: in no known part of the tree; add it to check_includes.cmake\n")
    continue()
  endif()

  file(READ "${root}/${file}" text)
  string(REGEX REPLACE "//[^\n]*" "" text "${text}")
  string(REGEX MATCHALL "(^|\n)[ \t]*#[ \t]*include[ \t]*[<\"][^>\"\n]+[>\"]" includes "${text}")
  foreach(include IN LISTS includes)
    string(REGEX REPLACE "^[^<\"]*([<\"].*[>\"])$" "\\1" quoted "${include}")
    string(REGEX REPLACE "[<>\"]" "" target "${quoted}")
    if(target MATCHES "[.][.]/" OR (quoted MATCHES "^\"" AND NOT target MATCHES "^${our_folders}"))
      violation("${file}" "${text}" "${quoted}" "includes ${quoted}; name it from the root of the tree")
    elseif(target MATCHES "^${our_folders}" AND NOT target MATCHES "${allowed}")
      violation("${file}" "${text}" "${quoted}" "${part} must not include ${quoted}")
    else()
      foreach(exception IN LISTS exceptions)
        string(REGEX MATCH "^([^ ]+) +(.+)$" matched "${exception}")
        set(path "${CMAKE_MATCH_1}")
        set(forbidden "${CMAKE_MATCH_2}")
        if(path STREQUAL part AND target MATCHES "^${forbidden}")
          violation("${file}" "${text}" "${quoted}" "${part} must not include ${quoted}")
        endif()
      endforeach()
    endif()
  endforeach()

  if(NOT part STREQUAL "harness/cli/" AND text MATCHES "${printing}")
    violation("${file}" "${text}" "${CMAKE_MATCH_0}" "only harness/cli prints")
  endif()
endforeach()

if(violations)
  message(NOTICE "${violations}")
  message(FATAL_ERROR "the direction of the tree is broken")
endif()
message("${count} sources keep the direction of the tree")
