"""The step as a competent user writes it: the whole batch in one call, PyTorch's own settings."""

from typing import Callable, List, Sequence, Tuple

import torch
from torch import Tensor

from pytorch.model import Form, Parameters, mean_loss
from pytorch.step import Batch, Step


class PlainStep(Step):
    def __init__(
        self,
        parameters: Parameters,
        batch: Batch,
        form: Form,
        threads: int,
        learning_rate: float = 0.0,
        clip: float = 1.0,
    ) -> None:
        torch.set_num_threads(threads)
        self.form, self.batch, self.clip = form, batch, clip
        self.how = f"{form}{threads} threads"
        self.named = {name: torch.nn.Parameter(w.clone()) for name, w in parameters.items()}
        self.adam = torch.optim.Adam(self.named.values(), lr=learning_rate, foreach=True)

    def gradient(self) -> Tuple[Tensor, Parameters]:
        self.adam.zero_grad(set_to_none=True)
        loss = mean_loss(self.named, *self.batch, self.form)
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
    parameters: Parameters, batch: Batch, forms: Sequence[Form], threads: int
) -> List[Callable[[], Step]]:
    return [lambda form=form: PlainStep(parameters, batch, form, threads) for form in forms]
