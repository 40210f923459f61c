#include "models/linear_attention/heads.hpp"

#include <algorithm>
#include <bit>
#include <numeric>
#include <stdexcept>

#include "math/fenwick.hpp"
#include "models/choose_path.hpp"
#include "models/linear_attention/recurrent.hpp"

namespace recollect {
namespace {

template <class S>
void recurrent_forward(const CoreInput<S>& in, View<S> y) {
  LogLinearRecurrent<S> state(in.k.cols(), in.v.cols());
  for (Index t = 0; t < in.k.rows(); ++t) {
    const S g = in.g == nullptr ? S(0) : in.g[t];
    const auto lambda = in.has_levels() ? in.lambda.row(t) : std::span<const S>();
    state.step(in.q.row(t).data(), in.k.row(t).data(), in.v.row(t).data(), g, lambda,
               y.row(t).data());
  }
}

/// Head h's columns of a matrix that holds `heads` of them, or that all share.
template <class T>
View<T> of_head(View<T> m, Index h, Index width) {
  return m.cols() == width ? m : columns(m, h * width, width);
}

}  // namespace

template <class S>
bool LogLinearHeads<S>::dense_at(const Queries& queries) const noexcept {
  if (shape_.form != Form::kFastest) return shape_.form == Form::kDense;
  return !queries.all &&
         choose_path::dense_at_queries(queries.count(), shape_.chunk, shape_.key_width);
}

template <class S>
bool LogLinearHeads<S>::dense_at(const SequenceShape& shape) const noexcept {
  if (shape_.form != Form::kFastest) return shape_.form == Form::kDense;
  return !shape.all() &&
         choose_path::dense_at_queries(shape.queries, shape_.chunk, shape_.key_width);
}

template <class S>
auto LogLinearHeads<S>::begin(const SequenceShape& shape, Workspace<S>& workspace) const -> Carry {
  Carry carry{workspace.template array<ChunkStates<S>>(shape_.heads), shape.backward};
  if (shape.all()) begin_states(static_cast<Index>(shape.tokens), carry, workspace);
  return carry;
}

template <class S>
void LogLinearHeads<S>::begin_states(Index tokens, Carry& carry, Workspace<S>& workspace) const {
  if (!has_states()) return;
  for (Index h = 0; h < shape_.heads; ++h) {
    carry.states[h] =
        ChunkStates<S>::begin(tokens, shape_.key_width * shape_.value_width, shape_.chunk,
                              shape_.levels > 0, carry.backward, workspace);
  }
}

template <class S>
CoreInput<S> LogLinearHeads<S>::head(const HeadInputs<S>& in, Index h) const {
  // Queries that absorbed W_k are as wide as the input that all heads then read.
  const Index key_width = in.q.cols() / shape_.heads;
  const Index value_width = in.v.cols() == in.k.cols() ? key_width : shape_.value_width;
  const Index tokens = in.ids.empty() ? in.k.rows() : static_cast<Index>(in.ids.size());
  return CoreInput<S>{columns(in.q, h * key_width, key_width),
                      of_head(in.k, h, key_width),
                      of_head(in.v, h, value_width),
                      in.g == nullptr ? nullptr : in.g + h * tokens,
                      columns(in.lambda, h * shape_.levels, shape_.levels),
                      in.ids};
}

template <class S>
auto LogLinearHeads<S>::forward(const HeadInputs<S>& in, const Queries& queries, const Carry& carry,
                                View<S> y, Workspace<S>& workspace) const -> Tape {
  const Tape tape{dense_at(queries),
                  workspace.template array<typename LogLinearDense<S>::Tape>(shape_.heads),
                  workspace.template array<typename LogLinearChunkwise<S>::Tape>(shape_.heads)};
  const Index width = y.cols() / shape_.heads;
  for (Index h = 0; h < shape_.heads; ++h) {
    const CoreInput<S> input = head(in, h);
    const View<S> y_head = columns(y, h * width, width);
    if (shape_.form == Form::kRecurrent) {
      recurrent_forward(input, y_head);
    } else if (tape.dense) {
      tape.at_queries[h] =
          LogLinearDense<S>::forward(input, queries, carry.backward, y_head, workspace);
    } else {
      tape.chunkwise[h] = LogLinearChunkwise<S>::forward(input, queries.first() / shape_.chunk,
                                                         carry.states[h], y_head, workspace);
    }
  }
  return tape;
}

template <class S>
void LogLinearHeads<S>::backward(const HeadInputs<S>& in, const Queries& queries,
                                 const Carry& carry, const Tape& tape, ConstView<S> y,
                                 ConstView<S> dy, const HeadGradients<S>& out,
                                 Workspace<S>& workspace) const {
  if (shape_.form == Form::kRecurrent) {
    throw std::logic_error("the recurrent form has no backward pass");
  }
  const Index key_width = out.q.cols() / shape_.heads;
  const Index value_width = y.cols() / shape_.heads;
  for (Index h = 0; h < shape_.heads; ++h) {
    const CoreInput<S> input = head(in, h);
    const CoreGradient<S> d{columns(out.q, h * key_width, key_width),
                            columns(out.k, h * key_width, key_width),
                            columns(out.v, h * value_width, value_width),
                            columns(out.lambda, h * shape_.levels, shape_.levels),
                            out.g == nullptr ? nullptr : out.g + h * input.tokens()};
    const ConstView<S> dy_head = columns(dy, h * value_width, value_width);
    if (tape.dense) {
      LogLinearDense<S>::backward(input, queries, tape.at_queries[h], dy_head, d, workspace);
    } else {
      LogLinearChunkwise<S>::backward(input, queries.first() / shape_.chunk, carry.states[h],
                                      tape.chunkwise[h], columns(y, h * value_width, value_width),
                                      dy_head, d, workspace);
    }
  }
}

template <class S>
double LogLinearHeads<S>::multiply_adds(const SequenceShape& shape, bool dense) const noexcept {
  const auto tokens = static_cast<double>(shape.tokens);
  const auto both = static_cast<double>(shape_.heads * (shape_.key_width + shape_.value_width));
  if (dense) return both * static_cast<double>(shape.queries) * tokens;
  const auto state = static_cast<double>(shape_.heads * shape_.key_width * shape_.value_width);
  double count = 0.0;
  for (std::int64_t i = 0, start = 0; start < shape.tokens; ++i, start += shape_.chunk) {
    const auto here =
        static_cast<double>(std::min<std::int64_t>(shape_.chunk, shape.tokens - start));
    const int read =
        shape_.levels == 0 ? (i > 0 ? 1 : 0) : std::popcount(static_cast<std::uint64_t>(i));
    count += both / 2.0 * here * (here + 1.0) + state * here * read;
    if (start + shape_.chunk < shape.tokens) count += state * here;
  }
  return count;
}

template <class S>
Cost LogLinearHeads<S>::cost(const SequenceShape& shape) const noexcept {
  const bool dense = dense_at(shape);
  const std::int64_t state = shape_.key_width * shape_.value_width;
  const auto levels_of = [&](std::int64_t occupied) {
    if (shape.tokens <= 0) return std::int64_t{0};
    return shape_.heads * state * (shape_.levels == 0 ? 1 : std::max<std::int64_t>(occupied, 1));
  };
  Cost cost;
  cost.multiply_adds = multiply_adds(shape, dense);
  cost.state = levels_of(occupied_levels(shape.tokens));
  // 0..T-1 holds a number of all ones with one digit fewer than T - 1.
  cost.state_peak =
      std::max(cost.state, levels_of(std::bit_width(static_cast<std::uint64_t>(shape.tokens - 1))));
  if (dense) {
    const std::int64_t block = std::min<std::int64_t>(shape.queries, 32);
    cost.tape = shape.backward ? 2 * shape_.heads * shape.queries * shape.tokens : 0;
    // The gate's sums; scores, decays and weights of a block, or their gradients.
    cost.scratch = (3 * block + 1) * shape.tokens;
  } else {
    const std::int64_t chunk = std::min<std::int64_t>(shape_.chunk, shape.tokens + 16);
    cost.tape = shape_.heads * shape.tokens * (2 * shape_.chunk + 1);
    cost.scratch = (shape.backward ? 2 : 1) * shape_.chunk * (chunk + shape_.key_width) + state +
                   shape_.chunk * (2 * shape_.key_width + shape_.value_width);
    if (has_states()) {
      cost.carry = shape_.heads * ChunkStates<S>::room(shape.tokens, state, shape_.chunk,
                                                       shape_.levels > 0, shape.backward);
    }
  }
  return cost;
}

template <class S>
Queries expand_queries(Index tokens, Workspace<S>& workspace) {
  auto* positions = workspace.template array<std::int32_t>(tokens);
  std::iota(positions, positions + tokens, 0);
  return Queries{{positions, static_cast<std::size_t>(tokens)}, true};
}

template Queries expand_queries<float>(Index, Workspace<float>&);
template Queries expand_queries<double>(Index, Workspace<double>&);
template class LogLinearHeads<float>;
template class LogLinearHeads<double>;

}  // namespace recollect
