# Fails where a source that decides the bits of a result calls a function of the mathematics library, or sums
# as Eigen or std::reduce do: the first differ between libraries and processors, the others in their order, and
# the same bytes are promised everywhere. Names file and line, and what to use instead.
#   cmake -Droot=DIR -P cmake/check_portable.cmake
cmake_policy(VERSION 3.25)

set(parts math tasks models harness/train)
# The plain twins in double, which tests compare with and no result is made from; and math/eigen.hpp, through
# which they name Eigen.
set(exceptions
  math/eigen.hpp
  models/attention/softmax_attention.cpp
  models/kernels/elementwise.cpp
  models/kernels/products.cpp
  models/kernels/rows.cpp
  models/layers/cross_entropy.cpp
  models/layers/norm.cpp
  models/linear_attention/chunk_kernels.cpp)
# These define functions of such names.
set(definitions math/portable_math.hpp math/portable_math.cpp models/kernels/simd.hpp)

# Functions of <cmath> that are not rounded correctly; sqrt, abs, fma and floor are.
set(names "(exp|exp2|exp10|expm1|log|log2|log10|log1p|pow|cbrt|hypot|sin|cos|tan|asin|acos|atan|atan2|sinh|cosh|tanh|asinh|acosh|atanh|erf|erfc|tgamma|lgamma)[fl]?")
set(call "(std::|(^|[^A-Za-z0-9_.:>])(::)?)${names}[ \n]*[(]")
set(eigen "#[ \t]*include[ \t]*[<\"](math/eigen[.]hpp|(unsupported/)?Eigen/[^>\"]*)[>\"]|Eigen::[A-Za-z]+|[^A-Za-z0-9_]eigen[ \n]*[(]")
set(reduce "std::(reduce|transform_reduce)[^A-Za-z0-9_]")

set(violations "")
# Reports every match of `pattern` in `text`, by line.
function(find_all file text pattern what)
  while(text MATCHES "${pattern}")
    set(found "${CMAKE_MATCH_0}")
    string(FIND "${text}" "${found}" position)
    string(LENGTH "${found}" length)
    math(EXPR end "${position} + ${length}")
    string(SUBSTRING "${text}" 0 ${end} before)
    string(REGEX REPLACE "[^\n]" "" newlines "${before}")
    string(LENGTH "${newlines}" line)
    math(EXPR line "${line} + ${lines_before} + 1")
    string(REGEX MATCH "(std::|Eigen::)?[A-Za-z0-9_]+" name "${found}")
    if(found MATCHES "include")
      string(REGEX REPLACE "^.*include[ \t]*" "" name "${found}")
    endif()
    string(APPEND violations "${file}:${line}: ${name}: ${what}\n")
    string(SUBSTRING "${text}" ${end} -1 text)
    math(EXPR lines_before "${line} - 1")
  endwhile()
  set(violations "${violations}" PARENT_SCOPE)
endfunction()

set(files "")
foreach(part IN LISTS parts)
  file(GLOB_RECURSE here RELATIVE "${root}" "${root}/${part}/*.[ch]pp")
  list(APPEND files ${here})
endforeach()
list(LENGTH files count)
if(count EQUAL 0)
  message(FATAL_ERROR "no sources under '${root}'")
endif()
foreach(file IN LISTS exceptions definitions)
  if(NOT EXISTS "${root}/${file}" AND NOT planted)
    string(APPEND violations "${file}:1: is gone; take it out of check_portable.cmake\n")
  endif()
endforeach()

foreach(file IN LISTS files)
  if(file IN_LIST exceptions OR file IN_LIST definitions)
    continue()
  endif()
  file(READ "${root}/${file}" text)
  string(REPLACE ";" " " text "${text}")
  string(REGEX REPLACE "//[^\n]*" "" text "${text}")
  set(lines_before 0)
  find_all("${file}" "${text}" "${call}"
    "its bits depend on the library and the processor. Use portable:: (math/portable_math.hpp) for single numbers, softplus, gelu, softmax_rows (models/kernels/elementwise.hpp) for matrices")
  find_all("${file}" "${text}" "${eigen}"
    "Eigen sums in an order that depends on the processor. Use View (math/view.hpp) with models/kernels/products.hpp, and add_column_sums or multiply of models/kernels/elementwise.hpp")
  find_all("${file}" "${text}" "${reduce}"
    "sums in any order. Use a loop or std::accumulate")
endforeach()

if(violations)
  message(NOTICE "${violations}")
  message(FATAL_ERROR "bytes would differ between machines; a plain twin in double that decides no result goes on the list in cmake/check_portable.cmake")
endif()
message("${count} sources give the same bytes on every machine, as far as names can tell")
