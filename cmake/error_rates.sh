#!/usr/bin/env bash
# Writes the table of error rates and power of `recollect compare` into docs/protocol.md.
# Usage: cmake/error_rates.sh PROGRAM [COMPARISONS]
set -euo pipefail
cd "$(dirname "$0")/.."
program=$(realpath "${1:?usage: cmake/error_rates.sh PROGRAM [COMPARISONS]}")

table=$(mktemp)
trap 'rm -f "$table"' EXIT
"$program" "${2:-2000}" >"$table"
sed -i -e "/<!-- error rates -->/,/<!-- end of error rates -->/{
  /<!-- error rates -->/{p; r $table
  }
  /<!-- end of error rates -->/!d
}" docs/protocol.md
