#pragma once

#include <string>
#include <string_view>

#include "base/fields.hpp"

namespace recollect {

/// An option's value as YAML reads it back, texts quoted where they must be; "" where it is absent.
[[nodiscard]] std::string field_text(const Field& field);

/// Appends "  key: value" lines, one for each option that has a value, implied ones apart.
void emit_fields(std::string& out, const Fields& fields, std::string_view indent);

}  // namespace recollect
