#include "harness/live/cell_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>

namespace recollect::live {
namespace {

using Options = std::vector<std::pair<std::string, std::string>>;

/// Seeds have a column of their own, and so do those that follow from them.
bool is_seed(const std::string& name) { return name.ends_with("seed"); }

/// A name that two sections have stands with its section: "train init".
Options options_of(const Cell& cell) {
  Options options{{"task", std::string(cell.task->name())}};
  const auto add = [&](const char* section, const Fields& fields) {
    for (const Field& field : fields) {
      if (is_seed(field.name)) continue;
      const bool taken = std::any_of(options.begin(), options.end(),
                                     [&](const auto& one) { return one.first == field.name; });
      options.emplace_back(taken ? fmt::format("{} {}", section, field.name) : field.name,
                           field.text());
    }
  };
  const std::unique_ptr<TaskSettings> task = cell.task->clone();
  add("task", task->fields());
  ModelSettings model = cell.variant.model;
  add("model", model.fields());
  TrainSettings train = cell.train;
  add("train", train.fields());
  return options;
}

}  // namespace

std::string CellText::settings_text() const {
  std::string text;
  for (const auto& [name, value] : settings) {
    text += text.empty() ? "" : ", ";
    text += name == "task" ? value : fmt::format("{} {}", name, value);
  }
  return text;
}

std::string CellText::name() const {
  std::string text = fmt::format("{} {}", variant, task);
  for (const auto& [option, value] : settings) {
    if (option != "task") text += fmt::format(" {} {}", option, value);
  }
  return text + fmt::format(" seed {}", seed);
}

std::vector<CellText> cell_texts(const std::vector<const Cell*>& cells) {
  std::vector<Options> options;
  std::map<std::string, std::map<std::string, std::set<std::string>>> values;  // by label
  for (const Cell* cell : cells) {
    options.push_back(options_of(*cell));
    for (const auto& [name, value] : options.back()) {
      values[cell->variant.label][name].insert(value);
    }
  }
  std::set<std::string> varying;
  for (const auto& [label, names] : values) {
    for (const auto& [name, texts] : names) {
      if (texts.size() > 1) varying.insert(name);
    }
  }
  std::vector<CellText> texts;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    CellText text{cells[i]->variant.label, std::string(cells[i]->task->name()), cells[i]->seed, {}};
    for (auto& option : options[i]) {
      if (varying.contains(option.first)) text.settings.push_back(std::move(option));
    }
    texts.push_back(std::move(text));
  }
  return texts;
}

}  // namespace recollect::live
