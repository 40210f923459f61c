#!/usr/bin/env bash
# The results that README.md shows are what its commands print. Minutes of training.
# Usage: tests/programs/readme_test.sh PROGRAM README
set -euo pipefail
program=$(realpath "$1")
readme=$(realpath "$2")
demo=$(realpath "$(dirname "$readme")/configs/demo.yaml")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# The block between fences whose first line is $1.
block() {
  awk -v name="$1" '/^```/ {inside = !inside; first = inside; next}
                    inside && first {first = 0; keep = ($0 == name)}
                    inside && keep' "$readme"
}

# $1: the experiment, $2: its configuration
shows_what_is_printed() {
  "$program" run "$2" >/dev/null 2>errors || { cat errors; exit 1; }
  "$program" table results/runs --experiment "$1" --summary >printed
  block "$1" >shown
  test -s shown
  diff -u shown printed
}

block "experiment: gate" >my.yaml
test -s my.yaml
shows_what_is_printed demo "$demo"
shows_what_is_printed gate my.yaml
echo "README.md shows what its commands print"
