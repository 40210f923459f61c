"""The adaptive-decay model (docs/model.md) in batched PyTorch operations, fast in eager mode.

Symbols: B sequences, T tokens, D width, H heads, d = D/H, V vocabulary, L levels, K scored
positions of a sequence, N = B H. The options are the defaults: post-norm, gate by input, no
positions, convolution or MLP block. Sizes come from the shapes of the parameters, which have the
names of our files.

What measuring decided:
- No loop but over layers and over levels between chunks. Sequences, heads and chunks are one batch.
- Projections are products of their own: a joint one is no faster, and has to be taken apart.
- What only a scored position needs is computed there alone, in the last layer and behind it.
- A mask is one exponential, and its levels are picked by products with ones (square_mask).
"""

import dataclasses
import functools
import math
from typing import Dict, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor

Parameters = Dict[str, Tensor]


@dataclasses.dataclass(frozen=True, order=True)
class Form:
    """How the model is computed; every form gives the same function."""

    chunk: int  #: tokens of a chunk, a power of two; 0: dense, all T tokens are one chunk
    #: With the two shortcuts of ours that take algebra: the first layer's projections once a row of
    #: the vocabulary; in the last layer no keys and values: W_k and W_v at scored positions.
    folded: bool = False

    def __str__(self) -> str:
        """For a list of settings, of which it is the first."""
        return f"chunk {self.chunk}, " if self.chunk else ""


def mean_loss(p: Parameters, ids: Tensor, positions: Tensor, labels: Tensor, form: Form) -> Tensor:
    """Cross-entropy in nats, mean over scored positions. ids (B, T), positions, labels (B, K)."""
    return F.cross_entropy(logits(p, ids, positions, form), labels.reshape(-1))


def logits(p: Parameters, ids: Tensor, positions: Tensor, form: Form) -> Tensor:
    """(B K, V) at the scored positions."""
    (B, T), layers = ids.shape, sum(name.endswith(".A_log") for name in p)
    embedding, heads = p["embedding.weight"], p["layers.0.A_log"].numel()
    D = embedding.shape[1]
    chunk, padded = layout(T, form)
    if padded > T:  # behind the last token, where causality keeps it from the others
        ids = F.pad(ids, (0, padded - T))
    scored = (positions + padded * torch.arange(B)[:, None]).reshape(-1)
    by_rows = form.chunk == 0 or 2 * positions.shape[1] <= chunk + 4 * D // heads

    x = F.embedding(ids, embedding).view(-1, D)  # (B T, D)
    for i in range(layers):
        prefix = f"layers.{i}."
        layer = {name[len(prefix) :]: w for name, w in p.items() if name.startswith(prefix)}
        last = i + 1 == layers
        if last and by_rows:
            x, y = x.index_select(0, scored), mix_rows(layer, x, positions, scored, form)
        else:
            if i == 0 and form.folded:
                parts = [F.embedding(ids, table) for table in project(layer, embedding)]
            else:
                parts = project(layer, x)
            y = mix(*(by_head(part, B, heads) for part in parts), chunk)
            y = y.view(B, heads, padded, -1).transpose(1, 2).reshape(-1, D)
            if last:
                x, y = x.index_select(0, scored), y.index_select(0, scored)
        x = torch.addmm(x, y, layer["out_proj.weight"].t())
        x = F.layer_norm(x, (D,), layer["norm.weight"], layer["norm.bias"])
    x = F.layer_norm(x, (D,), p["final_norm.weight"], p["final_norm.bias"])
    return F.linear(x, p["head.weight"])


def layout(T: int, form: Form) -> Tuple[int, int]:
    """(chunk, T filled up to chunk 2^i tokens): blocks of chunks are merged two by two."""
    if form.chunk == 0 or T <= form.chunk:
        return T, T
    return form.chunk, form.chunk << math.ceil(math.log2(T / form.chunk))


def by_head(x: Tensor, B: int, H: int) -> Tensor:
    """(B T, H w) or (B, T, H w) as (B H, T, w). With one head nothing is copied."""
    w = x.shape[-1] // H
    return x.view(B, -1, H, w).transpose(1, 2).reshape(B * H, -1, w)


# --- What a token gives: queries, keys, values, gate, weights of levels ---------------------------


def project(layer: Parameters, u: Tensor) -> Tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """u (R, D) -> q, k, v (R, D), gate (R, H), log lambda (R, H L)."""
    q, k, v = (F.linear(u, layer[f"{name}_proj.weight"]) for name in "qkv")
    return q, k, v, log_decay(layer, u), log_weights(layer, u)


def log_decay(layer: Parameters, u: Tensor) -> Tensor:
    """u (R, D) -> g (R, H), at most 0."""
    step = F.softplus(F.linear(u, layer["dt_proj.weight"], layer["dt_bias"]))
    return step * -layer["A_log"].exp()


def log_weights(layer: Parameters, u: Tensor) -> Tensor:
    """u (R, D) -> log lambda (R, H L): softplus of an MLP that all heads share."""
    w1, w2 = layer["lambda_mlp.w1.weight"], layer["lambda_mlp.w2.weight"]
    z = F.linear(u, layer["level_proj.weight"])
    hidden = F.gelu(F.linear(z.view(-1, w1.shape[1]), w1, layer["lambda_mlp.w1.bias"]))
    weights = F.softplus(F.linear(hidden, w2, layer["lambda_mlp.w2.bias"]))
    return weights.clamp_min(torch.finfo(u.dtype).tiny).log().view(z.shape)


# --- The core -------------------------------------------------------------------------------------
#
# lambda_t[level] exp(G_t - G_s) is exp(a_t[level] - G_s), with a_t[l] = G_t + log lambda_t[l].


def level(t: Tensor, s: Tensor, levels: int) -> Tensor:
    """bit_width(t xor s), int64; a level beyond the last reads the last."""
    return torch.frexp((t ^ s).double()).exponent.clamp_(max=levels - 1).long()


@functools.lru_cache(maxsize=None)
def square(C: int, levels: int, dtype: torch.dtype) -> Tuple[Tensor, Tensor]:
    """Of a chunk: (C, l, C) with a 1 at [t, level(t, s), s], where l levels are enough; (C, 1, C)
    with -inf at [t, 0, s > t], otherwise 0."""
    t = torch.arange(C)
    one_hot = F.one_hot(level(t[:, None], t, levels)).transpose(1, 2).to(dtype)
    return one_hot.contiguous(), torch.full((C, C), -math.inf, dtype=dtype).triu_(1)[:, None, :]


def square_mask(a: Tensor, G: Tensor) -> Tensor:
    """exp(a_t[level(t, s)] - G_s), 0 where s > t. a (N, C, L), G (N, C) -> (N, C, C).

    Levels are picked by C products with ones: the gradient of `gather` takes three times as long.
    """
    N, C, L = a.shape
    one_hot, later = square(C, L, a.dtype)
    picked = a[:, :, : one_hot.shape[1]].transpose(0, 1)
    exponent = torch.baddbmm(later.expand(C, N, C), picked, one_hot)
    return exponent.sub_(G).exp_().transpose(0, 1)


def unit_mask(G: Tensor) -> Tensor:
    """exp(G_t - G_s), 0 where s > t: one level of weight 1. G (N, C) -> (N, C, C)."""
    C = G.shape[1]
    later = torch.full((C, C), -math.inf, dtype=G.dtype).triu_(1)
    return (G[:, :, None] - G[:, None, :]).add_(later).exp_()


def mix(q: Tensor, k: Tensor, v: Tensor, gate: Tensor, weights: Tensor, C: int) -> Tensor:
    """The sum over s <= t of lambda_t[level] exp(G_t - G_s) (q_t . k_s) v_s, for every t.

    q, k, v (N, T, d), gate (N, T, 1), log lambda (N, T, L), C tokens a chunk -> (N, T, d).
    """
    (N, T, d), L = q.shape, weights.shape[2]
    n = T // C
    q, k, v = q.reshape(N * n, C, d), k.reshape(N * n, C, d), v.reshape(N * n, C, d)
    G = gate.reshape(N * n, C).cumsum(1)
    a = weights.reshape(N * n, C, L) + G[:, :, None]
    y = torch.bmm(torch.bmm(q, k.transpose(1, 2)) * square_mask(a, G), v)
    if n == 1:
        return y

    # A state is the sum of exp(G_end - G_s) k_s v_s^T over a block, which ends at token `end`. Of
    # two blocks of 1, 2, 4, ... chunks side by side, the right one reads the state of the left one.
    total = G[:, -1:]
    state = torch.bmm((k * (total - G).exp()[:, :, None]).transpose(1, 2), v)
    total = total.view(N, n, 1)  # sum of a block's gates
    before = torch.zeros_like(total)  # of the gates in a chunk's block before the chunk
    first = C.bit_length()  # the level at which a chunk reads the one before it
    for b in range(n.bit_length() - 1):
        pairs, span = n >> (b + 1), C << b
        left, right = state.view(N, pairs, 2, d, d).unbind(2)
        reach = (a[:, :, min(first + b, L - 1)].view(N, n, C) + before).view(N, pairs, 2, span, 1)
        reader = q.view(N, pairs, 2, span, d)[:, :, 1] * reach[:, :, 1].exp()
        read = torch.bmm(reader.view(N * pairs, span, d), left.reshape(N * pairs, d, d))
        y.view(N, pairs, 2, span, d)[:, :, 1] += read.view(N, pairs, span, d)
        if pairs > 1:
            left_total, right_total = total.view(N, pairs, 2, 1).unbind(2)
            state = torch.addcmul(right, left, right_total.exp()[..., None])
            total = left_total + right_total
            halves = torch.stack([torch.zeros_like(left_total), left_total], 2)
            before = (before.view(N, pairs, 2, -1) + halves).view(N, n, 1)
    return y.view(N, T, d)


def rows_mask(weights: Tensor, G: Tensor, at: Tensor) -> Tensor:
    """exp(G_t - G_s) lambda_t[level(t, s)] at scored positions t, 0 where s > t. log lambda
    (N, K, L), G (N, T), at (N, K) -> (N, K, T)."""
    s = torch.arange(G.shape[1])
    a = weights + G.gather(1, at)[:, :, None]
    exponent = a.gather(2, level(at[:, :, None], s, a.shape[2])).sub_(G[:, None, :])
    return exponent.masked_fill_(s > at[:, :, None], -math.inf).exp_()


def mix_rows(layer: Parameters, x: Tensor, positions: Tensor, scored: Tensor, form: Form) -> Tensor:
    """The mixer's output (B K, D) at scored positions, each over its whole prefix; x (B T, D)."""
    (B, K), (rows, D), H = positions.shape, x.shape, layer["A_log"].numel()
    u = x.index_select(0, scored)
    G = by_head(log_decay(layer, x), B, H).squeeze(2).cumsum(1)  # (N, T)
    at = positions.repeat_interleave(H, 0)  # (N, K)
    mask = rows_mask(by_head(log_weights(layer, u), B, H), G, at)
    q = F.linear(u, layer["q_proj.weight"])
    # The gradient of what stands transposed in a product comes out transposed, and is copied. So
    # scores are made as k q^T: queries are few.
    if form.folded and H == 1:
        # q . W_k x = (W_k^T q) . x, and a sum of W_v x is W_v times the sum of x
        x = x.view(B, -1, D)
        q = torch.mm(q, layer["k_proj.weight"]).view(B, K, D)
        y = torch.bmm(torch.bmm(x, q.transpose(1, 2)).transpose(1, 2) * mask, x)
        return F.linear(y.view(B * K, D), layer["v_proj.weight"])
    q = by_head(q, B, H)
    k, v = (by_head(F.linear(x, layer[f"{name}_proj.weight"]), B, H) for name in "kv")
    y = torch.bmm(torch.bmm(k, q.transpose(1, 2)).transpose(1, 2) * mask, v)
    return y.view(B, H, K, -1).transpose(1, 2).reshape(B * K, D)
