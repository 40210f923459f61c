#include "models/tape/rotary.hpp"

namespace recollect::tape {

template <class S>
Var<S> rotate(Tape<S>& tape, const Var<S>& x, const Rotary<S>* rotary,
              std::span<const std::int32_t> positions) {
  const Output<S> y = tape.matrix(x.rows(), x.cols());
  copy<const S, S>(x.value(), y.view);
  if (rotary != nullptr) rotary->rotate(positions, y.view, false);
  // The transpose of a rotation is the rotation back.
  tape.record(y.var, [x, rotary, positions](Backward<S>& walk, ConstView<S> dy) {
    if (!walk.wants(x)) return;
    const Slot<S> dx = walk.slot(x);
    const auto room = walk.scratch(x.rows(), x.cols());
    copy<const S, S>(dy, room.view());
    if (rotary != nullptr) rotary->rotate(positions, room.view(), true);
    dx.take(room.view());
  });
  return y.var;
}

template Var<float> rotate<float>(Tape<float>&, const Var<float>&, const Rotary<float>*,
                                  std::span<const std::int32_t>);
template Var<double> rotate<double>(Tape<double>&, const Var<double>&, const Rotary<double>*,
                                    std::span<const std::int32_t>);

}  // namespace recollect::tape
