#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fields.hpp"

namespace recollect {

/// The keys that stand at the top of a configuration, in the order in which they are written.
[[nodiscard]] const std::vector<std::string>& top_keys();

/// Every key of every section in full ("task.pairs", of every task), lists included.
[[nodiscard]] const std::vector<std::string>& section_keys();

/// Every key that a grid may cross: "task", and the keys of task, model and train that take one
/// value, a pattern among them. Scoring options make no other cells, so none of eval is among them.
[[nodiscard]] const std::vector<std::string>& crossable_keys();

/// The option of the task section that no task declares for itself.
[[nodiscard]] Field data_seed_field(std::optional<std::int64_t>& data_seed);

}  // namespace recollect
