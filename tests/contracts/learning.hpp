#pragma once

#include <string>

namespace recollect {

/// Accuracy on new examples after 1,500 steps of Adam: four keys with their values, then one of the
/// keys; a guess among the four values is right in a quarter. Two layers of width 32 with two heads
/// and a short convolution, float, one thread, a second or two.
[[nodiscard]] double accuracy_after_training(const std::string& variant);

}  // namespace recollect
