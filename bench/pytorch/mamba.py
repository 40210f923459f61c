"""Mamba-2's core: one state, to which every token adds (docs/model.md), batched as in delta.py.

  y_t = sum over s <= t of exp(G_t - G_s) (q_t . k_s) v_s
"""

import torch
from torch import Tensor

from pytorch.model import unit_mask


def one_state(q: Tensor, k: Tensor, v: Tensor, gate: Tensor, C: int) -> Tensor:
    """Every row of y (N, T, e). q, k (N, T, d), v (N, T, e), gate (N, T, 1)."""
    (N, T, d), e, n = k.shape, v.shape[2], k.shape[1] // C
    q, k, v = q.reshape(N * n, C, d), k.reshape(N * n, C, d), v.reshape(N * n, C, e)
    G = gate.reshape(N * n, C).cumsum(1)
    y = torch.bmm(torch.bmm(q, k.transpose(1, 2)) * unit_mask(G), v)
    if n == 1:
        return y
    total = G[:, -1:]
    added = torch.bmm((k * (total - G).exp()[:, :, None]).transpose(1, 2), v)
    added = added.unflatten(0, (N, n)).unbind(1)
    kept = total.exp()[:, :, None].unflatten(0, (N, n)).unbind(1)
    states = [torch.zeros_like(added[0]), added[0]]  # that chunks begin with
    for i in range(1, n - 1):
        states.append(torch.addcmul(added[i], kept[i], states[-1]))
    reader = q * G.exp()[:, :, None]
    return torch.baddbmm(y, reader, torch.stack(states, 1).view(N * n, d, e)).view(N, T, e)


def rows(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    """y at scored positions (N, K, e). q (N, K, d), mask (N, K, T)."""
    return torch.bmm(torch.bmm(k, q.transpose(1, 2)).transpose(1, 2) * mask, v)
