# Proves that check_portable.cmake can fail: plants one call at a time in a tiny tree, and expects the check to
# name its file and line.
#   cmake -Dwork=EMPTY_FOLDER -P cmake/check_portable_test.cmake
cmake_policy(VERSION 3.25)
set(check "${CMAKE_CURRENT_LIST_DIR}/check_portable.cmake")
set(failures "")

function(plant_clean_tree)
  file(REMOVE_RECURSE "${work}")
  file(WRITE "${work}/models/mixers/a.cpp" [[
// std::exp(x) in a comment; eigen(y)
#include "models/kernels/elementwise.hpp"
double f(double x) { return portable::exp(x) + std::sqrt(x) + simd.log(x) + my_exp(x) + explain(x); }
double g(const double* x) { return std::accumulate(x, x + 3, 0.0); }
]])
  file(WRITE "${work}/models/kernels/elementwise.cpp" "#include \"math/eigen.hpp\"\ndouble f(double x) { return std::exp(x); }\n")
  file(WRITE "${work}/harness/stats/a.cpp" "double f(double x) { return std::log(x); }\n")
endfunction()

function(run_check output result)
  execute_process(COMMAND "${CMAKE_COMMAND}" "-Droot=${work}" -Dplanted=ON -P "${check}"
    OUTPUT_VARIABLE out ERROR_VARIABLE out RESULT_VARIABLE status)
  set(${output} "${out}" PARENT_SCOPE)
  set(${result} "${status}" PARENT_SCOPE)
endfunction()

function(expect_red file line name)
  plant_clean_tree()
  file(WRITE "${work}/${file}" "// a kernel\n\n${line}\n")
  run_check(output result)
  if(result EQUAL 0 OR NOT output MATCHES "${file}:3: ${name}: ")
    set(failures "${failures}not caught: ${file}: ${line}\n${output}\n" PARENT_SCOPE)
  endif()
endfunction()

plant_clean_tree()
run_check(output result)
if(NOT result EQUAL 0)
  string(APPEND failures "a tree that keeps the rule is red:\n${output}\n")
endif()
file(REMOVE_RECURSE "${work}")
run_check(output result)
if(result EQUAL 0)
  string(APPEND failures "a folder without sources is green\n")
endif()

expect_red(models/level_weights/b.cpp "S f(S x) { return std::exp(-x) }" "std::exp")
expect_red(models/kernels/b_simd.cpp "float f(float x) { return std::expf(x) }" "std::expf")
expect_red(models/mixers/b.hpp "double f(double x) { return 1 + tanh (x) }" "tanh")
expect_red(models/layers/b.cpp "double f(double x) { return ::erf(x) }" "erf")
expect_red(models/linear_attention/b.cpp "double f(double x) { return std::pow(x, 2) }" "std::pow")
expect_red(math/b.cpp "double f(double x) { return std::cos(x) }" "std::cos")
expect_red(tasks/b.cpp "double f(double x) { return std::log(x) }" "std::log")
expect_red(harness/train/b.cpp "double f(double x) { return std::log1p(x) }" "std::log1p")
expect_red(models/mixers/b.cpp "double f(const double* x) { return std::reduce(x, x + 3) }" "std::reduce")
expect_red(models/mixers/b.cpp "#include \"math/eigen.hpp\"" "\"math/eigen.hpp\"")
expect_red(models/mixers/b.cpp "#include <Eigen/Core>" "<Eigen/Core>")
expect_red(models/level_weights/b.cpp "S f(View<S> m) { return eigen(m).sum() }" "eigen")

# Two in one file are both named.
plant_clean_tree()
file(WRITE "${work}/models/mixers/b.cpp" "a = std::exp(x)\nb = 1\nc = std::exp(y)\n")
run_check(output result)
if(NOT output MATCHES "b.cpp:1: std::exp: .*b.cpp:3: std::exp: ")
  string(APPEND failures "the second of two calls is not named:\n${output}\n")
endif()

file(REMOVE_RECURSE "${work}")
if(failures)
  message(FATAL_ERROR "${failures}")
endif()
message("every planted call was caught")
