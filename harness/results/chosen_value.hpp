#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/store/csv.hpp"

namespace recollect {

/// The value of an option that --select took.
struct ChosenValue {
  std::string text;     ///< "train.learning_rate 0.003"
  std::int64_t of = 1;  ///< so many values
  bool edge = false;    ///< the smallest or the largest that was tried: a better one may lie beyond
  bool by_test = false;
  std::string failed;  ///< cells without scores, of any value: "train.learning_rate 0.1 seed 2"
};

/// What tables and JSON say of one.
[[nodiscard]] const std::vector<Column<ChosenValue>>& chosen_columns();

}  // namespace recollect
