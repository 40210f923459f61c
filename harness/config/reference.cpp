#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "harness/config/declarations.hpp"
#include "harness/config/load.hpp"
#include "harness/config/model_options.hpp"
#include "models/registry.hpp"
#include "tasks/registry.hpp"

namespace recollect {

namespace {

std::string default_text(const Field& field) {
  const std::string text = field.text();
  const bool none = text.empty() || text == "[]" || !field.derived.empty();
  return none ? field.derived : fmt::format("`{}`", text);
}

void add_table(std::string& out, const std::string& section, const Fields& fields) {
  out += "| key | type | default | range | meaning |\n|---|---|---|---|---|\n";
  for (const Field& field : fields) {
    std::string range = field.bounds_text();
    if (field.exact_size > 0) range += fmt::format("; {} of them", field.exact_size);
    out += fmt::format("| `{}.{}` | {} | {} | {} | {} |\n", section, field.name, field.type(),
                       default_text(field), range, field.help);
  }
  out += "\n";
}

const char* const kTopLevel =
    "# Configuration\n\n"
    "Generated from the declarations; edit those, not this page. A configuration is one YAML "
    "file. "
    "Unknown keys, wrong types and impossible values are errors that name file and line, and "
    "nothing "
    "is written before the whole configuration is valid. On the command line, `--set key=value` "
    "replaces any key in full (`--set task.pairs=16`, `--set seeds=[0,1]`, "
    "`--set grid.task.pairs=[8,16]`). Whole numbers are written without fraction or exponent.\n\n"
    "## Top level\n\n"
    "| key | type | default | meaning |\n|---|---|---|---|\n"
    "| `experiment` | string | the file's name without its suffix | names the rows in tables; no "
    "`/`, no `.` in front |\n"
    "| `task` | map | required, unless the grid crosses tasks | what is learned: `name` and the "
    "task's own options |\n"
    "| `model` | map | the papers' model | options of the sequence model |\n"
    "| `variants` | list | every variant | names, or maps with `name`, `label` and any option of "
    "`model` |\n"
    "| `train` | map | see below | how it is trained |\n"
    "| `eval` | map | see below | how it is scored |\n"
    "| `seeds` | list of int, 0..9007199254740992 | `[0]` | one cell each; a seed sets the "
    "initial "
    "weights and, unless given, `task.data_seed` and `train.order_seed` |\n"
    "| `seed` | int | | short for a list of one; not together with `seeds` |\n"
    "| `grid` | map | | keys in full, each with a list of values, all crossed: "
    "`grid: {task.pairs: [8, 16], model.width: [32, 64]}`. Any key of task, model and train "
    "that takes one value; or `task` with a list of whole tasks, in place of the section |\n\n"
    "Cells are laid out as grid x variants x seeds, the first line of the grid outermost. No two "
    "may be the same training run: a value listed twice, or a variant listed twice, is an error. "
    "A "
    "variant on which a crossed option has no effect gets one cell for all its values, and a "
    "warning says so; an option of `model`, in the section or in the grid, that no listed "
    "variant "
    "uses is an error. Options of `eval` are not crossed, since scoring makes no other cells: "
    "give "
    "lists in `eval`, or run a second configuration.\n\n";

}  // namespace

std::string configuration_reference() {
  std::string out = kTopLevel;
  for (const TaskEntry& task : tasks()) {
    const auto settings = task.settings();
    Fields fields = settings->fields();
    std::optional<std::int64_t> data_seed;
    fields.push_back(data_seed_field(data_seed));
    out += fmt::format("## task: {{name: {}}}\n\n{}\n\n", task.name, task.description);
    add_table(out, "task", fields);
  }

  out += "## model\n\n";
  ModelOptions model;
  add_table(out, "model", model.fields());

  out += "## variants\n\n| name | what it is | set by the name | no use for |\n|---|---|---|---|\n";
  for (const MixerEntry& mixer : mixers()) {
    const auto settings = model.mixer(mixer.name).clone();
    ModelSettings around;
    const Fields own = model_fields(around, *settings);
    std::vector<std::string> set, unused;
    for (const Field& field : model.fields()) {
      if (model_option_applies(mixer.name, field.name)) continue;
      const auto found = std::find_if(own.begin(), own.end(),
                                      [&](const Field& each) { return each.name == field.name; });
      if (found == own.end()) {
        unused.push_back(fmt::format("`{}`", field.name));
      } else {
        set.push_back(fmt::format("`{}: {}`", field.name, found->text()));
      }
    }
    out += fmt::format("| `{}` | {} | {} | {} |\n", mixer.name, mixer.description,
                       fmt::join(set, ", "), fmt::join(unused, ", "));
  }
  out +=
      "\nWhat a name sets is what the variant is: `model` does not change it, the variant's own "
      "map "
      "does.\n"
      "\nA map gives a variant options of its own, which go before those of `model`: "
      "`{name: full-quadratic, short_conv: 4, label: full-quadratic+conv}`. Labels name the "
      "variants in tables and must differ. A label, like the name of the experiment, must be a "
      "text "
      "to those who read tables (no `NA`, `true`, `12`, `=x` or `1-2`), and no other variant's "
      "name.\n\n"
      "`model.pattern`, or `pattern` in a variant's map, says what stands in the layers, and is "
      "repeated over them. An entry is `variant` (that of the cell, which has to stand in some "
      "layer), the name of a mixer, or a map of a name and options of that mixer, e.g. `{name: "
      "gated-linear, gate: constant}`. Softmax attention in every second layer, beside all of "
      "one kind:\n\n"
      "```yaml\n"
      "model: {layers: 4, pattern: [variant, full-quadratic]}\n"
      "variants: [gated-linear, adaptive-decay, {name: full-quadratic, pattern: [variant]}]\n"
      "```\n\n"
      "An entry has the options of its own map, then what its name sets, then those of `model`; "
      "the map of a variant is for the variant's own layers. Options that all layers share "
      "(`width`, `heads`, `norm`, ...) cannot be given in an entry. Tables show the shortest "
      "pattern that gives the layers, as `model_pattern`; a pattern of the variant alone is not "
      "shown. A grid may cross patterns: `grid: {model.pattern: [[variant], [full-quadratic, "
      "variant]]}`.\n\n## train\n\n";
  TrainSettings train;
  add_table(out, "train", train.fields());

  out +=
      "A mixture trains on several settings of the task at once, as most published recall results "
      "are; a model that learns nothing from the hardest setting alone may solve it there:\n\n"
      "```yaml\n"
      "task: {name: mqar, layout: power-law, filler: zeros, vocab: 256}\n"
      "train:\n"
      "  mixture:\n"
      "    - {length: 64, pairs: 4, examples: 20000}\n"
      "    - {length: 128, pairs: 16, examples: 8000}\n"
      "  epochs: 12\n"
      "  schedule: cosine-epoch\n"
      "  eval_every: epoch\n"
      "eval: {cells: [{length: 128, pairs: 16}, {length: 256, pairs: 32}]}\n"
      "```\n\n"
      "An entry overrides options of `task`; what it leaves out is that of `task`, and the "
      "vocabulary is the same for all. Each has a fixed set of examples, and a batch holds those "
      "of one entry. Levels and learned positions follow the longest. Validation takes "
      "`validation_examples` of each entry; its figures are means with equal weights, and "
      "history.csv has each entry's accuracy beside them, `validation_accuracy_1` and so on. "
      "`epochs` works without a mixture too.\n\n";

  out += "## eval\n\n";
  EvalSettings eval;
  add_table(out, "eval", eval.fields());
  out +=
      "Each entry of `cells` is a row of scores.csv with its length, chance and ceilings; options "
      "that entries give otherwise than `task` are columns, `eval_pairs`. In tables and pictures "
      "an entry stands where a length would.\n\n";
  out.pop_back();
  return out;
}

}  // namespace recollect
