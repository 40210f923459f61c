#include "harness/render/json.hpp"

#include <cmath>

namespace recollect {
namespace {

struct ToJson {
  Json operator()(std::monostate) const { return {}; }
  Json operator()(bool value) const { return value; }
  Json operator()(std::int64_t value) const { return value; }
  Json operator()(double value) const { return json_of(value); }
  Json operator()(const std::string& value) const { return value; }
  /// An option's number, truth or list is written as JSON writes it.
  Json operator()(const OptionText& value) const {
    if (value.text.empty()) return {};
    if (value.is_word) return value.text;
    const Json parsed = Json::parse(value.text, nullptr, /*allow_exceptions=*/false);
    return parsed.is_discarded() ? Json(value.text) : parsed;
  }
  Json operator()(const Integers& values) const { return values; }
  Json operator()(const Series& values) const {
    Json list = Json::array();
    for (const double value : values) list.push_back(json_of(value));
    return list;
  }
  Json operator()(const SolveSteps& steps) const {
    Json list = Json::array();
    for (const SolveStep& step : steps) {
      list.push_back({{"step", step.step}, {"solved", step.solved}});
    }
    return list;
  }
};

}  // namespace

Json json_of(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0.0 ? "inf" : "-inf";
  return value;
}

Json json_of(const std::optional<double>& value) { return value ? json_of(*value) : Json(); }

Json json_of(const Value& value) { return std::visit(ToJson{}, value); }

Json json_of(const DataTable& table) {
  Json rows = Json::array();
  for (const std::vector<Value>& values : table.rows) {
    Json row = Json::object();
    for (std::size_t i = 0; i < values.size(); ++i) row[table.header[i]] = json_of(values[i]);
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string json_text(const Json& json) {
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace recollect
