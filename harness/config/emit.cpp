#include "harness/config/emit.hpp"

#include <fmt/format.h>

#include "harness/config/yaml_tree.hpp"

namespace recollect {

std::string field_text(const Field& field) {
  const std::string text = field.text();
  return std::holds_alternative<std::string*>(field.value) ? yaml_quoted(text) : text;
}

void emit_fields(std::string& out, const Fields& fields, std::string_view indent) {
  for (const Field& field : fields) {
    if (field.is_implied()) continue;
    const std::string text = field_text(field);
    if (!text.empty()) out += fmt::format("{}{}: {}\n", indent, field.name, text);
  }
}

}  // namespace recollect
