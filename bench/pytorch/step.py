"""A training step: loss, gradient, clipping by global norm, Adam."""

import dataclasses
import time
from concurrent.futures import ThreadPoolExecutor
from typing import List, NamedTuple, Optional, Tuple

import torch
from torch import Tensor

from pytorch.model import Form, Parameters, mean_loss
from pytorch.quiet import undisturbed


class Batch(NamedTuple):
    ids: Tensor  #: (B, T) int64
    positions: Tensor  #: (B, K) int64
    labels: Tensor  #: (B, K) int64


@dataclasses.dataclass(frozen=True)
class Schedule:
    """How a step uses the cores. PyTorch spreads one operation over its threads, but a batch of
    small products stays on one. So a step may also cut the batch into parts, which `workers` Python
    threads take in turn, each with its share of the threads: operations release the interpreter.
    """

    threads: int
    workers: int = 1
    parts: int = 1


class Step:
    """All parameters are one flat tensor, so that clipping and Adam are a few operations."""

    def __init__(
        self,
        parameters: Parameters,
        batch: Batch,
        form: Form,
        schedule: Schedule,
        learning_rate: float = 0.0,
        clip: float = 1.0,
    ) -> None:
        self.form, self.schedule, self.batch, self.clip = form, schedule, batch, clip
        self.shapes = {name: w.shape for name, w in parameters.items()}
        self.flat = torch.nn.Parameter(torch.cat([w.reshape(-1) for w in parameters.values()]))
        self.adam = torch.optim.Adam([self.flat], lr=learning_rate)
        self.pool: Optional[ThreadPoolExecutor] = None
        self.share = max(1, schedule.threads // schedule.workers)
        if schedule.workers > 1:
            settle = torch.set_num_threads  # holds for the thread that calls it
            self.pool = ThreadPoolExecutor(schedule.workers, "part", settle, (self.share,))

    def close(self) -> None:
        if self.pool:
            self.pool.shutdown()

    def named(self, flat: Tensor) -> Parameters:
        """The numbers of a flat tensor as tensors of their names."""
        pieces = flat.split([shape.numel() for shape in self.shapes.values()])
        return {n: piece.view(self.shapes[n]) for n, piece in zip(self.shapes, pieces)}

    def loss_and_gradient(self) -> Tuple[Tensor, Tensor]:
        """Mean loss over the batch's scored positions, and its gradient, flat."""

        def of_part(part: Batch) -> Tuple[Tensor, Tensor]:
            share = len(part.ids) / len(self.batch.ids)
            loss = mean_loss(self.named(self.flat), *part, self.form) * share
            return loss.detach(), torch.autograd.grad(loss, self.flat)[0]

        if torch.get_num_threads() != self.share:
            torch.set_num_threads(self.share)
        count = min(self.schedule.parts, len(self.batch.ids))
        parts = [Batch(*part) for part in zip(*(x.tensor_split(count) for x in self.batch))]
        losses, gradients = zip(*(self.pool.map if self.pool else map)(of_part, parts))
        return torch.stack(losses).sum(), torch.stack(gradients).sum(0)

    def __call__(self) -> Tuple[Tensor, Tensor]:
        """One update: (loss, norm of the gradient before clipping)."""
        loss, self.flat.grad = self.loss_and_gradient()
        norm = torch.nn.utils.clip_grad_norm_([self.flat], self.clip)
        self.adam.step()
        return loss, norm


def step_times(step: Step, least: int, seconds: float) -> List[float]:
    """Milliseconds of single steps: at least so many, for at least so long."""
    times: List[float] = []
    begin = time.perf_counter()
    while len(times) < least or time.perf_counter() - begin < seconds:
        before = time.perf_counter()
        step()
        times.append(1e3 * (time.perf_counter() - before))
    return times


def fastest_step(parameters: Parameters, batch: Batch, forms: List[Form], threads: int) -> Step:
    """The fastest of these forms, which are one function, and of the ways to use the threads."""
    most = min(threads, len(batch.ids))
    workers = {most} | {1 << i for i in range(most.bit_length())}
    schedules = {Schedule(threads, w, w * parts) for w in workers for parts in (1, 4)}
    best: Tuple[float, Optional[Step]] = (float("inf"), None)
    for form in forms:
        for schedule in sorted(schedules, key=dataclasses.astuple):
            step = Step(parameters, batch, form, schedule)
            step_times(step, 2, 0.0)  # memory is taken, threads are awake
            took = min(undisturbed(lambda: step_times(step, 3, 0.3), tries=2)[0])
            slower = step
            if took < best[0]:
                slower, best = best[1], (took, step)
            if slower:
                slower.close()
    return best[1]
