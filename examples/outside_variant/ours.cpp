#include "base/register_own.hpp"
#include "models/forward_only.hpp"
#include "models/register.hpp"
#include "tasks/register.hpp"
#include "tasks/task_settings_of.hpp"

using namespace recollect;

// Log-linear attention with one head and lambda_l = 2 sigmoid(w_l . u), which starts near 1.
template <class S>
struct SigmoidDecay final : TapeMixer<S> {
  using Carry = typename Mixer<S>::Carry;
  struct Seen : Carry {
    tape::Var<S> lambda;
  };
  Index width, levels;
  Tensor in, out;

  SigmoidDecay(const LayerContext& c, ParameterLayout& layout)
      : TapeMixer<S>(c.model.width), width(c.model.width), levels(c.levels) {
    in = layout.add_matrix(c.prefix + "in.weight", 3 * width + levels, width, Fill::kNormal, 0.02);
    out = layout.add_matrix(c.prefix + "out.weight", width, width, Fill::kNormal, 0.02);
    this->declared(layout);
  }
  tape::Var<S> run(const typename TapeMixer<S>::Segment& s) const override {
    const auto all = product_bt(s.tape, s.u, s.parameter(in));  // q, k, v, then the levels
    const auto part = [&](Index i) { return all.columns(i * width, width); };
    const auto lambda = sigmoid(s.tape, all.columns(3 * width, levels), S(2));
    const auto y = s.tape.matrix(s.u.rows(), width);
    additive_core<S>(s.tape, {part(0), part(1), part(2), {}, lambda, {}}, 64, y);
    static_cast<Seen*>(s.carry)->lambda = lambda;
    const auto read = s.queries.all ? y.var : gather(s.tape, y.var, s.queries.positions);
    return product_bt(s.tape, read, s.parameter(out));
  }
  Carry* begin_states(const SequenceShape&, Workspace<S>& w) const override {
    return w.record(Seen{});
  }
  MixerView<S> view_of(const Carry* carry, Workspace<S>&) const override {
    return {1, static_cast<const Seen*>(carry)->lambda.value()};  // for `recollect inspect`
  }
  std::int64_t state(std::int64_t tokens) const noexcept override {
    return tokens > 0 ? levels * width * width : 0;
  }
};

struct SigmoidDecaySettings final : SettingsOfMixer<SigmoidDecaySettings, SigmoidDecay> {
  std::string_view name() const noexcept override { return "sigmoid-decay"; }
  bool has_levels() const noexcept override { return true; }
  HeadWidths head_widths() const noexcept override { return {.none = true}; }
};

// Fillers, ids 1..31, and somewhere a needle, 32..63: the last position, id 0, asks which it was.
struct Needle final : Task {
  const std::int32_t last;
  explicit Needle(const TaskSettings& s) : last(static_cast<std::int32_t>(s.length) - 1) {}
  std::int64_t length() const noexcept override { return last + 1; }
  std::int64_t vocab() const noexcept override { return 64; }
  std::int64_t max_scored() const noexcept override { return 1; }
  double chance() const noexcept override { return 1.0 / 32; }
  void example(const Draw& draw, Example& out, GeneratorScratch&) const override {
    Rng rng = generator_of(draw);
    out.labels.assign(1, rng.between(32, 63));
    out.positions.assign(1, last);
    out.ids.assign(static_cast<std::size_t>(last) + 1, 0);
    for (std::int32_t p = 0; p < last; ++p) out.ids[p] = rng.between(1, 31);
    out.ids[rng.below(last)] = out.labels[0];
  }
};

struct NeedleSettings final : TaskSettingsOf<NeedleSettings, Needle> {
  NeedleSettings() { length = 64; }
  std::string_view name() const noexcept override { return "needle"; }
  Fields fields() override { return {field("length", length, "T, tokens").range(2, kMaxLength)}; }
};

void recollect::register_own() {
  register_mixer<SigmoidDecaySettings>("sigmoid-decay", "log-linear, levels weigh 2 sigmoid(w.u)");
  register_task<NeedleSettings>("needle", "which id of the upper half was there?");
}
