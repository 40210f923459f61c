#!/usr/bin/env bash
# From a fresh clone to a table of results; stops at the first stage that fails.
set -euo pipefail
cd "$(dirname "$0")/.."

stages=4
current=0
stage() {
  local title=$1
  shift
  current=$((current + 1))
  echo
  echo "[stage $current of $stages] $title: $*"
  "$@"
}

stage "packages" cmake/setup.sh build
stage "build" cmake/build.sh release recollect
stage "train" ./recollect run configs/demo.yaml
stage "table" ./recollect table results/runs --format markdown
