#include <algorithm>

#include "models/tape/convolution.hpp"
#include "models/tape/elementwise.hpp"
#include "models/tape/products.hpp"
#include "models/tape/queries.hpp"
#include "models/tape/rows.hpp"
#include "models/tape_cores/core.hpp"

namespace recollect {

using tape::Output;
using tape::Tape;
using tape::Var;

namespace {

/// 1 where token `start` + s is not after the query, else 0: (count, R).
template <class S>
Var<S> seen(Tape<S>& tape, std::span<const std::int32_t> positions, Index start, Index count) {
  const View<S> mask = tape.workspace().matrix(count, static_cast<Index>(positions.size()));
  for (Index s = 0; s < count; ++s) {
    for (std::size_t r = 0; r < positions.size(); ++r) {
      mask(s, static_cast<Index>(r)) = start + s <= positions[r] ? S(1) : S(0);
    }
  }
  return tape.constant(mask);
}

}  // namespace

template <class S>
void delta_at_queries(Tape<S>& tape, const TapeHead<S>& in, std::span<const std::int32_t> positions,
                      Index chunk, const Output<S>& y) {
  set_zero(y.view);
  if (positions.empty()) return;
  const auto queries = static_cast<Index>(positions.size());
  const Index tokens = in.k.rows();
  const Var<S> mask = mask_at_queries(tape, tokens, in.g, in.lambda, positions);
  Var<S> back;  // the queries that have begun to run back, from number `first` on
  Index first = queries;
  for (Index start = positions.back() / chunk * chunk; start >= 0; start -= chunk) {
    const Index count = std::min(chunk, tokens - start);
    const Index joined =
        first - (std::lower_bound(positions.begin(), positions.end(), start) - positions.begin());
    if (joined > 0) {
      first -= joined;
      const Var<S> own = in.q.rows(first, joined);
      back = back.empty() ? own : last_rows(tape, back, queries - first, own);
    }
    const Var<S> k = in.k.rows(start, count);
    const Var<S> beta = in.beta.rows(start, count);
    Var<S> scores = product_bt(tape, k, back);
    if (joined > 0) {
      scores =
          multiply(tape, scores,
                   seen(tape, positions.subspan(static_cast<std::size_t>(first)), start, count));
    }
    const Var<S> inverse =
        unit_lower_inverse(tape, lower_product(tape, scale_rows(tape, k, beta), k));
    const Var<S> P = scale_rows(tape, product_lower_t(tape, inverse, scores), beta);
    const Var<S> weights = multiply(tape, P, mask.block(start, count, first, queries - first));
    product_at(tape, weights, in.v.rows(start, count), {y.rows(first, queries - first), true});
    if (start > 0) back = difference(tape, back, product_at(tape, P, k));
  }
}

template void delta_at_queries<float>(Tape<float>&, const TapeHead<float>&,
                                      std::span<const std::int32_t>, Index, const Output<float>&);
template void delta_at_queries<double>(Tape<double>&, const TapeHead<double>&,
                                       std::span<const std::int32_t>, Index, const Output<double>&);

}  // namespace recollect
