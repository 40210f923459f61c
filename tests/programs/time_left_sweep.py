#!/usr/bin/env python3
"""Does the time left hold beside changing load? Runs a sweep of 40 cells with busy loops beside it that
come and go, and compares every estimate with what came true. Takes about a quarter of an hour.

  tests/programs/time_left_sweep.py PROGRAM [--minutes 15] [--log FILE]
  tests/programs/time_left_sweep.py --again FILE       looks at the log of an earlier sweep

A sample is an estimate that `recollect run --json-lines` told. One counts from a quarter of the sweep on,
once the number of busy loops has been the same for two minutes. There are two truths:

  as it came      the seconds until the end. Where busy loops come or go later on nobody can know it.
  at this speed   the seconds that the rest would have taken at the speed of the two minutes before the
                  sample: every later second counts as many as it would have taken then. How fast a moment
                  was is known afterwards, from the steps that each kind of cell made in it, whatever
                  slowed it down: also what else the machine has to do.

The criterion is the second one, and the first as well for samples after which no loop comes or goes:
within a factor of 1.5. The exit status is 1 where that is missed."""
import argparse
import collections
import json
import os
import re
import subprocess
import sys
import tempfile
import time

VARIANTS = ["fixed-decay", "adaptive-decay", "gated-linear", "full-quadratic"]
LENGTHS = [32, 64]
SEEDS = 5
CONFIG = """experiment: time-left
variants: [{variants}]
task: {{name: mqar, length: {length}, pairs: 4, vocab: 32}}
model: {{width: 32}}
train: {{examples: 2000, steps: {steps}, eval_every: {every}}}
grid: {{task.length: [{lengths}]}}
seeds: [{seeds}]
"""
LOOPS = [0, 4, 0, 2]    # busy loops, in turn; the last number stays
PHASE = 220.0           # seconds
STEADY = 120.0          # seconds
FACTOR = 1.5
WINDOW = 10.0           # seconds in which the machine has one speed


def config(steps):
    return CONFIG.format(variants=", ".join(VARIANTS), lengths=", ".join(map(str, LENGTHS)), length=LENGTHS[0],
                         seeds=", ".join(map(str, range(SEEDS))), steps=steps, every=max(1, steps // 20))


def seconds_of(text):
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)([smhd])", text))


def steps_for(program, seconds, folder):
    """The steps with which the sweep takes so long on this machine as it is now."""
    path = os.path.join(folder, "probe.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(config(10000))
    told = subprocess.run([program, "run", path, "--dry-run", "--jobs", "2", "--threads", "1", "--out",
                           os.path.join(folder, "none")], check=True, capture_output=True, text=True).stdout
    whole = seconds_of(re.search(r"^time +about (\S+)", told, re.M).group(1))
    return max(20, int(10000 * seconds / whole))


class Loops:
    def __init__(self):
        self.processes = []

    def set(self, count):
        while len(self.processes) > count:
            process = self.processes.pop()
            process.kill()
            process.wait()
        while len(self.processes) < count:
            self.processes.append(subprocess.Popen([sys.executable, "-c", "while True: pass"]))


def sweep(program, minutes, log):
    """Runs it; @returns its events, those of the sweep with the busy loops and the machine's load."""
    with tempfile.TemporaryDirectory(prefix="recollect-time-left-") as folder:
        # Busy loops make it longer: about twice as long on two cores.
        steps = steps_for(program, 60.0 * minutes / 1.7, folder)
        path = os.path.join(folder, "sweep.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(config(steps))
        print(f"{len(VARIANTS) * len(LENGTHS) * SEEDS} cells of {steps} steps, 2 jobs", flush=True)
        loops, events, start = Loops(), [], time.monotonic()
        process = subprocess.Popen([program, "run", path, "--json-lines", "--jobs", "2", "--threads", "1", "--out",
                                    os.path.join(folder, "out")], stdout=subprocess.PIPE, text=True)
        try:
            for line in process.stdout:
                count = LOOPS[min(int((time.monotonic() - start) / PHASE), len(LOOPS) - 1)]
                loops.set(count)
                event = json.loads(line)
                event["loops"] = count
                event["load"] = os.getloadavg()[0]
                events.append(event)
        finally:
            loops.set(0)
            process.terminate()
        status = process.wait()
    if log:
        with open(log, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(event) + "\n" for event in events)
    if events[-1]["status"] != 0:
        sys.exit(f"the sweep ended with status {status}: {events[-1]['error']}")
    return events


def pieces_of(events):
    """(from, to, kind, work): what a cell did in some seconds; scoring is one piece of work."""
    pieces, last = [], {}
    for event in events:
        if event["event"] not in ("start", "step", "evaluation", "end"):
            continue
        now, cell = event["elapsed"], event["cell"]
        kind = (event["variant"], json.dumps(event["settings"]))
        if event["event"] == "start":
            last[cell] = (now, 0)
            continue
        before, step = last[cell]
        if event["event"] == "end":
            pieces.append((before, now, kind + ("score",), 1.0))
        elif event["step"] > step and now > before:
            pieces.append((before, now, kind, float(event["step"] - step)))
            last[cell] = (now, event["step"])
    return pieces


def slowness_of(pieces, end):
    """How slow the machine was, window by window: seconds = work * (of its kind) * (of the window)."""
    count = int(end / WINDOW) + 1
    parts = []  # (window, kind, seconds, work)
    for begin, to, kind, work in pieces:
        at = begin
        while at < to:
            window = int(at / WINDOW)
            until = min(to, (window + 1) * WINDOW)
            parts.append((min(window, count - 1), kind, until - at, work * (until - at) / (to - begin)))
            at = until
    slow = [1.0] * count
    for _ in range(50):
        sums = collections.defaultdict(lambda: [0.0, 0.0])
        for window, kind, seconds, work in parts:
            sums[kind][0] += seconds
            sums[kind][1] += work * slow[window]
        each = {kind: seconds / work for kind, (seconds, work) in sums.items()}
        windows = [[0.0, 0.0] for _ in slow]
        for window, kind, seconds, work in parts:
            windows[window][0] += seconds
            windows[window][1] += work * each[kind]
        slow = [seconds / work if work > 0 else 1.0 for seconds, work in windows]
    return slow


def factor(estimate, truth):
    return max(estimate, truth) / max(1e-9, min(estimate, truth))


def judge(events):
    end = events[-1]["elapsed"]
    slow = slowness_of(pieces_of(events), end)
    samples = [event for event in events if event["event"] == "sweep" and event["seconds_left"] is not None]
    changes = [0.0] + [b["elapsed"] for a, b in zip(events, events[1:]) if a["loops"] != b["loops"]]
    print(f"{end:.0f} s; slowness of the windows {min(slow):.2f} to {max(slow):.2f} of their mean; load "
          f"{min(s['load'] for s in samples):.1f} to {max(s['load'] for s in samples):.1f}")
    print("   at s  loops  load  slowness  estimate  as it came  factor  at this speed  factor  counts")
    strict, steady, last = [], [], []
    for index, sample in enumerate(samples):
        now, estimate = sample["elapsed"], sample["seconds_left"]
        truth = end - now
        if truth < 5.0:  # a rounded line says no more
            continue
        before = [slow[i] for i in range(max(0, int((now - STEADY) / WINDOW)), max(1, int(now / WINDOW)))]
        speed = sum(before) / len(before)
        rest = 0.0
        at = now
        while at < end:
            until = min(end, (int(at / WINDOW) + 1) * WINDOW)
            rest += (until - at) * speed / slow[int(at / WINDOW)]
            at = until
        counts = now >= end / 4 and now - max(c for c in changes if c <= now) >= STEADY
        if counts:
            strict.append(factor(estimate, truth))
            steady.append(factor(estimate, rest))
            if now > changes[-1]:
                last.append(factor(estimate, truth))
        if index % 6 == 0 or (counts and factor(estimate, rest) > FACTOR):
            print(f"{now:7.0f}  {sample['loops']:5}  {sample['load']:4.1f}  {speed:8.2f}  {estimate:8.0f}  {truth:10.0f}"
                  f"  {factor(estimate, truth):6.2f}  {rest:13.0f}  {factor(estimate, rest):6.2f}  "
                  f"{'yes' if counts else ''}")
    worst = lambda factors: f"{max(factors):.2f}" if factors else "-"  # noqa: E731
    print(f"{len(steady)} samples count; the worst factor at this speed {worst(steady)} (criterion: {FACTOR}), as it "
          f"came {worst(strict)}, as it came after the last change {worst(last)} (criterion)")
    return bool(steady) and max(steady + last) <= FACTOR


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", nargs="?")
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--log")
    parser.add_argument("--again")
    options = parser.parse_args()
    if options.again:
        with open(options.again, encoding="utf-8") as file:
            events = [json.loads(line) for line in file]
    elif options.program:
        events = sweep(os.path.abspath(options.program), options.minutes, options.log)
    else:
        parser.error("PROGRAM is missing")
    return 0 if judge(events) else 1


if __name__ == "__main__":
    sys.exit(main())
