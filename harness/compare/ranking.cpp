#include "harness/compare/ranking.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.hpp"
#include "harness/render/readable_table.hpp"
#include "harness/stats/equivalence.hpp"
#include "harness/stats/paired_tests.hpp"

namespace recollect {
namespace {

std::vector<double> values_of(const std::map<std::int64_t, double>& by_seed) {
  std::vector<double> values;
  for (const auto& [seed, value] : by_seed) values.push_back(value);
  return values;
}

using Cells = std::vector<const CellResult*>;

/// The scores that a ranking is about, of the labels that it has.
Cells ranked_cells(const PublishedRanking& ranking, const std::vector<CellResult>& cells) {
  Cells ranked;
  for (const CellResult& cell : cells) {
    const bool has =
        std::any_of(ranking.figures.begin(), ranking.figures.end(),
                    [&](const RankedFigure& figure) { return figure.label == cell.label; });
    if (has && is_chosen(cell, ranking.scored)) ranked.push_back(&cell);
  }
  return ranked;
}

RankedRow row_of(const RankedFigure& figure, const Cells& ranked) {
  RankedRow row;
  row.figure = figure;
  std::map<std::int64_t, std::vector<double>> scores;
  for (const CellResult* cell : ranked) {
    if (cell->label != figure.label) continue;
    if (cell->score) {
      scores[cell->seed].push_back(cell->score->accuracy);
    } else {
      ++row.diverged;
    }
  }
  for (const auto& [seed, values] : scores) row.by_seed[seed] = mean(values);
  return row;
}

std::vector<std::string> different_settings(const PublishedRanking& ranking, const Cells& ranked) {
  std::vector<std::string> different;
  for (const auto& [name, theirs] : ranking.settings) {
    std::set<std::string> values;
    for (const CellResult* cell : ranked) values.insert(option_of(*cell, name));
    if (values == std::set<std::string>{same_number(theirs)}) continue;
    const bool none = values == std::set<std::string>{""};
    different.push_back(
        fmt::format("{} {} instead of {}", name,
                    none ? "not set" : fmt::format("{}", fmt::join(values, " and ")), theirs));
  }
  return different;
}

void rank(std::vector<RankedRow>& rows) {
  const auto better = [&rows](const auto& is_better) {
    return 1 + std::count_if(rows.begin(), rows.end(), is_better);
  };
  for (RankedRow& row : rows) {
    row.published_rank = better(
        [&](const RankedRow& other) { return other.figure.score.mean > row.figure.score.mean; });
    const std::optional<Moments> own = row.ours();
    if (!own) continue;
    row.rank = better([&](const RankedRow& other) {
      const std::optional<Moments> others = other.ours();
      return others && others->mean > own->mean;
    });
  }
}

/// Of rows whose settings are the source's.
void judge(std::vector<RankedRow>& rows) {
  std::vector<std::pair<RankedRow*, IntervalAt>> compared;
  std::vector<double> p;
  for (RankedRow& row : rows) {
    const std::optional<Moments> ours = row.ours();
    if (!ours || !mean_difference_interval(*ours, row.figure.score)) continue;
    compared.emplace_back(&row, [ours = *ours, theirs = row.figure.score](double tail) {
      return *mean_difference_interval(ours, theirs, tail);
    });
    p.push_back(p_beyond(compared.back().second, kMeanMargin));
  }
  const std::vector<double> levels = holm_levels(p, 2.0 * kTail95);
  for (std::size_t i = 0; i < compared.size(); ++i) {
    const auto& [row, interval] = compared[i];
    row->verdict = verdict_of(finding_of(interval, {kMeanMargin, levels[i]}));
  }
}

/// Of our means, a less b.
std::optional<Interval> difference_interval(const RankedRow& a, const RankedRow& b) {
  std::vector<double> differences;
  for (const auto& [seed, value] : a.by_seed) {
    const auto other = b.by_seed.find(seed);
    if (other != b.by_seed.end()) differences.push_back(value - other->second);
  }
  if (differences.size() == a.by_seed.size() && differences.size() == b.by_seed.size()) {
    return paired_mean_interval(differences, 1.0 - 2.0 * kTail95);
  }
  return mean_difference_interval(*a.ours(), *b.ours());
}

void find_inversions(RankingComparison& comparison) {
  const std::vector<RankedRow>& rows = comparison.rows;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t k = i + 1; k < rows.size(); ++k) {
      const RankedRow &first = rows[i], &second = rows[k];
      const std::optional<Moments> a = first.ours(), b = second.ours();
      const double published = first.figure.score.mean - second.figure.score.mean;
      if (!a || !b || published <= 0.0) continue;
      ++comparison.pairs;
      if (a->mean >= b->mean) continue;
      comparison.inversions.push_back(
          {first.figure.label, second.figure.label, published,
           mean_difference_interval(first.figure.score, second.figure.score), a->mean - b->mean,
           difference_interval(first, second)});
    }
  }
}

/// In points; never -0.0.
std::string points(const char* format, double share) {
  const double rounded = std::round(1000.0 * share) / 10.0;
  return fmt::format(fmt::runtime(format), rounded == 0.0 ? 0.0 : rounded);
}

std::string difference_text(double difference, const std::optional<Interval>& interval) {
  std::string text = points("{:+.1f}", difference);
  if (interval) {
    text +=
        fmt::format(" [{}, {}]", points("{:.1f}", interval->low), points("{:.1f}", interval->high));
  }
  return text;
}

std::string inversion_text(const Inversion& inversion) {
  const bool told = inversion.interval && !inversion.interval->contains(0.0);
  return fmt::format("Inverted: `{}` above `{}` there, {} points; here {}, {}.", inversion.first,
                     inversion.second,
                     difference_text(inversion.published, inversion.published_interval),
                     difference_text(inversion.ours, inversion.interval),
                     told ? "told apart" : "not told apart by these seeds");
}

/// ", pairs 8, weights final"
std::string scored_text(const ChosenBy& scored) {
  std::string text;
  for (const auto& [name, value] : scored) text += fmt::format(", {} {}", name, value);
  return text;
}

std::string ours_text(const RankedRow& row) {
  std::string text =
      spread_text(values_of(row.by_seed), std::vector<bool>(row.by_seed.size(), false),
                  static_cast<std::int64_t>(row.by_seed.size()));
  if (row.diverged > 0) text += fmt::format(", {} diverged", row.diverged);
  return text;
}

}  // namespace

std::optional<Moments> RankedRow::ours() const {
  if (by_seed.empty()) return std::nullopt;
  const std::vector<double> values = values_of(by_seed);
  return Moments{mean(values), standard_deviation(values),
                 static_cast<std::int64_t>(values.size())};
}

RankingComparison compare_ranking(const PublishedRanking& ranking,
                                  const std::vector<CellResult>& cells) {
  RankingComparison comparison;
  comparison.ranking = &ranking;
  const Cells ranked = ranked_cells(ranking, cells);
  for (const RankedFigure& figure : ranking.figures) {
    comparison.rows.push_back(row_of(figure, ranked));
  }
  if (std::all_of(comparison.rows.begin(), comparison.rows.end(),
                  [](const RankedRow& row) { return row.by_seed.empty(); })) {
    throw IoError("no run of ours has a label and a score of the ranking");
  }
  rank(comparison.rows);
  comparison.different = different_settings(ranking, ranked);
  if (comparison.different.empty()) judge(comparison.rows);
  find_inversions(comparison);
  return comparison;
}

TextTable ranking_table(const RankingComparison& comparison) {
  const PublishedRanking& ranking = *comparison.ranking;
  TextTable table;
  table.title = fmt::format("{} beside the published ranking {}", ranking.experiment, ranking.name);
  table.caption = fmt::format("Published: {} ({}). Ours: test accuracy of `{}`{}. In per cent.",
                              markdown_text(ranking.what), markdown_text(ranking.source),
                              ranking.experiment, scored_text(ranking.scored));
  table.header = {"ours", "as published", "published", "n", "rank", "ours, mean",
                  "n",    "rank",         "verdict"};
  for (const RankedRow& row : comparison.rows) {
    const Moments& score = row.figure.score;
    table.rows.push_back(
        {row.figure.label, row.figure.as_published,
         percent(score.mean) + (score.sd ? fmt::format(" ± {}", percent(*score.sd)) : ""),
         std::to_string(score.n), std::to_string(row.published_rank),
         row.rank == 0 ? "-" : ours_text(row), std::to_string(row.by_seed.size()),
         row.rank == 0 ? "-" : std::to_string(row.rank), name_of(row.verdict)});
  }
  if (!comparison.different.empty()) {
    table.notes.push_back(
        fmt::format("Figures are not comparable: {}.", fmt::join(comparison.different, ", ")));
  }
  table.notes.push_back(
      fmt::format("Order: {} of {} pairs of models as published.",
                  comparison.pairs - static_cast<std::int64_t>(comparison.inversions.size()),
                  comparison.pairs));
  for (const Inversion& inversion : comparison.inversions) {
    table.notes.push_back(inversion_text(inversion));
  }
  if (!ranking.note.empty()) table.notes.push_back(markdown_text(ranking.note) + ".");
  return table;
}

}  // namespace recollect
