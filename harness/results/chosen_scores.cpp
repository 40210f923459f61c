#include "harness/results/chosen_scores.hpp"

#include <algorithm>

namespace recollect {
namespace {

bool is_of_score(const std::string& name) {
  return name == "weights" || name == "split" || name == "length";
}

bool has_option(const CellResult& cell, const std::string& name, const std::string& value) {
  if (name == "solved") return cell.status.solved_step.has_value();
  if (name == "task") return cell.task == value;
  return option_of(cell, name) == same_number(value);
}

}  // namespace

std::optional<std::pair<std::string, std::string>> name_and_value(const std::string& word) {
  const std::size_t cut = word.find('=');
  if (cut == std::string::npos) return std::nullopt;
  return std::pair(word.substr(0, cut), word.substr(cut + 1));
}

std::string option_of(const CellResult& cell, const std::string& name) {
  if (cell.score) {
    const auto scored = cell.score->key.settings.find(name);
    if (scored != cell.score->key.settings.end()) return same_number(scored->second);
  }
  for (const char* section : {"task_", "model_", "train_"}) {
    const std::string& text = setting_of(cell.settings, section + name).text;
    if (!text.empty()) return same_number(text);
  }
  return "";
}

bool is_chosen(const CellResult& cell, const ChosenBy& by) {
  const auto kept = [&](const auto& option) {
    return is_of_score(option.first) || has_option(cell, option.first, option.second);
  };
  if (!std::all_of(by.begin(), by.end(), kept)) return false;
  if (!cell.score) return cell.status.ending == Ending::kDiverged;
  const auto asked = [&](const char* name, const std::string& otherwise) {
    const auto found = by.find(name);
    return found == by.end() ? otherwise : found->second;
  };
  const ScoreKey& key = cell.score->key;
  return name_of(key.weights) == asked("weights", "best") &&
         name_of(key.split) == asked("split", "test") &&
         std::to_string(key.eval_length) == asked("length", std::to_string(cell.train_length));
}

}  // namespace recollect
