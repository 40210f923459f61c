# Proves that check_includes.cmake can fail: plants one violation at a time in a tiny tree that keeps
# the rules, and expects the check to name it. Run with cmake -P.
#   cmake -Dwork=EMPTY_FOLDER -P cmake/check_includes_test.cmake
cmake_policy(VERSION 3.25)
set(check "${CMAKE_CURRENT_LIST_DIR}/check_includes.cmake")
set(failures "")

# `known`: the list of cycles that are known.
function(run_check output result)
  execute_process(COMMAND "${CMAKE_COMMAND}" "-Droot=${work}" "-Dknown_cycles=${known}" -P "${check}"
    OUTPUT_VARIABLE out ERROR_VARIABLE out RESULT_VARIABLE status)
  set(${output} "${out}" PARENT_SCOPE)
  set(${result} "${status}" PARENT_SCOPE)
endfunction()

function(plant_clean_tree)
  file(REMOVE_RECURSE "${work}")
  file(WRITE "${work}/math/view.hpp" "#include <Eigen/Core>\n#include \"base/error.hpp\"\n")
  file(WRITE "${work}/base/text.cpp" [[
#include <cstdio>
// std::cout << "a comment prints nothing"; #include "tasks/task.hpp"
void f(char* b) { std::snprintf(b, 1, "%d", 0); fmt::format("printf"); snprintf(b, 1, ""); }
]])
  file(WRITE "${work}/tasks/mqar.cpp" "#include \"tasks/mqar.hpp\"\n#include \"math/rng.hpp\"\n")
  file(WRITE "${work}/models/layers/linear.cpp"
    "#include \"models/parameters.hpp\"\n#include \"math/view.hpp\"\n")
  file(WRITE "${work}/models/level_weights/mlp.cpp" "#include \"models/layers/linear.hpp\"\n")
  file(WRITE "${work}/models/linear_attention/core.cpp"
    "#include \"models/level_weights/mlp.hpp\"\n#include \"models/layers/linear.hpp\"\n")
  file(WRITE "${work}/models/sequence_model.cpp" "#include \"models/linear_attention/core.hpp\"\n")
  file(WRITE "${work}/harness/config/load.cpp" "#include \"tasks/mqar.hpp\"\n")
  file(WRITE "${work}/harness/train/trainer.cpp" "#include \"harness/config/load.hpp\"\n")
  file(WRITE "${work}/harness/sweep/run.cpp" "#include \"harness/store/csv.hpp\"\n")
  file(WRITE "${work}/harness/report/table.cpp" "#include \"harness/train/trainer.hpp\"\n")
  # Not a circle: a header and its source include the same file, which includes none of them.
  file(WRITE "${work}/harness/store/csv.hpp" "#include \"harness/config/load.hpp\"\n")
  file(WRITE "${work}/harness/store/csv.cpp"
    "#include \"harness/store/csv.hpp\"\n#include \"harness/config/load.hpp\"\n")
  file(WRITE "${work}/harness/config/load.hpp" "#pragma once\n")
  file(WRITE "${work}/harness/cli/main.cpp"
    "#include <iostream>\n#include \"harness/sweep/run.hpp\"\nint main() { std::cout << 1; }\n")
endfunction()

function(expect_red file line)
  plant_clean_tree()
  file(WRITE "${work}/${file}" "#pragma once\n\n${line}\n")
  run_check(output result)
  if(result EQUAL 0 OR NOT output MATCHES "${file}:3: ")
    set(failures "${failures}not caught: ${file}: ${line}\n${output}\n" PARENT_SCOPE)
  endif()
endfunction()

# Writes files, given as pairs of a path and what it includes, into the clean tree, and expects the
# check to name the cycle.
function(expect_cycle cycle)
  plant_clean_tree()
  set(rest ${ARGN})
  while(rest)
    list(POP_FRONT rest file target)
    file(APPEND "${work}/${file}" "#include \"${target}\"\n")
    if(NOT EXISTS "${work}/${target}")
      file(WRITE "${work}/${target}" "#pragma once\n")
    endif()
  endwhile()
  run_check(output result)
  if(result EQUAL 0 OR NOT output MATCHES "in a circle: ${cycle}\n")
    set(failures "${failures}not caught: ${cycle}\n${output}\n" PARENT_SCOPE)
  endif()
endfunction()

plant_clean_tree()
run_check(output result)
if(NOT result EQUAL 0)
  string(APPEND failures "a tree that keeps the rules is red:\n${output}\n")
endif()

file(REMOVE_RECURSE "${work}")
run_check(output result)
if(result EQUAL 0)
  string(APPEND failures "a folder without sources is green\n")
endif()

plant_clean_tree()
file(WRITE "${work}/harness/new/part.hpp" "#pragma once\n")
run_check(output result)
if(result EQUAL 0)
  string(APPEND failures "a part of the tree that no rule knows is green\n")
endif()

expect_red(base/a.hpp "#include \"tasks/task.hpp\"")
expect_red(base/a.hpp "#include \"models/settings.hpp\"")
expect_red(base/a.hpp "#include \"harness/config/load.hpp\"")
expect_red(base/a.hpp "  #  include \"tasks/task.hpp\"  // spaces do not hide it")
expect_red(base/a.hpp "#include <tasks/task.hpp>")
expect_red(base/a.hpp "#include \"../tasks/task.hpp\"")
expect_red(base/a.hpp "#include \"base/../tasks/task.hpp\"")
expect_red(base/a.hpp "#include \"error.hpp\"")
expect_red(tasks/a.hpp "#include \"models/settings.hpp\"")
expect_red(tasks/a.hpp "#include \"harness/config/load.hpp\"")
expect_red(tasks/a.hpp "#include \"math/view.hpp\"")
expect_red(tasks/a.hpp "#include <Eigen/Dense>")
expect_red(models/a.hpp "#include \"tasks/mqar.hpp\"")
expect_red(models/a.hpp "#include \"harness/config/load.hpp\"")
expect_red(models/layers/a.hpp "#include \"models/level_weights/mlp.hpp\"")
expect_red(models/layers/a.hpp "#include \"models/sequence_model.hpp\"")
expect_red(models/layers/a.hpp "#include \"tasks/task.hpp\"")
expect_red(models/level_weights/a.hpp "#include \"models/linear_attention/core.hpp\"")
expect_red(models/level_weights/a.hpp "#include \"models/sequence_model.hpp\"")
expect_red(models/linear_attention/a.hpp "#include \"models/sequence_model.hpp\"")
expect_red(harness/config/a.hpp "#include \"harness/train/trainer.hpp\"")
expect_red(harness/config/a.hpp "#include \"harness/cli/run.hpp\"")
expect_red(harness/train/a.hpp "#include \"harness/sweep/run.hpp\"")
expect_red(harness/store/a.hpp "#include \"harness/train/trainer.hpp\"")
expect_red(harness/store/a.hpp "#include \"harness/sweep/run.hpp\"")
expect_red(harness/store/a.hpp "#include \"harness/report/table.hpp\"")
expect_red(harness/train/a.hpp "#include \"harness/report/table.hpp\"")
expect_red(harness/stats/a.hpp "#include \"harness/store/csv.hpp\"")
expect_red(harness/sweep/a.hpp "#include \"harness/report/table.hpp\"")
expect_red(base/a.hpp "#include \"math/rng.hpp\"")
expect_red(models/kernels/a.hpp "#include \"models/parameters.hpp\"")
expect_red(harness/sweep/a.hpp "#include \"harness/cli/run.hpp\"")
expect_red(harness/report/a.hpp "#include \"harness/cli/run.hpp\"")
expect_red(harness/bench/a.hpp "#include \"harness/sweep/run.hpp\"")
expect_red(harness/train/a.hpp "#include \"harness/bench/probe.hpp\"")
expect_red(harness/report/a.hpp "#include \"tests/main.hpp\"")
expect_red(base/a.cpp "void f() { std::cout << 1; }")
expect_red(tasks/a.cpp "void f() { std::cerr << 1; }")
expect_red(models/a.cpp "void f() { printf(\"x\"); }")
expect_red(models/layers/a.cpp "void f() { std::printf(\"x\"); }")
expect_red(harness/train/a.cpp "void f() { fmt::print(\"x\"); }")
expect_red(harness/sweep/a.cpp "void f() { fprintf(stderr, \"x\"); }")
expect_red(harness/report/a.cpp "void f() { puts(\"x\"); }")
expect_red(harness/report/a.cpp "#include <iostream>")

# Between files: two headers, through sources, over three files.
expect_cycle("tasks/a -> tasks/b -> tasks/a" tasks/a.hpp tasks/b.hpp tasks/b.hpp tasks/a.hpp)
expect_cycle("tasks/a -> tasks/b -> tasks/a" tasks/a.cpp tasks/b.hpp tasks/b.cpp tasks/a.hpp)
expect_cycle("tasks/a -> tasks/b -> tasks/c -> tasks/a"
  tasks/a.hpp tasks/b.hpp tasks/b.cpp tasks/c.hpp tasks/c.hpp tasks/a.hpp)
# Between folders, though no file leads back to itself; a file beside folders is one of them.
expect_cycle("models/attention -> models/shortcuts -> models/attention"
  models/attention/a.cpp models/shortcuts/b.hpp models/shortcuts/c.cpp models/attention/d.hpp)
expect_cycle("models/layers -> models/mixer -> models/layers"
  models/layers/a.cpp models/mixer.hpp models/mixer.hpp models/layers/b.hpp)

# A cycle that is known is let pass; one that is gone must leave the list.
plant_clean_tree()
file(WRITE "${work}/tasks/a.hpp" "#include \"tasks/b.hpp\"\n")
file(WRITE "${work}/tasks/b.hpp" "#include \"tasks/a.hpp\"\n")
set(known "tasks/b -> tasks/a")
run_check(output result)
if(NOT result EQUAL 0)
  string(APPEND failures "a cycle that is known is red:\n${output}\n")
endif()
file(WRITE "${work}/tasks/b.hpp" "#pragma once\n")
run_check(output result)
if(result EQUAL 0 OR NOT output MATCHES "tasks/b -> tasks/a closes no circle any more")
  string(APPEND failures "a known cycle that is gone is green\n${output}\n")
endif()
set(known "")

file(REMOVE_RECURSE "${work}")
if(failures)
  message(FATAL_ERROR "${failures}")
endif()
message("every planted violation was caught")
