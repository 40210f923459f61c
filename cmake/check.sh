#!/usr/bin/env bash
# Runs a list of checks and prints a summary whose last line counts them.
# Usage: cmake/check.sh quick|ci|all   (make test, .ci/run, make test-all)
# A stage that runs a test suite counts each of its tests, any other stage counts as one. When a
# build fails, the stages that would run what it builds are not run; all others are.
set -euo pipefail
cd "$(dirname "$0")/.."

builds=() titles=() commands=()
add() { # BUILD TITLE COMMAND: BUILD is the folder that the stage makes or uses, - for none
  builds+=("$1") titles+=("$2") commands+=("$3")
}

suite=${1:-}
case $suite in
  quick) packages=test ;;
  ci | all) packages=$suite ;;
  *) echo "cmake/check.sh: unknown suite '$suite'; known: quick, ci, all" >&2; exit 64 ;;
esac
add - "packages" "cmake/setup.sh $packages"
if [[ $suite != quick ]]; then
  add - "formatting" "cmake/format.sh --check"
fi
add release "build: optimised, warnings are errors" "cmake/build.sh release all"
add release "quick tests, include check" "ctest --preset release"
add release "smoke configuration, end to end" "cmake/smoke.sh ./recollect build/smoke"
if [[ $suite == all ]]; then
  add release "slow tests" "ctest --preset slow"
  add release "build: benchmark of kernels" "cmake/build.sh release bench-kernels bench-every-position"
fi
if [[ $suite != quick ]]; then
  add release "regression baseline" "cmake/regression.sh ./recollect build/regression"
  add asan "build: clang++, address and undefined-behaviour sanitizers, fuzzers" \
    "cmake/build.sh asan recollect_tests recollect_examples fuzzers"
  add asan "quick tests under these sanitizers" "ctest --preset asan"
  # A change is judged by the same inputs as the one before; new ones are looked for in all.
  fuzz="env FUZZ_SEED=1 cmake/fuzz.sh 20"
  [[ $suite == ci ]] || fuzz="cmake/fuzz.sh 300"
  add asan "fuzzers of what reads files" "$fuzz"
fi
if [[ $suite == all ]]; then
  add portable "build: portable" "cmake/build.sh portable all"
  add portable "quick tests of the portable build" "ctest --preset portable"
  add portable "regression baseline, portable build" "cmake/regression.sh build/portable/recollect build/regression"
  add portable "the portable build on other processors" "cmake/emulate.sh build/portable"
  add portable-clang "build: portable, from clang++, warnings are errors" "cmake/build.sh portable-clang all"
  add portable-clang "quick tests of the portable build from clang++" "ctest --preset portable-clang"
  add portable-clang "regression baseline, portable build from clang++" "cmake/regression.sh build/portable-clang/recollect build/regression"
  add tsan "build: clang++, thread sanitizer, warnings are errors" "cmake/build.sh tsan all"
  add tsan "parallel tests under this sanitizer" "ctest --preset tsan"
  add - "clang-tidy" "cmake/tidy.sh"
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
count=${#titles[@]} passed=0 failed=0 not_run=0 skipped=0 summary=()
declare -A broken=()
for ((i = 0; i < count; ++i)); do
  echo
  echo "[stage $((i + 1)) of $count] ${titles[i]}: ${commands[i]}"
  if [[ -n ${broken[all]:-} || -n ${broken[${builds[i]}]:-} ]]; then
    echo "not run: an earlier stage failed"
    not_run=$((not_run + 1))
    summary+=("not run          ${titles[i]}")
    continue
  fi

  outcome=ok start=$SECONDS
  # Commands are words without spaces, so that splitting them is what is meant. Only what is counted
  # is kept: everything else sees whether it writes to a terminal.
  if [[ ${commands[i]} == ctest* ]]; then
    ${commands[i]} 2>&1 | tee "$log" || outcome=FAILED
  else
    ${commands[i]} || outcome=FAILED
  fi
  stage_passed=0 stage_failed=0 counted=
  if [[ ${commands[i]} == ctest* ]]; then
    totals=$(sed -n 's/.* tests passed, \([0-9]*\) tests\{0,1\} failed out of \([0-9]*\)$/\1 \2/p' "$log")
    read -r stage_failed total <<<"${totals:-0 0}"
    # ctest counts what could not be run here, and says so, among what passed.
    stage_skipped=$(grep -c ' (Skipped)$' "$log") || true
    stage_passed=$((total - stage_failed - stage_skipped))
    counted=" ($stage_passed of $total passed"
    ((stage_skipped == 0)) || counted+=", $stage_skipped skipped"
    counted+=")"
    skipped=$((skipped + stage_skipped))
    # A suite that found nothing to run has not passed.
    ((total > 0)) || outcome=FAILED
  elif [[ $outcome == ok ]]; then
    stage_passed=1
  fi
  if [[ $outcome == FAILED ]]; then
    ((stage_failed > 0)) || stage_failed=1
    case ${commands[i]} in
      cmake/setup.sh*) broken[all]=yes ;;
      cmake/build.sh*) broken[${builds[i]}]=yes ;;
    esac
  fi
  passed=$((passed + stage_passed))
  failed=$((failed + stage_failed))
  summary+=("$(printf '%-8s %4d s  %s%s' "$outcome" $((SECONDS - start)) "${titles[i]}" "$counted")")
done

echo
printf '%s\n' "${summary[@]}"
totals="$passed passed, $failed failed"
((skipped == 0)) || totals+=", $skipped skipped"
((not_run == 0)) || totals+=", $not_run stages not run"
echo "$totals, in $SECONDS s"
((failed == 0))
