#!/usr/bin/env bash
# Installs the libraries, builds examples/outside_variant on them as somebody outside would, and sees its variant and
# its task wherever ours are; and that the contracts find a wrong sign (tests/outside).
# Usage: tests/programs/outside_test.sh BUILD COMPILER [KEEP]   BUILD: a build folder with everything in it;
#        KEEP: an empty folder for what is made, which is thrown away otherwise
set -euo pipefail
build=$(realpath "$1")
compiler=$2
source=$(realpath "$(dirname "$0")/../..")
if [[ -n ${3:-} ]]; then
  work=$(realpath "$3")
else
  work=$(mktemp -d "${TMPDIR:-/tmp}/recollect-outside-XXXXXX")
  trap 'rm -rf "$work"' EXIT
fi
cd "$work"

passed=0
check() { # SENTENCE COMMAND...: the command ends with 0
  local sentence=$1
  shift
  "$@" >output 2>&1 || { echo "FAILED: $sentence"; cat output; exit 1; }
  passed=$((passed + 1))
}
holds() { # TEXT: the last output has a line with it
  grep -qF -- "$1" output || { echo "FAILED: '$1' is missing in"; cat output; exit 1; }
}
configure() { # SOURCE FOLDER
  cmake -G Ninja -S "$1" -B "$2" -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_CXX_COMPILER="$compiler"
}

check "everything is installed" cmake --install "$build" --prefix "$work/prefix"
# No header may lean on the tree that it came from.
cp -R "$source/examples/outside_variant" example
cp -R "$source/tests/outside" gradient
check "the example finds the package" configure example built
check "it is built" cmake --build built
program=$work/built/recollect

check "its variant is listed" "$program" list variants
holds "sigmoid-decay"
holds "gated-convolution"
check "its task is listed" "$program" list tasks
holds "needle"
check "an example of the task is shown" "$program" show example/needle.yaml
check "it trains" "$program" run example/needle.yaml --out runs --quiet
check "table" "$program" table runs --summary
holds "sigmoid-decay"
check "table of cells" "$program" table runs --format csv
holds "sigmoid-decay"
holds "needle"
check "compare with itself" "$program" compare runs runs
check "compare variants" "$program" compare runs --by variant
holds "sigmoid-decay"
cell=$(grep -l "sigmoid-decay" runs/cells/*/config.yaml | head -n 1)
check "inspect" "$program" inspect "$(dirname "$cell")"
holds "lambda"
if command -v gnuplot >/dev/null; then
  check "plot" "$program" plot runs --out pictures
  check "the pictures' data hold it" grep -l "sigmoid-decay" pictures/*.csv
else
  echo "skipped: gnuplot is not installed, so no picture is drawn"
fi

check "its contracts hold" built/contracts sigmoid-decay
holds "contracts hold"

check "the gradients' project is configured" configure gradient gradient/built
check "and built" cmake --build gradient/built
check "a right sign passes" gradient/built/contracts cubed
if gradient/built/contracts cubed-flipped >output 2>&1; then
  echo "FAILED: a flipped sign passes"
  exit 1
fi
holds "FAILED gradients: cubed-flipped"
holds "in.weight"
holds "every element of this tensor is -1 times what it should be"
passed=$((passed + 1))
echo "outside: $passed checks passed"
