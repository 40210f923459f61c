#include "harness/config/option_use.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.hpp"
#include "harness/config/model_options.hpp"
#include "harness/config/variant_model.hpp"

namespace recollect {
namespace {

/// False where the option's value in the model section or the grid reaches no layer of the variant.
bool takes_key(const Draft& draft, const VariantEntry& variant, const std::string& key) {
  return !key.starts_with("model.") || takes(draft, variant, key.substr(key.find('.') + 1));
}

/// Whether `holds` is true of a variant at some combination of the grid.
template <class Holds>
bool any_model(const Plan& plan, const Holds& holds) {
  return std::any_of(plan.drafts.begin(), plan.drafts.end(), [&](const Draft& draft) {
    return std::any_of(plan.variants.begin(), plan.variants.end(),
                       [&](const VariantEntry& variant) { return holds(draft, variant); });
  });
}

void check_option(const Plan& plan, const YamlEntry& option) {
  if (any_model(plan, [&](const Draft& draft, const VariantEntry& variant) {
        return has_use(draft, variant, option.key);
      })) {
    return;
  }
  const auto named = std::find_if(
      plan.variants.begin(), plan.variants.end(),
      [&](const VariantEntry& variant) { return name_sets_option(variant.name, option.key); });
  if (named != plan.variants.end()) {
    throw ConfigError(
        fmt::format("{}: model.{} = {}: the name {} sets it; give it to the variant: {{name: "
                    "{}, {}: {}}}",
                    option.place, option.key, option.value.shown(), named->name, named->name,
                    option.key, option.value.shown()));
  }
  throw ConfigError(
      fmt::format("{}: model.{} = {}: none of the variants listed has a use for it{}; leave "
                  "it out",
                  option.place, option.key, option.value.shown(), where_it_belongs(option.key)));
}

}  // namespace

void check_used(const Plan& plan, const YamlValue* model) {
  if (model != nullptr) {
    for (const YamlEntry& option : model->entries) check_option(plan, option);
  }
  for (const GridAxis& axis : plan.axes) {
    if (!any_model(plan, [&](const Draft& draft, const VariantEntry& variant) {
          return takes_key(draft, variant, axis.key);
        })) {
      throw ConfigError(
          fmt::format("{}: grid key '{}' has no effect on any of the variants listed; leave it "
                      "out",
                      axis.place, axis.key));
    }
  }
}

bool is_folded(const Plan& plan, std::size_t point, const VariantEntry& variant) {
  for (std::size_t a = 0; a < plan.axes.size(); ++a) {
    const bool is_first = plan.points[point][a] == 0;
    if (!is_first && !takes_key(plan.drafts[point], variant, plan.axes[a].key)) return true;
  }
  return false;
}

std::vector<std::string> folded_warnings(const Plan& plan) {
  std::vector<std::string> warnings;
  for (const GridAxis& axis : plan.axes) {
    if (axis.values.size() < 2) continue;
    std::vector<std::string> labels;
    for (const VariantEntry& variant : plan.variants) {
      if (std::any_of(plan.drafts.begin(), plan.drafts.end(),
                      [&](const Draft& draft) { return !takes_key(draft, variant, axis.key); })) {
        labels.push_back(variant.label);
      }
    }
    if (labels.empty()) continue;
    warnings.push_back(
        fmt::format("{}: grid key '{}' has no effect on some variants, which get one cell for "
                    "all its values ({})",
                    axis.place, axis.key, fmt::join(labels, ", ")));
  }
  return warnings;
}

}  // namespace recollect
