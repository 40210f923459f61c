#include "harness/store/value.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/fields.hpp"

namespace recollect {
namespace {

struct ToCsv {
  std::string operator()(std::monostate) const { return {}; }
  std::string operator()(bool value) const { return value ? "1" : "0"; }
  std::string operator()(std::int64_t value) const { return std::to_string(value); }
  std::string operator()(double value) const { return shortest(value); }
  std::string operator()(const std::string& value) const { return value; }
  std::string operator()(const OptionText& value) const { return value.text; }
  std::string operator()(const Series& values) const {
    std::vector<std::string> texts;
    for (const double value : values) texts.push_back(shortest(value));
    return fmt::format("{}", fmt::join(texts, " "));
  }
  std::string operator()(const Integers& values) const {
    return fmt::format("{}", fmt::join(values, " "));
  }
  std::string operator()(const SolveSteps& steps) const {
    std::vector<std::string> texts;
    for (const SolveStep& step : steps) {
      texts.push_back(fmt::format("{}{}", step.solved ? "" : ">", step.step));
    }
    return fmt::format("{}", fmt::join(texts, " "));
  }
};

}  // namespace

std::string csv_text(const Value& value) { return std::visit(ToCsv{}, value); }

}  // namespace recollect
