#!/usr/bin/env bash
# The smoke configuration from end to end: train, score, tabulate, and find everything done when it is
# run again. Usage: cmake/smoke.sh PROGRAM OUT      (OUT is emptied first)
set -euo pipefail
cd "$(dirname "$0")/.."
program=$1 out=$2

fail() {
  echo "smoke: $*" >&2
  exit 1
}
run() {
  echo "+ $*" >&2
  "$@"
}
checksums() {
  find "$out" -type f -print0 | sort -z | xargs -0 sha256sum
}

rm -rf "$out"
run "$program" run configs/smoke.yaml --out "$out"

cells=0
for cell in "$out"/cells/*/; do
  cells=$((cells + 1))
  grep -q '^status: finished$' "$cell/status.yaml" || fail "$cell is not finished"
  for file in config.yaml history.csv scores.csv slices.csv more_slices.csv correct.csv final.safetensors best.safetensors; do
    [[ -s $cell/$file ]] || fail "$cell has no $file"
  done
  # Too few steps to learn a task, but the loss goes down, and every score must be a number that can be one.
  awk -F, '
    NR == 1 { for (i = 1; i <= NF; ++i) column[$i] = i; next }
    { accuracy = $column["accuracy"]; loss = $column["loss"]; rows += 1 }
    accuracy !~ /^[0-9.e-]+$/ || accuracy > 1 || loss !~ /^[0-9.e-]+$/ || loss <= 0 { bad = 1 }
    END { exit bad || rows == 0 }' "$cell/scores.csv" || fail "$cell/scores.csv holds no proper scores"
  awk -F, '
    NR == 1 { for (i = 1; i <= NF; ++i) column[$i] = i; next }
    NR == 2 { first = $column["loss"] }
    { last = $column["loss"] }
    END { exit !(last + 0 < first + 0) }' "$cell/history.csv" || fail "$cell: the loss did not fall"
done

run "$program" table "$out" --rows cells --format csv >"$out.csv"
head -n 1 "$out.csv" | grep -q '^experiment,cell,config_hash,code_version,compiler,build,status,' ||
  fail "the table's columns are not the documented ones: $(head -n 1 "$out.csv")"
rows=$(grep -c ',finished,' "$out.csv") || fail "the table has no finished cell"
((rows >= cells)) || fail "$cells cells, but $rows rows in the table"
run "$program" table "$out" --format markdown

before=$(checksums)
run "$program" run configs/smoke.yaml --out "$out"
[[ $(checksums) == "$before" ]] || fail "running it again changed files"
echo "smoke: $cells cells trained, scored and tabulated; a second run changed nothing"
