#include <sstream>
#include <string>
#include <vector>

#include "harness/config/load.hpp"
#include "harness/config/yaml_tree.hpp"
#include "tests/fuzz/properties.hpp"
#include "tests/fuzz/refusal.hpp"
#include "tests/support/round_trip.hpp"

namespace recollect {
namespace {

constexpr std::size_t kMostCells = 4;        // that are read back one by one
constexpr std::size_t kLongestFlow = 65536;  // aliases of aliases are long when written out

std::vector<std::string> overrides_in(const std::string& text) {
  const std::string mark = "#set ";
  std::vector<std::string> overrides;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(mark)) overrides.push_back(line.substr(mark.size()));
  }
  return overrides;
}

/// Whether a text is quoted is left out: it is written plain where that reads as the same text.
bool same_tree(const YamlValue& a, const YamlValue& b) {
  if (a.kind != b.kind || a.text != b.text || a.items.size() != b.items.size() ||
      a.entries.size() != b.entries.size()) {
    return false;
  }
  for (std::size_t i = 0; i < a.items.size(); ++i) {
    if (!same_tree(a.items[i], b.items[i])) return false;
  }
  for (std::size_t i = 0; i < a.entries.size(); ++i) {
    if (a.entries[i].key != b.entries[i].key) return false;
    if (!same_tree(a.entries[i].value, b.entries[i].value)) return false;
  }
  return true;
}

Outcome check_tree(const std::string& text) {
  YamlValue tree;
  Outcome outcome = outcome_of([&] { tree = parse_yaml(text, "input.yaml"); });
  if (!outcome.accepted) return outcome;
  const std::string flow = yaml_flow(tree);
  if (flow.size() <= kLongestFlow && !same_tree(parse_yaml_at(flow, "flow"), tree)) {
    outcome.failure = "the tree changed, written in flow style: " + flow;
  }
  return outcome;
}

}  // namespace

Outcome check_configuration(std::string_view bytes) {
  const std::string text(bytes);
  Outcome outcome = check_tree(text);
  if (!outcome.accepted || !outcome.failure.empty()) return outcome;
  Experiment experiment;
  outcome =
      outcome_of([&] { experiment = parse_experiment(text, "input.yaml", overrides_in(text)); });
  if (outcome.accepted) outcome.failure = round_trip_failure(experiment, kMostCells);
  return outcome;
}

}  // namespace recollect
