#include "models/shortcuts/by_id_heads.hpp"

#include <algorithm>

#include "math/parallel.hpp"

namespace recollect {
namespace {

/// Rows of a matrix that a thread takes at a time.
constexpr Index kRowsAtOnce = 16;

/// body(first row, count) for all rows, dealt to the threads.
template <class Body>
void for_each_rows(Index rows, int threads, Body&& body) {
  parallel_for(static_cast<int>((rows + kRowsAtOnce - 1) / kRowsAtOnce), threads,
               [&](int item, int) {
                 const Index first = item * kRowsAtOnce;
                 body(first, std::min(kRowsAtOnce, rows - first));
               });
}

/// Head h's columns of a matrix with those of all heads.
template <class T>
View<T> of_head(View<T> m, Index h, Index heads) {
  return columns(m, h * (m.cols() / heads), m.cols() / heads);
}

}  // namespace

template <class S>
ByIdHeads<S>::ByIdHeads(Index heads, const QkvTable<S>& qkv, const S* g, ConstView<S> lambda,
                        ConstView<S> output, int threads, Workspace<S>& workspace)
    : heads_(heads),
      qkv_(qkv),
      g_(g),
      lambda_(lambda),
      scores_(workspace.matrix(heads * qkv.rows(), qkv.rows())),
      values_(workspace.matrix(heads * qkv.rows(), output.rows())) {
  for_each_rows(vocab(), threads, [&](Index first, Index count) {
    for (Index h = 0; h < heads_; ++h) {
      const Index here = h * vocab() + first;
      product_nt<S>(rows(of_head(qkv_.q(), h, heads_), first, count), of_head(qkv_.k(), h, heads_),
                    rows(scores_, here, count));
      product_nt<S>(rows(of_head(qkv_.v(), h, heads_), first, count), of_head(output, h, heads_),
                    rows(values_, here, count));
    }
  });
}

template <class S>
auto ByIdHeads<S>::table_of(Index h) const -> typename Core::Table {
  return typename Core::Table{
      rows(scores_, h * vocab(), vocab()), rows(values_, h * vocab(), vocab()),
      g_ == nullptr ? nullptr : g_ + h * vocab(), columns(lambda_, h * levels(), levels())};
}

template <class S>
View<S> ByIdHeads<S>::d_scores(S* elements, Index h) const {
  return view(elements + h * vocab() * vocab(), vocab(), vocab());
}

template <class S>
View<S> ByIdHeads<S>::d_values(S* elements, Index h) const {
  const Index width = values_.cols();
  return view(elements + heads_ * vocab() * vocab() + h * vocab() * width, vocab(), width);
}

template <class S>
void ByIdHeads<S>::end_step(S* elements, ConstView<S> output, View<S> d_output, View<S> d_qkv,
                            int threads) const {
  // A = q k^T and B = v W_o^T, so  dq = dA k, dk = dA^T q, dv = dB W_o, dW_o = dB^T v.
  const Index width = d_qkv.cols() / 3;
  const auto part = [&](Index which, Index h) {
    return of_head(columns(d_qkv, which * width, width), h, heads_);
  };
  for_each_rows(vocab(), threads, [&](Index first, Index count) {
    for (Index h = 0; h < heads_; ++h) {
      const View<S> d_a = d_scores(elements, h);
      product_nn<S>(rows(d_a, first, count), of_head(qkv_.k(), h, heads_),
                    rows(part(0, h), first, count));
      product_tn<S>(columns(d_a, first, count), of_head(qkv_.q(), h, heads_),
                    rows(part(1, h), first, count));
      product_nn<S>(rows(d_values(elements, h), first, count), of_head(output, h, heads_),
                    rows(part(2, h), first, count));
    }
  });
  for_each_rows(output.rows(), threads, [&](Index first, Index count) {
    for (Index h = 0; h < heads_; ++h) {
      product_tn<S>(columns(d_values(elements, h), first, count), of_head(qkv_.v(), h, heads_),
                    rows(of_head(d_output, h, heads_), first, count), Write::kAccumulate);
    }
  });
}

template <class S>
auto ByIdHeads<S>::begin(std::span<const std::int32_t> ids, bool backward,
                         Workspace<S>& workspace) const -> const Carry* {
  auto** heads = workspace.template array<const typename Core::Sequence*>(heads_);
  const auto numbering = Core::number(ids, vocab(), workspace);
  for (Index h = 0; h < heads_; ++h) {
    heads[h] = workspace.record(Core::begin(numbering, table_of(h), backward, workspace));
  }
  return workspace.record(Carry{heads});
}

template <class S>
auto ByIdHeads<S>::forward(const Carry& carry, std::span<const std::int32_t> ids, Index first,
                           View<S> z, Workspace<S>& workspace) const -> const Tape* {
  auto* heads = workspace.template array<typename Core::Tape>(heads_);
  for (Index h = 0; h < heads_; ++h) {
    heads[h] = Core::forward(*carry.heads[h], first, ids, z,
                             h == 0 ? Write::kOverwrite : Write::kAccumulate, workspace);
  }
  return workspace.record(Tape{heads});
}

template <class S>
void ByIdHeads<S>::backward(const Carry& carry, const Tape& tape, std::span<const std::int32_t> ids,
                            Index first, ConstView<S> dz, S* elements, View<S> dg, View<S> d_lambda,
                            Workspace<S>& workspace) const {
  for (Index h = 0; h < heads_; ++h) {
    const typename Core::TableGradient out{d_scores(elements, h), d_values(elements, h),
                                           dg.rows() == 0 ? nullptr : dg.row(h).data(),
                                           columns(d_lambda, h * levels(), levels())};
    Core::backward(*carry.heads[h], first, ids, tape.heads[h], dz, out, workspace);
    if (first == 0) Core::end(*carry.heads[h], out);
  }
}

template <class S>
Cost ByIdHeads<S>::cost(const SequenceShape& shape, Index heads, Index vocab, Index width,
                        bool has_levels) noexcept {
  const std::int64_t ids = Core::Numbering::padded(std::min<Index>(shape.tokens, vocab));
  Cost cost;
  cost.carry = Core::room(shape.tokens, vocab, width, heads, has_levels, shape.backward);
  cost.tape = heads * shape.tokens * (ids + Core::kChunk + 1);
  cost.scratch = Core::backward_room(ids) + 2 * Core::kChunk * ids;
  return cost;
}

template class ByIdHeads<float>;
template class ByIdHeads<double>;

}  // namespace recollect
