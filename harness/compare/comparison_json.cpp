#include <map>
#include <optional>
#include <string>

#include "harness/compare/comparison_text.hpp"
#include "harness/render/json.hpp"

namespace recollect {
namespace {

Json side_json(const ResultSet& side) {
  Json json = {{"name", side.name}};
  for (const char* column : {"code_version", "compiler", "build"}) {
    const std::optional<std::string> values = side.distinct(column, "; ");
    json[column] = values ? Json(*values) : Json();
  }
  return json;
}

Json interval_json(const std::optional<Interval>& interval) {
  return interval ? Json{json_of(interval->low), json_of(interval->high)} : Json();
}

Json described_json(const Described& other) {
  const auto known = [&](double value) { return other.seeds > 0 ? json_of(value) : Json(); };
  return {{"score", other.score},
          {"metric", name_of(other.metric)},
          {"seeds", other.seeds},
          {"base", known(other.base)},
          {"new", known(other.now)},
          {"difference", known(other.difference)},
          {"interval", interval_json(other.interval)}};
}

Json learned_json(const std::optional<Learned>& learned) {
  if (!learned) return {};
  return {{"threshold", json_of(learned->threshold)},
          {"base", learned->base},
          {"new", learned->now},
          {"base_alone", learned->base_alone},
          {"new_alone", learned->now_alone}};
}

Json group_json(const ComparedGroup& group) {
  const auto known = [&](double value) { return group.pairs > 0 ? json_of(value) : Json(); };
  const auto examples = [&](std::int64_t count) { return group.p_examples ? Json(count) : Json(); };
  Json others = Json::array();
  for (const Described& other : group.others) others.push_back(described_json(other));
  return {{"group", group.name},
          {"score", group.score},
          {"verdict", name_of(group.verdict)},
          {"why", group.why},
          {"seeds", group.seeds},
          {"changed", group.changed},
          {"no_longer_solve", group.no_longer_solve},
          {"newly_solve", group.newly_solve},
          {"lost", group.lost},
          {"gained", group.gained},
          {"pairs", group.pairs},
          {"base", known(group.base)},
          {"new", known(group.now)},
          {"difference", known(group.difference)},
          {"interval", interval_json(group.interval)},
          {"confidence", group.confidence},
          {"beyond_tolerance", group.beyond},
          {"learned", learned_json(group.learned)},
          {"p", json_of(group.p)},
          {"p_examples", json_of(group.p_examples)},
          {"examples_worse", examples(group.examples_worse)},
          {"examples_better", examples(group.examples_better)},
          {"others", std::move(others)}};
}

}  // namespace

std::string comparison_json(const ResultComparison& comparison, const ResultSet& base,
                            const ResultSet& now, const CompareRules& rules) {
  Json json = {{"base", side_json(base)},
               {"new", side_json(now)},
               {"alpha", rules.alpha},
               {"metric", name_of(rules.metric)},
               {"tolerance", rules.tolerance()}};
  std::map<Verdict, std::int64_t> counts;
  for (const ComparedGroup& group : comparison.groups) ++counts[group.verdict];
  for (const Verdict verdict :
       {Verdict::kEqual, Verdict::kSame, Verdict::kWorse, Verdict::kBetter, Verdict::kUndecided}) {
    json["verdicts"][std::string(name_of(verdict))] = counts[verdict];
  }
  json["mismatches"] = Json::array();
  for (const Mismatch& mismatch : comparison.mismatches) {
    json["mismatches"].push_back({{"where", mismatch.where},
                                  {"key", mismatch.key},
                                  {"base", mismatch.base},
                                  {"new", mismatch.now}});
  }
  json["groups"] = Json::array();
  for (const ComparedGroup& group : comparison.groups) json["groups"].push_back(group_json(group));
  return json_text(json);
}

}  // namespace recollect
