#include <algorithm>
#include <utility>

#include "math/flush_to_zero.hpp"
#include "math/parallel.hpp"
#include "models/layers/linear.hpp"
#include "models/mixers/tape_mixer.hpp"
#include "models/tape/rows.hpp"

namespace recollect {

using tape::Var;

template <class S>
Var<S> TapeMixer<S>::Lookup::product(tape::Tape<S>& tape, const Tensor& tensor) const {
  Index at = all.cols();
  for (const Tensor& each : tensors) at -= each.rows;
  for (const Tensor& each : tensors) {
    if (each.offset == tensor.offset) return gather(tape, all.columns(at, each.rows), ids);
    at += each.rows;
  }
  return {};
}

/// The same mixer as a first layer: what u is multiplied with is looked up by id, and so is u where
/// it is read for anything else. The table is an input of every sequence's tape, whose gradient is
/// added up row by row.
template <class S>
class TapeMixer<S>::Table final : public FirstLayer<S> {
 public:
  Table(const TapeMixer& mixer, std::vector<Tensor> tensors, Index vocab)
      : mixer_(mixer), tensors_(std::move(tensors)), vocab_(vocab), columns_(mixer.width_) {
    for (const Tensor& each : tensors_) columns_ += each.rows;
  }

  [[nodiscard]] Index gradient_size(std::int64_t) const noexcept override {
    return vocab_ * columns_;
  }

  void begin_step(const S* theta, ConstView<S> u, const StepShape& step,
                  Workspace<S>& workspace) override {
    rows_ = workspace.take(vocab_ * columns_);
    copy<const S, S>(u, columns(table(rows_), 0, mixer_.width_));
    for_each_tensor(table(rows_), [&](const Tensor& tensor, View<S> product) {
      Linear{tensor}.template forward<S>(theta, u, product, step.threads);
    });
  }

  void end_step(const S* theta, S* gradient, ConstView<S> u, S* table_gradient, View<S> du,
                int threads, Workspace<S>& workspace) override {
    const View<S> all = table(table_gradient);
    const View<const S> of_u = columns(all, 0, mixer_.width_);
    copy<const S, S>(of_u, du);
    const View<S> part = workspace.matrix(du.rows(), du.cols());
    for_each_tensor(all, [&](const Tensor& tensor, View<S> d_product) {
      Linear{tensor}.template backward<S>(theta, gradient, u, d_product, part, threads);
      add<S, S>(part, du);
    });
  }

  [[nodiscard]] Carry* begin(const SequenceShape& shape, std::span<const std::int32_t>,
                             S* table_gradient, Workspace<S>& workspace) const override {
    return workspace.record(
        Started{{}, shape.backward, mixer_.begin_states(shape, workspace), table_gradient});
  }

  [[nodiscard]] const Tape* forward(const S* theta, std::span<const std::int32_t> ids,
                                    const Queries& queries, Carry* carry, View<S> y,
                                    Workspace<S>& workspace) const override {
    const FlushToZero flush;
    const Started& started = *static_cast<const Started*>(carry);
    Kept* kept =
        workspace.record(Kept{{}, tape::Tape<S>(workspace, started.backward), {}, {}, started.own});
    kept->from = kept->tape.input(table(rows_));
    const Lookup lookup{kept->from, ids, tensors_};
    const Var<S> u = gather(kept->tape, kept->from.columns(0, mixer_.width_), ids);
    kept->y = mixer_.run(Segment{kept->tape, theta, u, queries, started.own, false, &lookup});
    copy<const S, S>(kept->y.value(), y);
    return kept;
  }

  void backward(const S*, S* gradient, std::span<const std::int32_t>, const Queries&,
                const Tape* tape, Carry* carry, ConstView<S> dy, Workspace<S>&) const override {
    const FlushToZero flush;
    // As TapeMixer::backward(): the caller hands back, to be walked once, what forward() made.
    Kept& kept = *const_cast<Kept*>(static_cast<const Kept*>(tape));  // NOLINT
    tape::Tape<S>::bind(kept.from, table(static_cast<const Started*>(carry)->table_gradient), true);
    tape::Tape<S>::seed(kept.y, dy);
    kept.tape.backward(gradient);
  }

  /// The mixer's own, and the rows of u.
  [[nodiscard]] Cost cost(const SequenceShape& shape) const noexcept override {
    Cost cost = mixer_.cost(shape);
    cost.tape += shape.tokens * mixer_.width_;
    return cost;
  }

 private:
  [[nodiscard]] View<S> table(S* elements) const { return view(elements, vocab_, columns_); }
  /// body(tensor, its columns of the table)
  template <class Body>
  void for_each_tensor(View<S> all, const Body& body) const {
    Index at = mixer_.width_;
    for (const Tensor& each : tensors_) {
      body(each, columns(all, at, each.rows));
      at += each.rows;
    }
  }

  const TapeMixer& mixer_;
  std::vector<Tensor> tensors_;
  Index vocab_;
  Index columns_;
  S* rows_ = nullptr;  // in the workspace of begin_step()
};

template <class S>
void TapeMixer<S>::tabulate(const LayerContext& context, std::vector<Tensor> tensors) {
  if (context.vocab == 0 || !context.execution.shortcuts) return;
  table_ = std::make_unique<Table>(*this, std::move(tensors), context.vocab);
}

template Var<float> TapeMixer<float>::Lookup::product(tape::Tape<float>&, const Tensor&) const;
template Var<double> TapeMixer<double>::Lookup::product(tape::Tape<double>&, const Tensor&) const;
template void TapeMixer<float>::tabulate(const LayerContext&, std::vector<Tensor>);
template void TapeMixer<double>::tabulate(const LayerContext&, std::vector<Tensor>);

}  // namespace recollect
