"""The delta rule (docs/model.md), batched over sequences, heads and chunks.

N = B H, T tokens, K scored positions, d columns of a key, e of a value, C tokens a chunk,
n = T / C. With A[t,s] = beta_t k_t . k_s below the diagonal, W = (I + A)^-1 diag(beta) and
P = tril(Q K^T) W,

  y_t = sum over s <= t of M[t,s] P[t,s] v_s         M: the mask of gate and levels

Dense is one chunk of T tokens. What stays inside chunks is one batch, with one triangular solve;
states go from chunk to chunk.

What measuring decided: tensors are taken apart by `unbind` and `split`, whose gradient is put
together once, where that of each slice is a tensor of zeros of its own; and what shares a factor is
one product.
"""

from typing import Dict, List, Sequence

import torch
from torch import Tensor

from pytorch.model import square_mask, unit_mask


def inverse_times(A: Tensor, right: Tensor) -> Tensor:
    """(I + A)^-1 right, of which only what is below A's diagonal is read."""
    return torch.linalg.solve_triangular(A, right, upper=False, unitriangular=True)


def times_inverse(left: Tensor, A: Tensor) -> Tensor:
    """left (I + A)^-1, likewise."""
    return torch.linalg.solve_triangular(A, left, upper=False, left=False, unitriangular=True)


def delta_one_state(q: Tensor, k: Tensor, v: Tensor, beta: Tensor, gate: Tensor, C: int) -> Tensor:
    """Every row of y (N, T, e). q, k (N, T, d), v (N, T, e), beta and gate (N, T, 1).

    The form that Gated DeltaNet is trained in: a solve gives U and W, of which U - W S is what a
    chunk's tokens write, where S is the state that the chunk begins with.
    """
    (N, T, d), e, n = k.shape, v.shape[2], k.shape[1] // C
    q, k, v = q.reshape(N * n, C, d), k.reshape(N * n, C, d), v.reshape(N * n, C, e)
    beta, G = beta.reshape(N * n, C, 1), gate.reshape(N * n, C).cumsum(1)
    mask, decay = unit_mask(G), G.exp()[:, :, None]
    scores, A = torch.bmm(torch.cat([q, k], 1), k.transpose(1, 2)).split(C, 1)
    scores, A = scores * mask, A * (mask * beta)
    right = torch.cat([v, k * decay], 2) * beta
    U, W = inverse_times(A, right).split([e, d], 2)
    if n == 1:
        return torch.bmm(scores, U)

    total = G[:, -1:]
    writer = (k * (total - G).exp()[:, :, None]).transpose(1, 2)
    parts = scores, q * decay, U, W, writer, total.exp()[:, :, None]
    of_chunk = zip(*(x.unflatten(0, (N, n)).unbind(1) for x in parts))
    y: List[Tensor] = []
    for i, (scores, reader, U, W, writer, kept) in enumerate(of_chunk):
        if i == 0:
            written = U
            y.append(torch.bmm(scores, written))
            S = torch.bmm(writer, written)
            continue
        written = torch.baddbmm(U, W, S, alpha=-1)
        y.append(torch.baddbmm(torch.bmm(scores, written), reader, S))
        if i + 1 < n:
            S = torch.baddbmm(S * kept, writer, written)
    return torch.cat(y, 1)


def delta_levels(
    q: Tensor, k: Tensor, v: Tensor, beta: Tensor, gate: Tensor, weights: Tensor, C: int
) -> Tensor:
    """The same with one state a level, read with a weight of its own: log lambda (N, T, L)."""
    (N, T, d), e, n = k.shape, v.shape[2], k.shape[1] // C
    q, k, v = q.reshape(N * n, C, d), k.reshape(N * n, C, d), v.reshape(N * n, C, e)
    beta, G = beta.reshape(N * n, C), gate.reshape(N * n, C).cumsum(1)
    a = weights.reshape(N * n, C, -1) + G[:, :, None]
    mask = square_mask(a, G)
    scores, A = torch.bmm(torch.cat([q, k], 1), k.transpose(1, 2)).split(C, 1)
    scores, A = scores.tril(), A * beta[:, :, None]
    if n == 1:
        return torch.bmm(times_inverse(scores, A) * beta[:, None, :] * mask, v)

    # P and, below it, R = K^T W, which writes into states: a state S that a chunk begins with is
    # read through Q - P K, and leaves the chunk as exp(G_end) (I - R K) S.
    solved = times_inverse(torch.cat([scores, k.transpose(1, 2)], 1), A) * beta[:, None, :]
    total = G[:, -1:]
    decayed = torch.cat([mask, (total - G).exp()[:, None, :].expand(-1, d, -1)], 1)
    y, added = torch.bmm(solved * decayed, v).split([C, d], 1)
    identity = torch.eye(d, dtype=k.dtype).expand(N * n, d, d)
    seen = torch.baddbmm(torch.cat([q, identity], 1), solved, k, alpha=-1)
    reader, passed = seen.split([C, d], 1)
    parts = y, reader, a.exp(), passed * total.exp()[:, :, None], added
    return torch.cat(through_chunks(*(x.unflatten(0, (N, n)).unbind(1) for x in parts)), 1)


def through_chunks(
    y: Sequence[Tensor],
    reader: Sequence[Tensor],
    weights: Sequence[Tensor],
    passed: Sequence[Tensor],
    added: Sequence[Tensor],
) -> List[Tensor]:
    """y of every chunk with what it reads of earlier ones. Slot b holds a block of 2^b chunks."""
    slots: Dict[int, Tensor] = {}
    chunk, L, result = weights[0].shape[1], weights[0].shape[2], []
    for i, rows in enumerate(y):
        reach = weights[i].split(1, 2)
        for b, state in slots.items():
            at = min(chunk.bit_length() + b, L - 1)
            rows = torch.baddbmm(rows, reader[i] * reach[at], state)
        result.append(rows)
        if i + 1 == len(y):
            break
        full = (i ^ (i + 1)).bit_length() - 1  # the slots below merge with this chunk into it
        merging = [slots.pop(b) for b in range(full)]
        slots = {b: torch.bmm(passed[i], state) for b, state in slots.items()}
        own = added[i]
        slots[full] = torch.baddbmm(own, passed[i], sum(merging)) if merging else own
    return result


def delta_rows(
    q: Tensor, k: Tensor, v: Tensor, beta: Tensor, mask: Tensor, at: Tensor, C: int
) -> Tensor:
    """y (N, K, e) at scored positions `at` (N, K), whose mask is (N, K, T); with levels or without.

    Queries run back through the chunks: what a chunk's tokens erase, no earlier one shows them.
    """
    N, T, d = k.shape
    chunks, n = k.reshape(-1, C, d), T // C
    A = torch.bmm(chunks, chunks.transpose(1, 2)) * beta.reshape(-1, C, 1)
    A = A.unflatten(0, (N, n)).unbind(1)
    keys, betas = k.split(C, 1), beta.transpose(1, 2).split(C, 2)
    seen = (torch.arange(T) <= at[:, :, None]).to(q.dtype).split(C, 2)
    parts: List[Tensor] = []
    for i in reversed(range(n)):
        scores = torch.bmm(q, keys[i].transpose(1, 2)) * seen[i]
        parts.insert(0, times_inverse(scores, A[i]) * betas[i])
        if i > 0:
            q = torch.baddbmm(q, parts[0], keys[i], alpha=-1)
    return torch.bmm(torch.cat(parts, 2) * mask, v)
