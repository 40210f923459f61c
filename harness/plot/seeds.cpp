#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "harness/plot/numbers.hpp"
#include "harness/plot/order.hpp"
#include "harness/plot/panels.hpp"
#include "harness/plot/pictures.hpp"
#include "harness/plot/seed_parts.hpp"
#include "harness/plot/text_width.hpp"

namespace recollect::plot {
namespace {

constexpr double kAxisLeft = 222.0;
constexpr double kAxisRight = 580.0;
constexpr double kSolvedAt = 650.0;  // right ends of the columns of numbers
constexpr double kIntervalAt = 722.0;
constexpr double kMedianAt = 784.0;
constexpr double kMostApart = 6.0;  // of two seeds, upwards
constexpr double kRoom = 13.0;      // that a row has above its highest and below its lowest dot
constexpr double kLargeName = 14.5;

double height_of_rows(const Study& study, std::size_t most_seeds) {
  if (study.rows() <= 12) return most_seeds > 12 ? 84.0 : 66.0;
  return study.rows() <= 40 ? 48.0 : 36.0;
}

class SeedsPicture {
 public:
  explicit SeedsPicture(const Study& study) : study_(study) {
    std::size_t most = 1;
    for (const StudySection& section : study.sections) {
      for (const StudyRow& row : section.rows) {
        most = std::max(most, row.trained->accuracy.values.size());
      }
    }
    row_height_ = height_of_rows(study, most);
    // The same distance in all rows, so that heights are counts; dots so small that hollow ones
    // stay hollow where they overlap.
    apart_ = std::min(kMostApart, (row_height_ - 2 * kRoom) / static_cast<double>(most));
    radius_ = std::clamp(apart_ * 0.62, 1.3, kDot);
  }

  Figure draw() {
    figure_.title = "Test accuracy of every seed";
    figure_.data.header = {"setting", "label",     "variant",    "eval_length", "seed",
                           "rank",    "accuracy",  "solved",     "chance",      "solved_runs",
                           "runs",    "share_low", "share_high", "median_step"};
    double at = figure_.add_heading(fmt::format(
        "{}. A dot is a seed, sorted within its row: filled solved the task ({} on validation "
        "examples at some check), hollow did not.",
        study_.setting, threshold(study_.solve_at)));
    at = add_column_heads(at + 14.0);
    panel_ = {kAxisLeft, at, kAxisRight, at, {-1.5, 101.5}, {}, {}};
    for (const StudySection& section : study_.sections) at = add_section(section, at);
    finish(at);
    return std::move(figure_);
  }

 private:
  double add_column_heads(double at) {
    const auto head = [&](double x, const char* first, const char* second) {
      figure_.add({x, at + 10.0, first, kTickSize, ink::kMuted, Anchor::kEnd});
      figure_.add({x, at + 25.0, second, kTickSize, ink::kMuted, Anchor::kEnd});
    };
    head(kSolvedAt, "seeds", "solved");
    head(kIntervalAt, "95 %", "interval");
    head(kMedianAt, "median", "step");
    return at + 32.0;
  }

  double add_section(const StudySection& section, double at) {
    if (!section.title.empty()) {
      at += 26.0;
      figure_.add({kMargin, at - 7.0, shortened(section.title, kAxisLeft + 300.0, kNameSize, true),
                   kNameSize, ink::kText, Anchor::kStart, true});
    }
    rules_.push_back(at);
    const double top = at;
    for (const StudyRow* row : by_success(section)) {
      add_row(section, *row, at);
      at += row_height_;
      rules_.push_back(at);
    }
    add_chance(section, top, at);
    return at;
  }

  void add_row(const StudySection& section, const StudyRow& row, double top) {
    const GroupResult& group = *row.trained;
    const double middle = top + row_height_ / 2.0;
    const std::string says =
        group.diverged > 0 ? fmt::format("{} diverged", group.diverged) : row.style->says;
    const bool two_lines = row_height_ > 40.0 && !says.empty();
    const double room = kAxisLeft - kMargin - 14.0;
    figure_.add({kMargin, middle + (two_lines ? -3.0 : 5.0),
                 shortened(row.name, room, kLargeName, true), kLargeName, row.style->text,
                 Anchor::kStart, true});
    if (two_lines) {
      figure_.add({kMargin, middle + 13.0, shortened(says, room, kTickSize), kTickSize});
    }
    const bool known = training_is_known(group);
    const std::string solved =
        known ? fmt::format("{}/{}", group.solved(), group.runs()) : std::string("–");
    figure_.add({kSolvedAt, middle + 5.0, solved, 15.0, ink::kText, Anchor::kEnd, true});
    if (const auto interval = group.solved_interval()) {
      figure_.add(
          {kIntervalAt, middle + 5.0, percent_range(*interval), 12.5, ink::kMuted, Anchor::kEnd});
    }
    if (known) {
      figure_.add({kMedianAt, middle + 5.0,
                   step_or_later(group.solve_step_median, group.step_limit), 12.5,
                   group.solve_step_median ? ink::kText : ink::kMuted, Anchor::kEnd});
    }
    add_dots(section, row, middle);
    summary_ +=
        fmt::format("{}{}: {}", summary_.empty() ? "" : "; ", row.name, solved_in_words(group));
  }

  void add_dots(const StudySection& section, const StudyRow& row, double middle) {
    const GroupResult& group = *row.trained;
    const std::vector<std::size_t> order = by_accuracy(group);
    Mark dots;
    dots.kind = MarkKind::kDots;
    dots.ink = row.style->mark;
    dots.size = radius_;
    Mark hollow = dots;
    hollow.filled = false;
    for (std::size_t rank = 0; rank < order.size(); ++rank) {
      const std::size_t seed = order[rank];
      const double accuracy = group.accuracy.values[seed] * 100.0;
      const double up =
          (static_cast<double>(rank) - static_cast<double>(order.size() - 1) / 2.0) * apart_;
      (solved(group, seed) ? dots : hollow).points.push_back({accuracy, middle - up});
      add_data(section, row, seed, rank + 1);
    }
    panel_.marks.push_back(std::move(hollow));
    panel_.marks.push_back(std::move(dots));
  }

  void add_data(const StudySection& section, const StudyRow& row, std::size_t seed,
                std::size_t rank) {
    const GroupResult& group = *row.trained;
    const Interval share = group.solved_interval().value_or(Interval{});
    figure_.data.rows.push_back(
        {section.title, row.name, row.named.variant, csv_text(group.key->eval_length),
         csv_text(group.seeds[seed]), std::to_string(rank), csv_text(group.accuracy.values[seed]),
         csv_text(solved(group, seed)), csv_text(value_of(group.chance)), csv_text(group.solved()),
         csv_text(group.runs()), csv_text(share.low), csv_text(share.high),
         csv_text(value_of(group.solve_step_median))});
  }

  void add_chance(const StudySection& section, double top, double bottom) {
    for (const StudyRow& row : section.rows) {
      if (!row.trained->chance) continue;
      const double chance = *row.trained->chance * 100.0;
      Mark line;
      line.points = {{chance, top}, {chance, bottom}};
      line.ink = ink::kReference;
      line.size = kReferenceLine;
      line.dash = Dash::kDashed;
      chances_.push_back(std::move(line));
      if (chance == last_chance_) return;  // it has been named above
      last_chance_ = chance;
      const std::string text = fmt::format("chance {}", percent(chance / 100.0, 1));
      const double half = text_width(text, kTickSize) / 2.0;
      const double beside_title =
          kMargin + text_width(section.title, kNameSize, true) + 14.0 + half;
      const double right = kAxisRight - half;
      const double x = std::min(right, std::max(beside_title, panel_.px(chance)));
      figure_.add({x, top - 7.0, text, kTickSize, ink::kMuted, Anchor::kMiddle});
      return;
    }
  }

  void finish(double bottom) {
    panel_.bottom = bottom;
    panel_.y = {bottom, panel_.top};  // px, which grow downwards
    std::vector<Mark> behind;
    for (const double tick : {0.0, 25.0, 50.0, 75.0, 100.0}) {
      Mark line;
      line.points = {{tick, bottom}, {tick, panel_.top}};
      line.ink = ink::kGrid;
      line.size = kGridLine;
      behind.push_back(std::move(line));
      figure_.add({panel_.px(tick), bottom + 18.0, tick == 100.0 ? "100 %" : short_count(tick),
                   kTickSize, ink::kMuted, Anchor::kMiddle});
    }
    behind.insert(behind.end(), chances_.begin(), chances_.end());
    panel_.marks.insert(panel_.marks.begin(), behind.begin(), behind.end());
    Panel across{kMargin, panel_.top, kWidth - kMargin, bottom, {0.0, 1.0}, panel_.y, {}};
    for (const double y : rules_) {
      across.marks.push_back(level_line(across.x, y, ink::kGrid, kGridLine, Dash::kSolid));
    }
    figure_.panels.push_back(std::move(across));
    figure_.panels.push_back(std::move(panel_));
    figure_.add({kMargin, bottom + 18.0, "accuracy on test examples", kTickSize, ink::kMuted});
    figure_.summary = summary_;
    figure_.add_caption(
        bottom + 22.0,
        fmt::format("Best weights, {}. {}. Interval: Wilson, of the share solved. Median step: "
                    "Kaplan–Meier, over all seeds. {}",
                    study_.examples_text(), study_.seeds_text(), study_.origin()));
  }

  const Study& study_;
  double row_height_ = 0.0;
  double radius_ = kDot;
  double apart_ = kMostApart;
  Figure figure_;
  Panel panel_;
  std::vector<double> rules_;
  std::vector<Mark> chances_;
  double last_chance_ = -1.0;
  std::string summary_;
};

}  // namespace

Drawn draw_seeds(const Study& study) { return {SeedsPicture(study).draw(), ""}; }

}  // namespace recollect::plot
