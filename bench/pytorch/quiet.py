"""Times that other programs did not disturb."""

import os
import time
from typing import Callable, List, Tuple, TypeVar

from pytorch.environment import read

Result = TypeVar("Result")

#: Of the cores. Threads that share an operation wait for each other, so a little costs a lot.
DISTURBED = 0.05


def undisturbed(measure: Callable[[], Result], tries: int) -> Tuple[Result, bool]:
    """What `measure` gives, and whether it was disturbed: it is repeated while other programs take
    cores, so many times at most, and the least disturbed result counts."""
    taken: List[Tuple[float, Result]] = []
    while len(taken) < tries and not (taken and taken[-1][0] <= DISTURBED):
        begin, all_before, mine_before = time.perf_counter(), all_work(), my_work()
        result = measure()
        others = all_work() - all_before - (my_work() - mine_before)
        cores = (time.perf_counter() - begin) * (os.cpu_count() or 1)
        taken.append((others / cores, result))
    others, result = min(taken, key=lambda each: each[0])
    return result, others > DISTURBED


def my_work() -> float:
    """Seconds that cores have worked for this program and those it has started."""
    return sum(os.times()[:4])


def all_work() -> float:
    """Seconds that cores have worked for anybody; always 0 where nobody counts."""
    counts = read("/proc/stat").split("\n", 1)[0].split()[1:]
    user, nice, system, _idle, _wait, irq, softirq = (float(n) for n in (counts or [0] * 7)[:7])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")
