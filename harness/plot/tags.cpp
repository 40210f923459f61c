#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <set>

#include "base/text.hpp"
#include "harness/plot/numbers.hpp"
#include "harness/plot/panels.hpp"
#include "harness/plot/pictures.hpp"
#include "harness/plot/seed_parts.hpp"

namespace recollect::plot {
namespace {

constexpr std::size_t kFewestBins = 3;
constexpr std::size_t kGoodBins = 5;    // with so many a curve has a shape
constexpr double kGroundHeight = 28.0;  // of the bin with most scored positions, in points
constexpr const char* kLag = "lag";

/// Scored positions whose tags lie between two values, the upper one excluded.
struct Bin {
  double low = 0.0, high = 0.0;
  double x = 0.0;  ///< where it stands
  friend auto operator<=>(const Bin&, const Bin&) = default;
};

/// How many positions of a bin were scored, and of these answered rightly.
struct Count {
  double scored = 0.0;
  double correct = 0.0;
  [[nodiscard]] double share() const { return correct / scored; }
};
using Counts = std::map<Bin, Count>;

/// The bin of a value: an octave or a part of one, or the value alone.
class Bins {
 public:
  explicit Bins(int parts_of_octave) : parts_(parts_of_octave) {}
  [[nodiscard]] static Bins of_single_values() { return Bins(0); }

  [[nodiscard]] Bin of(std::int64_t value) const {
    const auto v = static_cast<double>(value);
    if (parts_ == 0) return {v, v + 1.0, v};
    // A power of two begins a bin, whatever the rounding of its logarithm.
    const double part = std::floor(std::log2(std::max(v, 1.0)) * parts_ + 1e-9);
    const double low = std::exp2(part / parts_);
    const double high = std::exp2((part + 1.0) / parts_);
    return {low, high, std::sqrt(low * high)};
  }

 private:
  int parts_;
};

class TagPicture {
 public:
  TagPicture(const Study& study, const Slices& slices, std::string tag)
      : study_(study), slices_(slices), tag_(std::move(tag)), bins_(choose_bins()) {
    for (const StudySection& section : study.sections) {
      for (const StudyRow& row : section.rows) {
        counts_.push_back(counts_of(row));
        has_median_ = has_median_ || row.trained->seeds.size() >= kFewSeeds;
        for (const Counts& counts : counts_.back()) {
          for (const auto& [bin, count] : counts) shown_[bin] += count.scored;
        }
      }
    }
  }

  [[nodiscard]] std::size_t bins() const noexcept { return shown_.size(); }

  Figure draw() {
    figure_.title = tag_ == kLag ? "Accuracy by the distance of the answer"
                                 : "Accuracy by the level that holds the answer";
    figure_.data.header = {"setting", "label",  "variant", "eval_length", "seed",  "low",
                           "high",    "scored", "correct", "accuracy",    "chance"};
    const double at = figure_.add_heading(fmt::format(
        "{}. {}{} Grey ground: how many positions were scored.", study_.setting,
        has_median_ ? "Thin: a seed. Thick: their median, or one for each of two groups of seeds."
                    : "A line is a seed.",
        has_ghosts(study_) ? " Grey: medians of the other variants." : ""));
    std::size_t next = 0;
    const double bottom =
        add_panels(figure_, at + 6.0, study_, grid(),
                   [&](Panel& panel, const StudySection& section, const StudyRow& row) {
                     if (&row == section.rows.data()) first_ = next;
                     draw_row(panel, section, row, next++);
                   });
    figure_.summary =
        fmt::format("Accuracy of {} rows in {} ranges of {}", study_.rows(), bins(), tag_);
    add_caption(bottom);
    return std::move(figure_);
  }

 private:
  template <class Visit>
  void visit(const StudyRow& row, std::size_t seed, Visit&& see) const {
    const auto found = slices_.find(row.trained->cells[seed]);
    if (found == slices_.end()) return;
    for (const SliceRow& slice : found->second) {
      if (slice.slice == tag_ && is_meant(slice.key, *row.trained->key)) see(slice);
    }
  }

  /// Whether a slice is of the score that a row shows, or of one that differs in the tag alone.
  [[nodiscard]] bool is_meant(ScoreKey slice, ScoreKey shown) const {
    slice.settings.erase(tag_);
    shown.settings.erase(tag_);
    return slice == shown;
  }

  /// The widest bins that are enough to show a shape.
  [[nodiscard]] Bins choose_bins() const {
    if (tag_ != kLag) return Bins::of_single_values();
    for (const int parts : {1, 2, 4}) {
      const Bins bins(parts);
      std::map<Bin, int> used;
      for (const StudySection& section : study_.sections) {
        for (const StudyRow& row : section.rows) {
          for (std::size_t i = 0; i < row.trained->cells.size(); ++i) {
            visit(row, i, [&](const SliceRow& slice) { ++used[bins.of(slice.value)]; });
          }
        }
      }
      if (used.size() >= kGoodBins || parts == 4) return bins;
    }
    return Bins(1);
  }

  [[nodiscard]] std::vector<Counts> counts_of(const StudyRow& row) const {
    std::vector<Counts> seeds(row.trained->cells.size());
    for (std::size_t i = 0; i < seeds.size(); ++i) {
      visit(row, i, [&](const SliceRow& slice) {
        Count& count = seeds[i][bins_.of(slice.value)];
        count.scored += static_cast<double>(slice.scored);
        count.correct += std::round(slice.accuracy * static_cast<double>(slice.scored));
      });
    }
    return seeds;
  }

  [[nodiscard]] PanelGrid grid() const {
    PanelGrid grid;
    grid.gap = 30.0;
    grid.columns = columns_for(study_, 6, grid.gap);
    grid.height = 140.0;
    const Bin first = shown_.begin()->first;
    const Bin last = shown_.rbegin()->first;
    if (tag_ != kLag) {
      grid.x = {first.x - 0.6, last.x + 0.6};
      const std::size_t stride = (shown_.size() + 7) / 8;
      std::size_t place = 0;
      for (const auto& [bin, scored] : shown_) {
        if (place++ % stride == 0) grid.x_ticks.push_back({bin.x, short_count(bin.x)});
      }
      return grid;
    }
    grid.x = {first.low, last.high, Scale::kLog};
    const double octaves = std::log2(last.high / first.low);
    const double stride = std::ceil(octaves / (grid.columns > 4 ? 3.5 : 6.0));
    for (double power = std::ceil(std::log2(first.low) - 1e-9); std::exp2(power) <= last.high;
         power += stride) {
      grid.x_ticks.push_back({std::exp2(power), with_commas(std::llround(std::exp2(power)))});
    }
    return grid;
  }

  void draw_row(Panel& panel, const StudySection& section, const StudyRow& row, std::size_t place) {
    add_ground(panel, counts_[place]);
    if (has_ghosts(section)) {
      for (std::size_t other = 0; other < section.rows.size(); ++other) {
        if (&section.rows[other] == &row) continue;
        add_line(panel, medians(counts_[first_ + other]), ink::kGhost, 1.1, section.rows[other]);
        panel.marks.back().name = section.rows[other].name;
      }
    }
    if (row.trained->chance) {
      panel.marks.push_back(level_line(panel.x, *row.trained->chance * 100.0, ink::kReference,
                                       kReferenceLine, Dash::kDashed));
    }
    for (std::size_t seed = 0; seed < counts_[place].size(); ++seed) {
      add_seed(panel, section, row, seed, counts_[place][seed]);
    }
    for (const std::set<std::int64_t>& seeds : seed_parts(*row.trained)) {
      const std::vector<Point> middle = medians(counts_of_seeds(row, place, seeds));
      add_line(panel, middle, row.style->mark, kMedianLine, row);
      Mark dots;
      dots.kind = MarkKind::kDots;
      dots.points = middle;
      dots.ink = row.style->mark;
      dots.marker = row.style->marker;
      dots.size = 2.3;
      dots.of = row.named;
      panel.marks.push_back(std::move(dots));
    }
  }

  [[nodiscard]] std::vector<Counts> counts_of_seeds(const StudyRow& row, std::size_t place,
                                                    const std::set<std::int64_t>& seeds) const {
    std::vector<Counts> counts;
    for (std::size_t i = 0; i < row.trained->seeds.size(); ++i) {
      if (seeds.contains(row.trained->seeds[i])) counts.push_back(counts_[place][i]);
    }
    return counts;
  }

  /// Bars, the highest where most positions were scored.
  void add_ground(Panel& panel, const std::vector<Counts>& seeds) const {
    std::map<Bin, double> scored;
    double most = 0.0;
    for (const Counts& counts : seeds) {
      for (const auto& [bin, count] : counts) {
        most = std::max(most, scored[bin] += count.scored);
      }
    }
    std::vector<Mark> bars;
    for (const auto& [bin, count] : scored) {
      Mark bar;
      bar.kind = MarkKind::kBand;
      const double middle = tag_ == kLag ? 0.0 : 0.5;  // a level's bar stands around its number
      const double height = count / most * kGroundHeight;
      bar.points = {{bin.low - middle, 0.0}, {bin.high - middle, 0.0}};
      bar.upper = {height, height};
      bar.ink = ink::kBar;
      bars.push_back(std::move(bar));
    }
    panel.marks.insert(panel.marks.begin(), bars.begin(), bars.end());
  }

  [[nodiscard]] static std::vector<Point> medians(const std::vector<Counts>& seeds) {
    std::map<Bin, std::vector<double>> values;
    for (const Counts& counts : seeds) {
      for (const auto& [bin, count] : counts) values[bin].push_back(count.share());
    }
    std::vector<Point> points;
    for (auto& [bin, shares] : values) {
      std::sort(shares.begin(), shares.end());
      points.push_back({bin.x, median(shares) * 100.0});
    }
    return points;
  }

  static void add_line(Panel& panel, std::vector<Point> points, const Ink& ink, double width,
                       const StudyRow& of) {
    Mark line;
    line.points = std::move(points);
    line.ink = ink;
    line.size = width;
    line.of = of.named;
    panel.marks.push_back(std::move(line));
  }

  void add_seed(Panel& panel, const StudySection& section, const StudyRow& row, std::size_t seed,
                const Counts& counts) {
    std::vector<Point> points;
    for (const auto& [bin, count] : counts) {
      points.push_back({bin.x, count.share() * 100.0});
      figure_.data.rows.push_back(
          {section.title, row.name, row.named.variant, csv_text(row.trained->key->eval_length),
           csv_text(row.trained->seeds[seed]), csv_text(bin.low), csv_text(bin.high),
           csv_text(count.scored), csv_text(count.correct), csv_text(count.share()),
           csv_text(value_of(row.trained->chance))});
    }
    add_line(panel, std::move(points), row.style->mark, kSeedLine, row);
    panel.marks.back().name = fmt::format("{}, seed {}", row.name, row.trained->seeds[seed]);
    panel.marks.back().cells = {row.trained->cells[seed]};
    panel.marks.back().dash = row.style->dash;
  }

  void add_caption(double bottom) {
    const std::string x =
        tag_ == kLag ? "x: tokens from the answer to the question that asks for it, log scale"
                     : "x: level of the Fenwick partition that holds the answer when it is asked "
                       "for; level l spans 2^(l-1) tokens";
    figure_.add_caption(bottom,
                        fmt::format("{}. Dashed: chance. Best weights, {}. {}. {}", x,
                                    study_.examples_text(), study_.seeds_text(), study_.origin()));
  }

  const Study& study_;
  const Slices& slices_;
  std::string tag_;
  Bins bins_;
  std::vector<std::vector<Counts>> counts_;  ///< of every row, by seed
  std::map<Bin, double> shown_;              ///< bins that any row has
  std::size_t first_ = 0;                    ///< row of the section that is being drawn
  bool has_median_ = false;
  Figure figure_;
};

/// Whether eval.cells sets what the tag counts: then each score has one value of it, and together
/// they are the picture.
bool is_asked_one_by_one(const Study& study, const std::string& tag) {
  for (const StudySection& section : study.sections) {
    for (const StudyRow& row : section.rows) {
      if (row.trained->key && row.trained->key->settings.contains(tag)) return true;
    }
  }
  return false;
}

}  // namespace

Drawn draw_by_tag(const Study& scored, const Slices& slices, const std::string& tag) {
  if (slices.empty()) {
    return {std::nullopt, "a table has no slices; give the runs or their archive"};
  }
  const bool joined = is_asked_one_by_one(scored, tag);
  const Study trainings = joined ? scored.by_training() : Study();
  TagPicture picture(joined ? trainings : scored, slices, tag);
  if (picture.bins() == 0) return {std::nullopt, fmt::format("its task has no tag '{}'", tag)};
  if (picture.bins() < kFewestBins) {
    return {std::nullopt,
            fmt::format("all its answers lie in {}",
                        tag == kLag ? "one range of lags, or two" : "one level, or two")};
  }
  return {picture.draw(), ""};
}

}  // namespace recollect::plot
