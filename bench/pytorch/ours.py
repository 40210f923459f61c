"""Our program, run as `recollect bench`."""

import json
import os
import subprocess
from pathlib import Path
from typing import NamedTuple, Sequence


class Failure(Exception):
    """Ends everything with one line."""


class Settings(NamedTuple):
    recollect: Path
    variant: str
    lengths: Sequence[int]
    batch: int
    pairs: int
    threads: int
    rounds: int
    seconds: float  #: of each side in a round, about


def bench(settings: Settings, length: int, *more: str) -> str:
    """What it prints."""
    command = [os.fspath(settings.recollect), "bench", "--variant", settings.variant]
    command += ["--length", str(length), "--pairs", str(settings.pairs), *more]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        raise Failure(f"{settings.recollect} is missing; `make` builds it")
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no message"]
        raise Failure(f"{' '.join(command)} ended with {done.returncode}: {lines[-1]}")
    return done.stdout


def milliseconds(settings: Settings, length: int) -> float:
    """A step's time: the median of three samples."""
    arguments = ["--batch", str(settings.batch), "--threads", str(settings.threads), "--json"]
    arguments += ["--samples", "3", "--seconds", f"{settings.seconds / 3:g}"]
    (row,) = json.loads(bench(settings, length, *arguments))["rows"]
    return row["ms_per_step"]
