#include "harness/plot/differences.hpp"

#include <algorithm>
#include <string>

namespace recollect::plot {

Difference means_of(const PublishedComparison& row) {
  return {row.difference, row.means, row.decided_by == DecidedBy::kMeans};
}

Difference shares_of(const PublishedComparison& row) {
  if (!row.shares || !row.figure.solved || row.ours.runs() == 0) return {};
  const double ours = static_cast<double>(row.ours.solved()) / static_cast<double>(row.ours.runs());
  const double theirs =
      static_cast<double>(*row.figure.solved) / static_cast<double>(row.figure.seeds);
  return {ours - theirs, row.shares, row.decided_by == DecidedBy::kShares};
}

std::vector<const PublishedComparison*> by_source(const std::vector<PublishedComparison>& rows) {
  std::vector<std::string> sources;
  std::vector<const PublishedComparison*> sorted;
  const auto place = [&](const PublishedComparison* row) {
    return std::find(sources.begin(), sources.end(), row->figure.source);
  };
  for (const PublishedComparison& row : rows) {
    if (row.verdict == PublishedVerdict::kNotComparable) continue;
    if (place(&row) == sources.end()) sources.push_back(row.figure.source);
    sorted.push_back(&row);
  }
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](const auto* a, const auto* b) { return place(a) < place(b); });
  return sorted;
}

}  // namespace recollect::plot
