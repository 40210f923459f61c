#include "harness/results/published.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "harness/plot/differences.hpp"
#include "harness/plot/numbers.hpp"
#include "harness/plot/panels.hpp"
#include "harness/plot/pictures.hpp"
#include "harness/plot/text_width.hpp"

namespace recollect::plot {
namespace {

constexpr double kRow = 24.0;
constexpr double kMeans = 394.0;  // left ends of the two axes
constexpr double kShares = 552.0;
constexpr double kAxis = 130.0;  // their width
constexpr std::size_t kMostRows = 200;

class PublishedPicture {
 public:
  PublishedPicture(const std::vector<PublishedComparison>& rows, const Styles& styles)
      : rows_(rows), styles_(styles) {}

  Figure draw() {
    figure_.name = "published";
    figure_.title = "Ours beside published figures";
    figure_.data.header = {"source",           "experiment", "label",          "task",
                           "eval_length",      "difference", "difference_low", "difference_high",
                           "share_difference", "share_low",  "share_high",     "decided_by",
                           "verdict"};
    double at = figure_.add_heading(
        "Ours less published, in points, with 95 % intervals. Large: what decides the verdict; "
        "filled: it differs.");
    at += 34.0;
    const auto head = [&](double x, const char* text) {
      figure_.add({x + kAxis / 2.0, at - 4.0, text, kTickSize, ink::kMuted, Anchor::kMiddle});
    };
    head(kMeans, "mean accuracy");
    head(kShares, "seeds solved");
    means_ = axis(kMeans, at);
    shares_ = axis(kShares, at);
    const double top = at;
    std::string source;
    const std::vector<const PublishedComparison*> compared = by_source(rows_);
    not_comparable_ = rows_.size() - compared.size();
    for (const PublishedComparison* row : compared) {
      if (row->figure.source != source) {
        source = row->figure.source;
        at += 8.0;
        for (const std::string& line : wrapped_lines(source, kMeans - 60.0, kTickSize)) {
          at += 15.0;
          figure_.add({kMargin, at - 4.0, line, kTickSize, ink::kText, Anchor::kStart, true});
        }
      }
      add_row(*row, at + kRow / 2.0);
      at += kRow;
    }
    finish(top, at + 4.0);
    return std::move(figure_);
  }

 private:
  static Panel axis(double left, double top) {
    return {left, top, left + kAxis, top, {-104.0, 104.0}, {}, {}};
  }

  void add_row(const PublishedComparison& row, double y) {
    const VariantStyle& style = styles_.of({row.ours.variant, row.ours.label});
    figure_.add({kMargin + 8.0, y + 4.0, shortened(row.ours.label, 128.0, kNameSize, true),
                 kNameSize, style.text, Anchor::kStart, true});
    const std::string where =
        fmt::format("{} at {}, {}", row.task_settings, row.figure.eval_length, row.ours.experiment);
    figure_.add({kMargin + 142.0, y + 4.0, shortened(where, kMeans - kMargin - 150.0, 11.0), 11.0});
    const bool differs = row.verdict == PublishedVerdict::kDiffers;
    add_difference(means_, means_of(row), style, differs, y);
    add_difference(shares_, shares_of(row), style, differs, y);
    figure_.add({kWidth - kMargin, y + 4.0, name_of(row.verdict), kTickSize,
                 differs ? ink::kText : ink::kMuted, Anchor::kEnd, differs});
    const Difference means = means_of(row);
    const Difference shares = shares_of(row);
    const auto low = [](const Difference& one) {
      return one.interval ? csv_text(one.interval->low) : "";
    };
    const auto high = [](const Difference& one) {
      return one.interval ? csv_text(one.interval->high) : "";
    };
    figure_.data.rows.push_back({row.figure.source, row.ours.experiment, row.ours.label,
                                 row.task_settings, csv_text(row.figure.eval_length),
                                 csv_text(value_of(means.value)), low(means), high(means),
                                 csv_text(value_of(shares.value)), low(shares), high(shares),
                                 name_of(row.decided_by), name_of(row.verdict)});
    ++verdicts_[name_of(row.verdict)];
  }

  static void add_difference(Panel& panel, const Difference& difference, const VariantStyle& style,
                             bool differs, double y) {
    if (!difference.value) return;
    if (difference.interval) {
      Mark line;
      line.points = {{std::max(-104.0, difference.interval->low * 100.0), y},
                     {std::min(104.0, difference.interval->high * 100.0), y}};
      line.ink = style.mark;
      line.size = difference.decides ? 1.8 : 0.8;
      panel.marks.push_back(std::move(line));
    }
    Mark dot;
    dot.kind = MarkKind::kDots;
    dot.points = {{*difference.value * 100.0, y}};
    dot.ink = style.mark;
    dot.marker = style.marker;
    dot.size = difference.decides ? 3.6 : 2.2;
    dot.filled = differs && difference.decides;
    panel.marks.push_back(std::move(dot));
  }

  void finish(double top, double bottom) {
    for (Panel* panel : {&means_, &shares_}) {
      panel->bottom = bottom;
      panel->y = {bottom, top};
      std::vector<Mark> behind;
      for (const double tick : {-100.0, -50.0, 0.0, 50.0, 100.0}) {
        Mark line;
        line.points = {{tick, bottom}, {tick, top}};
        line.ink = tick == 0.0 ? ink::kReference : ink::kGrid;
        line.size = tick == 0.0 ? kReferenceLine : kGridLine;
        behind.push_back(std::move(line));
        const std::string text =
            tick == 0.0 ? "0" : fmt::format("{}{:.0f}", tick < 0.0 ? "−" : "+", std::abs(tick));
        figure_.add({panel->px(tick), bottom + 16.0, text, 11.0, ink::kMuted, Anchor::kMiddle});
      }
      panel->marks.insert(panel->marks.begin(), behind.begin(), behind.end());
    }
    figure_.panels.push_back(std::move(means_));
    figure_.panels.push_back(std::move(shares_));
    std::string counts;
    for (const auto& [verdict, count] : verdicts_) {
      counts += fmt::format("{}{} {}", counts.empty() ? "" : ", ", count, verdict);
    }
    figure_.summary = counts;
    std::set<std::string> versions;
    for (const PublishedComparison& row : rows_) versions.insert(row.ours.code_version);
    const std::string code =
        versions.size() == 1 ? fmt::format(" Ours at {}.", *versions.begin()) : "";
    figure_.add_caption(
        bottom + 18.0,
        fmt::format("Best weights on validation examples, as published. Intervals: Welch of means, "
                    "Newcombe of shares. {}; {} more are not comparable and not drawn.{}",
                    counts, not_comparable_, code));
  }

  const std::vector<PublishedComparison>& rows_;
  const Styles& styles_;
  Figure figure_;
  Panel means_, shares_;
  std::map<std::string, std::size_t> verdicts_;
  std::size_t not_comparable_ = 0;
};

}  // namespace

Drawn draw_published(const std::vector<PublishedComparison>& rows, const Styles& styles) {
  std::size_t comparable = 0;
  for (const PublishedComparison& row : rows) {
    if (row.verdict != PublishedVerdict::kNotComparable) ++comparable;
  }
  if (comparable == 0) return {std::nullopt, "no figure is comparable"};
  if (comparable > kMostRows) {
    return {std::nullopt, fmt::format("{} figures are more than {}", comparable, kMostRows)};
  }
  return {PublishedPicture(rows, styles).draw(), ""};
}

}  // namespace recollect::plot
