"""The step with the batch cut over Python threads, and all parameters in one tensor."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, List, Optional, Sequence, Tuple

import torch
from torch import Tensor

from pytorch.model import Form, Parameters
from pytorch.step import Batch, Step
from pytorch.variants import Loss


@dataclasses.dataclass(frozen=True)
class Schedule:
    """How a step uses the cores. PyTorch spreads one operation over its threads, but a batch of
    small products stays on one. So a step may also cut the batch into parts, which `workers` Python
    threads take in turn, each with its share of the threads: operations release the interpreter.
    """

    threads: int
    workers: int = 1
    parts: int = 1

    def __str__(self) -> str:
        return f"{self.workers} x {self.threads // self.workers} threads, {self.parts} parts"


class TunedStep(Step):
    """All parameters are one flat tensor, so that clipping and Adam are a few operations."""

    def __init__(
        self,
        model: Loss,
        parameters: Parameters,
        batch: Batch,
        form: Form,
        schedule: Schedule,
        learning_rate: float = 0.0,
        clip: float = 1.0,
    ) -> None:
        self.model = model
        self.form, self.schedule, self.batch, self.clip = form, schedule, batch, clip
        self.how = f"{form}{schedule}"
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

    def flat_gradient(self) -> Tuple[Tensor, Tensor]:
        def of_part(part: Batch) -> Tuple[Tensor, Tensor]:
            share = len(part.ids) / len(self.batch.ids)
            loss = self.model(self.named(self.flat), *part, self.form) * share
            return loss.detach(), torch.autograd.grad(loss, self.flat)[0]

        if torch.get_num_threads() != self.share:
            torch.set_num_threads(self.share)
        count = min(self.schedule.parts, len(self.batch.ids))
        parts = [Batch(*part) for part in zip(*(x.tensor_split(count) for x in self.batch))]
        losses, gradients = zip(*(self.pool.map if self.pool else map)(of_part, parts))
        return torch.stack(losses).sum(), torch.stack(gradients).sum(0)

    def gradient(self) -> Tuple[Tensor, Parameters]:
        loss, flat = self.flat_gradient()
        return loss, self.named(flat)

    def weights(self) -> Parameters:
        return self.named(self.flat.detach())

    def __call__(self) -> Tuple[Tensor, Tensor]:
        loss, self.flat.grad = self.flat_gradient()
        norm = torch.nn.utils.clip_grad_norm_([self.flat], self.clip)
        self.adam.step()
        return loss, norm


def tuned_steps(
    model: Loss, parameters: Parameters, batch: Batch, forms: Sequence[Form], threads: int
) -> List[Callable[[], Step]]:
    """Every form with every way to use the threads."""
    most = min(threads, len(batch.ids))
    workers = {most} | {1 << i for i in range(most.bit_length())}
    schedules = {Schedule(threads, w, w * parts) for w in workers for parts in (1, 4)}
    return [
        lambda form=form, schedule=schedule: TunedStep(model, parameters, batch, form, schedule)
        for form in forms
        for schedule in sorted(schedules, key=dataclasses.astuple)
    ]
