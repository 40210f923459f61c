#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/support/test_model.hpp"

namespace recollect {

/// `plain`, then it with every single option of the model and of the variant away from its default,
/// then a few options together. Taken from the declarations, so that a new option cannot be
/// forgotten: an integer becomes 2 or 3, a choice each of its names.
[[nodiscard]] std::vector<TestModel> all_options(const MixerEntry& entry, const TestModel& plain);

/// "layers=2 width=4 ...", as the variant has them.
[[nodiscard]] std::string describe(const TestModel& settings, std::string_view variant);

/// The options of a model and of its mixer, model first.
[[nodiscard]] Fields fields_of(ModelSettings& model, MixerSettings& mixer);

/// Which options differ from `plain`: "heads = 2, mlp = 2".
[[nodiscard]] std::string difference(const TestModel& settings, const TestModel& plain,
                                     std::string_view variant);

}  // namespace recollect
