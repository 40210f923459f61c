#!/usr/bin/env bash
# Installs the Debian packages that are missing, and asks the network only if there are any. What apt
# says goes to build/packages.log.
# Usage: cmake/setup.sh [build|test|ci|all]   each list holds the one before it
#        cmake/setup.sh python             what the Python module is built with
#        cmake/setup.sh bench               what is measured beside the program
#        cmake/setup.sh kernels             what the benchmark of kernels is built with
#        cmake/setup.sh deb                 what the Debian package is built with
#        cmake/setup.sh aarch64             what builds for 64-bit Arm, and emulates it
# Without root it prints the command to type and fails. With SETUP=skip it does nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

build=(
  g++ make cmake ninja-build git
  libeigen3-dev libhwy-dev libfmt-dev libyaml-cpp-dev libcli11-dev nlohmann-json3-dev
  librandom123-dev libxxhash-dev libboost-math-dev libzip-dev)
# Of the Python module; NumPy also reads arrays and weights in tests.
module=(pybind11-dev python3-dev python3-numpy)
# What `recollect plot` draws with; whoever makes pictures wants them too.
test=("${build[@]}" doctest-dev python3 gnuplot-nox fonts-liberation librsvg2-bin "${module[@]}")
# clang has the fuzzer, and the thread sanitizer, which raises false alarms on GNU's OpenMP; llvm names
# lines.
# Chromium opens the page of `recollect report --html`, driven through selenium.
ci=("${test[@]}" clang-format-14 clang-14 libclang-rt-14-dev libomp-14-dev llvm-14
  chromium chromium-driver python3-selenium)
# Slurm runs the job arrays of `recollect slurm` in a test.
all=("${ci[@]}" clang-tidy-14 libbenchmark-dev qemu-user slurmctld slurmd slurm-client munge)

# Without OpenBLAS, PyTorch multiplies ten times slower.
bench=("${build[@]}" python3-torch libopenblas0-openmp)
kernels=("${build[@]}" libbenchmark-dev)
python=("${build[@]}" "${module[@]}" python3-venv)
deb=("${build[@]}" dpkg-dev file)
aarch64=(g++-aarch64-linux-gnu make cmake ninja-build git qemu-user)

case ${1:-all} in
  build) wanted=("${build[@]}") ;;
  test) wanted=("${test[@]}") ;;
  ci) wanted=("${ci[@]}") ;;
  all) wanted=("${all[@]}") ;;
  bench) wanted=("${bench[@]}") ;;
  kernels) wanted=("${kernels[@]}") ;;
  python) wanted=("${python[@]}") ;;
  deb) wanted=("${deb[@]}") ;;
  aarch64) wanted=("${aarch64[@]}") ;;
  *) echo "cmake/setup.sh: unknown list '$1'; known: build, test, ci, all, bench, kernels, python, deb, aarch64" >&2; exit 64 ;;
esac

if [[ ${SETUP:-} == skip ]]; then
  exit 0
fi
if ! command -v dpkg-query >/dev/null; then
  echo "Not a Debian system: make sure that the counterparts of these are installed: ${wanted[*]}"
  exit 0
fi

missing=()
for package in "${wanted[@]}"; do
  status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null) || status=
  [[ $status == installed ]] || missing+=("$package")
done
if ((${#missing[@]} == 0)); then
  echo "Packages: all are installed."
  exit 0
fi

update="apt-get update"
install="apt-get install --yes --no-install-recommends ${missing[*]}"
if ((EUID != 0)); then
  echo "Packages that are missing: ${missing[*]}" >&2
  echo "Only root can install them. Type this, then the same make command again (or, if you have" \
    "them from elsewhere, add SETUP=skip):" >&2
  echo "  sudo $update && sudo $install" >&2
  exit 1
fi

mkdir -p build
log=build/packages.log
echo "Packages: installing ${missing[*]} (log: $log)"
export DEBIAN_FRONTEND=noninteractive
# Names of packages are words without spaces, so that splitting them is what is meant.
if ! { $update && $install; } </dev/null >"$log" 2>&1; then
  tail -n 15 "$log" >&2
  echo "Packages: apt-get failed; the lines above are the end of $log. The command was:" >&2
  echo "  $update && $install" >&2
  exit 1
fi
