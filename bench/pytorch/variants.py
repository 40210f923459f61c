"""The models that are compared, by the names that our program gives them."""

import functools
from typing import Callable, Dict

from torch import Tensor

from pytorch import blocks, model
from pytorch.blocks import Options
from pytorch.model import Form, Parameters

#: (parameters, ids, positions, labels, form) -> mean loss, as model.mean_loss
Loss = Callable[[Parameters, Tensor, Tensor, Tensor, Form], Tensor]

OPTIONS = {
    "gated-deltanet": Options(delta=True, unit_keys=True, output="rms-gate"),
    "adaptive-deltanet": Options(delta=True, unit_keys=True, output="rms-gate"),
    "mamba-2": Options(scale_by_dt=True, output="gate-rms"),
}


def with_options(options: Options) -> Loss:
    return functools.partial(blocks.mean_loss, options=options)


def named(variant: str) -> Loss:
    return with_options(OPTIONS[variant]) if variant in OPTIONS else model.mean_loss


def of_golden(data: Dict) -> Loss:
    """Of a file of tests/golden."""
    if "update" not in data:
        return model.mean_loss
    options = Options(
        delta=data["update"] == "delta",
        beta_max=data["beta_max"],
        unit_keys=data["qk_norm"] == "l2",
        scale_by_dt=data["value_scale"] == "dt",
        output=data["output"],
    )
    return with_options(options)
