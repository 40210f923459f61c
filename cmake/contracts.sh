#!/usr/bin/env bash
# Builds what the contracts need and runs them: what holds for every variant, whatever it computes. Stops at
# the first failure of a kind, which names variant, option and tensor.
# Usage: cmake/contracts.sh [VARIANT...]   without a name: all variants
set -euo pipefail
cd "$(dirname "$0")/.."

# By name alone, so it comes first and takes no time.
portable=0
cmake "-Droot=$PWD" -P cmake/check_portable.cmake || portable=$?

cmake/build.sh release recollect_contracts
build/release/recollect_contracts "$@"
exit "$portable"
