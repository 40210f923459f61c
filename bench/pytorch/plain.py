"""The step as a competent user writes it: the whole batch in one call, PyTorch's own settings."""

from typing import Callable, List, Sequence, Tuple

import torch
from torch import Tensor

from pytorch.model import Form, Parameters
from pytorch.step import Batch, Step
from pytorch.variants import Loss


class PlainStep(Step):
    def __init__(
        self,
        model: Loss,
        parameters: Parameters,
        batch: Batch,
        form: Form,
        threads: int,
        learning_rate: float = 0.0,
        clip: float = 1.0,
    ) -> None:
        self.model, self.threads = model, threads
        self.form, self.batch, self.clip = form, batch, clip
        self.how = f"{form}{threads} thread{'s' if threads > 1 else ''}"
        self.named = {name: torch.nn.Parameter(w.clone()) for name, w in parameters.items()}
        self.adam = torch.optim.Adam(self.named.values(), lr=learning_rate, foreach=True)

    def gradient(self) -> Tuple[Tensor, Parameters]:
        if torch.get_num_threads() != self.threads:
            torch.set_num_threads(self.threads)
        self.adam.zero_grad(set_to_none=True)
        loss = self.model(self.named, *self.batch, self.form)
        loss.backward()
        return loss.detach(), {name: w.grad for name, w in self.named.items()}

    def weights(self) -> Parameters:
        return {name: w.detach() for name, w in self.named.items()}

    def __call__(self) -> Tuple[Tensor, Tensor]:
        loss, _ = self.gradient()
        norm = torch.nn.utils.clip_grad_norm_(self.named.values(), self.clip)
        self.adam.step()
        return loss, norm


def plain_steps(
    model: Loss, parameters: Parameters, batch: Batch, forms: Sequence[Form], threads: int
) -> List[Callable[[], Step]]:
    """Every form on one thread and on all: threads that share a short operation can cost time."""
    return [
        lambda form=form, count=count: PlainStep(model, parameters, batch, form, count)
        for form in forms
        for count in sorted({1, threads})
    ]
