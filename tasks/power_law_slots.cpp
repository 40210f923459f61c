#include "tasks/power_law_slots.hpp"

#include <algorithm>
#include <cstddef>

#include "math/portable_math.hpp"

namespace recollect {

PowerLawSlots::PowerLawSlots(std::int32_t slots) {
  constexpr double kPower = 0.01;
  inverse_weights_.reserve(static_cast<std::size_t>(slots));
  for (std::int32_t i = 1; i <= slots; ++i) {
    inverse_weights_.push_back(portable::exp((1.0 - kPower) * portable::log(i)));
  }
}

// A race: slot i arrives at -log(u) / weight, and the order of arrival has the distribution of the
// order of drawing (Efraimidis and Spirakis, 2006).
std::span<const PowerLawSlots::Drawn> PowerLawSlots::draw(Rng& rng, std::int32_t count,
                                                          std::vector<Drawn>& buffer) const {
  buffer.clear();
  std::int32_t slot = 0;
  for (const double inverse_weight : inverse_weights_) {
    buffer.emplace_back(-portable::log(rng.uniform()) * inverse_weight, slot++);
  }
  std::partial_sort(buffer.begin(), buffer.begin() + count, buffer.end());
  return std::span(buffer).first(static_cast<std::size_t>(count));
}

}  // namespace recollect
