#!/usr/bin/env bash
# Formats every source in place; with --check changes nothing and fails if one is not formatted.
set -euo pipefail
cd "$(dirname "$0")/.."

# Another version formats differently, so the version is fixed: the one of Debian 12.
format=$(command -v clang-format-14 || command -v clang-format) || {
  echo "clang-format 14 is not installed; make setup installs it" >&2
  exit 1
}
if [[ $("$format" --version) != *"version 14."* ]]; then
  echo "$format is not version 14: $("$format" --version)" >&2
  exit 1
fi

mapfile -d '' -t sources < <(git ls-files -z --cached --others --exclude-standard '*.hpp' '*.cpp')
existing=()
for source in "${sources[@]}"; do
  [[ ! -f $source ]] || existing+=("$source")
done
if ((${#existing[@]} == 0)); then
  echo "no sources found" >&2
  exit 1
fi

if [[ ${1:-} == --check ]]; then
  if ! complaints=$("$format" --dry-run --Werror "${existing[@]}" 2>&1); then
    echo "not formatted; make format does it:" >&2
    sed -n 's/^\([^ :]*\):[0-9]*:[0-9]*: error: .*/  \1/p' <<<"$complaints" | sort -u >&2
    exit 1
  fi
  echo "${#existing[@]} sources are formatted"
else
  "$format" -i "${existing[@]}"
fi
