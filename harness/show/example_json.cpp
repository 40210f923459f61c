#include "harness/show/example_json.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

#include "harness/render/json.hpp"

namespace recollect {
namespace {

Json values_json(Names names, std::span<const std::int32_t> values) {
  Json all = Json::object();
  for (std::size_t i = 0; i < names.size(); ++i) {
    all[std::string(names[i])] = values[i] == kNoTag ? Json() : Json(values[i]);
  }
  return all;
}

Json scored_json(const ShownExample& shown, std::size_t r) {
  const Example& example = shown.example;
  Json scored = {{"position", example.positions[r]},
                 {"id", example.ids[static_cast<std::size_t>(example.positions[r])]},
                 {"label", example.labels[r]}};
  if (shown.answers_are_told()) {
    Json rules = Json::object();
    for (std::size_t i = 0; i < shown.rules.size(); ++i) {
      const std::int32_t answer = shown.answers[r * shown.rules.size() + i];
      rules[std::string(shown.rules[i])] = {{"answer", answer == kNoAnswer ? Json() : Json(answer)},
                                            {"right", answer == example.labels[r]}};
    }
    scored["rules"] = std::move(rules);
  }
  if (!shown.tags.empty()) scored["tags"] = values_json(shown.tags, example.tags_of(r));
  if (const std::size_t more = shown.more_tags.size(); more > 0) {
    scored["more_tags"] =
        values_json(shown.more_tags, std::span(shown.more_values).subspan(r * more, more));
  }
  return scored;
}

Json task_json(const ShownExample& shown) {
  Json task = {{"name", shown.task_name}};
  for (const auto& [name, value] : shown.options) task[name] = json_of(Value(value));
  return task;
}

}  // namespace

std::string example_json(const ShownExample& shown) {
  Json kinds = Json::array();
  for (const TokenKind& kind : shown.kinds) {
    kinds.push_back({{"name", kind.name}, {"mark", std::string(1, kind.mark)}});
  }
  Json kind_of = Json::array();
  for (const std::int32_t kind : shown.kind_of) {
    kind_of.push_back(shown.kinds[static_cast<std::size_t>(kind)].name);
  }
  Json right = Json::object();
  for (std::size_t i = 0; i < shown.rules.size(); ++i) {
    right[std::string(shown.rules[i])] = shown.right[i];
  }
  Json scored = Json::array();
  for (std::size_t r = 0; r < shown.scored(); ++r) scored.push_back(scored_json(shown, r));
  const Json json = {{"task", task_json(shown)},
                     {"split", name_of(shown.split)},
                     {"example", shown.index},
                     {"examples", shown.examples},
                     {"data_seed", shown.data_seed},
                     {"cell",
                      {{"number", shown.cell_number},
                       {"cells", shown.cells},
                       {"variant", shown.variant},
                       {"seed", shown.seed}}},
                     {"length", shown.length},
                     {"trained_length", shown.trained_length},
                     {"vocab", shown.vocab},
                     {"chance", json_of(shown.chance)},
                     {"kinds", std::move(kinds)},
                     {"ids", shown.example.ids},
                     {"kind", std::move(kind_of)},
                     {"rules_right", std::move(right)},
                     {"scored", std::move(scored)}};
  return json_text(json);
}

}  // namespace recollect
