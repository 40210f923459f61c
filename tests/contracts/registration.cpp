#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "tests/contracts/contracts.hpp"
#include "tests/support/mixer_fixture.hpp"
#include "tests/support/model_options.hpp"

namespace recollect {

void check_registered(Checks& checks) {
  const MixerEntry& entry = checks.entry();
  const auto is_name = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  };
  checks.that(!entry.name.empty() && std::all_of(entry.name.begin(), entry.name.end(), is_name),
              "its name is not made of a-z, 0-9 and hyphens");
  checks.that(!entry.description.empty(), "is registered without a description");
  checks.that(std::count_if(mixers().begin(), mixers().end(),
                            [&](const MixerEntry& other) { return other.name == entry.name; }) == 1,
              "is registered more than once");
  const auto settings = entry.settings();
  checks.that(settings->name() == entry.name, fmt::format("name() says '{}'", settings->name()));
  checks.that(settings->clone()->name() == entry.name, "clone() gives another variant");

  ModelSettings model;
  const Fields around = model.fields();
  std::set<std::string> names;
  for (const Field& field : around) names.insert(field.name);
  for (const Field& field : settings->fields()) {
    checks.that(names.insert(field.name).second,
                fmt::format("option {} is declared twice, or an option of the model", field.name));
    checks.that(!field.help.empty(), fmt::format("option {} has no text", field.name));
  }
  // Options away from their defaults survive a copy, and the original does not follow it.
  for (const TestModel& other : all_options(entry, small_model())) {
    checks.with(other, small_model());
    const auto given = mixer_of(other, entry.name);
    const auto copy = given->clone();
    const Fields from = given->fields();
    const Fields to = copy->fields();
    checks.that(from.size() == to.size(), "clone() has other options");
    for (std::size_t i = 0; i < from.size(); ++i) {
      checks.that(from[i].name == to[i].name && from[i].text() == to[i].text(),
                  fmt::format("option {} = {} is {} in clone()", from[i].name, from[i].text(),
                              to[i].text()));
      if (auto* const* number = std::get_if<std::int64_t*>(&to[i].value)) {
        const std::string before = from[i].text();
        ++**number;
        checks.that(from[i].text() == before,
                    fmt::format("option {} of clone() is that of the original", from[i].name));
      }
    }
  }
}

void check_tensors(Checks& checks) {
  for (const TestModel& settings : all_options(checks.entry(), small_model())) {
    checks.with(settings, small_model());
    const MixerFixture<double> fixture(checks.entry(), settings, 13);
    const MixerFixture<float> in_float(checks.entry(), settings, 13);
    checks.that(fixture.layout.all().size() == in_float.layout.all().size(),
                "has other tensors in float than in double");
    std::set<std::string> names;
    for (std::size_t i = 0; i < fixture.layout.all().size(); ++i) {
      const ParameterInfo& info = fixture.layout.all()[i];
      const ParameterInfo& twin = in_float.layout.all()[i];
      checks.that(names.insert(info.name).second, info.name + " is the name of two tensors");
      checks.that(info.name.starts_with("layers.0."),
                  info.name + " does not begin with the layer's prefix");
      checks.that(info.tensor.rows > 0 && info.tensor.cols > 0, tensor_text(info) + " is empty");
      checks.that(tensor_text(info) == tensor_text(twin),
                  tensor_text(info) + " is " + tensor_text(twin) + " in float");
    }
  }
}

}  // namespace recollect
