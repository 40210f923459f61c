#!/usr/bin/python3
"""Loads a checkpoint of ours into PyTorch and gives the same logits: adaptive-decay, written from its definition.

  load_our_weights.py [--steps N] [--out FOLDER]
"""

import argparse
import pathlib

import recollect
import torch
import torch.nn.functional as F

CONFIG = pathlib.Path(__file__).with_name("recall.yaml")
BOUND = 1e-5


def level_of(tokens, levels):
    """(T, T) the level at which token t sees token s: the number of binary digits of t xor s."""
    t = torch.arange(tokens)
    digits = torch.frexp((t[:, None] ^ t).double()).exponent
    return digits.clamp(max=levels - 1).long()


def by_head(x, heads):
    """(N, T, H w) -> (N, H, T, w)"""
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def mix(w, prefix, x):
    """y_t = sum over s <= t of lambda_t[level(t, s)] exp(G_t - G_s) (q_t . k_s) v_s, then W_o y. x (N, T, D)"""

    def of(name):
        return w[prefix + name]

    heads = of("A_log").numel()
    q, k, v = (by_head(x @ of(f"{name}_proj.weight").T, heads) for name in "qkv")
    step = F.softplus(x @ of("dt_proj.weight").T + of("dt_bias"))
    G = (-of("A_log").exp() * step).cumsum(1).transpose(1, 2)  # (N, H, T)
    z = by_head(x @ of("level_proj.weight").T, heads)  # (N, H, T, L): the same MLP for every head
    hidden = F.gelu(F.linear(z, of("lambda_mlp.w1.weight"), of("lambda_mlp.w1.bias")))
    weights = F.softplus(F.linear(hidden, of("lambda_mlp.w2.weight"), of("lambda_mlp.w2.bias")))
    level = level_of(x.shape[1], weights.shape[-1]).expand(*weights.shape[:2], -1, -1)
    decay = (G[..., None] - G[..., None, :]).tril().exp().tril()
    mask = weights.gather(-1, level) * decay
    y = ((q @ k.transpose(-1, -2)) * mask) @ v
    return y.transpose(1, 2).flatten(2) @ of("out_proj.weight").T


def logits(w, ids, positions):
    """(N, R, V) at positions (N, R)."""
    x = F.embedding(ids, w["embedding.weight"])
    width = x.shape[-1:]
    for layer in range(sum(name.endswith(".A_log") for name in w)):
        prefix = f"layers.{layer}."
        x = F.layer_norm(x + mix(w, prefix, x), width, w[prefix + "norm.weight"], w[prefix + "norm.bias"])
    x = F.layer_norm(x, width, w["final_norm.weight"], w["final_norm.bias"])
    at = positions.clamp(min=0)[..., None].expand(-1, -1, x.shape[-1])
    return x.gather(1, at) @ w["head.weight"].T


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--out", default="results/runs")
    options = parser.parse_args()

    experiment = recollect.load(CONFIG, {"train.steps": options.steps})
    summary = recollect.run(experiment, options.out)
    cell = next(cell for cell in experiment.cells if cell.variant == "adaptive-decay")
    folder = pathlib.Path(summary.folder(cell))

    tensors, metadata = recollect.read_weights(folder / "best.safetensors")
    print(f"weights of step {metadata['step']}, {sum(tensor.size for tensor in tensors.values()):,} numbers")
    examples = cell.examples("test", count=100)
    ids, positions = (torch.from_numpy(array).long() for array in (examples.ids, examples.positions))
    with torch.no_grad():
        theirs = logits({name: torch.from_numpy(tensor) for name, tensor in tensors.items()}, ids, positions)
    ours = recollect.open_model(folder).logits(examples.ids, examples.positions)
    scored = examples.positions >= 0
    scale = abs(ours[scored]).max()
    difference = abs(theirs.numpy() - ours)[scored].max() / scale
    print(f"largest difference of the logits: {difference:.1e} of the largest, {scale:.3f}")
    if difference > BOUND:
        raise SystemExit(f"that is more than {BOUND}")


if __name__ == "__main__":
    main()
