#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "harness/render/text_table.hpp"
#include "harness/store/value.hpp"

namespace recollect {

/// Keys stay in the order in which they were added.
using Json = nlohmann::ordered_json;

/// Numbers are numbers, absent values null, truths true and false, series lists; a step of a run is
/// {"step": 6000, "solved": false}. JSON has no infinities and no NaN: these are the words
/// "nan", "inf" and "-inf".
[[nodiscard]] Json json_of(double value);
[[nodiscard]] Json json_of(const std::optional<double>& value);
[[nodiscard]] Json json_of(const Value& value);

/// A list with an object for each row, its keys the columns.
[[nodiscard]] Json json_of(const DataTable& table);

/// As it is printed: one blank a level, bytes that are no UTF-8 replaced, a line end at the end.
[[nodiscard]] std::string json_text(const Json& json);

}  // namespace recollect
