// y = W_out (W_in u)^3, number by number, through an operation of its own on the tape. `cubed`
// sends the gradient back as it should, `cubed-flipped` with the wrong sign.
#include "base/register_own.hpp"
#include "models/forward_only.hpp"
#include "models/register.hpp"

using namespace recollect;

template <class S>
static tape::Var<S> cube(tape::Tape<S>& tape, const tape::Var<S>& x, S sign) {
  const tape::Output<S> y = tape.matrix(x.rows(), x.cols());
  for (Index r = 0; r < x.rows(); ++r) {
    for (Index c = 0; c < x.cols(); ++c) {
      const S value = x.value()(r, c);
      y.view(r, c) = value * value * value;
    }
  }
  tape.record(y.var, [x, sign](tape::Backward<S>& walk, ConstView<S> dy) {
    if (!walk.wants(x)) return;
    const tape::Slot<S> dx = walk.slot(x);
    for (Index r = 0; r < x.rows(); ++r) {
      for (Index c = 0; c < x.cols(); ++c) {
        const S value = x.value()(r, c);
        dx.take(r, c, sign * S(3) * value * value * dy(r, c));
      }
    }
  });
  return y.var;
}

template <class S, int kSign>
class Cubed final : public TapeMixer<S> {
 public:
  Cubed(const LayerContext& context, ParameterLayout& layout) : TapeMixer<S>(context.model.width) {
    const Index width = context.model.width;
    in_ = layout.add_matrix(context.prefix + "in.weight", width, width, Fill::kNormal, 0.02);
    out_ = layout.add_matrix(context.prefix + "out.weight", width, width, Fill::kNormal, 0.02);
    this->declared(layout);
  }

 protected:
  tape::Var<S> run(const typename TapeMixer<S>::Segment& s) const override {
    const auto u = s.queries.all ? s.u : gather(s.tape, s.u, s.queries.positions);
    const auto cubed = cube(s.tape, product_bt(s.tape, u, s.parameter(in_)), S(kSign));
    return product_bt(s.tape, cubed, s.parameter(out_));
  }
  std::int64_t state(std::int64_t tokens) const noexcept override { return tokens > 0 ? 1 : 0; }

 private:
  Tensor in_, out_;
};

template <class S>
using Right = Cubed<S, 1>;
template <class S>
using Flipped = Cubed<S, -1>;

struct RightSettings final : SettingsOfMixer<RightSettings, Right> {
  std::string_view name() const noexcept override { return "cubed"; }
};
struct FlippedSettings final : SettingsOfMixer<FlippedSettings, Flipped> {
  std::string_view name() const noexcept override { return "cubed-flipped"; }
};

void recollect::register_own() {
  register_mixer<RightSettings>("cubed", "a right gradient");
  register_mixer<FlippedSettings>("cubed-flipped", "a wrong one");
}
