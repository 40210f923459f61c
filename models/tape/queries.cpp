#include "models/tape/queries.hpp"

#include <algorithm>

#include "math/fenwick.hpp"
#include "models/linear_attention/chunk_kernels.hpp"

namespace recollect::tape {

template <class S>
Var<S> mask_at_queries(Tape<S>& tape, Index tokens, const Var<S>& g, const Var<S>& lambda,
                       std::span<const std::int32_t> positions) {
  const auto queries = static_cast<Index>(positions.size());
  const Output<S> mask = tape.matrix(tokens, queries);
  const View<S> decays = tape.workspace().matrix(queries, tokens);
  set_zero(mask.view);
  for (Index r = 0; r < queries; ++r) {
    const Index t = positions[static_cast<std::size_t>(r)];
    S* row = decays.data() + r * tokens;
    if (g.empty()) {
      std::fill_n(row, t + 1, S(1));
    } else {
      row[t] = 0;
      for (Index s = t; s > 0; --s) row[s - 1] = row[s] + g.value()(s, 0);
      exp_shifted<S>(row, S(1), S(0), t + 1, row);
    }
    for_each_block(t, [&](Index level, Index first, Index count) {
      const S weight =
          lambda.empty() ? S(1) : lambda.value()(r, level_column(level, lambda.cols()));
      for (Index s = first; s < first + count; ++s) mask.view(s, r) = weight * row[s];
    });
  }
  const Var<S> own = mask.var;
  const ConstView<S> kept = decays;
  tape.record(own, [g, lambda, positions, own, kept](Backward<S>& walk, ConstView<S> dm) {
    const Index n = dm.rows();
    const bool to_lambda = !lambda.empty() && walk.wants(lambda);
    const bool to_g = !g.empty() && walk.wants(g);
    const auto lambda_room = walk.scratch(to_lambda ? lambda.rows() : 0, lambda.cols());
    const auto g_room = walk.scratch(to_g ? n : 0, 1);
    set_zero(lambda_room.view());
    set_zero(g_room.view());
    for (std::size_t i = 0; i < positions.size(); ++i) {
      const auto r = static_cast<Index>(i);
      const Index t = positions[i];
      if (to_lambda) {
        for_each_block(t, [&](Index level, Index first, Index count) {
          S total = 0;
          for (Index s = first; s < first + count; ++s) total += dm(s, r) * kept(r, s);
          lambda_room.view()(r, level_column(level, lambda.cols())) += total;
        });
      }
      if (!to_g) continue;
      S before = 0;
      for (Index s = 0; s < t; ++s) {
        before += dm(s, r) * own.value()(s, r);
        g_room.view()(s + 1, 0) += before;
      }
    }
    if (to_lambda) walk.slot(lambda).take(lambda_room.view());
    if (to_g) walk.slot(g).take(g_room.view());
  });
  return own;
}

template Var<float> mask_at_queries<float>(Tape<float>&, Index, const Var<float>&,
                                           const Var<float>&, std::span<const std::int32_t>);
template Var<double> mask_at_queries<double>(Tape<double>&, Index, const Var<double>&,
                                             const Var<double>&, std::span<const std::int32_t>);

}  // namespace recollect::tape
