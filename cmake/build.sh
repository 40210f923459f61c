#!/usr/bin/env bash
# Configures a preset and builds targets of it in build/PRESET.
# Usage: cmake/build.sh PRESET TARGET...
set -euo pipefail
cd "$(dirname "$0")/.."
preset=$1
shift
seconds_a_step=4  # of one processor, measured: for the estimate that is printed, and nothing else

options=()
if [[ $preset == release || $preset == portable ]]; then
  # The program alone needs no test packages. Once the tests are configured they stay so.
  if [[ $* == *bench-* ]]; then
    options+=(-DRECOLLECT_BENCH=ON)
  fi
  if [[ $* != recollect* || $* == *contracts || $* == *error_rates ]]; then
    options+=(-DRECOLLECT_TESTS=ON)
  elif [[ ! -f build/$preset/CMakeCache.txt ]]; then
    options+=(-DRECOLLECT_TESTS=OFF)
  fi
  # Warnings of compilers that we do not test with must not keep anybody from building.
  if [[ $("${CXX:-c++}" -dumpversion 2>/dev/null) != 12* ]]; then
    options+=(-DRECOLLECT_WERROR=OFF)
  fi
fi

# What CMake says on the way is of use only where it fails; warnings go to the terminal.
mkdir -p "build/$preset"
log=build/$preset/configure.log
if ! cmake --preset "$preset" "${options[@]}" --log-level=WARNING >"$log"; then
  cat "$log" >&2
  exit 1
fi

# The number of steps that are left stands in the last line of what ninja would do. A few are always
# in it, since only running them shows that they change nothing.
steps=$(ninja -C "build/$preset" -n "$@" | sed -n '$s:^\[[0-9]*/\([0-9]*\)\] .*:\1:p')
if ((${steps:-0} > 10)); then
  processes=${JOBS:-$(nproc)}
  seconds=$((steps * seconds_a_step / processes))
  echo "Building $* in build/$preset: $steps steps, about $((seconds / 60 + 1)) min with $processes at a time"
fi
# On a terminal ninja writes its progress over one line; elsewhere only what goes wrong is shown.
quiet=()
[[ -t 1 ]] || quiet=(-- --quiet)
export NINJA_STATUS='[%f of %t] '
start=$SECONDS
cmake --build "build/$preset" --target "$@" ${JOBS:+--parallel "$JOBS"} "${quiet[@]}"
if [[ $preset == release && $* != *contracts ]]; then
  ln -sfn build/release/recollect recollect
  echo "Built ./recollect${steps:+ in $((SECONDS - start)) s}"
fi
