#include "harness/inspect/inspection_table.hpp"

#include <cstdint>
#include <string_view>
#include <utility>

#include "harness/render/json.hpp"

namespace recollect {
namespace {

std::string number(std::size_t value) { return csv_text(static_cast<std::int64_t>(value)); }

/// The rows of one head.
class HeadRows {
 public:
  HeadRows(const Inspection& inspection, std::size_t layer, std::size_t head, CsvTable& table)
      : shown_(inspection.shown),
        queries_(inspection.queries),
        layer_(inspection.layers[layer]),
        head_(layer_.heads[head]),
        layer_text_(number(layer)),
        head_text_(number(head)),
        table_(table) {}

  void add() {
    add_example();
    add_means();
    if (head_.shares) add_shares(*head_.shares);
    for (std::size_t i = 0; i < head_.rows.size(); ++i) {
      const auto position = static_cast<std::size_t>(queries_[i].position);
      for (std::size_t s = 0; s < head_.rows[i].size(); ++s) {
        row("attention", "", number(position), kind_at(position), number(s), head_.rows[i][s]);
      }
    }
  }

 private:
  void row(const char* part, const std::string& level, const std::string& position,
           const std::string& kind, const std::string& token, double value) {
    table_.rows.push_back(
        {part, layer_text_, head_text_, level, position, kind, token, csv_text(value)});
  }

  [[nodiscard]] std::string kind_name(std::size_t kind) const {
    return std::string(shown_.kinds[kind].name);
  }
  [[nodiscard]] std::string kind_at(std::size_t t) const {
    return kind_name(static_cast<std::size_t>(shown_.kind_of[t]));
  }

  void add_example() {
    const std::size_t tokens = shown_.kind_of.size();
    for (std::size_t level = 0; level < layer_.levels; ++level) {
      for (std::size_t t = 0; t < tokens; ++t) {
        if (!holds_tokens(level, layer_.levels, static_cast<std::int64_t>(t))) continue;
        row("lambda", number(level), number(t), kind_at(t), "",
            head_.lambda[t * layer_.levels + level]);
      }
    }
    for (std::size_t t = 0; t < head_.gate.size(); ++t) {
      row("gate", "", number(t), kind_at(t), "", head_.gate[t]);
    }
    for (std::size_t t = 0; t < head_.beta.size(); ++t) {
      row("beta", "", number(t), kind_at(t), "", head_.beta[t]);
    }
  }

  void add_means() {
    for (std::size_t level = 0; level < head_.mean.size(); ++level) {
      if (head_.mean[level]) row("lambda_mean", number(level), "", "", "", *head_.mean[level]);
      for (std::size_t k = 0; k < head_.mean_by_kind[level].size(); ++k) {
        const std::optional<double>& mean = head_.mean_by_kind[level][k];
        if (mean) row("lambda_mean", number(level), "", kind_name(k), "", *mean);
      }
    }
    add_half_life("", head_.half_life);
    for (std::size_t k = 0; k < head_.half_life_by_kind.size(); ++k) {
      add_half_life(kind_name(k), head_.half_life_by_kind[k]);
    }
    for (std::size_t k = 0; k < head_.beta_by_kind.size(); ++k) {
      if (head_.beta_by_kind[k]) {
        row("beta_mean", "", "", kind_name(k), "", *head_.beta_by_kind[k]);
      }
    }
  }

  void add_half_life(const std::string& kind, const std::optional<Quartiles>& quartiles) {
    if (!quartiles) return;
    row("half_life_low", "", "", kind, "", quartiles->low);
    row("half_life_median", "", "", kind, "", quartiles->median);
    row("half_life_high", "", "", kind, "", quartiles->high);
  }

  void add_shares(const VarianceShares& shares) {
    row("input_dependence", "", "", "", "", shares.inputs);
    row("variance_total", "", "", "", "", shares.total);
    row("variance_levels", "", "", "", "", shares.levels);
    row("variance_positions", "", "", "", "", shares.positions);
    row("variance_kinds", "", "", "", "", shares.kinds);
  }

  const ShownExample& shown_;
  const std::vector<ShownQuery>& queries_;
  const InspectedLayer& layer_;
  const HeadInspection& head_;
  std::string layer_text_;
  std::string head_text_;
  CsvTable& table_;
};

Json list_of(const std::vector<double>& values) {
  Json list = Json::array();
  for (const double value : values) list.push_back(json_of(value));
  return list;
}

Json quartiles_json(const std::optional<Quartiles>& quartiles) {
  if (!quartiles) return {};
  return {{"low", json_of(quartiles->low)},
          {"median", json_of(quartiles->median)},
          {"high", json_of(quartiles->high)}};
}

/// {"key": ..., "value": ...}: one value a kind of token.
template <class T, class ToJson>
Json by_kind(TokenKinds kinds, const std::vector<T>& values, const ToJson& to_json) {
  Json all = Json::object();
  for (std::size_t k = 0; k < values.size(); ++k) {
    all[std::string(kinds[k].name)] = to_json(values[k]);
  }
  return all;
}

Json lambda_json(const Inspection& inspection, const InspectedLayer& layer,
                 const HeadInspection& head) {
  const auto number_of = [](const std::optional<double>& value) { return json_of(value); };
  Json levels = Json::array();
  for (std::size_t level = 0; level < layer.levels; ++level) {
    Json example = Json::array();
    for (std::size_t t = 0; t < inspection.shown.kind_of.size(); ++t) {
      const bool holds = holds_tokens(level, layer.levels, static_cast<std::int64_t>(t));
      example.push_back(holds ? json_of(head.lambda[t * layer.levels + level]) : Json());
    }
    levels.push_back(
        {{"level", level},
         {"mean", json_of(head.mean[level])},
         {"mean_by_kind", by_kind(inspection.shown.kinds, head.mean_by_kind[level], number_of)},
         {"example", std::move(example)}});
  }
  return levels;
}

Json head_json(const Inspection& inspection, const InspectedLayer& layer,
               const HeadInspection& head) {
  const TokenKinds kinds = inspection.shown.kinds;
  Json json = Json::object();
  if (head.shares) {
    json["input_dependence"] = json_of(head.shares->inputs);
    json["verdict"] = verdict_of(*head.shares);
    json["variance"] = {{"total", json_of(head.shares->total)},
                        {"levels", json_of(head.shares->levels)},
                        {"positions", json_of(head.shares->positions)},
                        {"inputs", json_of(head.shares->inputs)},
                        {"kinds", json_of(head.shares->kinds)}};
    json["lambda"] = lambda_json(inspection, layer, head);
  }
  if (head.half_life) {
    json["half_life"] = quartiles_json(head.half_life);
    json["half_life_by_kind"] = by_kind(kinds, head.half_life_by_kind, quartiles_json);
    json["gate"] = list_of(head.gate);
  }
  if (!head.beta.empty()) {
    json["beta_by_kind"] =
        by_kind(kinds, head.beta_by_kind, [](const auto& mean) { return json_of(mean); });
    json["beta"] = list_of(head.beta);
  }
  Json queries = Json::array();
  for (std::size_t i = 0; i < head.rows.size(); ++i) {
    queries.push_back(
        {{"position", inspection.queries[i].position}, {"weights", list_of(head.rows[i])}});
  }
  if (!head.rows.empty()) json["attention"] = std::move(queries);
  return json;
}

Json query_json(const ShownQuery& query) {
  const auto or_null = [](const auto& value) { return value ? Json(*value) : Json(); };
  return {{"position", query.position},
          {"label", or_null(query.label)},
          {"answer", or_null(query.answer)},
          {"answer_at", or_null(query.answer_at)}};
}

}  // namespace

CsvTable inspection_table(const Inspection& inspection) {
  CsvTable table;
  table.header = {"part", "layer", "head", "level", "position", "kind", "token", "value"};
  for (std::size_t l = 0; l < inspection.layers.size(); ++l) {
    for (std::size_t h = 0; h < inspection.layers[l].heads.size(); ++h) {
      HeadRows(inspection, l, h, table).add();
    }
  }
  return table;
}

std::string inspection_json(const Inspection& inspection) {
  const ShownExample& shown = inspection.shown;
  Json kind_of = Json::array();
  for (const std::int32_t kind : shown.kind_of) {
    kind_of.push_back(shown.kinds[static_cast<std::size_t>(kind)].name);
  }
  Json queries = Json::array();
  for (const ShownQuery& query : inspection.queries) queries.push_back(query_json(query));
  Json layers = Json::array();
  for (const InspectedLayer& layer : inspection.layers) {
    Json heads = Json::array();
    for (const HeadInspection& head : layer.heads) {
      heads.push_back(head_json(inspection, layer, head));
    }
    layers.push_back(
        {{"mixer", layer.mixer}, {"levels", layer.levels}, {"heads", std::move(heads)}});
  }
  const Json json = {{"label", inspection.label},
                     {"variant", inspection.variant},
                     {"weights", inspection.weights},
                     {"task", shown.task},
                     {"split", name_of(shown.split)},
                     {"example", shown.index},
                     {"examples", inspection.examples},
                     {"length", shown.length},
                     {"trained_length", shown.trained_length},
                     {"ids", shown.example.ids},
                     {"kind", std::move(kind_of)},
                     {"scored", shown.scored()},
                     {"right", inspection.right},
                     {"queries", std::move(queries)},
                     {"layers", std::move(layers)}};
  return json_text(json);
}

}  // namespace recollect
