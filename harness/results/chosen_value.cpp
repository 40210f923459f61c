#include "harness/results/chosen_value.hpp"

namespace recollect {

const std::vector<Column<ChosenValue>>& chosen_columns() {
  using Chosen = ChosenValue;
  static const std::vector<Column<Chosen>> all = {
      {"chosen", [](const Chosen& c) { return Value(c.text); }},
      {"chosen_of", [](const Chosen& c) { return Value(c.of); }},
      {"chosen_edge", [](const Chosen& c) { return Value(c.edge); }},
      {"chosen_by",
       [](const Chosen& c) { return Value(std::string(c.by_test ? "test" : "validation")); }},
      {"chosen_failed", [](const Chosen& c) { return Value(c.failed); }}};
  return all;
}

}  // namespace recollect
