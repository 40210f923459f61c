#!/usr/bin/env bash
# Trains configs/regression/*.yaml into OUT, which is emptied first, and compares the scores with
# results/reference/regression.csv; ends with the status of `recollect compare`.
# Usage: cmake/regression.sh PROGRAM OUT
#        cmake/regression.sh --update PROGRAM OUT   writes that table anew, and the resolved
#                                                   configurations beside it
set -euo pipefail
cd "$(dirname "$0")/.."
update=
if [[ ${1:-} == --update ]]; then
  update=yes
  shift
fi
if (($# != 2)); then
  echo "cmake/regression.sh: give PROGRAM and OUT, after --update if the table is to be written anew" >&2
  exit 64
fi
program=$1 out=$2
baseline=results/reference/regression

# See "The regression baseline" in CONTRIBUTING.md for where these come from.
tolerances=(--tolerance accuracy=0.01 --tolerance exact_match=0.02 --tolerance loss=0.02)

rm -rf "$out"
for config in configs/regression/*.yaml; do
  "$program" run "$config" --out "$out" >&2
done
if [[ $update ]]; then
  mkdir -p "$(dirname "$baseline")"
  "$program" table "$out" --rows cells --format csv >"$baseline.csv"
  for config in configs/regression/*.yaml; do
    "$program" check "$config" >"$baseline-$(basename "$config")" 2>/dev/null
  done
  echo "regression: wrote $baseline.csv"
else
  "$program" compare "$baseline.csv" "$out" --score all "${tolerances[@]}"
fi
