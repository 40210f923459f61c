#include "harness/config/resolved.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "harness/config/declarations.hpp"
#include "harness/config/emit.hpp"
#include "harness/config/model_options.hpp"
#include "harness/config/variant_model.hpp"

namespace recollect {

namespace {

// An option of the model without use to any variant: given, it would be an error.
bool is_unused(const Plan& plan, const std::string& section, const std::string& option) {
  return section == "model" &&
         std::none_of(plan.drafts.begin(), plan.drafts.end(), [&](const Draft& draft) {
           return std::any_of(
               plan.variants.begin(), plan.variants.end(),
               [&](const VariantEntry& variant) { return has_use(draft, variant, option); });
         });
}

// One section as all the given drafts have it. Fields of one index are the same option.
void emit_common(std::string& out, const std::vector<Fields>& drafts, const std::string& section,
                 const Plan& plan, std::string_view indent) {
  for (std::size_t i = 0; i < drafts.front().size(); ++i) {
    const Field& field = drafts.front()[i];
    const std::string text = field_text(field);
    const bool crossed = std::any_of(plan.axes.begin(), plan.axes.end(), [&](const GridAxis& axis) {
      return axis.key == section + "." + field.name;
    });
    const bool common = std::all_of(drafts.begin(), drafts.end(), [&](const Fields& other) {
      return field_text(other[i]) == text;
    });
    const bool unused = is_unused(plan, section, field.name);
    if (!crossed && common && field.is_implied()) continue;
    if (std::any_of(drafts.begin(), drafts.end(),
                    [&](const Fields& other) { return other[i].decided; })) {
      continue;
    }
    if (unused && !is_always_listed(field.name)) continue;
    if (crossed) {
      out += fmt::format("{}# {}: crossed by the grid\n", indent, field.name);
    } else if (unused) {
      out += fmt::format("{}# {}: not used by these variants\n", indent, field.name);
    } else if (common && !text.empty()) {
      out += fmt::format("{}{}: {}\n", indent, field.name, text);
    } else {
      out += fmt::format("{}# {}: not given: {}\n", indent, field.name, field.derived);
    }
  }
}

std::vector<const Draft*> drafts_with(const Plan& plan, std::size_t axis, std::size_t value) {
  std::vector<const Draft*> chosen;
  for (std::size_t i = 0; i < plan.points.size(); ++i) {
    if (plan.points[i][axis] == value) chosen.push_back(&plan.drafts[i]);
  }
  return chosen;
}

void emit_task(std::string& out, const Plan& plan, const std::vector<const Draft*>& drafts,
               std::string_view first, std::string_view indent) {
  std::vector<Draft> copies;  // fields() binds to what it is called on
  copies.reserve(drafts.size());
  std::vector<Fields> fields;
  for (const Draft* draft : drafts) {
    Draft& copy = copies.emplace_back(*draft);
    copy.task = draft->task->clone();
    Fields all = copy.task->fields();
    all.push_back(data_seed_field(copy.data_seed));
    fields.push_back(std::move(all));
  }
  out += fmt::format("{}name: {}\n", first, drafts.front()->task->name());
  emit_common(out, fields, "task", plan, indent);
}

template <class Member>
void emit_section(std::string& out, const Plan& plan, const std::string& section, Member member) {
  std::vector<Draft> copies = plan.drafts;
  std::vector<Fields> fields;
  for (Draft& copy : copies) fields.push_back((copy.*member).fields());
  out += fmt::format("{}:\n", section);
  emit_common(out, fields, section, plan, "  ");
}

void emit_variant(std::string& out, const VariantEntry& variant) {
  if (variant.options.entries.empty()) {
    out += fmt::format("  - {}\n", variant.name);
    return;
  }
  out += fmt::format("  - {{name: {}, label: {}", variant.name, yaml_quoted(variant.label));
  for (const YamlEntry& option : variant.options.entries) {
    if (option.key == "name" || option.key == "label") continue;
    out += fmt::format(", {}: {}", option.key, yaml_flow(option.value));
  }
  out += "}\n";
}

void emit_grid(std::string& out, const Plan& plan) {
  if (plan.axes.empty()) return;
  out += "grid:\n";
  for (std::size_t a = 0; a < plan.axes.size(); ++a) {
    const GridAxis& axis = plan.axes[a];
    out += fmt::format("  {}:", axis.key);
    if (axis.key == "task") {
      out += "\n";
      for (std::size_t i = 0; i < axis.values.size(); ++i) {
        emit_task(out, plan, drafts_with(plan, a, i), "    - ", "      ");
      }
      continue;
    }
    std::string values;
    for (const YamlValue& value : axis.values) {
      values += values.empty() ? "" : ", ";
      values += yaml_flow(value);
    }
    out += fmt::format(" [{}]\n", values);
  }
}

bool crosses_task(const Plan& plan) {
  return std::any_of(plan.axes.begin(), plan.axes.end(), [](const GridAxis& axis) {
    return axis.key == "task" || axis.key.starts_with("task.");
  });
}

/// The plan with the task, train.mixture and eval.cells as the configuration gives them. Under such
/// a grid, an option that an entry leaves out has a different value at each point.
Plan as_written(Plan plan) {
  for (Draft& draft : plan.drafts) {
    draft.task = draft.written.task;
    draft.train.mixture = draft.written.mixture;
    draft.eval.cells = draft.written.cells;
  }
  return plan;
}

std::string text_of(const Plan& plan) {
  std::string out = fmt::format("experiment: {}\n", yaml_quoted(plan.experiment));
  const bool crosses_tasks = std::any_of(plan.axes.begin(), plan.axes.end(),
                                         [](const GridAxis& axis) { return axis.key == "task"; });
  if (!crosses_tasks) {
    std::vector<const Draft*> all;
    for (const Draft& draft : plan.drafts) all.push_back(&draft);
    out += "task:\n";
    emit_task(out, plan, all, "  ", "  ");
  }
  emit_section(out, plan, "model", &Draft::model);
  out += "variants:\n";
  for (const VariantEntry& variant : plan.variants) emit_variant(out, variant);
  emit_section(out, plan, "train", &Draft::train);
  emit_section(out, plan, "eval", &Draft::eval);
  out += fmt::format("seeds: [{}]\n", fmt::join(plan.seeds, ", "));
  emit_grid(out, plan);
  return out;
}

}  // namespace

std::string resolved_yaml(const Plan& plan) {
  return crosses_task(plan) ? text_of(as_written(plan)) : text_of(plan);
}

}  // namespace recollect
