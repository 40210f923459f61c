#include "harness/train/score_rows.hpp"

#include <utility>
#include <vector>

namespace recollect {
namespace {

template <class Row>
void remove_rows(std::vector<Row>& rows, const ScoreKey& key) {
  std::erase_if(rows, [&](const Row& row) { return row.key == key; });
}

void set_slices(std::vector<SliceRow>& rows, const ScoreKey& key,
                const std::vector<Slice>& slices) {
  remove_rows(rows, key);
  for (const Slice& slice : slices) {
    rows.push_back({key, slice.slice, slice.value, slice.scored, slice.accuracy});
  }
}

}  // namespace

void put_score(ScoreTables& tables, const ScoreKey& wanted, const Score& score,
               std::int64_t best_step, bool foreign_selection) {
  ScoreRow row;
  row.key = wanted;
  if (!score.unseen_level) row.key.unseen_levels.clear();
  row.best_step = best_step;
  row.accuracy = score.accuracy;
  row.exact_match = score.exact_match;
  row.loss = score.loss;
  row.scored = score.scored;
  row.chance = score.chance;
  row.ceilings = score.rules;
  row.unseen_level = score.unseen_level;
  row.foreign_selection = foreign_selection;
  remove_rows(tables.scores, row.key);
  remove_rows(tables.correct, row.key);
  set_slices(tables.slices, row.key, score.slices);
  set_slices(tables.more_slices, row.key, score.more_slices);
  if (wanted.split == Split::kTest) tables.correct.push_back({row.key, score.exact});
  tables.scores.push_back(std::move(row));
}

}  // namespace recollect
