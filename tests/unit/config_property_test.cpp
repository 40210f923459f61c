#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "harness/config/declarations.hpp"
#include "harness/config/load.hpp"
#include "harness/config/model_options.hpp"
#include "math/rng.hpp"
#include "models/registry.hpp"
#include "tasks/registry.hpp"
#include "tests/support/generated_tasks.hpp"
#include "tests/support/round_trip.hpp"

// Configurations drawn at random from the declarations, so that an option that is added later is
// covered as well: what `check` prints must give the same cells again.

namespace recollect {
namespace {

class Generator {
 public:
  explicit Generator(std::uint64_t trial) : rng_(11, Stream::kTest, trial) {}

  /// A configuration; most, not all, are valid.
  std::string text() {
    const bool crosses_tasks = chance(5);
    const std::vector<TaskEntry> all = generated_tasks();
    const TaskEntry& task = all[below(all.size())];
    std::string grid;
    if (crosses_tasks) {
      grid += "  task:\n";
      for (const TaskEntry& entry : all) {
        grid += fmt::format("    - {{name: {}{}}}\n", entry.name,
                            options(entry.settings()->fields(), "", ", {}: {}", 3));
      }
    }
    std::string out;
    if (!crosses_tasks) {
      out += fmt::format("task:\n  name: {}\n", task.name);
      out += options(task.settings()->fields(), "task.", "  {}: {}\n", 5);
      if (chance(4)) out += fmt::format("  data_seed: {}\n", below(9));
    }
    ModelOptions model;
    out += section("model", model.fields(), 9);
    if (!chance(4)) out += variants();
    TrainSettings train;
    out += section("train", train.fields(), 9);
    EvalSettings eval;
    out += section("eval", eval.fields(), 2);
    out += chance(2) ? fmt::format("seed: {}\n", below(1U << 31))
                     : fmt::format("seeds: [{}, {}]\n", below(50), 50 + below(50));
    for (int axis = 0; axis < 2; ++axis) {
      if (chance(2)) grid += crossed(crosses_tasks ? Fields{} : task.settings()->fields());
    }
    if (!grid.empty()) out += fmt::format("grid:\n{}", grid);
    return out;
  }

 private:
  [[nodiscard]] std::size_t below(std::size_t bound) {
    return rng_.below(static_cast<std::uint32_t>(bound));
  }
  /// True once in `times`.
  [[nodiscard]] bool chance(std::size_t times) { return below(times) == 0; }

  std::string number(const Field& field) {
    const bool whole = field.type().find("int") != std::string::npos;
    if (whole) {
      const double value = std::exp2(static_cast<double>(below(8))) + (chance(6) ? 1.0 : 0.0);
      return fmt::format("{:.0f}", std::min(std::max(value, field.low), field.high));
    }
    const double high = std::min(field.high, 2.0);
    const double share = static_cast<double>(1 + below(98)) / 99.5;
    const double value = field.low + (high - field.low) * (chance(2) ? share : share * 1e-6);
    return chance(2) ? fmt::format("{:.4e}", value) : shortest(value);
  }

  std::string value(const Field& field) {
    if (const auto* names = std::get_if<ChoiceRef>(&field.value)) {
      return names->names[below(names->names.size())];
    }
    if (field.type() == "bool") return chance(2) ? "true" : "false";
    if (!field.also.empty() && chance(3)) return field.also;
    if (field.name == "pattern") return pattern();
    if (!field.type().starts_with("list of ")) return number(field);
    std::vector<std::string> items;
    const std::size_t count = field.exact_size > 0 ? field.exact_size : 1 + below(3);
    while (items.size() < count) {
      items.push_back(number(field));
      if (field.exact_size == 0 && items.back() == items.front()) items.back() += "0";
    }
    return fmt::format("[{}]", fmt::join(items, ", "));
  }

  /// One to three entries, most of them with the variant among them.
  std::string pattern() {
    std::vector<std::string> entries;
    const std::size_t count = 1 + below(3);
    while (entries.size() < count) {
      if (chance(2)) {
        entries.emplace_back("variant");
        continue;
      }
      const MixerEntry& entry = mixers().begin()[below(mixers().size())];
      const auto mixer = entry.settings();
      // Options of many valid combinations: most configurations are to be valid.
      const std::string own = options(mixer->fields(), "pattern.", ", {}: {}", 9);
      entries.push_back(own.empty() ? std::string(entry.name)
                                    : fmt::format("{{name: {}{}}}", entry.name, own));
    }
    return fmt::format("[{}]", fmt::join(entries, ", "));
  }

  /// Each option once in `times`, written as `form` says.
  std::string options(const Fields& fields, const std::string& prefix, const char* form,
                      std::size_t times) {
    std::string out;
    for (const Field& field : fields) {
      // A level is refused without its layout, and the layout without a level.
      if (field.name == "level" || names_file(field) || !chance(times)) continue;
      given_.insert(prefix + field.name);
      const std::string text = value(field);
      out += fmt::format(fmt::runtime(form), field.name, text);
      if (text == "level") out += fmt::format(fmt::runtime(form), "level", 5 + below(3));
      // Random filler, the default, is refused beside rebindings.
      if (field.name == "rebind" && given_.insert(prefix + "filler").second) {
        out += fmt::format(fmt::runtime(form), "filler", "clean");
      }
    }
    return out;
  }

  std::string section(const std::string& name, const Fields& fields, std::size_t times) {
    const std::string inside = options(fields, name + ".", "  {}: {}\n", times);
    return inside.empty() ? "" : fmt::format("{}:\n{}", name, inside);
  }

  std::string variants() {
    static const std::vector<std::string> kLabels = {
        "null: 1", "1.5 x", "a: {b} # c", "? -x", "~a", "größe (2)", "[x]", "*a & !b"};
    std::string out = "variants:\n";
    std::size_t count = 0;
    for (const std::string& name : mixers().names()) {
      if (chance(2)) continue;
      ++count;
      if (chance(2)) {
        out += fmt::format("  - {}\n", name);
        continue;
      }
      ModelSettings model;
      const auto mixer = mixer_settings(name);
      const Fields own = model_fields(model, *mixer);
      out += fmt::format("  - {{name: {}, label: '{}'{}}}\n", name,
                         kLabels[(count + below(2)) % kLabels.size()],
                         options(own, "variants.", ", {}: {}", 8));
    }
    return count > 0 ? out : "";
  }

  std::string crossed(Fields task) {
    ModelOptions model;
    TrainSettings train;
    std::vector<std::pair<std::string, Field>> all;
    for (const Field& field : task) all.emplace_back(fmt::format("task.{}", field.name), field);
    for (const Field& field : model.fields()) all.emplace_back("model." + field.name, field);
    for (const Field& field : train.fields()) all.emplace_back("train." + field.name, field);
    std::erase_if(all, [](const auto& option) { return names_file(option.second); });
    const auto& [key, field] = all[below(all.size())];
    if (!is_crossable(key) || !given_.insert("grid." + key).second) return "";
    const std::string first = value(field);
    const std::string second = value(field);
    return first == second ? fmt::format("  {}: [{}]\n", key, first)
                           : fmt::format("  {}: [{}, {}]\n", key, first, second);
  }

  /// A file is read, and nothing that is drawn here is one.
  static bool names_file(const Field& field) {
    return field.type() == "string" || field.name == "init_partial";
  }

  static bool is_crossable(const std::string& key) {
    const std::vector<std::string>& all = crossable_keys();
    return std::find(all.begin(), all.end(), key) != all.end();
  }

  Rng rng_;
  std::set<std::string> given_;
};

TEST_CASE("config: what check prints gives the same cells again, whatever options are drawn") {
  int valid = 0;
  std::set<std::string> varied;  // options that a valid configuration gave another value
  // Variants that refuse more combinations make fewer configurations valid.
  for (std::uint64_t trial = 0; trial < 2200 || (valid <= 400 && trial < 22000); ++trial) {
    const std::string text = Generator(trial).text();
    Experiment experiment;
    try {
      experiment = parse_experiment(text, "drawn.yaml");
    } catch (const ConfigError&) {
      continue;
    }
    ++valid;
    CAPTURE(text);
    REQUIRE(round_trip_failure(experiment, 4) == "");
    for (const Cell& cell : experiment.cells) {
      const std::string identity = cell.identity();
      for (std::size_t at = 0; at < identity.size(); at = identity.find('\n', at) + 1) {
        varied.insert(identity.substr(at, identity.find(':', at) - at));
      }
    }
  }
  CHECK(valid > 400);
  const std::set<std::string> of_files = {"task.train", "task.validation", "task.test",
                                          "train.init", "train.init_partial"};
  for (const std::string& key : crossable_keys()) {
    // select_length and seeds of examples and batches are resolved into other lines.
    if (key == "task" || key == "task.data_seed" || key == "train.order_seed") continue;
    if (of_files.contains(key)) continue;
    CAPTURE(key);
    CHECK(varied.contains(key));
  }
}

}  // namespace
}  // namespace recollect
