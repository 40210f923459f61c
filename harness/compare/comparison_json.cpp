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

Json metric_json(const MetricResult& result) {
  const auto known = [&](double value) { return result.seeds > 0 ? json_of(value) : Json(); };
  const auto examples = [&](std::int64_t count) {
    return result.p_examples ? Json(count) : Json();
  };
  return {{"metric", name_of(result.metric)},
          {"seeds", result.seeds},
          {"base", known(result.base)},
          {"new", known(result.now)},
          {"difference", known(result.difference)},
          {"tolerance", json_of(result.tolerance)},
          {"detectable", json_of(result.detectable)},
          {"p_seeds", json_of(result.p_seeds)},
          {"p_t", json_of(result.p_t)},
          {"p_examples", json_of(result.p_examples)},
          {"examples_worse", examples(result.examples_worse)},
          {"examples_better", examples(result.examples_better)},
          {"p_holm", json_of(result.p_holm)},
          {"verdict", name_of(result.verdict)},
          {"why", result.why}};
}

}  // namespace

std::string comparison_json(const ResultComparison& comparison, const ResultSet& base,
                            const ResultSet& now, const CompareRules& rules) {
  Json json = {{"base", side_json(base)}, {"new", side_json(now)}, {"alpha", rules.alpha}};
  for (const Metric metric : kMetrics) {
    json["tolerances"][std::string(name_of(metric))] = json_of(rules.tolerance(metric));
  }
  std::map<Verdict, std::int64_t> counts;
  for (const ComparedGroup& group : comparison.groups) ++counts[group.verdict];
  for (const Verdict verdict :
       {Verdict::kSame, Verdict::kWorse, Verdict::kBetter, Verdict::kUnclear}) {
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
  for (const ComparedGroup& group : comparison.groups) {
    Json metrics = Json::array();
    for (const MetricResult& result : group.metrics) metrics.push_back(metric_json(result));
    json["groups"].push_back({{"group", group.name},
                              {"score", group.score},
                              {"verdict", name_of(group.verdict)},
                              {"metrics", std::move(metrics)}});
  }
  return json_text(json);
}

}  // namespace recollect
