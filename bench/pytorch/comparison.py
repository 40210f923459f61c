"""Rounds of our program and PyTorch in turn, and the ratio of their times."""

import json
import os
import statistics
import sys
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence

import torch

from pytorch import environment
from pytorch.agreement import disagreement
from pytorch.model import Form
from pytorch.ours import Failure, Settings, export, milliseconds
from pytorch.quiet import undisturbed
from pytorch.step import Step, fastest_step, step_times

#: Forms of the same function by name, and the chunks to choose from. `folded` is chunkwise with the
#: two savings of ours that take algebra (model.py): batching alone does not give them.
FORMS = {
    "chunkwise": [Form(64), Form(128)],
    "dense": [Form(0)],
    "folded": [Form(64, True), Form(128, True)],
}
BOUND = 1e-4  # relative to a tensor's largest number; float32
SKIP = 2.0  # chunkwise or dense, so many times slower than the other, sits out later rounds


class Row(NamedTuple):
    length: int
    name: str
    how: str
    ms: List[Optional[float]]  #: of each round; None where it sat out
    ratio: List[float]  #: to ours in the same round
    disturbed: int  #: rounds in which other programs kept taking cores


def how(step: Step) -> str:
    chunk = f"chunk {step.form.chunk}, " if step.form.chunk else ""
    s = step.schedule
    return f"{chunk}{s.workers} x {s.threads // s.workers} threads, {s.parts} parts"


def compare(settings: Settings, length: int) -> List[Row]:
    case = export(settings, length, settings.batch)
    steps: Dict[str, Step] = {}
    for name, forms in FORMS.items():
        say(f"length {length}: {name}: choosing chunk and threads, comparing with ours")
        steps[name] = fastest_step(case.parameters, case.batch, forms, settings.threads)
        wrong = disagreement(case, steps[name], BOUND)
        if wrong:
            raise Failure(f"length {length}, {name} disagrees with ours: {wrong}")
    our_ms: List[Optional[float]] = []
    ms: Dict[str, List[Optional[float]]] = {name: [] for name in steps}
    disturbed = dict.fromkeys(["ours", *steps], 0)
    for index in range(settings.rounds):
        took, bad = undisturbed(lambda: milliseconds(settings, length), tries=5)
        our_ms.append(took)
        disturbed["ours"] += bad
        for name, step in steps.items():
            if index and ms[name][0] > SKIP * min(ms["chunkwise"][0], ms["dense"][0]):
                ms[name].append(None)
                continue
            step_times(step, 1, 0.0)  # what is in the caches is another program's
            times, bad = undisturbed(lambda: step_times(step, 3, settings.seconds), tries=5)
            ms[name].append(statistics.median(times))
            disturbed[name] += bad
        shown = ", ".join(f"{name} {times[-1]:.1f}" for name, times in ms.items() if times[-1])
        say(f"length {length}: round {index + 1}: ours {our_ms[-1]:.1f} ms, {shown}")
    rows = [Row(length, "ours", "", our_ms, [], disturbed["ours"])]
    for name, times in ms.items():
        ratio = [theirs / mine for theirs, mine in zip(times, our_ms) if theirs is not None]
        rows.append(Row(length, name, how(steps[name]), times, ratio, disturbed[name]))
        steps[name].close()
    best = [min(x for x in now if x is not None) for now in zip(*ms.values())]
    ratio = [theirs / mine for theirs, mine in zip(best, our_ms)]
    rows.append(Row(length, "fastest", "", best, ratio, 0))
    return rows


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def summary(numbers: Sequence[float], digits: int) -> str:
    """median (least..most)"""
    if not numbers:
        return "-"
    a, b, c = statistics.median(numbers), min(numbers), max(numbers)
    return f"{a:.{digits}f} ({b:.{digits}f}..{c:.{digits}f})"


def table(rows: List[Row]) -> str:
    lines = [("length", "form", "ms a step", "to ours", "rounds", "how")]
    for row in rows:
        ran = [x for x in row.ms if x is not None]
        rounds = str(len(ran))
        rounds += f", then left out: > {SKIP:g} x slower" if len(ran) < len(row.ms) else ""
        rounds += f", {row.disturbed} disturbed" if row.disturbed else ""
        lines.append(
            (str(row.length), row.name, summary(ran, 1), summary(row.ratio, 2), rounds, row.how)
        )
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip() for line in lines
    )


def run(settings: Settings, json_path: Optional[Path]) -> None:
    where = {
        "cpu": environment.cpu(),
        "threads": settings.threads,
        "torch": torch.__version__,
        "blas": environment.blas(),
        "vectors": os.environ.get("ATEN_CPU_CAPABILITY", "default"),
        "batch": settings.batch,
        "pairs": settings.pairs,
    }
    rows: List[Row] = []
    for length in settings.lengths:
        rows += compare(settings, length)
    print(table(rows))
    print("; ".join(f"{key} {value}" for key, value in where.items()))
    print("Medians over rounds (least..most). to ours: PyTorch's time over ours in the same round.")
    if json_path:
        content = {**where, "rows": [row._asdict() for row in rows]}
        json_path.write_text(json.dumps(content, indent=2) + "\n")
