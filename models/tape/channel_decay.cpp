#include "models/tape/channel_decay.hpp"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "models/linear_attention/chunk_kernels.hpp"

namespace recollect::tape {
namespace {

template <class S>
S* row_of(View<S> m, Index row) {
  return m.data() + row * m.stride();
}

/// sums += from
template <class S>
void add_row_to(const S* from, Index count, S* sums) {
  for (Index c = 0; c < count; ++c) sums[c] += from[c];
}
/// sums += a b, number by number
template <class S>
void add_products(const S* a, const S* b, Index count, S* sums) {
  for (Index c = 0; c < count; ++c) sums[c] += a[c] * b[c];
}
/// to = a b, number by number
template <class S>
void products(const S* a, const S* b, Index count, S* to) {
  for (Index c = 0; c < count; ++c) to[c] = a[c] * b[c];
}

/// What decay has left of a number: 0 where that is far below what the others' last bits are. The
/// smallest numbers of a format, which would come next, are tens of times as slow as others.
template <class S>
S settled(S x) {
  constexpr S kLeast = std::is_same_v<S, float> ? S(1e-30) : S(1e-290);
  return std::abs(x) < kLeast ? S(0) : x;
}
/// to = exp(sums)
template <class S>
void exp_row(const S* sums, Index count, S* to) {
  exp_shifted<S>(sums, S(1), S(0), count, to);
  for (Index c = 0; c < count; ++c) to[c] = settled(to[c]);
}

/// Rows begin .. end - 1 of `decay` = exp(g_begin + ... + g_t). @param sums  (dk) room
template <class S>
void since(ConstView<S> g, Index begin, Index end, S* sums, View<S> decay) {
  const Index width = g.cols();
  std::fill_n(sums, width, S(0));
  for (Index t = begin; t < end; ++t) {
    add_row_to(row_of<const S>(g, t), width, sums);
    exp_row(static_cast<const S*>(sums), width, row_of(decay, t));
  }
}
/// Rows begin .. end - 1 of `decay` = exp(g_{s+1} + ... + g_{end-1}).
template <class S>
void until(ConstView<S> g, Index begin, Index end, S* sums, View<S> decay) {
  const Index width = g.cols();
  std::fill_n(sums, width, S(0));
  for (Index s = end - 1; s >= begin; --s) {
    if (s + 1 < end) add_row_to(row_of<const S>(g, s + 1), width, sums);
    exp_row(static_cast<const S*>(sums), width, row_of(decay, s));
  }
}
/// dg from the gradient d and the value y of what since() scaled: every token from t on decays by
/// g_t. Row t of both is token begin + t.
template <class S>
void since_backward(ConstView<S> d, ConstView<S> y, Index begin, S* sums, View<S> dg) {
  const Index width = y.cols();
  std::fill_n(sums, width, S(0));
  for (Index t = y.rows() - 1; t >= 0; --t) {
    add_products(row_of<const S>(d, t), row_of<const S>(y, t), width, sums);
    add_row_to(static_cast<const S*>(sums), width, row_of(dg, begin + t));
  }
}
/// The same of until(): every token before s decays by g_s.
template <class S>
void until_backward(ConstView<S> d, ConstView<S> y, Index begin, S* sums, View<S> dg) {
  const Index width = y.cols();
  std::fill_n(sums, width, S(0));
  for (Index s = 0; s < y.rows(); ++s) {
    add_row_to(static_cast<const S*>(sums), width, row_of(dg, begin + s));
    add_products(row_of<const S>(d, s), row_of<const S>(y, s), width, sums);
  }
}

/// Rows begin .. end - 1 of a slot are added to from now on.
template <class S>
View<S> added_to(const Slot<S>& slot) {
  if (!slot.adds()) set_zero(slot.to);
  return slot.to;
}

/// Two stretches of a triangle that meet at a border: tokens start .. border - 1, border .. end
/// - 1.
struct Halves {
  Index start, border, end;
};
/// body(number of the size, Halves) from the shortest stretches on.
template <class Body>
void for_each_halves(Index n, Body&& body) {
  Index size = 0;
  for (Index half = kBand; half < n; half *= 2, ++size) {
    for (Index start = 0; start + half < n; start += 2 * half) {
      body(size, Halves{start, start + half, std::min(start + 2 * half, n)});
    }
  }
}
Index sizes_of(Index n) {
  Index sizes = 0;
  for (Index half = kBand; half < n; half *= 2) ++sizes;
  return sizes;
}

/// Scores of the pairs of tokens start .. end - 1, at most kBand of them. @param keys  (kBand, dk)
/// room
template <class S>
void near_scores(ConstView<S> q, ConstView<S> k, ConstView<S> decay, Index start, Index end,
                 View<S> keys, View<S> scores) {
  const Index width = q.cols();
  for (Index t = start; t < end; ++t) {
    for (Index s = start; s < t; ++s) {
      products<S>(row_of(keys, s - start), row_of(decay, t), width, row_of(keys, s - start));
    }
    std::copy_n(row_of(k, t), width, row_of(keys, t - start));
    S* to = row_of(scores, t);
    for (Index s = start; s <= t; ++s) {
      to[s] = inner_product<S>(row_of(q, t), row_of(keys, s - start), width);
    }
    std::fill(to + t + 1, to + band_end(t, scores.rows()), S(0));
  }
}

template <class S>
struct Gradients {
  View<S> q, k, g;
};

/// Backwards, key by key: e_t is the gradient of key s as token t sees it, which decay by g_t has
/// made of what token t - 1 sees. @param room  (kBand + 1, dk)
template <class S>
void near_backward(ConstView<S> q, ConstView<S> k, ConstView<S> decay, ConstView<S> d_scores,
                   Index start, Index end, View<S> room, const Gradients<S>& out) {
  const Index width = q.cols();
  S* e = row_of(room, kBand);
  for (Index s = start; s < end; ++s) {
    std::copy_n(row_of(k, s), width, row_of(room, 0));
    for (Index t = s + 1; t < end; ++t) {
      products<S>(row_of(room, t - s - 1), row_of(decay, t), width, row_of(room, t - s));
    }
    std::fill_n(e, width, S(0));
    for (Index t = end - 1; t >= s; --t) {
      const S d = d_scores(t, s);
      const S* query = row_of(q, t);
      const S* key = row_of(room, t - s);
      S* dq = row_of(out.q, t);
      for (Index c = 0; c < width; ++c) dq[c] += d * key[c];
      for (Index c = 0; c < width; ++c) e[c] += d * query[c];
      if (t == s) break;
      add_products<S>(key, e, width, row_of(out.g, t));
      products<S>(e, row_of(decay, t), width, e);
    }
    add_row_to<S>(e, width, row_of(out.k, s));
  }
}

}  // namespace

template <class S>
Var<S> decayed_scores(Tape<S>& tape, const Var<S>& q, const Var<S>& k, const Var<S>& g) {
  const Index n = q.rows();
  const Index width = q.cols();
  const Output<S> y = tape.matrix(n, n);
  // What the backward pass needs again: a token's decay, and for each size of halves that to and
  // from the border.
  const View<S> decay = tape.workspace().matrix(n, width);
  const View<S> through = tape.workspace().matrix(sizes_of(n) * n, width);
  for (Index t = 0; t < n; ++t) {
    exp_row(row_of(g.value(), t), width, row_of(decay, t));
  }
  {
    const typename Workspace<S>::Scope scope(tape.workspace());
    S* sums = tape.workspace().take(width);
    const View<S> keys = tape.workspace().matrix(std::max(n, kBand), width);
    const View<S> queries = tape.workspace().matrix(n, width);
    for (Index start = 0; start < n; start += kBand) {
      near_scores<S>(q.value(), k.value(), decay, start, std::min(start + kBand, n), keys, y.view);
    }
    for_each_halves(n, [&](Index size, const Halves& at) {
      const View<S> own = rows(through, size * n, n);
      until<S>(g.value(), at.start, at.border, sums, own);
      since<S>(g.value(), at.border, at.end, sums, own);
      for (Index s = at.start; s < at.border; ++s) {
        products<S>(row_of(k.value(), s), row_of(own, s), width, row_of(keys, s));
      }
      for (Index t = at.border; t < at.end; ++t) {
        products<S>(row_of(q.value(), t), row_of(own, t), width, row_of(queries, t));
      }
      product_nt<S>(
          rows(queries, at.border, at.end - at.border), rows(keys, at.start, at.border - at.start),
          columns(rows(y.view, at.border, at.end - at.border), at.start, at.border - at.start));
    });
  }
  tape.count(0.5 * static_cast<double>(n * (n + 1)) * static_cast<double>(width));
  const ConstView<S> kept = decay;
  const ConstView<S> between = through;
  tape.record(y.var, [q, k, g, kept, between, n, width](Backward<S>& walk, ConstView<S> dy) {
    const Gradients<S> out{added_to(walk.slot(q)), added_to(walk.slot(k)), added_to(walk.slot(g))};
    const auto near_room = walk.scratch(kBand + 1, width);
    const auto key_room = walk.scratch(n, width);
    const auto query_room = walk.scratch(n, width);
    const auto d_room = walk.scratch(n, width);
    const auto sum_room = walk.scratch(1, width);
    S* sums = sum_room.view().data();
    for (Index start = 0; start < n; start += kBand) {
      near_backward<S>(q.value(), k.value(), kept, dy, start, std::min(start + kBand, n),
                       near_room.view(), out);
    }
    for_each_halves(n, [&](Index size, const Halves& at) {
      const View<const S> own = rows(between, size * n, n);
      const Index left = at.border - at.start;
      const Index right = at.end - at.border;
      const View<S> keys = rows(key_room.view(), 0, left);
      const View<S> queries = rows(query_room.view(), 0, right);
      for (Index s = 0; s < left; ++s) {
        products<S>(row_of(k.value(), at.start + s), row_of(own, at.start + s), width,
                    row_of(keys, s));
      }
      for (Index t = 0; t < right; ++t) {
        products<S>(row_of(q.value(), at.border + t), row_of(own, at.border + t), width,
                    row_of(queries, t));
      }
      const View<const S> d_scores =
          columns(rows(View<const S>(dy), at.border, right), at.start, left);
      const View<S> d_queries = rows(d_room.view(), 0, right);
      product_nn<S>(d_scores, keys, d_queries);
      for (Index t = 0; t < right; ++t) {
        add_products<S>(row_of(d_queries, t), row_of(own, at.border + t), width,
                        row_of(out.q, at.border + t));
      }
      since_backward<S>(d_queries, queries, at.border, sums, out.g);
      const View<S> d_keys = rows(d_room.view(), 0, left);
      product_tn<S>(d_scores, queries, d_keys);
      for (Index s = 0; s < left; ++s) {
        add_products<S>(row_of(d_keys, s), row_of(own, at.start + s), width,
                        row_of(out.k, at.start + s));
      }
      until_backward<S>(d_keys, keys, at.start, sums, out.g);
    });
  });
  return y.var;
}

namespace {

/// x times a decay that `make` (ConstView g, S* sums, View decay) writes; `gates` sends on to dg.
template <class S, class Make, class Gates>
Var<S> scaled_channels(Tape<S>& tape, const Var<S>& x, const Var<S>& g, const Make& make,
                       const Gates& gates) {
  const Index n = x.rows();
  const Index width = x.cols();
  const Output<S> y = tape.matrix(n, width);
  const View<S> decay = tape.workspace().matrix(n, width);
  make(g.value(), tape.workspace().take(width), decay);
  for (Index t = 0; t < n; ++t) {
    products<S>(row_of(x.value(), t), row_of(decay, t), width, row_of(y.view, t));
  }
  const ConstView<S> kept = decay;
  const Var<S> own = y.var;
  tape.record(own, [x, g, own, kept, gates, n, width](Backward<S>& walk, ConstView<S> dy) {
    if (walk.wants(x)) {
      const Slot<S> dx = walk.slot(x);
      for (Index t = 0; t < n; ++t) {
        if (dx.adds()) {
          add_products<S>(row_of(dy, t), row_of(kept, t), width, row_of(dx.to, t));
        } else {
          products<S>(row_of(dy, t), row_of(kept, t), width, row_of(dx.to, t));
        }
      }
    }
    if (!walk.wants(g)) return;
    const auto room = walk.scratch(1, width);
    gates(dy, own.value(), room.view().data(), added_to(walk.slot(g)));
  });
  return own;
}

}  // namespace

template <class S>
Var<S> channels_since(Tape<S>& tape, const Var<S>& x, const Var<S>& g) {
  return scaled_channels(
      tape, x, g,
      [](ConstView<S> gates, S* sums, View<S> decay) {
        since<S>(gates, 0, gates.rows(), sums, decay);
      },
      [](ConstView<S> dy, ConstView<S> y, S* sums, View<S> dg) {
        since_backward<S>(dy, y, 0, sums, dg);
      });
}

template <class S>
Var<S> channels_until_end(Tape<S>& tape, const Var<S>& x, const Var<S>& g) {
  return scaled_channels(
      tape, x, g,
      [](ConstView<S> gates, S* sums, View<S> decay) {
        until<S>(gates, 0, gates.rows(), sums, decay);
      },
      [](ConstView<S> dy, ConstView<S> y, S* sums, View<S> dg) {
        until_backward<S>(dy, y, 0, sums, dg);
      });
}

template <class S>
Var<S> decay_state(Tape<S>& tape, const Var<S>& state, const Var<S>& g) {
  const Index width = g.cols();
  const Index columns = state.cols();
  const Output<S> y = tape.matrix(width, columns);
  S* decay = tape.workspace().take(width);
  std::fill_n(decay, width, S(0));
  for (Index t = 0; t < g.rows(); ++t) add_row_to(row_of(g.value(), t), width, decay);
  exp_row(static_cast<const S*>(decay), width, decay);
  for (Index i = 0; i < width; ++i) {
    const S* from = row_of(state.value(), i);
    S* to = row_of(y.view, i);
    for (Index c = 0; c < columns; ++c) to[c] = settled(decay[i] * from[c]);
  }
  const Var<S> own = y.var;
  tape.record(own, [state, g, own, decay, width, columns](Backward<S>& walk, ConstView<S> dy) {
    if (walk.wants(state)) {
      const Slot<S> d = walk.slot(state);
      for (Index i = 0; i < width; ++i) {
        const S* from = row_of(dy, i);
        S* to = row_of(d.to, i);
        for (Index c = 0; c < columns; ++c) {
          const S left = settled(decay[i] * from[c]);
          to[c] = d.adds() ? to[c] + left : left;
        }
      }
    }
    if (!walk.wants(g)) return;
    const auto room = walk.scratch(1, width);
    S* d_total = room.view().data();
    for (Index i = 0; i < width; ++i) {
      d_total[i] = inner_product<S>(row_of(dy, i), row_of(own.value(), i), columns);
    }
    const View<S> dg = added_to(walk.slot(g));
    for (Index t = 0; t < g.rows(); ++t) {
      add_row_to<S>(d_total, width, row_of(dg, t));
    }
  });
  return own;
}

#define RECOLLECT_CHANNEL_DECAY(S)                                                          \
  template Var<S> decayed_scores<S>(Tape<S>&, const Var<S>&, const Var<S>&, const Var<S>&); \
  template Var<S> channels_since<S>(Tape<S>&, const Var<S>&, const Var<S>&);                \
  template Var<S> channels_until_end<S>(Tape<S>&, const Var<S>&, const Var<S>&);            \
  template Var<S> decay_state<S>(Tape<S>&, const Var<S>&, const Var<S>&);
RECOLLECT_CHANNEL_DECAY(float)
RECOLLECT_CHANNEL_DECAY(double)
#undef RECOLLECT_CHANNEL_DECAY

}  // namespace recollect::tape
