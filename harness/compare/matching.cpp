#include "harness/compare/matching.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"

namespace recollect {
namespace {

/// What a column of settings says of a row whose seeds are named where they follow the cell's.
std::string setting_text(const CellResult& row, const std::string& column) {
  const std::string text = cell_column(column).text(row);
  return is_setting_column(column) ? same_number(text) : text;
}

std::string full_text(const ScoreKey& key) {
  return fmt::format("{}, {} examples{}{}", score_text(key), key.examples,
                     key.unseen_levels.empty() ? "" : ", unseen levels ", key.unseen_levels);
}

/// The columns of settings of a set, in the order in which a table has them.
std::vector<std::string> columns_of(const std::vector<CellResult>& cells) {
  std::vector<std::string> columns;
  for (const std::string& column : cell_table(cells).header) {
    if (column == "task" || column == "variant" || column == "label" || column == "data_seed" ||
        is_setting_column(column)) {
      columns.push_back(column);
    }
  }
  return columns;
}

/// Whether the cells of a set have more than one value in this column.
bool varies(const std::vector<CellResult>& cells, const std::string& column) {
  return std::any_of(cells.begin(), cells.end(), [&](const CellResult& row) {
    return setting_text(row, column) != setting_text(cells.front(), column);
  });
}

/// Columns of settings of both sets, in their order. How the first layer is computed is no setting
/// of the experiment, unless a set has it both ways.
std::vector<std::string> setting_columns(const std::vector<CellResult>& base,
                                         const std::vector<CellResult>& now) {
  const std::string computed = "model_first_layer";
  const bool both_ways = varies(base, computed) || varies(now, computed);
  std::vector<std::string> columns;
  for (const std::vector<CellResult>* cells : {&base, &now}) {
    // Without rows the header has the columns of every table alone.
    for (const std::string& column : columns_of(*cells)) {
      if (column == computed && !both_ways) continue;
      if (std::find(columns.begin(), columns.end(), column) == columns.end())
        columns.push_back(column);
    }
  }
  return columns;
}

/// The groups of a set in the order of its rows.
/// @param named  its cells with data_seed and order_seed named where they follow the cell's seed
std::vector<SettingGroup> groups_of(const ResultSet& set, const std::vector<CellResult>& named,
                                    const std::vector<std::string>& names) {
  std::vector<SettingGroup> groups;
  std::map<std::vector<std::string>, std::size_t> known;
  std::map<std::tuple<std::size_t, std::int64_t, std::string, std::string>, std::size_t> lines;
  for (std::size_t i = 0; i < set.cells.size(); ++i) {
    const ResultRow row{&set, i};
    std::vector<std::string> values;
    for (const std::string& column : names) values.push_back(setting_text(named[i], column));
    const auto [found, added] = known.emplace(values, groups.size());
    if (added) groups.push_back({std::move(values), {}});
    const std::string score = row->score ? full_text(row->score->key) : "";
    const auto [line, once] =
        lines.emplace(std::tuple(found->second, row->seed, row->experiment, score), i);
    if (!once) {
      throw IoError(fmt::format(
          "{}: rows {} and {} are both of {}, {}, seed {}{}{}; a table has each once: remove one",
          set.name, line->second + 1, i + 1, row->experiment, row->label, row->seed,
          score.empty() ? "" : ", ", score));
    }
    SeedCell& cell = groups[found->second].seeds[row->seed];
    if (cell.any.set == nullptr) cell.any = row;
    if (!row->score) continue;
    const auto [place, first] = cell.scores.emplace(row->score->key, row);
    if (first) continue;
    // Two experiments may share a cell, whose rows are then the same.
    for (const char* column : {"status", "accuracy", "exact_match", "loss", "solved_step"}) {
      if (row.text(column) == place->second.text(column)) continue;
      throw IoError(fmt::format("{}: rows {} and {} are of the same cell and score, but differ",
                                set.name, place->second.index + 1, i + 1));
    }
  }
  return groups;
}

}  // namespace

bool InTextOrder::operator()(const ScoreKey& a, const ScoreKey& b) const {
  const auto texts = [](const ScoreKey& key) {
    return std::tuple(name_of(key.weights), std::string(name_of(key.split)),
                      std::to_string(key.eval_length), std::to_string(key.examples),
                      key.unseen_levels, key.settings);
  };
  return texts(a) < texts(b);
}

std::string score_text(const ScoreKey& key) {
  return fmt::format("{}, {}, length {}{}", name_of(key.weights), name_of(key.split),
                     key.eval_length, settings_text(key));
}

Matching::Matching(const ResultSet& base, const ResultSet& now) {
  const std::string version = "numerics_version";
  const std::string base_versions = base.distinct(version, ", ").value_or("");
  const std::string now_versions = now.distinct(version, ", ").value_or("");
  if (base_versions != now_versions) {
    mismatches_.push_back({"all cells", version, base_versions, now_versions});
  }
  std::vector<CellResult> named_base = base.cells;
  std::vector<CellResult> named_now = now.cells;
  name_following_seeds(named_base);
  name_following_seeds(named_now);
  columns_ = setting_columns(named_base, named_now);
  base_ = groups_of(base, named_base, columns_);
  now_ = groups_of(now, named_now, columns_);
  match();
}

const std::string& Matching::value(const SettingGroup& group, std::string_view column) const {
  const auto at = std::find(columns_.begin(), columns_.end(), column);
  return group.values[static_cast<std::size_t>(at - columns_.begin())];
}

bool Matching::same_task_and_label(const SettingGroup& a, const SettingGroup& b) const {
  return value(a, "task") == value(b, "task") && value(a, "label") == value(b, "label");
}

/// Task and label, and those settings in which the groups of one set with the same task and label
/// differ.
std::string Matching::name(const SettingGroup& group,
                           const std::vector<SettingGroup>& groups) const {
  std::string text = value(group, "task");
  text += ", ";
  text += value(group, "label");
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const bool differs = std::any_of(groups.begin(), groups.end(), [&](const SettingGroup& other) {
      return same_task_and_label(other, group) && other.values[i] != group.values[i];
    });
    if (differs) text += fmt::format(", {} {}", columns_[i], group.values[i]);
  }
  return printable(text, kWhole);
}

/// The one with the same task and label that differs in the fewest settings.
std::vector<const SettingGroup*>::const_iterator Matching::nearest_of(
    const SettingGroup& group, const std::vector<const SettingGroup*>& among) const {
  auto nearest = among.end();
  std::size_t fewest = columns_.size() + 1;
  for (auto other = among.begin(); other != among.end(); ++other) {
    if (!same_task_and_label(**other, group)) continue;
    std::size_t different = 0;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      different += (*other)->values[i] != group.values[i] ? 1 : 0;
    }
    if (different < fewest) {
      fewest = different;
      nearest = other;
    }
  }
  return nearest;
}

/// Settings that are the same on both sides are matched; the others are mismatches.
void Matching::match() {
  std::vector<const SettingGroup*> left_base, left_now;
  std::map<std::vector<std::string>, const SettingGroup*> now;
  for (const SettingGroup& group : now_) now[group.values] = &group;
  for (const SettingGroup& group : base_) {
    const auto same = now.find(group.values);
    if (same == now.end()) {
      left_base.push_back(&group);
    } else {
      groups_.push_back({name(group, base_), &group, same->second});
      now.erase(same);
    }
  }
  for (const SettingGroup& group : now_) {
    if (now.contains(group.values)) left_now.push_back(&group);
  }
  name_differences(left_base, std::move(left_now));
}

void Matching::name_differences(const std::vector<const SettingGroup*>& left_base,
                                std::vector<const SettingGroup*> left_now) {
  for (const SettingGroup* group : left_base) {
    const auto nearest = nearest_of(*group, left_now);
    const std::string where = name(*group, base_);
    if (nearest == left_now.end()) {
      mismatches_.push_back({where, "group", "present", "missing"});
      continue;
    }
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (group->values[i] != (*nearest)->values[i]) {
        mismatches_.push_back({where, columns_[i], group->values[i], (*nearest)->values[i]});
      }
    }
    left_now.erase(nearest);
  }
  for (const SettingGroup* group : left_now) {
    mismatches_.push_back({name(*group, now_), "group", "missing", "present"});
  }
}

}  // namespace recollect
