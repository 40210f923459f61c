#!/usr/bin/env bash
# Configures a preset and builds targets of it in build/PRESET.
# Usage: cmake/build.sh PRESET TARGET...
set -euo pipefail
cd "$(dirname "$0")/.."
preset=$1
shift

options=()
if [[ $preset == release ]]; then
  # The program alone needs no test packages. Once the tests are configured they stay so.
  if [[ $* == *bench-kernels ]]; then
    options+=(-DRECOLLECT_BENCH=ON)
  fi
  if [[ $* != recollect* ]]; then
    options+=(-DRECOLLECT_TESTS=ON)
  elif [[ ! -f build/release/CMakeCache.txt ]]; then
    options+=(-DRECOLLECT_TESTS=OFF)
  fi
  # Warnings of compilers that we do not test with must not keep anybody from building.
  if [[ $("${CXX:-c++}" -dumpversion 2>/dev/null) != 12* ]]; then
    options+=(-DRECOLLECT_WERROR=OFF)
  fi
fi

cmake --preset "$preset" "${options[@]}" --log-level=WARNING
cmake --build "build/$preset" --target "$@" ${JOBS:+--parallel "$JOBS"}
if [[ $preset == release ]]; then
  ln -sfn build/release/recollect recollect
  echo "Built ./recollect"
fi
