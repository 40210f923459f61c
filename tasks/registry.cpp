#include "tasks/registry.hpp"

#include <fmt/format.h>

#include <array>

#include "base/error.hpp"
#include "base/growing_registry.hpp"
#include "tasks/compositional_recall.hpp"
#include "tasks/examples.hpp"
#include "tasks/fuzzy_recall.hpp"
#include "tasks/group_words.hpp"
#include "tasks/in_context_recall.hpp"
#include "tasks/induction_heads.hpp"
#include "tasks/memorisation.hpp"
#include "tasks/mqar.hpp"
#include "tasks/selective_copying.hpp"

namespace recollect {
namespace {

template <class Settings>
std::unique_ptr<TaskSettings> defaults() {
  return std::make_unique<Settings>();
}

// A table, not self-registering objects: a static library drops objects that nobody names.
constexpr std::array kTasks{
    TaskEntry{"mqar", "multi-query associative recall: key-value pairs, then each key once",
              &defaults<MqarSettings>},
    TaskEntry{"selective-copying", "repeat the data tokens strewn among noise, in order",
              &defaults<SelectiveCopyingSettings>},
    TaskEntry{"group-words", "state tracking: the product of all group elements so far",
              &defaults<GroupWordsSettings>},
    TaskEntry{"compositional-recall", "recall of values that belong to two keys together",
              &defaults<CompositionalRecallSettings>},
    TaskEntry{"in-context-recall", "every key that comes again has the value it had before",
              &defaults<InContextRecallSettings>},
    TaskEntry{"fuzzy-recall",
              "in-context recall where keys and values are words of one to three tokens",
              &defaults<FuzzyRecallSettings>},
    TaskEntry{"memorisation", "values of keys that no example tells: the weights have to know",
              &defaults<MemorisationSettings>},
    TaskEntry{"induction-heads", "what followed this token the first time?",
              &defaults<InductionHeadsSettings>},
    TaskEntry{"examples", "anyone's examples, from files in the format of `recollect generate`",
              &defaults<ExamplesSettings>},
};

GrowingRegistry<TaskSettings>& registry() {
  static GrowingRegistry<TaskSettings> all(kTasks);
  return all;
}

}  // namespace

const Registry<TaskSettings>& tasks() { return registry().all(); }

void add_task(const TaskEntry& entry) {
  if (registry().add(entry)) return;
  throw ConfigError(
      fmt::format("task '{}' is registered twice; give yours another name", entry.name));
}

}  // namespace recollect
