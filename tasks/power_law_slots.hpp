#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "math/rng.hpp"

namespace recollect {

/// Slots of which a few are drawn without replacement, slot i = 1, 2, ... with weight i^(a-1),
/// a = 0.01: early ones are far more likely (arXiv 2312.04927).
class PowerLawSlots {
 public:
  using Drawn = std::pair<double, std::int32_t>;

  explicit PowerLawSlots(std::int32_t slots);

  /// `count` <= slots of them in the order of drawing: `second` is the slot, counted from 0. Valid
  /// until `buffer`, which is overwritten, changes.
  [[nodiscard]] std::span<const Drawn> draw(Rng& rng, std::int32_t count,
                                            std::vector<Drawn>& buffer) const;

 private:
  std::vector<double> inverse_weights_;  // (slots)
};

}  // namespace recollect
