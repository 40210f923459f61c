#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <set>

#include "harness/plot/numbers.hpp"
#include "harness/plot/panels.hpp"
#include "harness/plot/pictures.hpp"
#include "harness/plot/seed_parts.hpp"
#include "harness/stats/order_statistics.hpp"

namespace recollect::plot {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// A curve over the lengths of a row, and the seeds that it sums up.
struct Middle {
  std::vector<Point> points;
  std::vector<Interval> intervals;  ///< as long as the points, or empty
  std::size_t seeds = 0;
};

std::string cell_of(const GroupResult& group, std::int64_t seed) {
  const auto found = std::find(group.seeds.begin(), group.seeds.end(), seed);
  return group.cells[static_cast<std::size_t>(found - group.seeds.begin())];
}

Middle middle_of(const StudyRow& row, const std::set<std::int64_t>& seeds, bool with_interval) {
  Middle middle;
  middle.seeds = seeds.size();
  for (const GroupResult* group : row.lengths) {
    const std::vector<double> values = accuracies_of(*group, seeds);
    const auto x = static_cast<double>(group->key->eval_length);
    middle.points.push_back({x, values.empty() ? kNan : median(values) * 100.0});
    const auto interval = median_interval(values.size());
    if (with_interval && interval) {
      middle.intervals.push_back({values[interval->low] * 100.0, values[interval->high] * 100.0});
    }
  }
  if (middle.intervals.size() != middle.points.size()) middle.intervals.clear();
  return middle;
}

/// One curve for all seeds, one for each cluster of them, or none for few seeds.
std::vector<Middle> middles_of(const StudyRow& row) {
  const std::vector<std::set<std::int64_t>> parts = seed_parts(*row.trained);
  std::vector<Middle> middles;
  for (const std::set<std::int64_t>& seeds : parts) {
    middles.push_back(middle_of(row, seeds, parts.size() == 1));
  }
  return middles;
}

Mark line_of(std::vector<Point> points, const Ink& ink, double width) {
  Mark line;
  line.points = std::move(points);
  line.ink = ink;
  line.size = width;
  return line;
}

class LengthPicture {
 public:
  explicit LengthPicture(const Study& study) : study_(study) {
    for (const StudySection& section : study.sections) {
      for (const StudyRow& row : section.rows) {
        for (const GroupResult* group : row.lengths) lengths_.insert(group->key->eval_length);
        trained_.insert(row.trained->train_length);
        most_lengths_ = std::max(most_lengths_, row.lengths.size());
        has_middle_ = has_middle_ || row.trained->seeds.size() >= kFewSeeds;
      }
    }
  }

  /// The most lengths that a row has.
  [[nodiscard]] std::size_t lengths() const noexcept { return most_lengths_; }

  Figure draw() {
    figure_.title = "Accuracy against length";
    figure_.data.header = {"setting",  "label", "variant", "eval_length", "what",        "seed",
                           "accuracy", "low",   "high",    "seeds",       "unseen_level"};
    const double at = figure_.add_heading(fmt::format(
        "{}. {}{}", study_.setting,
        has_middle_ ? "Thin: a seed. Thick: their median with its 95 % interval, or one median for "
                      "each of two groups of seeds."
                    : "A line is a seed.",
        has_ghosts(study_) ? " Grey: medians of the other variants." : ""));
    PanelGrid grid;
    grid.gap = 34.0;
    grid.columns = columns_for(study_, 6, grid.gap);
    grid.height = 150.0;
    const auto least = static_cast<double>(*lengths_.begin());
    const auto most = static_cast<double>(*lengths_.rbegin());
    grid.x = {least / std::pow(most / least, 0.06), most * std::pow(most / least, 0.06),
              Scale::kLog};
    add_ticks(grid);
    const double bottom = add_panels(figure_, at + 6.0, study_, grid,
                                     [&](Panel& panel, const StudySection& section,
                                         const StudyRow& row) { draw_row(panel, section, row); });
    figure_.summary = fmt::format("Accuracy of {} rows at {} lengths", study_.rows(), lengths());
    add_caption(bottom);
    return std::move(figure_);
  }

 private:
  /// All lengths, or as many as have room: the training length and the longest always.
  void add_ticks(PanelGrid& grid) {
    const std::size_t room = grid.columns > 4 ? 4 : 6;
    const std::size_t stride = (lengths_.size() + room - 1) / room;
    std::size_t place = 0;
    for (const std::int64_t length : lengths_) {
      const bool bold = trained_.size() == 1 && trained_.contains(length);
      if (bold || (lengths_.size() - 1 - place) % stride == 0) {
        const auto value = static_cast<double>(length);
        grid.x_ticks.push_back({value, std::to_string(length), bold});
      }
      ++place;
    }
  }

  void draw_row(Panel& panel, const StudySection& section, const StudyRow& row) {
    add_shade(panel, row);
    add_ghosts(panel, section, row);
    add_references(panel, row);
    const std::vector<Middle> middles = middles_of(row);
    for (const Middle& middle : middles) add_band(panel, middle, row);
    add_seeds(panel, section, row);
    for (const Middle& middle : middles) add_middle(panel, section, row, middle, middles.size());
    label_parts(panel, row, middles);
  }

  void add_shade(Panel& panel, const StudyRow& row) {
    const bool unseen = std::any_of(row.lengths.begin(), row.lengths.end(),
                                    [](const auto* group) { return group->unseen_level; });
    if (!unseen) return;
    Mark shade;
    shade.kind = MarkKind::kBand;
    const auto from = static_cast<double>(row.trained->train_length);
    if (from <= panel.x.low || from >= panel.x.high) return;
    shade.points = {{from, 0.0}, {panel.x.high, 0.0}};
    shade.upper = {100.0, 100.0};
    shade.ink = ink::kShade;
    panel.marks.insert(panel.marks.begin(), std::move(shade));
    shaded_ = true;
  }

  void add_ghosts(Panel& panel, const StudySection& section, const StudyRow& row) {
    if (!has_ghosts(section)) return;
    for (const StudyRow& other : section.rows) {
      if (&other == &row) continue;
      std::set<std::int64_t> seeds(other.trained->seeds.begin(), other.trained->seeds.end());
      panel.marks.push_back(line_of(middle_of(other, seeds, false).points, ink::kGhost, 1.1));
      panel.marks.back().name = other.name;
      panel.marks.back().of = other.named;
    }
  }

  void add_references(Panel& panel, const StudyRow& row) {
    std::vector<Point> chance, recent;
    for (const GroupResult* group : row.lengths) {
      const auto x = static_cast<double>(group->key->eval_length);
      if (group->chance) chance.push_back({x, *group->chance * 100.0});
      if (const auto ceiling = ceiling_of(group->ceilings, "recent")) {
        recent.push_back({x, *ceiling * 100.0});
      }
    }
    panel.marks.push_back(line_of(std::move(chance), ink::kReference, kReferenceLine));
    panel.marks.back().dash = Dash::kDashed;
    panel.marks.back().name = "chance";
    if (recent.empty()) return;
    panel.marks.push_back(line_of(std::move(recent), ink::kReference, kReferenceLine));
    panel.marks.back().dash = Dash::kDotted;
    panel.marks.back().name = "what trusting the latest binding of a key reaches";
    has_recent_ = true;
  }

  void add_band(Panel& panel, const Middle& middle, const StudyRow& row) {
    if (middle.intervals.empty()) return;
    Mark band;
    band.kind = MarkKind::kBand;
    for (std::size_t i = 0; i < middle.points.size(); ++i) {
      band.points.push_back({middle.points[i].x, middle.intervals[i].low});
      band.upper.push_back(middle.intervals[i].high);
    }
    band.ink = row.style->mark;
    band.opacity = kBandOpacity;
    band.of = row.named;
    panel.marks.push_back(std::move(band));
    most_seeds_ = std::max(most_seeds_, middle.seeds);
    banded_ = true;
  }

  void add_seeds(Panel& panel, const StudySection& section, const StudyRow& row) {
    for (const std::int64_t seed : row.trained->seeds) {
      std::vector<Point> points;
      for (const GroupResult* group : row.lengths) {
        const double accuracy = accuracy_of(*group, seed);
        points.push_back({static_cast<double>(group->key->eval_length), accuracy * 100.0});
        figure_.data.rows.push_back(
            {section.title, row.name, row.named.variant, csv_text(group->key->eval_length), "seed",
             csv_text(seed), csv_text(accuracy), "", "", "1", csv_text(group->unseen_level)});
      }
      const bool alone = points.size() == 1;  // a line of one point is nothing to see
      panel.marks.push_back(line_of(std::move(points), row.style->mark, kSeedLine));
      if (alone) {
        panel.marks.back().kind = MarkKind::kDots;
        panel.marks.back().marker = row.style->marker;
        panel.marks.back().size = 2.9;
      }
      panel.marks.back().name = fmt::format("{}, seed {}", row.name, seed);
      panel.marks.back().of = row.named;
      panel.marks.back().cells = {cell_of(*row.trained, seed)};
      panel.marks.back().dash = row.style->dash;
    }
  }

  void add_middle(Panel& panel, const StudySection& section, const StudyRow& row,
                  const Middle& middle, std::size_t of) {
    panel.marks.push_back(line_of(middle.points, row.style->mark, kMedianLine));
    panel.marks.back().of = row.named;
    Mark dots;
    dots.kind = MarkKind::kDots;
    dots.points = middle.points;
    dots.ink = row.style->mark;
    dots.marker = row.style->marker;
    dots.size = 2.9;
    dots.of = row.named;
    panel.marks.push_back(std::move(dots));
    for (std::size_t i = 0; i < middle.points.size(); ++i) {
      const bool has = !middle.intervals.empty();
      figure_.data.rows.push_back(
          {section.title, row.name, row.named.variant, csv_text(row.lengths[i]->key->eval_length),
           of > 1 ? "median of a part" : "median", "", csv_text(middle.points[i].y / 100.0),
           has ? csv_text(middle.intervals[i].low / 100.0) : "",
           has ? csv_text(middle.intervals[i].high / 100.0) : "",
           csv_text(static_cast<std::int64_t>(middle.seeds)),
           csv_text(row.lengths[i]->unseen_level)});
    }
    label_end(panel, row, middle);
  }

  static void label_end(Panel& panel, const StudyRow& row, const Middle& middle) {
    const Point& last = middle.points.back();
    if (!std::isfinite(last.y)) return;
    panel.labels.push_back({last, 6.0, 4.0, fmt::format("{:.0f}", last.y), row.style->text});
  }

  /// How many seeds each of two medians is of: "7 + 3 seeds", the upper ones first. Accuracies fall
  /// to the right, so the corner above is free; below it where they do not.
  static void label_parts(Panel& panel, const StudyRow& row, const std::vector<Middle>& middles) {
    if (middles.size() < 2) return;
    const double end = middles.front().points.back().y;
    const bool below = end > 80.0;
    panel.labels.push_back({{panel.x.high, below ? end : 100.0},
                            -2.0,
                            below ? 16.0 : 13.0,
                            fmt::format("{} + {} seeds", middles[0].seeds, middles[1].seeds),
                            row.style->text,
                            Anchor::kEnd});
  }

  void add_caption(double bottom) {
    std::string text = "x: tokens in the test examples; bold: the training length. Dashed: chance.";
    if (has_recent_)
      text += " Dotted: what a rule reaches that trusts the latest binding of a key.";
    if (shaded_) text += " Shaded: lengths whose levels were never trained.";
    text += fmt::format(" Best weights, {}. {}", study_.examples_text(), study_.seeds_text());
    if (banded_) {
      const MedianInterval interval = *median_interval(most_seeds_);
      text +=
          fmt::format("; interval: order statistics, of {} seeds number {} to {} ({})", most_seeds_,
                      interval.low + 1, interval.high + 1, percent(interval.coverage));
    }
    figure_.add_caption(bottom, fmt::format("{}. {}", text, study_.origin()));
  }

  const Study& study_;
  std::set<std::int64_t> lengths_, trained_;
  std::size_t most_lengths_ = 0;
  bool has_middle_ = false;
  Figure figure_;
  std::size_t most_seeds_ = 0;
  bool shaded_ = false;
  bool has_recent_ = false;
  bool banded_ = false;
};

}  // namespace

Drawn draw_length(const Study& study) {
  LengthPicture picture(study);
  if (picture.lengths() < 2) return {std::nullopt, "it has one length"};
  return {picture.draw(), ""};
}

}  // namespace recollect::plot
