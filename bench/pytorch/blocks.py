"""Models whose layers have a convolution, norms and gates around their core (docs/model.md).

A convolution, a skip, weights of levels are there where their tensors are; what tensors do not
tell, Options do. Symbols as in model.py, with w = H d columns of all heads.

What measuring decided:
- q, k and v are one product and one convolution. As a convolution of images, channels last, it
  takes half of what F.conv1d or a sum of shifted tensors takes.
- What only a scored position needs is computed there alone, in the last layer and behind it.
"""

import dataclasses
from typing import Tuple

import torch
import torch.nn.functional as F
from torch import Tensor

from pytorch import mamba
from pytorch.delta import delta_levels, delta_one_state, delta_rows
from pytorch.model import Form, Parameters, by_head, layout, log_weights, rows_mask


@dataclasses.dataclass(frozen=True)
class Options:
    """Of a variant, as docs/model.md has them."""

    delta: bool = False  #: update delta
    beta_max: float = 1.0
    unit_keys: bool = False  #: qk_norm l2
    scale_by_dt: bool = False  #: value_scale dt
    output: str = "plain"  #: or rms-gate, gate-rms


def mean_loss(
    p: Parameters, ids: Tensor, positions: Tensor, labels: Tensor, form: Form, options: Options
) -> Tensor:
    """Cross-entropy in nats, mean over scored positions. ids (B, T), positions, labels (B, K)."""
    return F.cross_entropy(logits(p, ids, positions, form, options), labels.reshape(-1))


def logits(p: Parameters, ids: Tensor, positions: Tensor, form: Form, options: Options) -> Tensor:
    """(B K, V) at the scored positions."""
    (B, T), layers = ids.shape, sum(name.endswith(".q_proj.weight") for name in p)
    D = p["embedding.weight"].shape[1]
    chunk, padded = layout(T, form)
    if padded > T:  # behind the last token, where causality keeps it from the others
        ids = F.pad(ids, (0, padded - T))
    scored = (positions + padded * torch.arange(B)[:, None]).reshape(-1)
    by_rows = form.chunk == 0 or 2 * positions.shape[1] <= chunk + 4 * D

    x = F.embedding(ids, p["embedding.weight"]).view(-1, D)  # (B T, D)
    for i in range(layers):
        prefix = f"layers.{i}."
        layer = {name[len(prefix) :]: w for name, w in p.items() if name.startswith(prefix)}
        mixer, last = Mixer(layer, options, B, chunk), i + 1 == layers
        if last and by_rows:
            y, x = mixer.rows(x, positions, scored), x.index_select(0, scored)
        else:
            y = mixer.everywhere(x)
            if last:
                x, y = x.index_select(0, scored), y.index_select(0, scored)
        y = mixer.output(y, x)
        x = torch.addmm(x, y, layer["out_proj.weight"].t())
        x = F.layer_norm(x, (D,), layer["norm.weight"], layer["norm.bias"])
    x = F.layer_norm(x, (D,), p["final_norm.weight"], p["final_norm.bias"])
    return F.linear(x, p["head.weight"])


class Mixer:
    """Of one layer. u is the layer's input (B T, D)."""

    def __init__(self, layer: Parameters, options: Options, B: int, chunk: int) -> None:
        self.layer, self.options, self.B, self.chunk = layer, options, B, chunk
        self.H = layer["A_log"].numel()

    def everywhere(self, u: Tensor) -> Tensor:
        """What the core gives (B T, w)."""
        q, k, v = self.tokens(u, "qkv")
        gate, added = self.gate(u, v)
        if not self.options.delta:
            y = mamba.one_state(q, k, added, gate, self.chunk)
        elif "level_proj.weight" in self.layer:
            weights = self.by_head(log_weights(self.layer, u))
            y = delta_levels(q, k, added, self.beta(u), gate, weights, self.chunk)
        else:
            y = delta_one_state(q, k, added, self.beta(u), gate, self.chunk)
        return self.rejoin(self.with_skip(y, v))

    def rows(self, u: Tensor, positions: Tensor, scored: Tensor) -> Tensor:
        """The same at scored positions, rows `scored` of u: (B K, w)."""
        k, v = self.tokens(u, "kv")
        gate, added = self.gate(u, v)
        q = self.queries(u, positions, scored)
        at = positions.repeat_interleave(self.H, 0)
        weights = q.new_zeros(*at.shape, 1)
        if "level_proj.weight" in self.layer:
            weights = self.by_head(log_weights(self.layer, u.index_select(0, scored)))
        mask = rows_mask(weights, gate.squeeze(2).cumsum(1), at)
        if self.options.delta:
            y = delta_rows(q, k, added, self.beta(u), mask, at, self.chunk)
        else:
            y = mamba.rows(q, k, added, mask)
        if "skip" in self.layer:
            v = v.gather(1, at[:, :, None].expand(-1, -1, v.shape[2]))
        return self.rejoin(self.with_skip(y, v))

    def by_head(self, x: Tensor) -> Tensor:
        return by_head(x, self.B, self.H)

    def rejoin(self, y: Tensor) -> Tensor:
        """(N, T, d) -> (B T, w)"""
        T = y.shape[1]
        return y.view(self.B, self.H, T, -1).transpose(1, 2).reshape(self.B * T, -1)

    def tokens(self, u: Tensor, names: str) -> Tuple[Tensor, ...]:
        """Queries, keys and values, as named, each (N, T, d)."""
        weights = [self.layer[f"{name}_proj.weight"] for name in names]
        z = F.linear(u, torch.cat(weights)).view(self.B, len(u) // self.B, -1)
        if "k_conv.weight" in self.layer:
            taps = torch.cat([self.layer[f"{name}_conv.weight"] for name in names], 1)
            z = F.silu(convolution(z, taps))
        parts = []
        for name, part in zip(names, z.split([len(w) for w in weights], 2)):
            part = self.by_head(part.reshape(len(u), -1))
            parts.append(unit(part) if self.options.unit_keys and name != "v" else part)
        return tuple(parts)

    def queries(self, u: Tensor, positions: Tensor, scored: Tensor) -> Tensor:
        """Of scored positions (N, K, d), from the few tokens before each that the taps reach."""
        weight, taps = self.layer["q_proj.weight"], self.layer.get("q_conv.weight")
        if taps is None:
            z = F.linear(u.index_select(0, scored), weight)
        else:
            back = torch.arange(len(taps))
            there = (positions.reshape(-1, 1) >= back).to(u.dtype)
            reached = u.index_select(0, (scored[:, None] - back).clamp_min_(0).view(-1))
            z = F.linear(reached, weight).view(len(scored), len(taps), -1)
            z = F.silu((z * (there[:, :, None] * taps)).sum(1))
        q = self.by_head(z)
        return unit(q) if self.options.unit_keys else q

    def gate(self, u: Tensor, v: Tensor) -> Tuple[Tensor, Tensor]:
        """The gate (N, T, 1), and the values that the core adds."""
        layer = self.layer
        dt = self.by_head(F.softplus(F.linear(u, layer["dt_proj.weight"], layer["dt_bias"])))
        decay = layer["A_log"].exp().repeat(self.B).view(-1, 1, 1)
        return dt * -decay, v * dt if self.options.scale_by_dt else v

    def beta(self, u: Tensor) -> Tensor:
        beta = self.by_head(F.linear(u, self.layer["beta_proj.weight"]).sigmoid())
        return beta if self.options.beta_max == 1 else beta * self.options.beta_max

    def with_skip(self, y: Tensor, v: Tensor) -> Tensor:
        if "skip" not in self.layer:
            return y
        return torch.addcmul(y, v, self.layer["skip"].repeat(self.B).view(-1, 1, 1))

    def output(self, y: Tensor, u: Tensor) -> Tensor:
        """Norm and gate of what the core gives, both (rows, w), where u is the rows' input."""
        if self.options.output == "plain":
            return y
        norm = self.layer["out_norm.weight"]
        opening = F.silu(F.linear(u, self.layer["gate_proj.weight"]))
        if self.options.output == "gate-rms":
            return rms(y * opening, norm)
        return rms(y.view(len(y), self.H, -1), norm).view_as(y) * opening


def convolution(x: Tensor, taps: Tensor) -> Tensor:
    """Depthwise and causal: the sum over j of taps[j] x[t - j]. x (B, T, w), taps (k, w)."""
    k, w = taps.shape
    padded = torch.cat([x.new_zeros(len(x), k - 1, w), x], 1)
    image = padded.transpose(1, 2)[:, :, None]  # (B, w, 1, T + k - 1), channels last in memory
    return F.conv2d(image, taps.flip(0).t()[:, None, None], groups=w).squeeze(2).transpose(1, 2)


def unit(x: Tensor) -> Tensor:
    """Of length 1 along the last dimension."""
    return x * x.square().sum(-1, keepdim=True).add(1e-6).rsqrt()


def rms(x: Tensor, weight: Tensor) -> Tensor:
    return x * x.square().mean(-1, keepdim=True).add(1e-5).rsqrt() * weight
