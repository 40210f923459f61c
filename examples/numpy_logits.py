"""The logits of a trained `fixed-decay` cell with default options, from its weights file alone.

    python3 examples/numpy_logits.py WEIGHTS.safetensors EXAMPLES.npz [LOGITS.npz]

EXAMPLES.npz is what `recollect generate` writes. With LOGITS.npz, of `recollect score --checkpoint
WEIGHTS.safetensors --logits LOGITS.npz`, it says how far apart the two are. docs/formats.md has every
tensor; docs/model.md says what they mean.
"""

import json
import struct
import sys

import numpy as np


def read_tensors(path):
    data = open(path, "rb").read()
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + size])
    return {
        name: np.frombuffer(data[8 + size :][slice(*entry["data_offsets"])], "<f4")
        .reshape(entry["shape"])
        .astype(np.float64)
        for name, entry in header.items()
        if name != "__metadata__"
    }


def logits(w, ids):
    """(T) ids -> (T, V), at every position."""
    softplus = lambda x: np.logaddexp(0, x)
    rows = lambda x: (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5)
    norm = lambda x, name: rows(x) * w[name + ".weight"] + w[name + ".bias"]
    t = np.arange(len(ids))
    level = np.vectorize(lambda a, b: int(a ^ b).bit_length())(t[:, None], t)
    x = w["embedding.weight"][ids]
    for layer in range(sum(name.endswith("q_proj.weight") for name in w)):
        own = {n.split(".", 2)[2]: a for n, a in w.items() if n.startswith(f"layers.{layer}.")}
        heads, levels = own["level_scale"].shape
        q, k, v = (np.split(x @ own[n + "_proj.weight"].T, heads, 1) for n in "qkv")
        gate = -np.exp(own["A_log"]) * softplus(x @ own["dt_proj.weight"].T + own["dt_bias"])
        y = []
        for h, lam in enumerate(softplus(own["level_scale"])):
            decay = np.cumsum(gate[:, h])
            past = np.where(t[:, None] >= t, decay[:, None] - decay, -np.inf)
            y.append((q[h] @ k[h].T * np.exp(past) * lam[np.minimum(level, levels - 1)]) @ v[h])
        x = norm(x + np.concatenate(y, 1) @ own["out_proj.weight"].T, f"layers.{layer}.norm")
    return norm(x, "final_norm") @ w["head.weight"].T


def main(weights, examples, expected=None):
    w, given = read_tensors(weights), np.load(examples)
    apart = 0.0
    theirs = np.load(expected)["logits"] if expected else None
    for i, (ids, positions) in enumerate(zip(given["ids"], given["positions"])):
        scored = positions[positions >= 0]
        ours = logits(w, ids)[scored]
        if theirs is None:
            print(i, *ours.argmax(1))
        else:
            apart = max(apart, float(np.abs(ours - theirs[i, : len(scored)]).max()))
    if expected:
        print(f"{len(given['ids'])} examples, largest difference {apart:.1e}")
    return apart


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) > 1e-5)
