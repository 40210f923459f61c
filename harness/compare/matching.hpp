#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "harness/compare/comparison.hpp"
#include "harness/results/result_set.hpp"

namespace recollect {

/// A row of one set.
struct ResultRow {
  const ResultSet* set = nullptr;
  std::size_t index = 0;

  [[nodiscard]] const CellResult& operator*() const { return set->cells[index]; }
  [[nodiscard]] const CellResult* operator->() const { return &set->cells[index]; }
  [[nodiscard]] std::string text(const std::string& column) const {
    return set->text(index, column);
  }
};

/// Reports list scores in the order of their texts: length 128 before 64.
struct InTextOrder {
  bool operator()(const ScoreKey& a, const ScoreKey& b) const;
};
[[nodiscard]] std::string score_text(const ScoreKey& key);

/// One cell of one set: its rows by score, none where it diverged or failed.
struct SeedCell {
  ResultRow any;
  std::map<ScoreKey, ResultRow, InTextOrder> scores;
  [[nodiscard]] Ending ending() const { return any->status.ending; }
};

/// The cells of one set that differ in their seeds alone.
struct SettingGroup {
  std::vector<std::string> values;  ///< of the columns of settings
  std::map<std::int64_t, SeedCell> seeds;
};

/// A group of BASE and the one of NEW with the same settings.
struct MatchedGroups {
  std::string name;  ///< task and label, and settings where these are not enough
  const SettingGroup* base = nullptr;
  const SettingGroup* now = nullptr;
};

/// Finds which groups of two sets belong together.
class Matching {
 public:
  /// Both sets must outlive it. @throws IoError where a set has two different rows for one score
  Matching(const ResultSet& base, const ResultSet& now);

  /// In the order of BASE's rows.
  [[nodiscard]] const std::vector<MatchedGroups>& groups() const noexcept { return groups_; }
  /// Settings, groups and versions that one set alone has.
  [[nodiscard]] const std::vector<Mismatch>& mismatches() const noexcept { return mismatches_; }

 private:
  [[nodiscard]] const std::string& value(const SettingGroup& group, std::string_view column) const;
  [[nodiscard]] bool same_task_and_label(const SettingGroup& a, const SettingGroup& b) const;
  [[nodiscard]] std::string name(const SettingGroup& group,
                                 const std::vector<SettingGroup>& groups) const;
  [[nodiscard]] std::vector<const SettingGroup*>::const_iterator nearest_of(
      const SettingGroup& group, const std::vector<const SettingGroup*>& among) const;
  void match();
  void name_differences(const std::vector<const SettingGroup*>& left_base,
                        std::vector<const SettingGroup*> left_now);

  std::vector<std::string> columns_;
  std::vector<SettingGroup> base_;
  std::vector<SettingGroup> now_;
  std::vector<MatchedGroups> groups_;
  std::vector<Mismatch> mismatches_;
};

}  // namespace recollect
