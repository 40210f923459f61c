#include "models/linear_attention/gate_settings.hpp"

#include <fmt/format.h>

#include "base/error.hpp"

namespace recollect {

namespace {

constexpr double kLargest = 1e6;  // of A and dt: decay is complete long before

void expect_ordered(const char* key, const std::vector<double>& range) {
  if (range.empty() || range[0] <= range[1]) return;
  throw FieldError(key, fmt::format("= [{0}, {1}] begins above its end; write [{1}, {0}]",
                                    shortest(range[0]), shortest(range[1])));
}

Range range_of(const std::vector<double>& ends) { return {ends[0], ends[1]}; }

}  // namespace

Fields GateStart::fields(bool no_gate) {
  Fields all;
  all.push_back(field("A_init", a,
                      "initial rate A of the gate: 1, 2, ... by head, or uniform between two "
                      "numbers (Mamba-2: [1, 16])")
                    .above(0, kLargest)
                    .size(2)
                    .or_word("heads")
                    .implied_at("heads"));
  all.push_back(
      field("dt_range", dt, "initial step sizes dt of the gate, log-uniform between two numbers")
          .above(0, kLargest)
          .size(2)
          .implied_at("[0.001, 0.1]"));
  for (Field& each : all) each.set_by_name = no_gate;
  return all;
}

void GateStart::validate(Gate gate) const {
  const GateStart usual;
  const auto fail = [](const char* key, const std::vector<double>& range) {
    throw FieldError(key, fmt::format("= [{}, {}] starts a gate, and gate is none; leave it out, "
                                      "or take gate: input or constant",
                                      shortest(range[0]), shortest(range[1])));
  };
  if (gate == Gate::kNone && a != usual.a) fail("A_init", a);
  if (gate == Gate::kNone && dt != usual.dt) fail("dt_range", dt);
  expect_ordered("A_init", a);
  expect_ordered("dt_range", dt);
}

Tensor GateStart::add_a_log(ParameterLayout& layout, const std::string& prefix, Index heads) const {
  if (a.empty()) return layout.add_vector(prefix + "A_log", heads, Fill::kLogIndex, 0.0);
  return layout.add_vector(prefix + "A_log", heads, Fill::kLogUniform, range_of(a));
}

Tensor GateStart::add_dt_bias(ParameterLayout& layout, const std::string& prefix,
                              Index heads) const {
  return layout.add_vector(prefix + "dt_bias", heads, Fill::kInverseStep, range_of(dt));
}

}  // namespace recollect
