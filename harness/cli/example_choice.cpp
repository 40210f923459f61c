#include "harness/cli/example_choice.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

#include "harness/cli/commands.hpp"
#include "harness/show/shown_example.hpp"

namespace recollect::cli {
namespace {

const char* option_of(const Cell& cell, Split split) {
  if (split == Split::kValidation) return "train.validation_examples";
  if (split == Split::kTest) return "eval.examples";
  return cell.train.examples ? "train.examples" : "train.steps";
}

}  // namespace

Split split_named(const std::string& name) {
  std::vector<std::string> names;
  for (const Split split : {Split::kTrain, Split::kValidation, Split::kTest}) {
    if (name == name_of(split)) return split;
    names.emplace_back(name_of(split));
  }
  const std::string near = nearest_name(name, names);
  throw UsageError(fmt::format("--split '{}' is unknown; choose one of {}{}", name,
                               fmt::join(names, ", "),
                               near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
}

void expect_example(const Cell& cell, Split split, std::int64_t example) {
  const std::int64_t count = examples_of(cell, split);
  if (example >= 0 && example < count) return;
  const std::string raise = example < 0 ? "" : fmt::format(", or raise {}", option_of(cell, split));
  throw UsageError(
      fmt::format("--example {} is not in 0..{}, the {} examples; choose one of these{}", example,
                  count - 1, name_of(split), raise));
}

}  // namespace recollect::cli
