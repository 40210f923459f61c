#pragma once

#include <string>
#include <string_view>

#include "core/fields.hpp"

namespace recollect {

/// Appends "  key: value" lines, one for each option that has a value.
void emit_fields(std::string& out, const Fields& fields, std::string_view indent);

}  // namespace recollect
