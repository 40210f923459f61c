#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/hash.hpp"
#include "harness/config/declarations.hpp"
#include "harness/config/emit.hpp"
#include "harness/config/settings.hpp"
#include "harness/config/yaml_tree.hpp"
#include "math/fenwick.hpp"
#include "models/registry.hpp"
#include "tasks/registry.hpp"
#include "tasks/task.hpp"

namespace recollect {

namespace {

// "section.key: value" for every option that differs from its default.
void add_differences(std::vector<std::string>& lines, const std::string& section,
                     const Fields& values, const Fields& defaults) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::string text = values[i].text();
    if (text != defaults[i].text()) {
      lines.push_back(fmt::format("{}.{}: {}", section, values[i].name, text));
    }
  }
}

}  // namespace

std::string Cell::identity() const {
  std::vector<std::string> lines;
  lines.push_back(fmt::format("task: {}", task->name()));
  lines.push_back(fmt::format("variant: {}", variant.name));
  lines.push_back(fmt::format("seed: {}", seed));
  if (data_seed != seed) lines.push_back(fmt::format("data_seed: {}", data_seed));
  if (order_seed != seed) lines.push_back(fmt::format("order_seed: {}", order_seed));

  const auto own_task = task->clone();
  const auto default_task = find_task(task->name())->settings();
  default_task->resolve();
  add_differences(lines, "task", own_task->fields(), default_task->fields());

  // Options without effect here are put back to their defaults, so that they make no other cell.
  ModelSettings model = variant.model;
  ModelSettings default_model;
  // A first layer is told apart by how it is computed: by row, unless there is a choice.
  default_model.first_layer = FirstLayer::kRows;
  if (!model.first_layer_by_id(task->make()->vocab())) model.first_layer = FirstLayer::kRows;
  Fields model_fields = model.fields();
  Fields default_model_fields = default_model.fields();
  std::erase_if(model_fields,
                [&](const Field& f) { return !model_option_applies(variant.name, f.name); });
  std::erase_if(default_model_fields,
                [&](const Field& f) { return !model_option_applies(variant.name, f.name); });
  add_differences(lines, "model", model_fields, default_model_fields);

  TrainSettings own_train = train;
  own_train.order_seed.reset();
  if (own_train.select_length == task->length) own_train.select_length.reset();
  TrainSettings default_train;
  add_differences(lines, "train", own_train.fields(), default_train.fields());

  // More rows than training reaches are other initial weights, and untrained rows are scored.
  if (find_mixer(variant.name)->uses_levels && levels != level_count(task->length)) {
    lines.push_back(fmt::format("levels: {}", levels));
  }
  std::sort(lines.begin(), lines.end());
  return fmt::format("{}\n", fmt::join(lines, "\n"));
}

std::string Cell::hash() const {
  return hex(hash_text(fmt::format("numerics_version: {}\n{}", kNumericsVersion, identity())));
}

std::string Cell::yaml(const std::string& experiment) const {
  const auto own_task = task->clone();
  ModelSettings model = variant.model;
  TrainSettings own_train = train;
  EvalSettings own_eval = eval;
  if (own_train.examples) own_train.order_seed = order_seed;
  Fields model_fields = model.fields();
  std::erase_if(model_fields,
                [&](const Field& f) { return !model_option_applies(variant.name, f.name); });

  std::string out =
      fmt::format("experiment: {}\ntask:\n  name: {}\n", yaml_quoted(experiment), task->name());
  emit_fields(out, own_task->fields(), "  ");
  out += fmt::format("  data_seed: {}\nmodel:\n", data_seed);
  emit_fields(out, model_fields, "  ");
  out += fmt::format("variants:\n  - {{name: {}, label: {}}}\ntrain:\n", variant.name,
                     yaml_quoted(variant.label));
  emit_fields(out, own_train.fields(), "  ");
  out += "eval:\n";
  emit_fields(out, own_eval.fields(), "  ");
  out += fmt::format("seeds: [{}]\n", seed);
  return out;
}

}  // namespace recollect
