"""Tests: golden data in float64, batches of our program in float32, and that a test can fail."""

import json
from pathlib import Path
from typing import Callable, Iterator, Optional, Tuple

import torch

from pytorch.agreement import (
    Case,
    disagreement,
    export,
    golden_batch,
    golden_tensors,
    read_golden,
    relative_error,
)
from pytorch.model import Form, mean_loss
from pytorch.ours import Settings
from pytorch.plain import PlainStep
from pytorch.side import forms_of
from pytorch.step import Batch, Step
from pytorch.tuned import Schedule, TunedStep

Result = Tuple[str, Optional[str]]  # what was compared, and what is wrong if anything

#: Files that are this variant, or its core with less around it.
GOLDEN = {
    "adaptive-decay": ("variant-adaptive-decay", "options-length150", "options-heads2"),
    "gated-deltanet": ("delta-gated", "delta-length150-gated"),
    "adaptive-deltanet": ("delta-adaptive", "delta-length150"),
    "mamba-2": ("blocks-mamba2",),
}
SHOWN = 10  # failures
EXPORT_BOUND = 1e-4  # relative to a tensor's largest number; float32 on both sides


def check(settings: Settings, golden: Path) -> bool:
    """Whether every comparison passes. Prints the first of those that do not, and counts."""
    counts = [0, 0]
    groups = golden_results, planted_results, export_results
    for group in (each(settings, golden) for each in groups):
        for what, wrong in group:
            counts[wrong is None] += 1
            if wrong is not None and counts[False] <= SHOWN:
                print(f"FAILED {what}: {wrong}")
    print(f"{counts[True]} comparisons passed, {counts[False]} failed")
    return counts[False] == 0


def golden_results(settings: Settings, folder: Path) -> Iterator[Result]:
    # T is 13, 21 or 150: no multiple of most of these chunks.
    for name in GOLDEN[settings.variant]:
        case = read_golden(folder / f"{name}.json")
        # Scored positions named so often give the same loss. Where they are many, the last layer is
        # computed everywhere.
        for times in (1, 100):
            ids, positions, labels = case.batch
            batch = Batch(ids, positions.repeat(1, times), labels.repeat(1, times))
            repeated = case._replace(batch=batch)
            what = f"{name}, positions {times} times"
            for chunk in (0, 1, 4, 16, 32, 64):
                yield plain_result(what, repeated, Form(chunk), 1e-9)
                for folded in (False, True) if case.model is mean_loss else (False,):
                    for schedule in (Schedule(1), Schedule(2, 2, 2)):
                        yield tuned_result(what, repeated, Form(chunk, folded), schedule, 1e-9)
    if settings.variant != "adaptive-decay":
        return
    path = folder / "trajectory-plain.json"
    steps = {
        "plain": lambda start, batch, *more: PlainStep(
            mean_loss, start, batch, Form(16), 2, *more
        ),
        "tuned": lambda start, batch, *more: TunedStep(
            mean_loss, start, batch, Form(16), Schedule(2, 2, 2), *more
        ),
    }
    for what, make in steps.items():
        yield f"trajectory-plain, {what}", trajectory_disagreement(path, make, 1e-8)


def export_results(settings: Settings, _: Path) -> Iterator[Result]:
    shapes = [(64, 5, 1), (200, 3, 1), (256, 4, 1), (1024, 2, 1)]
    if settings.variant != "adaptive-decay":
        shapes.append((256, 3, 2))  # golden data with as many heads are short, or of other variants
    for length, batch, heads in shapes:
        case = export(settings, length, batch, "--set", f"model.heads={heads}")
        what = f"export of length {length}, heads {heads}"
        forms = forms_of("tuned", settings.variant)
        every = sorted({Form(32), *(Form(*options) for of in forms.values() for options in of)})
        for form in every:
            if not form.folded:
                yield plain_result(what, case, form, EXPORT_BOUND)
        for form in every:
            yield tuned_result(what, case, form, Schedule(2, 2, 3), EXPORT_BOUND)


def planted_results(settings: Settings, folder: Path) -> Iterator[Result]:
    """One wrong number has to be found, and its tensor named."""
    case = read_golden(folder / f"{GOLDEN[settings.variant][0]}.json")
    for name, error in (("layers.0.A_log", 1e-6), ("layers.1.k_proj.weight", float("nan"))):
        gradient = {n: g.clone() for n, g in case.gradient.items()}
        gradient[name].view(-1)[0] += error
        planted = case._replace(gradient=gradient)
        for what, wrong in (
            plain_result("plain", planted, Form(4), 1e-9),
            tuned_result("tuned", planted, Form(4), Schedule(1), 1e-9),
        ):
            found = wrong is not None and name in wrong
            yield f"{what}: an error of {error} in {name}", None if found else f"not found: {wrong}"


def plain_result(what: str, case: Case, form: Form, bound: float) -> Result:
    step = PlainStep(*case[:3], form, 2)
    return f"{what}, plain, {form!r}", disagreement(case, step, bound)


def tuned_result(what: str, case: Case, form: Form, schedule: Schedule, bound: float) -> Result:
    step = TunedStep(*case[:3], form, schedule)
    wrong = disagreement(case, step, bound)
    step.close()
    return f"{what}, {form!r}, {schedule}", wrong


def trajectory_disagreement(path: Path, make: Callable[..., Step], bound: float) -> Optional[str]:
    """Golden optimiser steps: losses, norms, and the weights after the last."""
    data = json.loads(path.read_text())
    step: Optional[Step] = None
    for entry in data["steps"]:
        batch = golden_batch(entry)
        if step is None:
            start = golden_tensors(data["params"])
            step = make(start, batch, data["learning_rate"], data["clip"])
        step.batch = batch
        loss, norm = step()
        for name, actual in (("loss", loss), ("gradient_norm", norm)):
            error = relative_error(torch.tensor(entry[name], dtype=torch.float64), actual.detach())
            if not error <= bound:
                return f"step {entry['step']}: {name} is off by {error:.3g}"
    last = step.weights()
    step.close()
    for name, expected in golden_tensors(data["final_params"]).items():
        error = relative_error(expected, last[name])
        if not error <= bound:
            return f"after the last step: {name} is off by {error:.3g}"
    return None
