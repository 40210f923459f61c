#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/hash.hpp"
#include "harness/config/declarations.hpp"
#include "harness/config/emit.hpp"
#include "harness/config/model_options.hpp"
#include "harness/config/pattern.hpp"
#include "harness/config/settings.hpp"
#include "harness/config/yaml_tree.hpp"
#include "math/fenwick.hpp"
#include "models/outside.hpp"
#include "tasks/registry.hpp"
#include "tasks/task.hpp"

namespace recollect {

namespace {

// "section.key: value" for every option that differs from its default and is its own.
void add_differences(std::vector<std::string>& lines, const std::string& section,
                     const Fields& values, const Fields& defaults) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i].decided) continue;
    const std::string text = values[i].identity_text();
    if (text != defaults[i].identity_text()) {
      lines.push_back(fmt::format("{}.{}: {}", section, values[i].name, text));
    }
  }
}

/// The options of a model that make another cell where they differ, but for the pattern.
Fields options_of_numbers(ModelSettings& model, MixerSettings& mixer) {
  Fields fields = model_fields(model, mixer);
  std::erase_if(fields, [](const Field& field) {
    return field.name == kFirstLayer || field.name == "pattern";
  });
  return fields;
}

}  // namespace

std::string Cell::identity() const {
  std::vector<std::string> lines;
  lines.push_back(fmt::format("task: {}", task->name()));
  lines.push_back(fmt::format("variant: {}", variant.name));
  // Models of other programs are told apart by their labels alone.
  if (variant.name == kOutside) lines.push_back(fmt::format("label: {}", variant.label));
  lines.push_back(fmt::format("seed: {}", seed));
  if (data_seed != seed) lines.push_back(fmt::format("data_seed: {}", data_seed));
  if (order_seed != seed) lines.push_back(fmt::format("order_seed: {}", order_seed));

  const auto own_task = task->clone();
  const auto default_task = tasks().find(task->name())->settings();
  default_task->resolve();
  add_differences(lines, "task", own_task->fields(), default_task->fields());

  ModelSettings model = variant.model;
  const auto mixer = variant.mixer->clone();
  ModelSettings default_model;
  const auto default_mixer = settings_of_variant(variant.name);
  add_differences(lines, "model", options_of_numbers(model, *mixer),
                  options_of_numbers(default_model, *default_mixer));
  const std::vector<std::string> pattern = pattern_texts(variant, PatternText::kIdentity);
  if (pattern != default_model.pattern) {
    lines.push_back(fmt::format("model.pattern: [{}]", fmt::join(pattern, ", ")));
  }
  // How a first layer is computed moves last bits where there is a choice, and only there.
  const std::string_view path =
      variant.layers.front()->first_layer_path(model, task->make()->vocab());
  if (!path.empty()) lines.push_back(fmt::format("model.{}: {}", kFirstLayer, path));

  TrainSettings own_train = train;
  own_train.order_seed.reset();
  if (own_train.select_length == task->length) own_train.select_length.reset();
  TrainSettings default_train;
  add_differences(lines, "train", own_train.fields(), default_train.fields());

  // More rows than training reaches are other initial weights, and untrained rows are scored.
  if (variant.has_levels() && levels != level_count(task->length)) {
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
  const auto mixer = variant.mixer->clone();
  TrainSettings own_train = train;
  EvalSettings own_eval = eval;
  if (own_train.examples) own_train.order_seed = order_seed;
  std::string out =
      fmt::format("experiment: {}\ntask:\n  name: {}\n", yaml_quoted(experiment), task->name());
  emit_fields(out, own_task->fields(), "  ");
  out += fmt::format("  data_seed: {}\nmodel:\n", data_seed);
  Fields options = model_fields(model, *mixer);
  // What the variant's name sets, `model:` cannot say; where it is something else, its map does.
  std::string own;
  for (const Field& field : options) {
    if (field.set_by_name && !field.is_implied()) {
      own += fmt::format(", {}: {}", field.name, field_text(field));
    }
  }
  std::erase_if(options, [](const Field& field) { return field.set_by_name; });
  emit_fields(out, options, "  ");
  out += fmt::format("variants:\n  - {{name: {}, label: {}{}}}\ntrain:\n", variant.name,
                     yaml_quoted(variant.label), own);
  emit_fields(out, own_train.fields(), "  ");
  out += "eval:\n";
  emit_fields(out, own_eval.fields(), "  ");
  out += fmt::format("seeds: [{}]\n", seed);
  return out;
}

}  // namespace recollect
