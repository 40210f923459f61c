"""A training step: loss, gradient, clipping by global norm, Adam. plain.py and tuned.py do it."""

import time
from typing import Callable, List, NamedTuple, Optional, Sequence, Tuple

from torch import Tensor

from pytorch.model import Parameters
from pytorch.quiet import undisturbed


class Batch(NamedTuple):
    ids: Tensor  #: (B, T) int64
    positions: Tensor  #: (B, K) int64
    labels: Tensor  #: (B, K) int64


class Step:
    how: str  #: the settings, for a reader
    batch: Batch

    def gradient(self) -> Tuple[Tensor, Parameters]:
        """Mean loss over the batch's scored positions, and its gradient."""
        raise NotImplementedError

    def weights(self) -> Parameters:
        raise NotImplementedError

    def __call__(self) -> Tuple[Tensor, Tensor]:
        """One update: (loss, norm of the gradient before clipping)."""
        raise NotImplementedError

    def close(self) -> None:
        pass


def step_times(step: Step, least: int, seconds: float) -> List[float]:
    """Milliseconds of single steps: at least so many, for at least so long."""
    times: List[float] = []
    begin = time.perf_counter()
    while len(times) < least or time.perf_counter() - begin < seconds:
        before = time.perf_counter()
        step()
        times.append(1e3 * (time.perf_counter() - before))
    return times


def fastest_step(candidates: Sequence[Callable[[], Step]]) -> Step:
    """The fastest of these, which compute one function."""
    best: Tuple[float, Optional[Step]] = (float("inf"), None)
    for make in candidates:
        step = make()
        step_times(step, 2, 0.0)  # memory is taken, threads are awake
        took = min(undisturbed(lambda: step_times(step, 3, 0.3), tries=2)[0])
        slower = step
        if took < best[0]:
            slower, best = best[1], (took, step)
        if slower:
            slower.close()
    return best[1]
