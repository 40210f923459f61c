#!/usr/bin/env bash
# Builds the fuzzers of what reads files, runs each from its seeds, and fails if one finds anything.
# Usage: cmake/fuzz.sh SECONDS [arrays|config|csv|checkpoint]...     SECONDS each; all by default
# FUZZ_SEED=n in front of it draws the same inputs again, in an empty build/fuzz/; otherwise new ones.
# Writes into build/fuzz/ alone: corpus/, inputs that reach new code, from where the next run goes on;
# findings/, inputs that show a defect. Such an input, once the defect is mended, belongs into
# tests/fuzz/seeds/, whose files the quick tests read as well.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-}
if [[ ! $seconds =~ ^[1-9][0-9]*$ ]]; then
  echo "usage: cmake/fuzz.sh SECONDS [arrays|config|csv|checkpoint]..." >&2
  exit 64
fi
shift
readers=("$@")
((${#readers[@]} > 0)) || readers=(arrays config csv checkpoint)

cmake/build.sh asan "${readers[@]/#/fuzz_}"

# What an input may take: seconds (generous, for a busy machine), MiB at once and in all.
limits=(-timeout=60 -malloc_limit_mb=512 -rss_limit_mb=2048 -max_len=2048)
seed=(${FUZZ_SEED:+-seed="$FUZZ_SEED"})
export UBSAN_OPTIONS=print_stacktrace=1 ASAN_SYMBOLIZER_PATH
export LSAN_OPTIONS="suppressions=$PWD/tests/support/leaks.supp:print_suppressions=0"
ASAN_SYMBOLIZER_PATH=$(command -v llvm-symbolizer-14 || command -v llvm-symbolizer || true)

findings=0
mkdir -p build/fuzz/findings
for reader in "${readers[@]}"; do
  corpus=build/fuzz/corpus/$reader log=build/fuzz/$reader.log
  mkdir -p "$corpus"
  status=0
  "build/asan/fuzz_$reader" "${limits[@]}" "${seed[@]}" -max_total_time="$seconds" -print_final_stats=1 \
    -artifact_prefix="build/fuzz/findings/$reader-" "$corpus" "tests/fuzz/seeds/$reader" \
    >"$log" 2>&1 || status=$?
  executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  covered=$(sed -n 's/^#.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
  verdict="no finding"
  if ((status != 0)) || [[ ! $executions =~ ^[1-9] ]]; then
    verdict="FINDING"
    findings=$((findings + 1))
    grep -vE '^#[0-9]+.*(NEW|REDUCE|pulse)|^(Dictionary|###)' "$log" | tail -n 60 >&2 || true
    input=$(sed -n 's/^.*Test unit written to //p' "$log" | tail -n 1)
    echo "The whole log: $log. Again: build/asan/fuzz_$reader ${input:-(it kept no input)}" >&2
  fi
  echo "fuzz: $reader: $(find "tests/fuzz/seeds/$reader" -type f | wc -l) seeds," \
    "${executions:-no} executions, ${covered:-no} edges, $verdict"
done
echo "fuzz: ${#readers[@]} readers, $seconds seconds each, $findings with a finding"
((findings == 0))
