#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "harness/config/settings.hpp"

namespace recollect::live {

/// What a cell is called.
struct CellText {
  std::string variant;  ///< its label, as the configuration has it
  std::string task;
  std::int64_t seed = 0;
  /// Options of task, training and model that tell it from other cells of its label.
  std::vector<std::pair<std::string, std::string>> settings;

  [[nodiscard]] std::string settings_text() const;  ///< "pairs 32, length 128", or ""
  [[nodiscard]] std::string name() const;           ///< "fixed-decay mqar pairs 32 seed 3"
};

/// The texts of cells, in their order.
[[nodiscard]] std::vector<CellText> cell_texts(const std::vector<const Cell*>& cells);

}  // namespace recollect::live
