#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "harness/render/readable_table.hpp"
#include "harness/stats/statistics.hpp"

namespace recollect {
namespace {

using Row = PublishedComparison;

/// The sources of a table, in the order in which its rows cite them.
class Sources {
 public:
  /// "[1]".
  std::string cite(const std::string& source) {
    auto known = std::find(sources_.begin(), sources_.end(), source);
    if (known == sources_.end()) known = sources_.insert(sources_.end(), source);
    return fmt::format("[{}]", known - sources_.begin() + 1);
  }
  [[nodiscard]] std::vector<std::string> notes() const {
    std::vector<std::string> notes;
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      notes.push_back(fmt::format("[{}] {}", i + 1, sources_[i]));
    }
    return notes;
  }

 private:
  std::vector<std::string> sources_;
};

std::string published_text(const PublishedFigure& figure) {
  return percent(figure.mean) + (figure.sd ? fmt::format(" \u00b1 {}", percent(*figure.sd)) : "");
}

std::string published_share(const PublishedFigure& figure) {
  return figure.solved ? fmt::format("{}/{}", *figure.solved, figure.seeds) : "-";
}

std::string our_share(const GroupResult& ours) {
  return ours.runs() == 0 ? "-" : fmt::format("{}/{}", ours.solved(), ours.runs());
}

/// What holds for all rows of an experiment: what they were compared by, and how many of them.
void add_notes(TextTable& text, const std::vector<const Row*>& rows, const Sources& sources) {
  std::int64_t compared = 0;
  bool unknown_sd = false;
  for (const Row* row : rows) {
    compared = std::max(compared, row->compared);
    unknown_sd = unknown_sd || (row->decided_by == DecidedBy::kMeans && row->figure.sd &&
                                row->figure.sd_divisor == SdDivisor::kUnknown);
  }
  if (compared > 0) {
    text.notes.push_back(fmt::format(
        "`equivalent`: the whole interval lies within the margin, {:.0f} point of a mean or {:.0f} "
        "points of a share of solved seeds; `differs`: the whole interval lies beyond it; "
        "`inconclusive`: these seeds cannot tell.",
        100.0 * kMeanMargin, 100.0 * kShareMargin));
    text.notes.push_back(
        "`would differ if`: what our true mean or share of seeds would have to be for `differs` in "
        "80 % of cases, the published figure taken as it stands. `never`: no truth could have "
        "given "
        "it; `at most 19 %`: none could have given it in more cases than that.");
  }
  if (compared > 1) {
    text.notes.push_back(fmt::format(
        "{} figures are compared here. `differs` is corrected for that (Holm): the chance that the "
        "table says it anywhere without reason is at most 5 %.",
        compared));
  }
  if (unknown_sd) {
    text.notes.push_back(
        "A source that does not say what its standard deviation divides by is taken to divide by "
        "n - 1.");
  }
  for (const std::string& note : sources.notes()) text.notes.push_back(note);
}

std::vector<std::vector<const Row*>> by_experiment(const std::vector<Row>& rows) {
  return group_rows(pointers_to(rows), [](const Row& row) { return row.ours.experiment; });
}

template <class Get>
Column<Row> column(std::string name, Get&& get) {
  return {std::move(name), [get](const Row& row) { return Value(get(row)); }};
}

/// A value that there may be none of.
template <class Get>
Column<Row> optional(std::string name, Get&& get) {
  return {std::move(name), [get](const Row& row) { return value_of(get(row)); }};
}

/// A value of rows that are compared.
template <class Get>
Column<Row> of_compared(std::string name, Get&& get) {
  return {std::move(name), [get](const Row& row) {
            return row.decided_by == DecidedBy::kNothing ? Value() : Value(get(row));
          }};
}

/// A figure of our accuracy's summary.
template <class Get>
Column<Row> of_ours(std::string name, Get&& get) {
  return {std::move(name), [get](const Row& row) {
            const std::optional<Summary>& summary = row.ours.accuracy.summary;
            return summary ? get(*summary) : Value();
          }};
}

void add_interval(std::vector<Column<Row>>& columns, const std::string& name,
                  std::optional<Interval> Row::*interval) {
  columns.push_back({name + "_low", [interval](const Row& row) {
                       return (row.*interval) ? Value((row.*interval)->low) : Value();
                     }});
  columns.push_back({name + "_high", [interval](const Row& row) {
                       return (row.*interval) ? Value((row.*interval)->high) : Value();
                     }});
}

void add_published(std::vector<Column<Row>>& columns) {
  columns = {column("experiment", [](const Row& row) { return row.ours.experiment; }),
             column("variant", [](const Row& row) { return row.ours.variant; }),
             column("label", [](const Row& row) { return row.ours.label; }),
             column("variant_as_published",
                    [](const Row& row) { return row.figure.variant_as_published; }),
             column("task_settings", [](const Row& row) { return row.task_settings; }),
             column("length", [](const Row& row) { return row.figure.length; }),
             column("eval_length", [](const Row& row) { return row.figure.eval_length; }),
             optional("chance", [](const Row& row) { return row.ours.chance; }),
             optional("ceiling_first",
                      [](const Row& row) { return ceiling_of(row.ours.ceilings, "first"); }),
             optional("ceiling_recent",
                      [](const Row& row) { return ceiling_of(row.ours.ceilings, "recent"); }),
             column("published_mean", [](const Row& row) { return row.figure.mean; }),
             optional("published_sd", [](const Row& row) { return row.figure.sd; }),
             column("published_n", [](const Row& row) { return row.figure.seeds; }),
             optional("published_solved", [](const Row& row) { return row.figure.solved; }),
             optional("published_solve_step_median",
                      [](const Row& row) { return row.figure.solve_step_median; })};
}

void add_ours(std::vector<Column<Row>>& columns) {
  columns.push_back(of_ours("ours_mean", [](const Summary& s) { return Value(s.mean); }));
  columns.push_back(of_ours("ours_sd", [](const Summary& s) { return value_of(s.sd); }));
  columns.push_back(of_ours(
      "ours_low", [](const Summary& s) { return s.interval ? Value(s.interval->low) : Value(); }));
  columns.push_back(of_ours("ours_high", [](const Summary& s) {
    return s.interval ? Value(s.interval->high) : Value();
  }));
  columns.push_back(column("ours_n", [](const Row& row) { return row.ours.n(); }));
  columns.push_back(column("ours_runs", [](const Row& row) { return row.ours.runs(); }));
  columns.push_back({"ours_solved", [](const Row& row) {
                       return row.ours.runs() == 0 ? Value() : Value(row.ours.solved());
                     }});
  columns.push_back(optional("ours_solve_step_median",
                             [](const Row& row) { return row.ours.solve_step_median_solved; }));
  columns.push_back(column(
      "ours_spread", [](const Row& row) { return spread_text(row.ours, row.ours.accuracy); }));
}

/// What the verdict rests on, and what it could have been.
void add_evidence(std::vector<Column<Row>>& columns) {
  columns.push_back(column("published_sd_divides_by", [](const Row& row) {
    const SdDivisor divisor = row.figure.sd_divisor;
    return std::string(divisor == SdDivisor::kSeeds          ? "n"
                       : divisor == SdDivisor::kSeedsLessOne ? "n-1"
                                                             : "");
  }));
  columns.push_back(
      optional("published_sample_sd", [](const Row& row) { return row.figure.sample_sd(); }));
  columns.push_back(column("decided_by", [](const Row& row) { return name_of(row.decided_by); }));
  columns.push_back(of_compared("margin", [](const Row& row) { return row.margin; }));
  columns.push_back(of_compared("compared", [](const Row& row) { return row.compared; }));
  columns.push_back(of_compared("p_beyond_margin", [](const Row& row) { return row.p; }));
  columns.push_back(of_compared("p_holm", [](const Row& row) { return row.corrected_p; }));
  columns.push_back(column("could_have_seen", [](const Row& row) { return row.could_have_seen; }));
  columns.push_back(optional("differs_below", [](const Row& row) { return row.detectable.below; }));
  columns.push_back(optional("differs_above", [](const Row& row) { return row.detectable.above; }));
  columns.push_back(
      of_compared("differs_at_most", [](const Row& row) { return row.detectable.most_differs; }));
  columns.push_back(of_compared("equivalent_at_most",
                                [](const Row& row) { return row.detectable.most_equivalent; }));
}

}  // namespace

DataTable published_table(const std::vector<PublishedComparison>& comparison) {
  // A table without rows has no columns either.
  if (comparison.empty()) return {};
  std::vector<Column<Row>> columns;
  add_published(columns);
  add_ours(columns);
  columns.push_back(optional("difference", [](const Row& row) { return row.difference; }));
  add_interval(columns, "difference", &Row::means);
  add_interval(columns, "solved_difference", &Row::shares);
  columns.push_back(column("verdict", [](const Row& row) { return name_of(row.verdict); }));
  columns.push_back(column("why", [](const Row& row) { return row.why; }));
  columns.push_back(column("note", [](const Row& row) { return row.figure.note; }));
  columns.push_back(column("source", [](const Row& row) { return row.figure.source; }));
  columns.push_back(
      optional("solve_step_ratio", [](const Row& row) { return row.solve_step_ratio; }));
  add_evidence(columns);
  return to_data(columns, comparison);
}

std::vector<TextTable> readable_comparison(const std::vector<PublishedComparison>& comparison) {
  std::vector<TextTable> all;
  for (const auto& rows : by_experiment(comparison)) {
    TextTable& text = all.emplace_back();
    text.title = fmt::format("{}: beside published figures", rows.front()->ours.experiment);
    text.caption =
        "Best validation accuracy in per cent, as published; 95 % intervals of the difference, "
        "ours less published.";
    text.header = {"variant",   "task",       "length",           "eval_length", "chance",
                   "published", "n",          "solved",           "ours",        "n",
                   "solved",    "difference", "of shares solved", "verdict",     "would differ if",
                   "why",       "source"};
    Sources sources;
    for (const Row* row : rows) {
      const GroupResult& ours = row->ours;
      const PublishedFigure& figure = row->figure;
      text.rows.push_back({ours.label, row->task_settings, std::to_string(figure.length),
                           std::to_string(figure.eval_length), percent(ours.chance),
                           published_text(figure), std::to_string(figure.seeds),
                           published_share(figure), spread_text(ours, ours.accuracy),
                           std::to_string(ours.n()), our_share(ours), percent_range(row->means),
                           percent_range(row->shares), name_of(row->verdict),
                           row->would_differ_if.empty() ? "-" : row->would_differ_if, row->why,
                           sources.cite(figure.source)});
    }
    add_notes(text, rows, sources);
  }
  return all;
}

std::vector<TextTable> readable_comparison_headlines(
    const std::vector<PublishedComparison>& comparison) {
  std::vector<TextTable> all;
  for (const auto& rows : by_experiment(comparison)) {
    TextTable text;
    text.title = fmt::format("{}: beside published figures", rows.front()->ours.experiment);
    text.caption =
        "Best validation accuracy in per cent, as published, with 95 % intervals of the "
        "difference, ours less published; median steps among the solved, ours / published.";
    text.header = {"variant",
                   "task",
                   "published",
                   "solved",
                   "ours",
                   "solved",
                   "difference",
                   "of shares solved",
                   "median step ratio",
                   "verdict",
                   "would differ if",
                   "source"};
    Sources sources;
    std::size_t others = 0;
    for (const Row* row : rows) {
      if (row->verdict == PublishedVerdict::kNotComparable) {
        ++others;
        continue;
      }
      const GroupResult& ours = row->ours;
      text.rows.push_back(
          {ours.label, row->task_settings, published_text(row->figure),
           published_share(row->figure), spread_text(ours, ours.accuracy),
           fmt::format("{}/{}", ours.solved(), ours.runs()), percent_range(row->means),
           percent_range(row->shares),
           row->solve_step_ratio ? fmt::format("{:.2f}", *row->solve_step_ratio) : "-",
           name_of(row->verdict), row->would_differ_if, sources.cite(row->figure.source)});
    }
    add_notes(text, rows, sources);
    if (others > 0) {
      text.notes.push_back(fmt::format(
          "{} more {} of the same task and size, with other settings, and are not compared.",
          others, others == 1 ? "figure is" : "figures are"));
    }
    if (!text.rows.empty()) all.push_back(std::move(text));
  }
  return all;
}

}  // namespace recollect
