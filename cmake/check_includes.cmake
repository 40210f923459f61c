# Fails when a source includes what the direction of the tree forbids (data flows downwards; see
# docs/architecture.md), where includes go round in a circle, or prints where only harness/cli may.
# Reads the sources under `root`.
#   cmake -Droot=DIR -P cmake/check_includes.cmake
# It sees what a file names itself, not what that brings in turn.
cmake_policy(VERSION 3.25)
include("${CMAKE_CURRENT_LIST_DIR}/include_cycles.cmake")

# One line a part of the tree: its path, and the paths it may include. A file belongs to the first
# line whose path its own begins with, so the narrower ones come first.
set(rules
  "base/                     base/"
  "math/                     base/ math/"
  "tasks/                    base/ math/ tasks/"
  "models/kernels/           base/ math/ models/kernels/"
  "models/layers/            base/ math/ models/(kernels|layers)/ models/(mixer|settings|parameters|choose_path)[.]hpp"
  "models/level_weights/     base/ math/ models/(kernels|layers|level_weights)/ models/(mixer|settings|parameters|choose_path)[.]hpp"
  "models/linear_attention/  base/ math/ models/(kernels|layers|level_weights|linear_attention)/ models/(mixer|settings|parameters|choose_path)[.]hpp"
  "models/tape/              base/ math/ models/(kernels|layers|linear_attention|tape)/ models/(mixer|settings|parameters|choose_path)[.]hpp"
  "models/tape_cores/        base/ math/ models/(kernels|layers|level_weights|linear_attention|attention|tape|tape_cores)/ models/(mixer|settings|parameters|choose_path)[.]hpp"
  "models/attention/         base/ math/ models/(kernels|layers|attention)/ models/(mixer|settings|parameters|choose_path)[.]hpp"
  "models/shortcuts/         base/ math/ models/(kernels|layers|level_weights|linear_attention|shortcuts)/ models/(mixer|settings|parameters|choose_path)[.]hpp"
  "models/mixers/            base/ math/ models/[a-z_]+/ models/(mixer|whole_sequence_mixer|settings|parameters|choose_path|segment|mixer_settings)[.]hpp"
  "models/(mixer|settings|parameters|choose_path)[.]  base/ math/ models/(mixer|settings|parameters|choose_path)[.]hpp"
  "models/                   base/ math/ models/"
  "harness/arrays/           base/ tasks/example_arrays[.]hpp harness/arrays/"
  "harness/config/           base/ math/ tasks/ models/ harness/(arrays|config)/"
  "harness/stats/            base/ math/rng.hpp harness/stats/"
  "harness/store/            base/ tasks/(task|registry)[.]hpp models/parameters.hpp harness/(arrays|config|store)/"
  "harness/train/            base/ math/ tasks/ models/ harness/(config|store|train)/"
  "harness/sweep/            base/ math/ tasks/ models/ harness/(config|store|train|sweep)/"
  "harness/results/          base/ tasks/ models/outside[.]hpp harness/(config|store|stats|results)/"
  "harness/render/           base/ harness/(config|store|stats|results|render)/"
  "harness/plot/             base/ harness/(config|store|stats|results|inspect|plot)/"
  "harness/compare/          base/ harness/(store|stats|results|render|inspect|compare)/"
  "harness/page/             base/ harness/(config|store|stats|results|render|compare|inspect|plot|page)/"
  "harness/bench/            base/ math/ tasks/ models/ harness/(config|store|train|stats|render|bench)/"
  "harness/inspect/          base/ tasks/ models/ harness/(config|store|train|render|show|inspect)/"
  "harness/show/             base/ tasks/ harness/(config|store|train|render|show)/"
  "harness/exchange/         base/ math/ tasks/ models/ harness/(arrays|config|store|train|sweep|inspect|exchange)/"
  "harness/live/             base/ tasks/ models/settings[.]hpp harness/(config|store|train|sweep|render|live)/"
  "harness/cli/              base/ math/ tasks/ models/ harness/"
  "python/                   base/ math/ tasks/ models/ harness/(arrays|config|store|train|sweep|exchange|results|render|show|inspect|live)/ python/")
# What the lines above would allow and must not: "part forbidden-include".
set(exceptions
  "tasks/                    math/view[.]hpp"
  "tasks/                    (unsupported/)?Eigen/")
# Includes that close a circle and are known; the list may only shrink. Of a cycle between files a
# header and its source are one, named without their ending. Between folders, a file that stands
# beside folders (models/mixer) counts as a folder of its own.
if(NOT DEFINED known_cycles)
  set(known_cycles "")
endif()
set(our_folders "(base|math|tasks|models|harness|python|tests|bench)/")
# Building a string is not printing: fmt::format and snprintf are free to use.
set(printing
  "std::(cout|cerr|clog|puts|putchar|printf|print|println)[^A-Za-z0-9_]|fmt::print(ln)?[ \n]*[(]|[^A-Za-z0-9_](printf|vprintf|puts|putchar)[ \n]*[(]|[^A-Za-z0-9_]fprintf[ \n]*[(][ \n]*std(out|err)|<iostream>")

set(violations "")
set(file_edges "")
set(folder_edges "")

# What a source or header counts as between files and between folders.
function(nodes_of file unit folder)
  string(REGEX REPLACE "[.][ch]pp$" "" name "${file}")
  set(${unit} "${name}" PARENT_SCOPE)
  if(name MATCHES "^(models|harness)/[^/]+$")
    set(${folder} "${name}" PARENT_SCOPE)
  else()
    get_filename_component(parent "${file}" DIRECTORY)
    set(${folder} "${parent}" PARENT_SCOPE)
  endif()
endfunction()

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
  "${root}/base/*.[ch]pp" "${root}/math/*.[ch]pp" "${root}/tasks/*.[ch]pp" "${root}/models/*.[ch]pp" "${root}/harness/*.[ch]pp"
  "${root}/python/*.[ch]pp")
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
    nodes_of("${file}" from from_folder)
    nodes_of("${target}" to to_folder)
    if(EXISTS "${root}/${target}" AND NOT from STREQUAL to)
      list(APPEND file_edges "${from} -> ${to}")
      if(NOT from_folder STREQUAL to_folder)
        list(APPEND folder_edges "${from_folder} -> ${to_folder}")
      endif()
    endif()
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

foreach(kind file folder)
  set(edges "${${kind}_edges}")
  list(REMOVE_DUPLICATES edges)
  set(all_${kind}_edges "${edges}")
  if(known_cycles)
    list(REMOVE_ITEM edges ${known_cycles})
  endif()
  find_cycles("${edges}" cycles)
  foreach(cycle IN LISTS cycles)
    string(APPEND violations "includes of ${kind}s in a circle: ${cycle}\n")
  endforeach()
endforeach()
foreach(edge IN LISTS known_cycles)
  is_on_cycle("${all_file_edges}" "${edge}" among_files)
  is_on_cycle("${all_folder_edges}" "${edge}" among_folders)
  if(NOT among_files AND NOT among_folders)
    string(APPEND violations
      "${edge} closes no circle any more; take it out of known_cycles in check_includes.cmake\n")
  endif()
endforeach()

if(violations)
  message(NOTICE "${violations}")
  message(FATAL_ERROR "the direction of the tree is broken")
endif()
list(LENGTH known_cycles known)
message("${count} sources keep the direction of the tree; ${known} known includes close a circle")
