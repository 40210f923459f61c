#include "harness/train/leakage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "base/text.hpp"
#include "harness/config/task_parts.hpp"
#include "harness/config/task_text.hpp"

namespace recollect {
namespace {

/// What a cell draws, by length: training examples of what is trained, validation of that and of
/// what is scored, test of what is scored.
std::vector<DataSet> sets_of(const Cell& cell) {
  std::vector<DataSet> sets;
  const auto set_of = [&](const TaskPart& part) -> DataSet& {
    const std::string text = task_text(*part.task, part.task->length);
    const auto known = std::find_if(sets.begin(), sets.end(),
                                    [&](const DataSet& set) { return set.task == text; });
    if (known != sets.end()) return *known;
    SplitSizes sizes;
    sizes.validation = cell.train.validation_examples;
    return sets.emplace_back(DataSet{text,
                                     std::string(part.task->shared_by_design()),
                                     part.task,
                                     part.task->length,
                                     cell.data_seed,
                                     sizes,
                                     {},
                                     {}});
  };
  for (const TaskPart& part : training_parts(cell)) set_of(part).sizes.train = part.examples;
  for (const TaskPart& part : scored_parts(cell)) set_of(part).sizes.test = part.examples;
  std::stable_sort(sets.begin(), sets.end(),
                   [](const DataSet& a, const DataSet& b) { return a.length < b.length; });
  return sets;
}

std::vector<DataSet> distinct_sets(const std::vector<const Cell*>& cells) {
  std::vector<DataSet> sets;
  std::set<std::tuple<std::string, std::int64_t, SplitSizes>> known;
  for (const Cell* cell : cells) {
    for (DataSet& set : sets_of(*cell)) {
      if (!known.emplace(set.task, set.data_seed, set.sizes).second) continue;
      sets.push_back(std::move(set));
    }
  }
  return sets;
}

/// As much of `sizes` as `examples` allows.
SplitSizes within(const SplitSizes& sizes, std::int64_t examples) {
  if (sizes.total() <= examples) return sizes;
  const auto part = [](std::int64_t count, std::int64_t most) {
    return std::min(count, std::max<std::int64_t>(most, 1));
  };
  SplitSizes counted;
  counted.test = part(sizes.test, examples / 4);
  counted.validation = part(sizes.validation, examples / 4);
  counted.train = part(sizes.train, examples - counted.test - counted.validation);
  return counted;
}

/// Tokens that an example costs: its own, and as much as hashing and sorting take.
std::int64_t tokens_each(const DataSet& set) { return set.length + 16; }

void share_out(std::vector<DataSet>& sets, std::int64_t tokens) {
  std::vector<DataSet*> ascending;
  for (DataSet& set : sets) ascending.push_back(&set);
  const auto cost = [](const DataSet& set) {  // may be beyond 64 bits
    return static_cast<double>(set.sizes.total()) * static_cast<double>(tokens_each(set));
  };
  std::stable_sort(ascending.begin(), ascending.end(),
                   [&](const DataSet* a, const DataSet* b) { return cost(*a) < cost(*b); });
  auto left = static_cast<std::int64_t>(ascending.size());
  for (DataSet* set : ascending) {
    set->counted = within(set->sizes, tokens / left / tokens_each(*set));
    tokens = std::max<std::int64_t>(tokens - set->counted.total() * tokens_each(*set), 0);
    --left;
  }
}

double share(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
}

/// The largest share of a split that another one holds.
double worst_share(const DataSet& set) {
  return std::max({share(set.overlap.test_in_train, set.counted.test),
                   share(set.overlap.validation_in_train, set.counted.validation),
                   share(set.overlap.test_in_validation, set.counted.test)});
}

std::string leak_text(const DataSet& set) {
  std::vector<std::string> parts;
  const auto add = [&](std::int64_t part, std::int64_t whole, const char* what, const char* where) {
    if (part == 0) return;
    parts.push_back(fmt::format("{} of {} {} examples ({:.1f} %) occur in {}", part, whole, what,
                                100.0 * share(part, whole), where));
  };
  const Overlap& overlap = set.overlap;
  add(overlap.test_in_train, set.counted.test, "test", "training");
  add(overlap.validation_in_train, set.counted.validation, "validation", "training");
  add(overlap.test_in_validation, set.counted.test, "test", "validation");
  return fmt::format("{}, data_seed {}: {}", set.task, set.data_seed, fmt::join(parts, ", "));
}

bool leaks(const DataSet& set) { return set.overlap.leaks() && set.by_design.empty(); }

/// The data sets that leak, the worst first.
std::vector<const DataSet*> leaking_sets(const Leakage& leakage) {
  std::vector<const DataSet*> leaking;
  for (const DataSet& set : leakage.sets) {
    if (leaks(set)) leaking.push_back(&set);
  }
  std::stable_sort(leaking.begin(), leaking.end(), [](const DataSet* a, const DataSet* b) {
    return worst_share(*a) > worst_share(*b);
  });
  return leaking;
}

/// A line on each task whose splits share something by design, with the data set of which they
/// share most examples.
void add_designs(std::vector<std::string>& lines, const Leakage& leakage) {
  std::map<std::string, const DataSet*> worst;  // by the task's name
  for (const DataSet& set : leakage.sets) {
    if (set.by_design.empty()) continue;
    const DataSet*& known = worst[set.task.substr(0, set.task.find(':'))];
    if (known == nullptr || worst_share(set) > worst_share(*known)) known = &set;
  }
  for (const auto& [name, set] : worst) {
    lines.push_back(fmt::format("by design: all splits of {} share {}", name, set->by_design));
    if (set->overlap.leaks()) lines.back() += fmt::format("; {}", leak_text(*set));
  }
}

}  // namespace

bool Leakage::found() const noexcept { return std::any_of(sets.begin(), sets.end(), leaks); }

Leakage count_leakage(const std::vector<const Cell*>& cells, int threads,
                      std::int64_t most_tokens) {
  Leakage leakage{distinct_sets(cells)};
  share_out(leakage.sets, most_tokens);
  for (DataSet& set : leakage.sets) {
    set.overlap = count_overlap(*set.settings->make(), static_cast<std::uint64_t>(set.data_seed),
                                set.counted, threads);
  }
  return leakage;
}

Leakage count_leakage(const Experiment& experiment, int threads, std::int64_t most_tokens) {
  std::vector<const Cell*> cells;
  for (const Cell& cell : experiment.cells) cells.push_back(&cell);
  return count_leakage(cells, threads, most_tokens);
}

std::vector<std::string> describe(const Leakage& leakage) {
  constexpr std::size_t kMostSets = 4;
  SplitSizes counted, all;
  std::int64_t repeats = 0;
  for (const DataSet& set : leakage.sets) {
    const auto add = [](SplitSizes& sum, const SplitSizes& sizes) {
      sum.train += sizes.train;
      sum.validation += sizes.validation;
      sum.test += sizes.test;
    };
    add(counted, set.counted);
    add(all, set.sizes);
    repeats += set.overlap.repeats_in_train;
  }
  const std::vector<const DataSet*> leaking = leaking_sets(leakage);
  const auto overlapping = std::count_if(leakage.sets.begin(), leakage.sets.end(),
                                         [](const DataSet& set) { return set.overlap.leaks(); });
  std::vector<std::string> lines;
  lines.push_back(fmt::format(
      "examples: {} training, {} validation, {} test in {} (task, length, seed); {}", counted.train,
      counted.validation, counted.test, plural(leakage.sets.size(), "data set"),
      overlapping == 0 ? std::string("no split holds an example of another")
                       : fmt::format("overlap in {}", overlapping)));
  if (repeats > 0) {
    lines.push_back(fmt::format("examples: {} training examples ({:.1f} %) equal an earlier one",
                                repeats, 100.0 * share(repeats, counted.train)));
  }
  if (counted != all) {
    lines.push_back(fmt::format(
        "examples: these are the first of {} training, {} validation and {} test examples; to "
        "compare all of them would take too long",
        all.train, all.validation, all.test));
  }
  add_designs(lines, leakage);
  const std::string warning = leakage_warning(leakage);
  if (!warning.empty()) lines.push_back(fmt::format("warning: {}", warning));
  for (std::size_t i = 1; i < std::min(leaking.size(), kMostSets); ++i) {
    lines.push_back(fmt::format("overlap: {}", leak_text(*leaking[i])));
  }
  if (leaking.size() > kMostSets) {
    lines.push_back(fmt::format("overlap: and {} data sets with less", leaking.size() - kMostSets));
  }
  return lines;
}

std::string leakage_warning(const Leakage& leakage) {
  const std::vector<const DataSet*> leaking = leaking_sets(leakage);
  if (leaking.empty()) return "";
  std::string text = leak_text(*leaking.front());
  if (!leaking.front()->complete()) text += ", though only a part was compared";
  if (leaking.size() > 1) {
    text += fmt::format("; so do examples of {}", plural(leaking.size() - 1, "other data set"));
  }
  text +=
      "; such scores say little about new examples: enlarge the task (length, vocab, pairs or "
      "tokens)";
  return text;
}

}  // namespace recollect
