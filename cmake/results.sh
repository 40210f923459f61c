#!/usr/bin/env bash
# Writes what docs/results.md, docs/reproducing.md and results/reference/*/table.md say of results/reference, and
# with gnuplot the pictures of docs/pictures.
# Usage: cmake/results.sh PROGRAM            writes them
#        cmake/results.sh --check PROGRAM    fails where one is not what would be written
set -euo pipefail
cd "$(dirname "$0")/.."

check=
if [[ ${1:-} == --check ]]; then
  check=yes
  shift
fi
program=$(realpath "${1:?usage: cmake/results.sh [--check] PROGRAM}")

write() {
  "$program" report results/reference --published results/published/published.csv \
    --configs configs/paper --configs configs/reference --configs configs/field --configs configs/field/mad \
    --rankings results/published/rankings.csv --findings results/findings.md \
    --into docs/results.md --into docs/reproducing.md --tables
  # The report names files from the root of the tree; links start from the page.
  sed -i 's:](results/reference/:](../results/reference/:' docs/results.md
  if ! command -v gnuplot >/dev/null; then
    echo "results: the pictures stay as they are, as there is no gnuplot (apt-get install gnuplot-nox)" >&2
    pictures="; the pictures were not looked at"
    return
  fi
  local drawn
  drawn=$(mktemp -d)
  "$program" plot results/reference --experiment mqar-128-32+mqar-128-32-rest --what seeds,solved \
    --out "$drawn" >/dev/null
  for what in seeds solved; do
    mv "$drawn/$what-mqar-128-32+mqar-128-32-rest.svg" "docs/pictures/$what.svg"
  done
  "$program" plot results/reference --experiment levels --what level --out "$drawn" >/dev/null
  mv "$drawn/level-levels.svg" docs/pictures/levels.svg
  local archive=results/reference/mqar-128-32
  "$program" inspect $archive/weights/adaptive-decay.safetensors $archive/config.yaml --out "$drawn" \
    >/dev/null 2>"$drawn/notes" || { cat "$drawn/notes" >&2; exit 1; }
  mv "$drawn/lambda-adaptive-decay.svg" docs/pictures
  rm -r "$drawn"
}

if [[ -z $check ]]; then
  write
  exit
fi

# Paths stand in what is written, so the copy has the same ones.
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
mkdir -p "$copy/docs/pictures"
cp docs/pictures/*.svg "$copy/docs/pictures"
cp -r results configs "$copy"
cp docs/results.md docs/reproducing.md "$copy/docs"
pictures=", and so are the pictures"
pushd "$copy" >/dev/null
write
popd >/dev/null
current=yes
for file in docs/results.md docs/reproducing.md docs/pictures/seeds.svg docs/pictures/solved.svg docs/pictures/levels.svg docs/pictures/lambda-adaptive-decay.svg $(cd "$copy" && find results/reference -name table.md | sort); do
  diff -u "$file" "$copy/$file" || current=
done
if [[ -z $current ]]; then
  echo "results: the files above are not what results/reference gives; run make results" >&2
  exit 1
fi
echo "results: docs/results.md, docs/reproducing.md and the tables are current$pictures"
