#include "models/mixers/output_stage.hpp"

#include "models/tape/elementwise.hpp"
#include "models/tape/products.hpp"
#include "models/tape/rows.hpp"

namespace recollect {

using tape::Var;

namespace {

constexpr double kNormEpsilon = 1e-5;

}  // namespace

template <class S>
OutputStage<S>::OutputStage(const LayerContext& context, const LinearOptions& options,
                            ParameterLayout& layout)
    : heads_(context.model.heads), skips_(options.skip), kind_(options.output) {
  const Index width = context.model.width;
  const Index value_width = options.value_width > 0 ? options.value_width : width / heads_;
  const Index columns = heads_ * value_width;
  if (skips_) skip_ = layout.add_vector(context.prefix + "skip", heads_, Fill::kConstant, 1.0);
  if (kind_ == CoreOutput::kRmsGate || kind_ == CoreOutput::kGateRms) {
    gate_weight_ = layout.add_matrix(context.prefix + "gate_proj.weight", columns, width,
                                     Fill::kNormal, kInitialDeviation);
  }
  if (kind_ != CoreOutput::kPlain) {
    norm_weight_ = layout.add_vector(context.prefix + "out_norm.weight",
                                     kind_ == CoreOutput::kGateRms ? columns : value_width,
                                     Fill::kConstant, 1.0);
  }
  out_weight_ = layout.add_matrix(context.prefix + "out_proj.weight", width, columns, Fill::kNormal,
                                  output_deviation(context.model));
}

template <class S>
Var<S> OutputStage<S>::norm_and_gate(const Segment& segment, const Var<S>& y,
                                     const Var<S>& u) const {
  tape::Tape<S>& tape = segment.tape;
  const auto gate = [&] {
    return silu(tape, segment.queries.all ? segment.project(gate_weight_)
                                          : product_bt(tape, u, segment.parameter(gate_weight_)));
  };
  const auto norm = [&](const Var<S>& x, Index heads) {
    return scale_columns(tape, normalise_rows(tape, x, static_cast<S>(kNormEpsilon), true, heads),
                         segment.parameter(norm_weight_));
  };
  switch (kind_) {
    case CoreOutput::kPlain:
      return y;
    case CoreOutput::kRms:
      return norm(y, heads_);
    case CoreOutput::kRmsGate: {
      // One after the other: arguments have no order, and that of the records decides last bits.
      const Var<S> open = gate();
      return multiply(tape, norm(y, heads_), open);
    }
    case CoreOutput::kGateRms:
      return norm(multiply(tape, y, gate()), 1);
  }
  return y;
}

template <class S>
Var<S> OutputStage<S>::run(const Segment& segment, Var<S> y, const Var<S>& v,
                           const Var<S>& u) const {
  tape::Tape<S>& tape = segment.tape;
  if (skips_) {
    const Var<S> own = segment.queries.all ? v : gather(tape, v, segment.queries.positions);
    y = sum(tape, y, scale_rows(tape, own, segment.parameter(skip_)));
  }
  return product_bt(tape, norm_and_gate(segment, y, u), segment.parameter(out_weight_));
}

template class OutputStage<float>;
template class OutputStage<double>;

}  // namespace recollect
