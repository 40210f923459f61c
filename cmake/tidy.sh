#!/usr/bin/env bash
# Runs clang-tidy with the checks of .clang-tidy over every source that is built, or over those below
# the given folders. Usage: cmake/tidy.sh [FOLDER...]
set -euo pipefail
cd "$(dirname "$0")/.."

# Another version has other checks, so the version is fixed: the one of Debian 12.
tidy=$(command -v clang-tidy-14 || command -v clang-tidy) || {
  echo "clang-tidy 14 is not installed; make setup installs it" >&2
  exit 1
}
if [[ $("$tidy" --version) != *"version 14."* ]]; then
  echo "$tidy is not version 14: $("$tidy" --version)" >&2
  exit 1
fi

# How a source is compiled decides what it says; clang's own options, since it reads them.
cmake --preset portable-clang --log-level=WARNING >/dev/null
mapfile -t sources < <(
  sed -n "s|^ *\"file\": \"$PWD/\(.*\)\".*|\1|p" build/portable-clang/compile_commands.json | sort -u)
chosen=()
for source in "${sources[@]}"; do
  [[ $source != build/* ]] || continue
  (($# > 0)) || chosen+=("$source")
  for folder in "$@"; do
    [[ $source != "${folder%/}"/* ]] || chosen+=("$source")
  done
done
if ((${#chosen[@]} == 0)); then
  echo "no sources found" >&2
  exit 1
fi

log=build/tidy.log
status=0
printf '%s\0' "${chosen[@]}" |
  xargs -0 -n 1 -P "${JOBS:-2}" "$tidy" --quiet -p build/portable-clang >"$log" 2>/dev/null || status=$?
# A defect in a header is reported by each source that reads it.
defects=$(sed -nE "s#^$PWD/(.*: (warning|error): .*)#\1#p" "$log" | sort -u)
count=$(grep -c . <<<"$defects" || true)
[[ -z $defects ]] || printf '%s\n' "$defects"
echo "clang-tidy: ${#chosen[@]} sources, $count reports; the whole text: $log"
((status == 0 && count == 0))
