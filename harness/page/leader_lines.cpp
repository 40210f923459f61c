#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/text.hpp"
#include "harness/page/answer_lines.hpp"
#include "harness/plot/numbers.hpp"

namespace recollect::page {
namespace {

using plot::Study;
using plot::StudyRow;
using plot::StudySection;

struct Share {
  std::string label;
  std::int64_t solved = 0;
  std::int64_t runs = 0;
};

std::vector<Share> shares_of(const Study& study) {
  std::vector<Share> shares;
  for (const StudySection& section : study.trainings) {
    for (const StudyRow& row : section.rows) {
      auto found = std::find_if(shares.begin(), shares.end(),
                                [&](const Share& one) { return one.label == row.named.label; });
      if (found == shares.end()) found = shares.insert(shares.end(), Share{row.named.label});
      found->solved += row.trained->solved();
      found->runs += row.trained->runs();
    }
  }
  return shares;
}

std::string of(std::int64_t solved, std::int64_t runs) {
  return fmt::format("{} of {}", solved, runs);
}

const GroupResult* at_length(const StudyRow& row, std::int64_t length) {
  for (const GroupResult* group : row.lengths) {
    if (group->key->eval_length == length) return group;
  }
  return nullptr;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    text += (i == 0 ? "" : i + 1 == names.size() ? " and " : ", ") + names[i];
  }
  return text;
}

/// The best of several and those that no test tells from it, as a verdict.
/// @param best_first  labels, the best first
/// @param tells  outcome of the best against another
template <class Tells>
void lead(Line& line, const std::vector<std::string>& best_first, Tells&& tells) {
  std::vector<std::string> together = {best_first.front()};
  bool too_few = true;
  for (std::size_t i = 1; i < best_first.size(); ++i) {
    const Outcome outcome = tells(best_first[i], best_first.front());
    if (outcome != Outcome::kTooFew) too_few = false;
    if (outcome != Outcome::kYes) together.push_back(best_first[i]);
  }
  if (together.size() == 1) {
    line.outcome = Outcome::kYes;
    line.verdict = together.front();
  } else if (too_few) {
    line.outcome = Outcome::kTooFew;
  } else if (together.size() == best_first.size()) {
    line.outcome = Outcome::kNotShown;
    line.verdict = "No difference shown";
  } else {
    line.outcome = Outcome::kNotShown;
    line.verdict = together.size() <= 3 ? joined(together) + ", not told apart"
                                        : fmt::format("{} of {} variants, not told apart",
                                                      together.size(), best_first.size());
  }
}

/// Labels are compared over all their rows: one that has several of a section stands there once,
/// in the place of its best.
void add_once(std::vector<std::string>& labels, const std::string& label) {
  if (std::find(labels.begin(), labels.end(), label) == labels.end()) labels.push_back(label);
}

}  // namespace

std::optional<Line> leads_often(const Study& study, const Context& context) {
  std::vector<Share> shares = shares_of(study);
  std::erase_if(shares, [](const Share& share) { return share.runs == 0; });
  if (shares.empty()) return std::nullopt;
  std::stable_sort(shares.begin(), shares.end(), [](const Share& a, const Share& b) {
    return a.solved * b.runs > b.solved * a.runs;
  });
  Line line{Outcome::kTooFew, "", study.shown, "", context.anchor_of(study, "table")};
  std::vector<std::string> labels, texts;
  for (const Share& share : shares) {
    labels.push_back(share.label);
    texts.push_back(fmt::format("{} {}", share.label, of(share.solved, share.runs)));
  }
  line.text = listed(texts) + " solved";
  for (const Share& share : shares) line.weight += share.runs;
  if (shares.size() > 1) {
    const Comparisons pairs(experiments_of(context.input.material.results, study.experiments), {});
    lead(line, labels, [&](const std::string& a, const std::string& b) {
      const auto effect = pairs.of(a, b);
      return effect ? pairs.more_often(*effect) : Outcome::kTooFew;
    });
    return line;
  }
  const Share& only = shares.front();
  if (only.runs > 1) {
    const Interval interval = wilson_interval(only.solved, only.runs);
    line.outcome = Outcome::kNotShown;
    line.verdict = fmt::format("{} seeds", of(only.solved, only.runs));
    line.text = fmt::format("solve it; 95 % interval {}", plot::percent_range(interval));
  }
  return line;
}

std::optional<Line> leads_sooner(const Study& study, const StudySection& section,
                                 const Context& context) {
  std::vector<const StudyRow*> rows;
  for (const StudyRow& row : section.rows) {
    if (row.trained->solve_step_mean && row.trained->solved() > 0) rows.push_back(&row);
  }
  if (rows.empty()) return std::nullopt;
  std::stable_sort(rows.begin(), rows.end(), [](const StudyRow* a, const StudyRow* b) {
    return *a->trained->solve_step_mean < *b->trained->solve_step_mean;
  });
  Line line{Outcome::kTooFew, "", where_of(study, section), "", context.anchor_of(study, "solved")};
  std::vector<std::string> labels, texts;
  for (const StudyRow* row : rows) {
    const GroupResult& group = *row->trained;
    line.weight += group.runs();
    add_once(labels, row->named.label);
    texts.push_back(fmt::format("{} {}", row->name,
                                plot::step_or_later(group.solve_step_median, group.step_limit)));
  }
  line.text = "half of the seeds have solved it at step: " + listed(texts);
  if (labels.size() > 1) {
    const std::int64_t trained = section.rows.front().trained->train_length;
    const Comparisons pairs = pairs_at(section, trained, context);
    lead(line, labels, [&](const std::string& a, const std::string& b) {
      const auto effect = pairs.of(a, b);
      return effect ? pairs.sooner(*effect) : Outcome::kTooFew;
    });
  } else if (rows.front()->trained->runs() > 1) {
    const GroupResult& group = *rows.front()->trained;
    line.outcome = Outcome::kNotShown;
    line.verdict = rows.front()->name;
    if (section.rows.size() == 1) {
      line.verdict =
          group.solve_step_median
              ? fmt::format("Half of the seeds by step {}",
                            plot::step_or_later(group.solve_step_median, group.step_limit))
              : "Fewer than half of the seeds";
      line.text = fmt::format("{} within {} steps", of(group.solved(), group.runs()),
                              with_commas(std::llround(group.step_limit)));
    } else {
      line.text = "no other variant has a seed that solves it; " + line.text;
    }
  }
  return line;
}

std::optional<Line> leads_longer(const Study& study, const StudySection& section,
                                 const Context& context) {
  const auto length = longest_of(section);
  if (!length) return std::nullopt;
  std::vector<std::pair<double, const StudyRow*>> rows;
  for (const StudyRow& row : section.rows) {
    const GroupResult* group = at_length(row, *length);
    if (group == nullptr || !group->accuracy.summary || !row.trained->accuracy.summary) continue;
    const double mean = group->accuracy.summary->mean;
    if (mean >= 0.0) rows.emplace_back(mean, &row);  // a number
  }
  if (rows.empty()) return std::nullopt;
  std::stable_sort(rows.begin(), rows.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  Line line{Outcome::kTooFew, "", where_of(study, section), "", context.anchor_of(study, "length")};
  std::vector<std::string> labels, texts;
  for (const auto& [mean, row] : rows) {
    add_once(labels, row->named.label);
    texts.push_back(fmt::format("{} {}", row->name, plot::percent(mean)));
    line.weight += row->trained->runs();
  }
  line.text = fmt::format("{}, mean accuracy: {}", length_text(section, *length), listed(texts));
  if (labels.size() > 1) {
    const Comparisons pairs = pairs_at(section, *length, context);
    lead(line, labels, [&](const std::string& a, const std::string& b) {
      const auto effect = pairs.of(a, b);
      return effect ? pairs.more_accurate(*effect) : Outcome::kTooFew;
    });
  } else {
    line.outcome = Outcome::kNotShown;
    const StudyRow& only = *rows.front().second;
    line.verdict = plot::percent(rows.front().first);
    line.text = fmt::format("mean accuracy {}; {} as trained", length_text(section, *length),
                            plot::percent(only.trained->accuracy.summary->mean));
  }
  return line;
}

}  // namespace recollect::page
