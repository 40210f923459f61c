"""Rounds of our program and PyTorch in turn, and the ratio of their times."""

import json
import statistics
import sys
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import torch

from pytorch import environment
from pytorch.ours import Settings, milliseconds
from pytorch.quiet import undisturbed
from pytorch.side import Side, forms_of

SKIP = 2.0  # chunkwise or dense, so many times slower than the other, sits out later rounds


class Row(NamedTuple):
    length: int
    name: str
    how: str
    ms: List[Optional[float]]  #: of each round; None where it sat out
    ratio: List[float]  #: to ours in the same round
    disturbed: int  #: rounds in which other programs kept taking cores


def compare(settings: Settings, length: int, names: Sequence[str]) -> List[Row]:
    """Rows of one length, ratios last."""
    with ExitStack() as stack:
        sides = [stack.enter_context(closing(Side(n, settings, length))) for n in names]
        return compare_sides(settings, length, sides)


def compare_sides(settings: Settings, length: int, sides: Sequence[Side]) -> List[Row]:
    forms = [(side, form) for side in sides for form in forms_of(side.name, settings.variant)]
    how: Dict[Tuple[Side, str], str] = {}
    for side, form in forms:
        say(f"length {length}: {form}, {side.name}: choosing settings, comparing with ours")
        how[side, form] = side.choose(form)
    our_ms: List[float] = []
    ms: Dict[Tuple[Side, str], List[Optional[float]]] = {key: [] for key in forms}
    disturbed = dict.fromkeys(forms, 0)
    our_disturbed = 0
    for index in range(settings.rounds):
        took, bad = undisturbed(lambda: milliseconds(settings, length), tries=5)
        our_ms.append(took)
        our_disturbed += bad
        for side, form in forms:
            key = side, form
            if index and ms[key][0] > SKIP * min(ms[side, f][0] for f in ("chunkwise", "dense")):
                ms[key].append(None)
                continue
            took, bad = side.milliseconds(form)
            ms[key].append(took)
            disturbed[key] += bad
        shown = [f"{f}, {s.name} {ms[s, f][-1]:.1f}" for s, f in forms if ms[s, f][-1]]
        say(f"length {length}: round {index + 1}: ours {our_ms[-1]:.1f} ms; {'; '.join(shown)}")

    def to_ours(times: Sequence[Optional[float]]) -> List[float]:
        return [theirs / mine for theirs, mine in zip(times, our_ms) if theirs is not None]

    rows = [Row(length, "ours", "", our_ms, [], our_disturbed)]
    for key in forms:
        name = f"{key[1]}, {key[0].name}"
        rows.append(Row(length, name, how[key], ms[key], to_ours(ms[key]), disturbed[key]))
    for side in sides:
        rounds = zip(*(ms[key] for key in forms if key[0] is side))
        best = [min(x for x in times if x is not None) for times in rounds]
        rows.append(Row(length, f"fastest {side.name} PyTorch / ours", "", best, to_ours(best), 0))
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


def run(settings: Settings, names: Sequence[str], json_path: Optional[Path]) -> None:
    where = {
        "variant": settings.variant,
        "cpu": environment.cpu(),
        "threads": settings.threads,
        "torch": torch.__version__,
        "blas": environment.blas(),
        "its kernels": environment.blas_kernels(),
        **{f"vectors, {name}": environment.vectors(name) for name in names},
        "batch": settings.batch,
        "pairs": settings.pairs,
    }
    rows: List[Row] = []
    for length in settings.lengths:
        rows += compare(settings, length, names)
    print(table(rows))
    print("; ".join(f"{key} {value}" for key, value in where.items()))
    print("Medians over rounds (least..most). to ours: PyTorch's time over ours in the same round.")
    if json_path:
        content = {**where, "rows": [row._asdict() for row in rows]}
        json_path.write_text(json.dumps(content, indent=2) + "\n")
