#!/usr/bin/env bash
# Runs programs under an emulator of other processors (qemu-user): the pinned digests on two that have
# AVX2 and come from two makers, and the refusal on one that has not.
# Usage: cmake/emulate.sh FOLDER      of the preset portable, with recollect_tests in it
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$1
failed=0

qemu=$(command -v qemu-x86_64) || {
  echo "qemu-x86_64 is not installed; cmake/setup.sh all installs it" >&2
  exit 1
}

for processor in Haswell EPYC; do
  echo "digests on an emulated $processor"
  # A filter that matches nothing also ends with 0, so the count is looked at, too.
  output=$("$qemu" -cpu "$processor" "$folder/recollect_tests" -tc="digest*" 2>/dev/null) || failed=1
  echo "$output"
  grep -q "test cases: *1 | *1 passed" <<<"$output" || failed=1
done

echo "refusal on an emulated Nehalem, which has no AVX2"
status=0
message=$("$qemu" -cpu Nehalem "$folder/recollect" --version 2>&1) || status=$?
echo "$message (status $status)"
[[ $status == 69 && $message == *"recollect: built for a processor with "*", which this one lacks"* ]] || failed=1

if ((failed)); then
  echo "emulation: FAILED" >&2
  exit 1
fi
echo "emulation: the same bytes on all of them, and a refusal where it belongs"
