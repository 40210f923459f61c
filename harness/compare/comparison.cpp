#include "harness/compare/comparison.hpp"

#include <algorithm>

namespace recollect {

std::string_view name_of(Metric metric) {
  switch (metric) {
    case Metric::kAccuracy:
      return "accuracy";
    case Metric::kExactMatch:
      return "exact_match";
    case Metric::kLoss:
      return "loss";
    case Metric::kSolved:
      return "solved";
    case Metric::kSolvedStep:
      return "solved_step";
  }
  return {};
}

std::string_view name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kEqual:
      return "equal";
    case Verdict::kSame:
      return "same";
    case Verdict::kUndecided:
      return "undecided";
    case Verdict::kBetter:
      return "better";
    case Verdict::kWorse:
      return "worse";
  }
  return {};
}

bool ResultComparison::worse() const {
  return std::any_of(groups.begin(), groups.end(),
                     [](const ComparedGroup& group) { return group.verdict == Verdict::kWorse; });
}

bool undecided_fails(const ComparedGroup& group, const CompareRules& rules) {
  if (group.verdict != Verdict::kUndecided || rules.undecided == Undecided::kPass) return false;
  return group.beyond || rules.undecided == Undecided::kFail;
}

bool ResultComparison::undecided(const CompareRules& rules) const {
  return std::any_of(groups.begin(), groups.end(),
                     [&](const ComparedGroup& group) { return undecided_fails(group, rules); });
}

}  // namespace recollect
