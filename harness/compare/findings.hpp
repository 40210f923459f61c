#pragma once

#include <string>
#include <string_view>

#include "harness/render/report.hpp"

namespace recollect {

/// Prose whose figures come from the results: every {{expression}} of `text` is replaced by what
/// the archives and the published figures give. docs/conventions.md ("Prose with figures") lists
/// the expressions.
/// @param place  stands for the text in messages
/// @throws IoError with line and expression where one is not known or finds no run
[[nodiscard]] std::string filled(std::string_view text, const ReportInput& input,
                                 const std::string& place);

}  // namespace recollect
