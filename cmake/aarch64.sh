#!/usr/bin/env bash
# Builds program and tests for 64-bit Arm with Debian's cross compiler, in build/aarch64, and runs tests under an
# emulator (qemu-user). The libraries are unpacked there; nothing of another architecture is installed.
# Usage: cmake/aarch64.sh [FILTER...]    filters of test cases, as doctest's -tc takes them; without: all quick ones
set -euo pipefail
cd "$(dirname "$0")/.."
cmake/setup.sh aarch64
root=$PWD/build/aarch64/root

# Headers alone, but for the first line and the second, which libzip links.
packages=(
  libfmt-dev libfmt9 libyaml-cpp-dev libyaml-cpp0.7 libzip-dev libzip4
  zlib1g zlib1g-dev libbz2-1.0 libssl3
  libeigen3-dev libhwy-dev libcli11-dev nlohmann-json3-dev librandom123-dev libxxhash-dev libboost1.74-dev doctest-dev)
if [[ ! -d $root ]]; then
  work=build/aarch64/packages
  mkdir -p "$work/lists/partial"
  # As root, apt would download as a user who may not write here.
  apt=(-o APT::Architecture=arm64 -o APT::Architectures=arm64 -o "Dir::State::lists=$PWD/$work/lists"
    -o APT::Sandbox::User=root)
  if ! { apt-get "${apt[@]}" update && (cd "$work" && apt-get "${apt[@]}" download "${packages[@]}"); } >"$work/log" 2>&1; then
    tail -n 15 "$work/log" >&2
    exit 1
  fi
  rm -rf "$root.new"
  for package in "$work"/*.deb; do dpkg-deb --extract "$package" "$root.new"; done
  mv "$root.new" "$root"
fi

# Started by the build, which lists the tests, and by ctest.
emulator=$PWD/build/aarch64/emulate
cat >"$emulator" <<END
#!/bin/sh
exec qemu-aarch64 -L /usr/aarch64-linux-gnu \\
  -E "LD_LIBRARY_PATH=$root/usr/lib/aarch64-linux-gnu:$root/lib/aarch64-linux-gnu" "\$@"
END
chmod +x "$emulator"

cmake -G Ninja -S . -B build/aarch64/build -DCMAKE_TOOLCHAIN_FILE="$PWD/cmake/aarch64.cmake" \
  -DCMAKE_BUILD_TYPE=Release -DRECOLLECT_PROCESSOR= --log-level=WARNING
cmake --build build/aarch64/build --target recollect recollect_tests ${JOBS:+--parallel "$JOBS"}

# Tests start the program by its path: a script there starts it under the emulator.
cd build/aarch64/build
if [[ $(head -c 2 recollect) != '#!' ]]; then mv recollect recollect.arm; fi
printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$emulator" "$PWD/recollect.arm" >recollect
chmod +x recollect
./recollect --version

# Cases in as many parts as there are processors: to start the tests takes seconds, so not each by itself.
filters=()
for filter in "$@"; do filters+=("-tc=$filter"); done
cases=$("$emulator" ./recollect_tests --count "${filters[@]}" | sed -n 's/.*: \([0-9]*\)$/\1/p' | tail -n 1)
if ((cases == 0)); then
  echo "cmake/aarch64.sh: no test case matches" >&2
  exit 1
fi
parts=$(nproc)
((parts <= cases)) || parts=$cases
failed=0 running=()
for ((part = 0; part < parts; ++part)); do
  "$emulator" ./recollect_tests "${filters[@]}" --no-intro \
    --first=$((cases * part / parts + 1)) --last=$((cases * (part + 1) / parts)) >"tests.$part.log" 2>&1 &
  running+=($!)
done
for ((part = 0; part < parts; ++part)); do
  wait "${running[part]}" || failed=1
  cat "tests.$part.log"
done
exit $failed
