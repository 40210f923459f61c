"""adaptive-decay in PyTorch (bench/pytorch/model.py), trained on the batches of our steps in float64 from
our initial weights: its loss follows ours.

Usage: pytorch_test.py SOURCE_TREE
"""

import csv
import itertools
import os
import pathlib
import sys
import unittest

from setting import FolderTest, skip_all

try:
    import torch
except ImportError:
    skip_all("PyTorch is not installed (python3-torch)")

import numpy as np
import recollect

sys.path.insert(0, os.path.join(sys.argv.pop(), "bench"))
from pytorch.model import Form, logits, mean_loss  # noqa: E402

STEPS = 50
CONFIG = """
experiment: followed
task: {name: mqar, length: 64, pairs: 8}
variants: [adaptive-decay]
train: {steps: 50, eval_every: 1, validation_examples: 8}
eval: {examples: 200}
seeds: [0]
"""
DENSE = Form(chunk=0)


def batches(cell):
    """ids, positions and labels of each step."""
    taken = cell.examples("train", steps=(1, STEPS))
    for step in range(1, STEPS + 1):
        rows = taken.steps == step
        yield tuple(torch.tensor(array[rows], dtype=torch.long) for array in (taken.ids, taken.positions, taken.labels))


class Copy(FolderTest):
    def setUp(self):
        super().setUp()
        torch.set_num_threads(1)  # more of them wait for each other where others compute
        self.experiment = recollect.parse(CONFIG)
        (self.cell,) = self.experiment.cells
        self.weights = {
            name: torch.tensor(tensor, dtype=torch.float64, requires_grad=True)
            for name, tensor in self.cell.initial_model().weights.items()
        }

    def train(self, steps=STEPS):
        """The loss of every step."""
        optimizer = torch.optim.Adam(self.weights.values(), lr=1e-3, betas=(0.9, 0.999), eps=1e-8)
        losses = []
        for batch in itertools.islice(batches(self.cell), steps):
            optimizer.zero_grad()
            loss = mean_loss(self.weights, *batch, DENSE)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.weights.values(), 1.0)
            optimizer.step()
            losses.append(loss.item())
        return losses

    def test_the_loss_of_a_copy_follows_ours_for_50_steps(self):
        summary = recollect.run(self.experiment, self.folder / "runs")
        folder = pathlib.Path(summary.folder(self.cell))
        with open(folder / "history.csv") as file:
            ours = [float(row["loss"]) for row in csv.DictReader(file)]
        theirs = self.train()
        self.assertEqual(len(ours), STEPS)
        largest = max(abs(a - b) / a for a, b in zip(ours, theirs))
        print(f"largest relative difference of the loss over {STEPS} steps: {largest:.1e}")
        self.assertLess(largest, 1e-4)
        self.assertLess(ours[-1], ours[0] - 0.05)  # something was learned
        final, _ = recollect.read_weights(folder / "final.safetensors")
        for name, tensor in final.items():
            np.testing.assert_allclose(tensor, self.weights[name].detach().numpy(), atol=1e-3, err_msg=name)

    def test_score_counts_as_pytorch_does(self):
        self.train(steps=10)
        examples = self.cell.examples("test")
        ids, positions, labels = (
            torch.tensor(array, dtype=torch.long) for array in (examples.ids, examples.positions, examples.labels)
        )
        with torch.no_grad():
            theirs = logits(self.weights, ids, positions, DENSE).reshape(*positions.shape, -1)
        answers = theirs.argmax(-1)
        right = (answers == labels).sum().item()
        out = self.folder / "runs"
        of_ids = recollect.score(self.cell, examples, answers, label="copy", out=out)
        self.assertEqual((of_ids["accuracy"], of_ids["loss"]), (right / labels.numel(), None))
        of_logits = recollect.score(self.cell, examples, theirs.float(), label="copy with logits", out=out)
        self.assertEqual(of_logits["accuracy"], right / labels.numel())
        loss = torch.nn.functional.cross_entropy(theirs.flatten(0, 1), labels.flatten()).item()
        self.assertAlmostEqual(of_logits["loss"], loss, places=6)

        np.savez(self.folder / "answers.npz", predictions=answers.numpy().astype(np.int32), digest=examples.digest)
        self.config.write_text(CONFIG)
        self.program("score", self.config, "--predictions", "answers.npz", "--label", "copy", "--seed", "0", "--out", "program")
        recollect.score(self.cell, examples, answers, label="copy", out=self.folder / "module")
        self.assert_same_bytes(self.folder / "program", self.folder / "module", least=4)
        accuracies = {row["label"]: row["accuracy"] for row in recollect.rows(out, "cells")}
        self.assertEqual(accuracies["copy"], right / labels.numel())
        print(f"{right} of {labels.numel()} answers right, by PyTorch and by score")

    def test_wrong_answers_are_refused_and_nothing_is_written(self):
        examples = self.cell.examples("test")
        for answers, line in (
            (np.zeros((3, 3), np.int32), r"'predictions' has shape \(3, 3\), but these examples need \(200, 8\)"),
            (np.full(examples.labels.shape, 128), "id 128 is not in 0..127"),
            (np.full((*examples.labels.shape, 128), np.nan, np.float32), "a logit is NaN"),
            (np.zeros(examples.labels.shape), r"must be ids \(int32 or int64\) or logits \(float32\), not float64"),
            (np.full(examples.labels.shape, 1 << 40), "an id that is no int32"),
        ):
            with self.assertRaisesRegex(recollect.Error, line):
                recollect.score(self.cell, examples, answers, label="copy", out=self.folder / "runs")
        with self.assertRaisesRegex(recollect.UsageError, "take another"):
            recollect.score(self.cell, examples, examples.labels, label="adaptive-decay", out=self.folder / "runs")
        self.assertFalse((self.folder / "runs").exists())

    def test_the_order_of_batches_matters(self):
        """The comparison above can fail: one example exchanged is seen."""
        (ids, positions, labels), *_ = batches(self.cell)
        exchanged = ids.clone()
        exchanged[0] = ids[1]
        with torch.no_grad():
            one = mean_loss(self.weights, ids, positions, labels, DENSE).item()
            other = mean_loss(self.weights, exchanged, positions, labels, DENSE).item()
        self.assertGreater(abs(one - other) / one, 1e-4)

    def test_logits_of_a_copy_are_ours(self):
        examples = self.cell.examples("test", count=20)
        ids, positions = (torch.tensor(array, dtype=torch.long) for array in (examples.ids, examples.positions))
        with torch.no_grad():
            theirs = logits(self.weights, ids, positions, DENSE).reshape(20, -1, self.cell.vocab)
        np.testing.assert_allclose(self.cell.initial_model().logits(examples.ids, examples.positions), theirs, atol=1e-5)


if __name__ == "__main__":
    unittest.main(warnings="ignore")
