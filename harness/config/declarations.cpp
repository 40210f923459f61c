#include "harness/config/declarations.hpp"

#include <algorithm>
#include <utility>

#include "harness/config/model_options.hpp"
#include "harness/config/settings.hpp"
#include "tasks/registry.hpp"

namespace recollect {

namespace {

struct Keys {
  std::vector<std::string> all;
  std::vector<std::string> crossable = {"task"};

  void add(const std::string& section, const Fields& fields, bool makes_cells = true) {
    for (const Field& field : fields) {
      const std::string key = section + field.name;
      if (std::find(all.begin(), all.end(), key) != all.end()) continue;
      all.push_back(key);
      // A pattern is one value of a model; to cross lists of numbers has had no use.
      const bool is_list = field.type().starts_with("list of ") && key != "model.pattern";
      if (makes_cells && !is_list) crossable.push_back(key);
    }
  }
};

const Keys& keys() {
  static const Keys kKeys = [] {
    Keys made;
    for (const TaskEntry& task : tasks()) made.add("task.", task.settings()->fields());
    std::optional<std::int64_t> data_seed;
    made.add("task.", {data_seed_field(data_seed)});
    made.all.emplace_back("task.name");
    made.add("model.", ModelOptions().fields());
    made.add("train.", TrainSettings{}.fields());
    made.add("eval.", EvalSettings{}.fields(), false);
    return made;
  }();
  return kKeys;
}

}  // namespace

const std::vector<std::string>& top_keys() {
  static const std::vector<std::string> kTop = {"experiment", "task",  "model", "variants", "train",
                                                "eval",       "seeds", "seed",  "grid"};
  return kTop;
}

const std::vector<std::string>& section_keys() { return keys().all; }

const std::vector<std::string>& crossable_keys() { return keys().crossable; }

Field data_seed_field(std::optional<std::int64_t>& data_seed) {
  return field("data_seed", data_seed, "seed of the examples")
      .range(0, static_cast<double>(kMaxSeed))
      .when_absent("the cell's seed");
}

}  // namespace recollect
