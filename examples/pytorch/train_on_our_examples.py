#!/usr/bin/python3
"""Trains a small PyTorch model on the very batches that a cell of ours is trained on, and writes its answers to
the test examples, which score_beside_ours.py sets beside ours.

  train_on_our_examples.py [--steps N] [--out predictions.npz]
"""

import argparse
import pathlib

import numpy as np
import recollect
import torch
import torch.nn.functional as F
from torch import nn

CONFIG = pathlib.Path(__file__).with_name("recall.yaml")


class Layer(nn.Module):
    """A causal convolution over four tokens, softmax attention, and a norm behind the residual."""

    def __init__(self, width):
        super().__init__()
        self.conv = nn.Conv1d(width, width, 4, groups=width)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.norm = nn.LayerNorm(width)

    def forward(self, x, mask):
        u = x + self.conv(F.pad(x.transpose(1, 2), (3, 0))).transpose(1, 2)
        q, k, v = self.qkv(u).chunk(3, -1)
        scores = (q @ k.transpose(1, 2)) / q.shape[-1] ** 0.5 + mask
        return self.norm(x + self.out(scores.softmax(-1) @ v))


class Recaller(nn.Module):
    def __init__(self, vocab, width=64, layers=2):
        super().__init__()
        self.embedding = nn.Embedding(vocab, width)
        self.layers = nn.ModuleList(Layer(width) for _ in range(layers))
        self.head = nn.Linear(width, vocab, bias=False)

    def forward(self, ids, positions):
        """Logits (N, R, V) at the scored positions."""
        x = self.embedding(ids)
        mask = torch.full((ids.shape[1], ids.shape[1]), float("-inf")).triu(1)
        for layer in self.layers:
            x = layer(x, mask)
        at = positions.clamp(min=0)[..., None].expand(-1, -1, x.shape[-1])
        return self.head(x.gather(1, at))


def tensors(examples, rows=slice(None)):
    arrays = examples.ids, examples.positions, examples.labels
    return [torch.from_numpy(array[rows]).long() for array in arrays]


def answers(model, examples):
    """(N, R) int32: the id with the largest logit; whatever stands where no answer is due is not looked at."""
    ids, positions, _ = tensors(examples)
    with torch.no_grad():
        parts = [model(*part).argmax(-1) for part in zip(ids.split(100), positions.split(100))]
    return torch.cat(parts).numpy().astype(np.int32)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--out", default="predictions.npz")
    options = parser.parse_args()

    experiment = recollect.load(CONFIG, {"train.steps": options.steps})
    cell = experiment.cells[0]
    batches = cell.examples("train", steps=(1, options.steps))
    torch.manual_seed(0)
    model = Recaller(batches.vocab)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for step in range(1, options.steps + 1):
        ids, positions, labels = tensors(batches, batches.steps == step)
        loss = F.cross_entropy(model(ids, positions).transpose(1, 2), labels, ignore_index=-1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 100 == 0 or step == options.steps:
            print(f"step {step}: loss {loss.item():.4f}")

    test = cell.examples("test")
    given = answers(model, test)
    scored = test.positions >= 0
    print(f"accuracy on {len(test)} test examples, as PyTorch counts: {(given == test.labels)[scored].mean():.6f}")
    np.savez(options.out, predictions=given, digest=test.digest)
    print(f"wrote {options.out}")


if __name__ == "__main__":
    main()
