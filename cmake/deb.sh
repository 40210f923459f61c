#!/usr/bin/env bash
# Builds the Debian package of the program in build/deb, from the preset portable: for every x86-64-v3 processor.
set -euo pipefail
cd "$(dirname "$0")/.."

cmake/setup.sh deb
cmake/build.sh portable recollect
# What CPack says on the way is of use only where it fails.
rm -rf build/deb
mkdir -p build/deb
if ! cpack --config build/portable/CPackConfig.cmake -B build/deb >build/deb/cpack.log 2>&1; then
  cat build/deb/cpack.log >&2
  exit 1
fi
rm -rf build/deb/_CPack_Packages
package=$(ls build/deb/*.deb)
echo "Built $package: $(dpkg-deb --field "$package" Depends)"
