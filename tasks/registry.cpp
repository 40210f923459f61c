#include "tasks/registry.hpp"

#include <array>

#include "tasks/group_words.hpp"
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
};

}  // namespace

const Registry<TaskSettings>& tasks() {
  static const Registry<TaskSettings> kRegistry(kTasks);
  return kRegistry;
}

}  // namespace recollect
