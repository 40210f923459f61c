#!/usr/bin/env bash
# Faults that a run meets on real machines, on the real program: full disks, missing permissions,
# changed configurations, trainings that diverge, sizes without memory, signals. After each fault:
# the documented exit status, exactly one line that says what is wrong, nothing half-written,
# earlier cells untouched; and once it is gone the same command gives the same bytes as a run that
# met no fault.
# Usage: tests/programs/fault_test.sh PROGRAM [quick]        (quick: without the faults that take longer)
# As root, the program runs as the user `nobody`, for root is refused nothing. A check that cannot be
# made here is printed as skipped; the last line counts.
set -uo pipefail
program=$(readlink -f "$1")
which=${2:-all}
page=$(readlink -f "$(dirname "$0")/../../docs/command_line.md")

work=$(mktemp -d "${TMPDIR:-/tmp}/recollect-fault-XXXXXX")
mounted=()
cleanup() {
  for place in "${mounted[@]}"; do umount "$place" 2>"$work/ignored"; done
  chmod -R u+rwX "$work"
  rm -rf "$work"
}
trap cleanup EXIT

user=()
if ((EUID == 0)); then
  user=(setpriv --reuid=65534 --regid=65534 --clear-groups --)
  chown 65534:65534 "$work"
fi
chmod 755 "$work"
cp "$program" "$work/recollect"
chmod 755 "$work/recollect"
cd "$work" || exit 1

# Four cells, each done in a moment, with files of some tens of kilobytes.
cat >tiny.yaml <<'END'
experiment: tiny
task: {name: mqar, length: 16, pairs: 2, vocab: 32}
model: {width: 24, layers: 1, chunk: 8}
variants: [fixed-decay, full-quadratic]
train: {examples: 40, validation_examples: 20, batch: 4, steps: 30, eval_every: 10}
eval: {lengths: [16], examples: 20}
seeds: [0, 1]
END
# Cells that are still at work when a signal comes.
sed 's/^experiment: .*/experiment: long/; s/steps: 30/steps: 30000/; s/eval_every: 10/eval_every: 1000/' \
  tiny.yaml >long.yaml
chmod 644 ./*.yaml

passed=0 failed=0 skipped=0
pass() { passed=$((passed + 1)); }
fail() { # WHAT: with what the program said
  failed=$((failed + 1))
  printf 'FAILED %s: %s\n%s\n' "$fault" "$1" "${errors:+    | ${errors//$'\n'/$'\n'    | }}" >&2
}
skip() { # WHAT
  skipped=$((skipped + 1))
  printf 'skipped %s: %s\n' "$fault" "$1"
}
check() { # WHAT COMMAND...
  local what=$1
  shift
  if "$@"; then pass; else fail "$what"; fi
}

as_user() { "${user[@]}" "$@"; }

# Runs the program; leaves `status` and `errors`. stderr goes through a pipe, which no fault of files
# reaches. `before` is a command of the shell, such as a limit.
before=: status=0 errors=
declare -A seen=()
recollect() { # ARGUMENTS...
  errors=$({ as_user bash -c "$before"'; exec "$@"' bash ./recollect "$@" >stdout; } 2>&1)
  status=$?
  seen[$status]=yes
}
prepare() { # makes OUT empty
  chmod -R u+rwX "$1" 2>ignored
  rm -rf "$1"
}

# The bytes of all results below OUT; and of its finished cells alone.
results() { (cd "$1" && find . -type f ! -name provenance.yaml ! -path './claims/*' -print0 | sort -z | xargs -0 -r sha256sum); }
finished() {
  (cd "$1" 2>ignored && find cells -name status.yaml -printf '%h\0' | sort -z |
    xargs -0 -r -I {} find {} -type f -print0 | sort -z | xargs -0 -r sha256sum)
}
complaints() { grep -c '^recollect: ' <<<"$errors"; }
# Nothing but progress, warnings and the one line.
only_progress_besides() {
  ! grep -vE '^recollect: |^warning: |^updating |^reusing |^training a cell again: |^[0-9]+ cells?: |^\[cell |^sweep: |^[0-9]+ of [0-9]+ cells? done, |^cell [0-9]+ of |goes on from step|stopped: |^verif|^stopping; |^$' <<<"$errors"
}
nothing_half_written() { # OUT
  [[ -z $(find "$1" \( -name '.*.tmp' -o -name 'verify-*' -o -path '*/claims/*' \) -print 2>ignored) ]]
}

# After a fault: this status, one line that matches, nothing half-written in OUT.
expect_fault() { # STATUS PATTERN OUT
  check "status $status instead of $1" test "$status" -eq "$1"
  check "$(complaints) complaints instead of 1" test "$(complaints)" -eq 1
  check "no complaint matches '$2'" grep -qE "^recollect: .*$2" <<<"$errors"
  check "something else is told as well" only_progress_besides
  check "something is half-written: $(find "$3" -name '.*.tmp' 2>ignored)" nothing_half_written "$3"
}
# Once the fault is gone: the same command gives what an undisturbed run gives.
expect_recovery() { # OUT [EXPECTED]
  recollect run tiny.yaml --jobs 2 --out "$1"
  check "status $status afterwards" test "$status" -eq 0
  check "other bytes afterwards" test "$(results "$1")" == "${2:-$undisturbed}"
  check "something stays behind" nothing_half_written "$1"
}

a_cell() { find out/cells -mindepth 1 -maxdepth 1 | sort | head -n 1; }
count() { find "$1" -mindepth 1 -maxdepth 1 -printf x | wc -c; }

# OUT with the first two of the four cells, so that a fault has something to harm.
half_done() { # OUT
  prepare "$1"
  recollect run tiny.yaml --jobs 1 --shard 1/2 --out "$1"
  check "half of the run gives status $status" test "$status" -eq 0
  kept=$(finished "$1")
  check "there are no finished cells to begin with" test -n "$kept"
}
expect_unharmed() { # OUT
  check "a finished cell was changed" test "$(finished "$1" | grep -Ff <(cut -d' ' -f3 <<<"$kept"))" == "$kept"
}

no_fault() {
  prepare undisturbed
  recollect run tiny.yaml --jobs 1 --out undisturbed
  check "status $status" test "$status" -eq 0
  undisturbed=$(results undisturbed)
  check "no results" test -n "$undisturbed"
}

disk_full() {
  if ((EUID != 0)) || ! { mkdir -p small && mount -t tmpfs -o size=64k,mode=777 none small 2>ignored; }; then
    skip "no small file system can be mounted here"
    return
  fi
  mounted+=("$work/small")
  local size full=0
  for size in 16 32 48 64 96 128 160 192; do
    mount -o "remount,size=10m" small
    half_done small/out
    mount -o "remount,size=$(($(du -sk small | cut -f1) + size))k" small
    recollect run tiny.yaml --jobs 2 --out small/out
    if ((status != 0)); then
      full=$((full + 1))
      expect_fault 5 'cannot write .*: No space left on device' small/out
      expect_unharmed small/out
    fi
    mount -o "remount,size=10m" small
    expect_recovery small/out
  done
  check "no size was too small" test "$full" -ge 2
}

file_size_limit() {
  local blocks refused=0
  for blocks in 0 1 2 4 8 16 64 256; do
    half_done out
    before="ulimit -f $blocks"
    recollect run tiny.yaml --jobs 2 --out out
    before=:
    if ((status != 0)); then
      refused=$((refused + 1))
      expect_fault 5 'cannot write .*: File too large' out
      expect_unharmed out
    fi
    expect_recovery out
  done
  check "no limit was too small" test "$refused" -ge 3
}

read_only_folder() {
  half_done out
  find out -type d -exec chmod a-w {} +
  recollect run tiny.yaml --out out
  expect_fault 5 'out/.*: Permission denied' out
  expect_unharmed out
  find out -type d -exec chmod u+w {} +
  expect_recovery out
}

read_only_file_system() {
  if ((EUID != 0)) || ! { mkdir -p sealed && mount -t tmpfs -o size=10m,mode=777 none sealed 2>ignored; }; then
    skip "no file system can be mounted here"
    return
  fi
  mounted+=("$work/sealed")
  half_done sealed/out
  mount -o remount,ro sealed
  recollect run tiny.yaml --out sealed/out
  expect_fault 5 'sealed/out.*: Read-only file system' sealed/out
  expect_unharmed sealed/out
  mount -o remount,rw sealed
  expect_recovery sealed/out
}

no_permission_on_the_output() {
  half_done out
  chmod 000 out
  recollect run tiny.yaml --out out
  chmod 755 out
  expect_fault 5 'out/.*: Permission denied' out
  expect_unharmed out
  expect_recovery out
  prepare locked
  as_user mkdir locked
  chmod 555 locked
  recollect run tiny.yaml --out locked/new
  expect_fault 5 'locked/new.*: Permission denied' locked
  check "it made something" test ! -e locked/new
  chmod 755 locked
  expect_recovery locked/new
}

# The others are done all the same.
expect_one_failed_cell() { # CELL REASON
  check "status $status instead of 4" test "$status" -eq 4
  check "the cell is not named" grep -qE "failed: .*$1.*: $2" <<<"$errors"
  check "no summary" grep -qxF 'recollect: 1 of 4 cells failed or diverged; the others are done' <<<"$errors"
  check "something is half-written" nothing_half_written out
  check "the others are not done" test "$(find out/cells -name status.yaml | wc -l)" -ge 3
}

no_permission_on_a_cell() {
  local mode cell
  half_done out
  for cell in out/cells/*; do
    for mode in 000 600; do # everything, and entering, is forbidden
      chmod $mode "$cell"
      recollect run tiny.yaml --out out
      chmod 755 "$cell"
      expect_one_failed_cell "$cell" "Permission denied"
    done
  done
  expect_recovery out

  # A cell that is not done, in whose folder nothing can be written.
  half_done out
  cell=$(basename "$(a_cell)")
  rm "out/cells/$cell/status.yaml"
  chmod 555 "out/cells/$cell"
  recollect run tiny.yaml --out out
  chmod 755 "out/cells/$cell"
  expect_one_failed_cell "out/cells/$cell/" "Permission denied"
  expect_recovery out
}

no_permission_on_the_configuration() {
  half_done out
  chmod 000 tiny.yaml
  recollect run tiny.yaml --out out
  expect_fault 5 'cannot read tiny.yaml: Permission denied' out
  expect_unharmed out
  chmod 644 tiny.yaml
  expect_recovery out
}

output_is_a_file() {
  prepare file
  echo precious >file
  recollect run tiny.yaml --out file
  expect_fault 5 'file.*: Not a directory' file
  check "the file was changed" test "$(cat file)" == precious
  rm file
  expect_recovery file

  # A file where a cell's folder is to be.
  half_done out
  local cell
  cell=$(comm -13 <(ls out/cells) <(ls undisturbed/cells) | head -n 1)
  as_user touch "out/cells/$cell"
  recollect run tiny.yaml --out out
  expect_one_failed_cell "out/cells/$cell" "Not a directory"
  rm "out/cells/$cell"
  expect_recovery out
}

configuration_changed() {
  prepare out
  recollect run tiny.yaml --out out
  kept=$(finished out)
  cp tiny.yaml first.yaml
  sed -i 's/steps: 30/steps: 40/' tiny.yaml
  recollect run tiny.yaml --out out
  check "status $status" test "$status" -eq 0
  check "the plan does not say it" grep -q 'settings changed; cells of the old settings stay' <<<"$errors"
  expect_unharmed out
  check "old and new cells do not stand side by side" test "$(count out/cells)" -eq 8
  check "the table lacks the new cells" grep -q ',40,' out/tiny.cells.csv

  # With a mistake in it, nothing is written.
  local all
  all=$(results out)
  sed -i 's/length: 16,/length: 7,/' tiny.yaml
  recollect run tiny.yaml --out out
  expect_fault 3 'tiny.yaml:2: task.pairs ' out
  check "something was written" test "$(results out)" == "$all"
  mv first.yaml tiny.yaml
  recollect run tiny.yaml --out out
  expect_unharmed out
}

divergence() {
  prepare out
  cp tiny.yaml wild.yaml
  cat >>wild.yaml <<'END'
grid: {train.learning_rate: [0.001, 10]}
END
  sed -i 's/train: {/train: {clip: 0, weight_decay: 10, /; s/^experiment: .*/experiment: wild/' wild.yaml
  recollect run wild.yaml --out out
  expect_fault 4 '[0-9] of 8 cells failed or diverged; the others are done' out
  check "no cell is told to have diverged" grep -qE '^cell [0-9] of 8 .* diverged: step [0-9]+: loss ' <<<"$errors"
  local diverged finished
  diverged=$(grep -lx 'status: diverged' out/cells/*/status.yaml | wc -l)
  finished=$(grep -lx 'status: finished' out/cells/*/status.yaml | wc -l)
  check "$diverged diverged" test "$diverged" -ge 2
  check "$finished finished" test "$finished" -ge 4
  check "cells are missing" test $((diverged + finished)) -eq 8
  check "the table lacks rows" test "$(grep -c ',diverged,' out/wild.cells.csv)" -eq "$diverged"
  local all
  all=$(results out)
  recollect run wild.yaml --out out
  expect_fault 4 '[0-9] of 8 cells failed or diverged; the others are done' out
  check "a second run changed something" test "$(results out)" == "$all"
}

no_memory() {
  prepare out
  recollect run tiny.yaml --set model.width=4096 --set task.length=1048576 --out out
  expect_fault 3 'cell 1 of 4 .* needs about [0-9.]+ [GTPE]iB of memory, .* but [0-9.]+ [KMGT]iB are available' out
  check "something was written" test ! -e out
  half_done out
  recollect run tiny.yaml --set 'grid={task.length: [16, 1048576]}' --set model.width=4096 --set 'eval.lengths=[16]' --out out
  expect_fault 3 'needs about [0-9.]+ [GTPE]iB of memory, .* but [0-9.]+ [KMGT]iB are available' out
  expect_unharmed out
  check "something was written" test "$(count out/cells)" -eq 2
  expect_recovery out
}

# Runs the program and sends it a signal as soon as something is at PLACE; leaves `status`, `errors`.
recollect_until() { # SIGNAL PLACE ARGUMENTS...
  local signal=$1 place=$2 process
  shift 2
  # A shell makes what it runs in the background ignore SIGINT.
  "${user[@]}" env --default-signal=INT,TERM,HUP,USR1,USR2 ./recollect "$@" >stdout 2>stderr &
  process=$!
  until compgen -G "$place" >ignored || ! kill -0 "$process" 2>ignored; do sleep 0.02; done
  kill -s "$signal" "$process"
  wait "$process"
  status=$?
  errors=$(<stderr)
  seen[$status]=yes
}

interruption() {
  local signal number whole
  prepare whole
  recollect run long.yaml --out whole
  check "status $status" test "$status" -eq 0
  whole=$(results whole)
  for signal in HUP USR1 USR2; do # a terminal that goes away, schedulers
    number=$((128 + $(kill -l "$signal")))
    prepare out
    recollect_until "$signal" 'out/cells/*/config.yaml' run long.yaml --out out
    expect_fault "$number" "stopped by SIG$signal; [0-3] of 4 cells are done, and the same command goes on" out
    check "nothing was saved" test -n "$(find out/cells -name 'state*.safetensors')"
  done
  for signal in INT TERM; do
    number=$((128 + $(kill -l "$signal")))
    prepare out
    recollect_until "$signal" 'out/cells/*/config.yaml' run long.yaml --out out
    expect_fault "$number" "stopped by SIG$signal; [0-3] of 4 cells are done, and the same command goes on" out
    recollect run long.yaml --out out
    check "status $status afterwards" test "$status" -eq 0
    check "other bytes afterwards" test "$(results out)" == "$whole"

    recollect_until "$signal" 'out/verify-*/cells/*/config.yaml' run long.yaml --verify --out out
    expect_fault "$number" "stopped by SIG$signal while verifying; [0-3] of 4 cells gave the same bytes" out
    check "verification changed something" test "$(results out)" == "$whole"
  done
}

verification() {
  prepare out
  recollect run tiny.yaml --verify --out out
  check "status $status" test "$status" -eq 0
  check "it does not say so" grep -qx 'verified: 4 cells gave the same bytes again' <<<"$errors"
  check "other bytes" test "$(results out)" == "$undisturbed"
  check "something stays behind" nothing_half_written out

  local cell
  cell=$(a_cell)
  cp "$cell/best.safetensors" kept
  printf '\377' | dd of="$cell/best.safetensors" bs=1 seek=3000 conv=notrunc status=none
  recollect run tiny.yaml --verify --out out
  expect_fault 1 "$cell/best.safetensors from byte 3000 on: in the tensor " out
  cp kept "$cell/best.safetensors"

  sed -i -e 's/^compiler: .*/compiler: "another 1.0"/' -e '/^digest:/d' "$cell/status.yaml"
  recollect run tiny.yaml --verify --out out
  check "status $status of another build" test "$status" -eq 0
  printf '\377' | dd of="$cell/best.safetensors" bs=1 seek=3000 conv=notrunc status=none
  recollect run tiny.yaml --verify --out out
  expect_fault 2 '1 cell cannot be compared; 0 cells gave the same bytes again' out
  check "it does not say why" grep -q 'made by another build' <<<"$errors"

  # Without room for the re-run, nothing is compared and nothing harmed.
  local all
  all=$(results out)
  before='ulimit -f 16'
  recollect run tiny.yaml --verify --out out
  before=:
  expect_fault 5 'cannot write .*: File too large' out
  check "something was written" test "$(results out)" == "$all"
}

usage() {
  recollect run tiny.yaml --jbos 3 --out nowhere
  expect_fault 64 "did you mean '--jobs'" nowhere
  check "something was written" test ! -e nowhere
}

# Every status that is listed occurs above, and none that is not, in --help as in docs/command_line.md.
# (6, compare's undecided verdict, comes from no fault; 69, of a program built for another processor, cannot occur
# here; 70, of a bug, must not.)
exit_statuses() {
  local occurred listed
  check "a fault met a bug of the program" test -z "${seen[70]:-}"
  seen[6]=yes seen[69]=yes seen[70]=yes
  occurred=$(printf '%s\n' "${!seen[@]}" | sort -n | xargs)
  recollect --help
  listed=$(sed -n '/^Exit status:/,$ s/^ *\([0-9][0-9]*\) .*/\1/p' stdout | xargs)
  check "--help lists $listed, but these occur: $occurred" test "$listed" == "$occurred"
  listed=$(sed -n '/^## Exit status$/,$ s/^| \([0-9][0-9]*\) | .*/\1/p' "$page" | xargs)
  check "docs/command_line.md lists $listed, but these occur: $occurred" test "$listed" == "$occurred"
}

faults=(no_fault read_only_folder read_only_file_system no_permission_on_the_output
  no_permission_on_a_cell no_permission_on_the_configuration output_is_a_file configuration_changed
  divergence no_memory verification usage)
[[ $which == quick ]] || faults+=(file_size_limit disk_full interruption exit_statuses)
for fault in "${faults[@]}"; do
  failed_before=$failed passed_before=$passed
  "$fault"
  echo "$fault: $((passed - passed_before)) passed, $((failed - failed_before)) failed"
done
echo "$passed passed, $failed failed, $skipped skipped"
((failed == 0))
