#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "harness/plot/numbers.hpp"
#include "harness/plot/panels.hpp"
#include "harness/plot/pictures.hpp"

namespace recollect::plot {
namespace {

constexpr double kSpread = 0.3;  // octaves over which the dots of one number of pairs stand

/// The groups of one label, by their pairs.
struct Load {
  const StudyRow* row = nullptr;
  std::map<std::int64_t, const GroupResult*> by_pairs;
};

std::vector<Load> loads_of(const Study& study) {
  std::vector<Load> loads;
  for (const StudySection& section : study.sections) {
    if (!section.pairs) continue;
    for (const StudyRow& row : section.rows) {
      auto found = std::find_if(loads.begin(), loads.end(),
                                [&](const Load& load) { return load.row->name == row.name; });
      if (found == loads.end()) {
        loads.push_back({&row, {}});
        found = loads.end() - 1;
      }
      found->by_pairs.emplace(*section.pairs, row.trained);
    }
  }
  return loads;
}

/// True where sections differ in the pairs alone: one dot then has one place.
bool differs_in_pairs_alone(const Study& study) {
  std::set<std::int64_t> pairs;
  for (const StudySection& section : study.sections) {
    if (section.pairs && !pairs.insert(*section.pairs).second) return false;
  }
  return true;
}

class PairsPicture {
 public:
  PairsPicture(const Study& study, std::vector<Load> loads)
      : study_(study), loads_(std::move(loads)) {}

  Figure draw() {
    figure_.title = "Accuracy against the number of pairs";
    figure_.data.header = {"label",    "variant", "pairs",  "seed",
                           "accuracy", "solved",  "chance", "ceiling_recent"};
    const double at = figure_.add_heading(
        fmt::format("{}. A dot is a seed: filled solved the task ({} on validation examples at "
                    "some check), hollow did not. Above: seeds that solved it.",
                    study_.setting, threshold(study_.solve_at)));
    std::set<std::int64_t> pairs;
    for (const Load& load : loads_) {
      for (const auto& [number, group] : load.by_pairs) pairs.insert(number);
    }
    PanelGrid grid;
    grid.x = {static_cast<double>(*pairs.begin()) / 1.5, static_cast<double>(*pairs.rbegin()) * 1.5,
              Scale::kLog};
    for (const std::int64_t number : pairs) {
      grid.x_ticks.push_back({static_cast<double>(number), std::to_string(number)});
    }
    // One section that has every label once.
    Study once = study_;
    StudySection section{"", std::nullopt, {}};
    for (const Load& load : loads_) section.rows.push_back(*load.row);
    once.sections = {section};
    grid.columns = columns_for(once, 3, grid.gap);
    const double bottom = add_panels(
        figure_, at + 8.0, once, grid,
        [&](Panel& panel, const StudySection&, const StudyRow& row) { draw_row(panel, row); });
    figure_.summary = fmt::format("Accuracy of {} labels by the number of pairs", loads_.size());
    figure_.add_caption(bottom,
                        fmt::format("x: pairs of an example. Dashed: chance. Dotted: what a rule "
                                    "reaches that trusts the latest binding of a key. Best "
                                    "weights, {}. {}. {}",
                                    study_.examples_text(), study_.seeds_text(), study_.origin()));
    return std::move(figure_);
  }

 private:
  void draw_row(Panel& panel, const StudyRow& row) {
    panel.y.high = 114.0;  // room for the counts above
    const auto load = std::find_if(loads_.begin(), loads_.end(),
                                   [&](const Load& one) { return one.row->name == row.name; });
    Mark chance, recent, dots;
    chance.ink = recent.ink = ink::kReference;
    chance.size = recent.size = kReferenceLine;
    chance.dash = Dash::kDashed;
    recent.dash = Dash::kDotted;
    dots.kind = MarkKind::kDots;
    dots.ink = row.style->mark;
    dots.marker = row.style->marker;
    dots.size = kDot;
    dots.of = row.named;
    Mark hollow = dots;
    hollow.filled = false;
    for (const auto& [number, group] : load->by_pairs) {
      const auto x = static_cast<double>(number);
      if (group->chance) chance.points.push_back({x, *group->chance * 100.0});
      const auto ceiling = ceiling_of(group->ceilings, "recent");
      if (ceiling) recent.points.push_back({x, *ceiling * 100.0});
      for (std::size_t i = 0; i < group->seeds.size(); ++i) {
        const double place =
            group->seeds.size() < 2
                ? 0.0
                : static_cast<double>(i) / static_cast<double>(group->seeds.size() - 1) - 0.5;
        const double accuracy = group->accuracy.values[i];
        Mark& kind = solved(*group, i) ? dots : hollow;
        kind.points.push_back({x * std::exp2(place * kSpread), accuracy * 100.0});
        kind.cells.push_back(group->cells[i]);
        figure_.data.rows.push_back({row.name, row.named.variant, csv_text(number),
                                     csv_text(group->seeds[i]), csv_text(accuracy),
                                     csv_text(solved(*group, i)), csv_text(value_of(group->chance)),
                                     csv_text(value_of(ceiling))});
      }
      panel.labels.push_back({{x, panel.y.high},
                              0.0,
                              8.0,
                              training_is_known(*group)
                                  ? fmt::format("{}/{}", group->solved(), group->runs())
                                  : std::string("–"),
                              ink::kMuted,
                              Anchor::kMiddle});
    }
    for (Mark* mark : {&chance, &recent, &hollow, &dots}) panel.marks.push_back(std::move(*mark));
  }

  const Study& study_;
  std::vector<Load> loads_;
  Figure figure_;
};

}  // namespace

Drawn draw_pairs(const Study& study) {
  std::vector<Load> loads = loads_of(study);
  std::set<std::int64_t> pairs;
  for (const Load& load : loads) {
    for (const auto& [number, group] : load.by_pairs) pairs.insert(number);
  }
  if (pairs.size() < 2) return {std::nullopt, "it has one number of pairs, or none"};
  if (!differs_in_pairs_alone(study)) {
    return {std::nullopt, "its settings differ in more than the pairs"};
  }
  return {PairsPicture(study, std::move(loads)).draw(), ""};
}

}  // namespace recollect::plot
