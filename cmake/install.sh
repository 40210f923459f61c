#!/usr/bin/env bash
# Builds program and libraries and installs both below a folder: what find_package(recollect) finds.
# Usage: cmake/install.sh PREFIX
set -euo pipefail
cd "$(dirname "$0")/.."
prefix=${1:?usage: cmake/install.sh PREFIX}

cmake/build.sh release recollect recollect_libraries
cmake --install build/release --prefix "$prefix" >build/release/install.log
echo "Installed recollect below $prefix; a project finds it with -DCMAKE_PREFIX_PATH=$prefix"
