#include "harness/plot/lambda.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "base/text.hpp"
#include "harness/inspect/inspection_table.hpp"
#include "harness/plot/numbers.hpp"
#include "harness/plot/panels.hpp"
#include "harness/plot/text_width.hpp"
#include "harness/store/experiment_file.hpp"

namespace recollect::plot {
namespace {

constexpr double kMapLeft = 112.0;
constexpr double kMapRight = 582.0;
constexpr double kMeansLeft = 632.0;
constexpr double kMeansRight = 772.0;
constexpr double kRow = 17.0;
constexpr double kBox = 15.5;   // of a row's height
constexpr double kLane = 6.0;   // of a kind of token in the strip above the first map
constexpr double kBars = 82.0;  // height of what a query reads
constexpr std::size_t kMostMaps = 8;
constexpr std::int64_t kMostTokens = 2048;  // beyond, a position is a quarter of a px
constexpr std::size_t kMostKinds = 5;  // with a look of their own; later ones look like the last

// Classes of lambda, equally wide on a logarithmic scale: the same in each picture, so that two of
// them can be compared.
constexpr double kLowest = 0.003;
constexpr double kHighest = 18.0;
constexpr std::size_t kClasses = 11;
// Of the means.
constexpr double kMeanLow = 0.001;
constexpr double kMeanHigh = 30.0;

/// How a kind of token looks in the strip and among the means.
struct KindStyle {
  Ink ink;
  Marker marker;
  bool filled;
};

const std::array<KindStyle, kMostKinds>& kind_styles() {
  static const std::array<KindStyle, kMostKinds> kStyles = {{
      {ink::kText, Marker::kCircle, true},
      {{"#8B949F", "#8B949F"}, Marker::kCircle, true},
      {{"#D15808", "#F0702A"}, Marker::kCircle, false},
      {{"#A9B1BA", "#5F6873"}, Marker::kSquare, false},
      {{"#1B87B8", "#63C3F0"}, Marker::kDiamond, false},
  }};
  return kStyles;
}

/// A look for each kind of the task: by its name where that is known, so that keys look alike in
/// all tasks, else the next that is free.
std::vector<KindStyle> styles_of(TokenKinds kinds) {
  static const std::map<std::string_view, std::size_t> kKnown = {
      {"key", 0},   {"data", 0},   {"value", 1}, {"query", 2},
      {"blank", 2}, {"filler", 3}, {"noise", 3}};
  std::set<std::size_t> free = {0, 1, 2, 3, 4};
  for (const TokenKind& kind : kinds) {
    if (kKnown.contains(kind.name)) free.erase(kKnown.at(kind.name));
  }
  std::vector<KindStyle> styles;
  for (const TokenKind& kind : kinds) {
    std::size_t place = kMostKinds - 1;
    if (kKnown.contains(kind.name)) {
      place = kKnown.at(kind.name);
    } else if (!free.empty()) {
      place = *free.begin();
      free.erase(free.begin());
    }
    styles.push_back(kind_styles()[place]);
  }
  return styles;
}

std::size_t class_of(double lambda) {
  if (!(lambda > kLowest)) return 0;
  const double at = std::log(lambda / kLowest) / std::log(kHighest / kLowest);
  return std::min(static_cast<std::size_t>(at * static_cast<double>(kClasses)), kClasses - 1);
}

Ink ink_of_class(std::size_t number) {
  return ink::on_ramp(static_cast<double>(number) / static_cast<double>(kClasses - 1));
}

/// ".001", "10"
std::string short_tick(double value) {
  const std::string text = fmt::format("{:g}", value);
  return text.starts_with("0.") ? text.substr(1) : text;
}

class LambdaPicture {
 public:
  explicit LambdaPicture(const Inspection& inspection)
      : inspection_(inspection),
        shown_(inspection.shown),
        tokens_(static_cast<double>(shown_.length)),
        styles_(styles_of(shown_.kinds)) {}

  Figure draw() {
    figure_.name = "lambda-" + file_stem(inspection_.label);
    figure_.title = "Where the memory looks: λ by level and position";
    figure_.data = inspection_table(inspection_);
    double at = figure_.add_heading(
        fmt::format("{}, one example of {}, {} tokens. Blank: at this position the level holds "
                    "nothing.",
                    inspection_.label, shown_.task_name, with_commas(shown_.length)));
    figure_.add({kMeansRight, at + 20.0,
                 fmt::format("mean of {} examples", with_commas(inspection_.examples)), kTickSize,
                 ink::kMuted, Anchor::kEnd});
    std::size_t maps = 0;
    for (std::size_t l = 0; l < inspection_.layers.size(); ++l) {
      const InspectedLayer& layer = inspection_.layers[l];
      for (std::size_t h = 0; h < layer.heads.size() && layer.levels > 0; ++h) {
        ++maps;
        if (maps <= kMostMaps) at = add_map(l, h, at + 22.0, maps == 1);
      }
    }
    at = add_query(at + 26.0);
    figure_.summary = summary_;
    figure_.add_caption(at, caption(maps));
    return std::move(figure_);
  }

 private:
  [[nodiscard]] std::string name_of_head(std::size_t l, std::size_t h) const {
    return inspection_.layers[l].heads.size() == 1 ? fmt::format("Layer {}", l)
                                                   : fmt::format("Layer {}, head {}", l, h);
  }

  [[nodiscard]] std::string caption(std::size_t maps) const {
    std::string text = fmt::format(
        "x: position; rows: level of the Fenwick partition and the tokens it spans. Right: mean λ "
        "by kind of token, at the edge where it is beyond. Input-dependence: variance of λ over "
        "examples at one level and position, of its total variance; what position alone decides "
        "is not in it. One seed: {}; example {} of split {}.",
        inspection_.weights, shown_.index, name_of(shown_.split));
    if (maps > kMostMaps) {
      text += fmt::format(" The first {} of {} heads; the numbers of all are in the table beside.",
                          kMostMaps, maps);
    }
    return text;
  }

  /// One map with its means. @returns the y below it
  double add_map(std::size_t l, std::size_t h, double at, bool first) {
    const InspectedLayer& layer = inspection_.layers[l];
    const HeadInspection& head = layer.heads[h];
    const std::string says = fmt::format("input-dependence {}: {}", percent(head.shares->inputs, 1),
                                         verdict_of(*head.shares));
    figure_.add({kMargin, at, name_of_head(l, h), 13.5, ink::kText, Anchor::kStart, true});
    figure_.add({kMapRight, at, says, kTickSize, ink::kText, Anchor::kEnd});
    summary_ += fmt::format("{}{}: {}", summary_.empty() ? "" : "; ", name_of_head(l, h), says);
    at += 9.0;
    if (first) at = add_strip(at);
    const auto levels = static_cast<double>(layer.levels);
    const double bottom = at + kRow * levels;
    Panel map{kMapLeft, at, kMapRight, bottom, {0.0, tokens_}, {0.0, levels}, {}};
    add_boxes(layer, head, map);
    for (std::size_t level = 0; level < layer.levels; ++level) {
      const double line = bottom - kRow * static_cast<double>(level) - 4.5;
      figure_.add({kMapLeft - 26.0, line, span_of_level(level, layer.levels, shown_.length),
                   kTickSize, ink::kMuted, Anchor::kEnd});
      figure_.add(
          {kMapLeft - 8.0, line, fmt::format("{}", level), kTickSize, ink::kMuted, Anchor::kEnd});
    }
    add_position_ticks(map, bottom);
    figure_.panels.push_back(std::move(map));
    add_means(layer, head, at, bottom);
    return bottom + 22.0;
  }

  /// Neighbours of one class are one box.
  void add_boxes(const InspectedLayer& layer, const HeadInspection& head, Panel& map) const {
    std::array<Mark, kClasses> marks;
    for (std::size_t i = 0; i < kClasses; ++i) {
      marks[i].kind = MarkKind::kBoxes;
      marks[i].ink = ink_of_class(i);
    }
    const auto tokens = static_cast<std::size_t>(shown_.length);
    for (std::size_t level = 0; level < layer.levels; ++level) {
      const auto low = static_cast<double>(level) + (kRow - kBox) / kRow;
      const auto high = static_cast<double>(level + 1);
      const auto class_at = [&](std::size_t t) {
        const bool holds = holds_tokens(level, layer.levels, static_cast<std::int64_t>(t));
        return holds ? class_of(head.lambda[t * layer.levels + level]) : kClasses;
      };
      for (std::size_t t = 0; t < tokens;) {
        const std::size_t here = class_at(t);
        std::size_t end = t + 1;
        while (end < tokens && class_at(end) == here) ++end;
        if (here < kClasses) {
          marks[here].points.push_back({static_cast<double>(t), low});
          marks[here].points.push_back({static_cast<double>(end), high});
        }
        t = end;
      }
    }
    for (Mark& mark : marks) {
      if (!mark.points.empty()) map.marks.push_back(std::move(mark));
    }
  }

  /// A lane for each kind of token that occurs. @returns the y below
  double add_strip(double at) {
    std::vector<std::size_t> kinds;
    for (std::size_t k = 0; k < shown_.kinds.size(); ++k) {
      if (occurs(k)) kinds.push_back(k);
    }
    const double bottom = at + kLane * static_cast<double>(kinds.size());
    Panel strip{kMapLeft, at, kMapRight, bottom, {0.0, tokens_}, {bottom, at}, {}};
    for (std::size_t lane = 0; lane < kinds.size(); ++lane) {
      Mark boxes;
      boxes.kind = MarkKind::kBoxes;
      boxes.ink = styles_[kinds[lane]].ink;
      boxes.name = std::string(shown_.kinds[kinds[lane]].name);
      const double top = at + kLane * static_cast<double>(lane);
      for (std::size_t t = 0; t < shown_.kind_of.size(); ++t) {
        if (static_cast<std::size_t>(shown_.kind_of[t]) != kinds[lane]) continue;
        boxes.points.push_back({static_cast<double>(t) + 0.1, top + kLane - 1.0});
        boxes.points.push_back({static_cast<double>(t) + 0.9, top});
      }
      strip.marks.push_back(std::move(boxes));
    }
    figure_.panels.push_back(std::move(strip));
    figure_.add({kMapLeft - 8.0, (at + bottom) / 2.0 + 4.0, "kind of token", kTickSize, ink::kMuted,
                 Anchor::kEnd});
    return bottom + 5.0;
  }

  [[nodiscard]] bool occurs(std::size_t kind) const {
    return std::find(shown_.kind_of.begin(), shown_.kind_of.end(),
                     static_cast<std::int32_t>(kind)) != shown_.kind_of.end();
  }

  void add_position_ticks(const Panel& panel, double bottom) {
    for (int quarter = 0; quarter <= 4; ++quarter) {
      const std::int64_t position = shown_.length * quarter / 4;
      if (quarter > 0 && position == shown_.length * (quarter - 1) / 4) continue;
      figure_.add({panel.px(static_cast<double>(position)), bottom + 15.0, with_commas(position),
                   kTickSize, ink::kMuted, Anchor::kMiddle});
    }
  }

  void add_means(const InspectedLayer& layer, const HeadInspection& head, double top,
                 double bottom) {
    const auto levels = static_cast<double>(layer.levels);
    Panel panel{kMeansLeft,    top, kMeansRight, bottom, {kMeanLow, kMeanHigh, Scale::kLog},
                {0.0, levels}, {}};
    for (const double tick : {0.001, 0.01, 0.1, 1.0, 10.0}) {
      Mark line;
      line.points = {{tick, 0.0}, {tick, levels}};
      line.ink = ink::kGrid;
      line.size = kGridLine;
      panel.marks.push_back(std::move(line));
      figure_.add({panel.px(tick), bottom + 15.0, short_tick(tick), kTickSize, ink::kMuted,
                   Anchor::kMiddle});
    }
    for (const std::size_t k : hollow_first()) {
      Mark dots;
      dots.kind = MarkKind::kDots;
      dots.ink = styles_[k].ink;
      dots.marker = styles_[k].marker;
      dots.filled = styles_[k].filled;
      dots.size = styles_[k].filled ? 3.0 : 3.6;
      dots.name = std::string(shown_.kinds[k].name);
      for (std::size_t level = 0; level < layer.levels; ++level) {
        const std::optional<double>& mean = head.mean_by_kind[level][k];
        if (!mean) continue;
        dots.points.push_back(
            {std::clamp(*mean, kMeanLow, kMeanHigh), static_cast<double>(level) + 0.5});
      }
      panel.marks.push_back(std::move(dots));
    }
    figure_.panels.push_back(std::move(panel));
  }

  /// Kinds in the order in which their marks are drawn: a dot can be seen on a ring.
  [[nodiscard]] std::vector<std::size_t> hollow_first() const {
    std::vector<std::size_t> order(styles_.size());
    std::iota(order.begin(), order.end(), 0U);
    std::stable_partition(order.begin(), order.end(),
                          [&](std::size_t k) { return !styles_[k].filled; });
    return order;
  }

  struct Read {
    std::size_t layer, head, query;
  };

  /// Of all heads of the last layer that shows what it reads, the one that gives the answer of the
  /// last query the largest share.
  [[nodiscard]] std::optional<Read> shown_read() const {
    std::optional<Read> best;
    for (std::size_t l = inspection_.layers.size(); l-- > 0 && !best;) best = read_of(l);
    return best;
  }

  /// The same of one layer.
  [[nodiscard]] std::optional<Read> read_of(std::size_t l) const {
    std::optional<Read> best;
    double best_share = -1.0;
    for (std::size_t h = 0; h < inspection_.layers[l].heads.size(); ++h) {
      const HeadInspection& head = inspection_.layers[l].heads[h];
      if (head.rows.empty()) continue;
      const std::size_t query = head.rows.size() - 1;
      const std::optional<std::int64_t>& answer = inspection_.queries[query].answer_at;
      double sum = 0.0;
      for (const double weight : head.rows[query]) sum += std::abs(weight);
      const double share = answer && sum > 0.0
                               ? std::abs(head.rows[query][static_cast<std::size_t>(*answer)]) / sum
                               : 0.0;
      if (share > best_share) best = Read{l, h, query};
      best_share = std::max(best_share, share);
    }
    return best;
  }

  /// What one query reads, and the legend. @returns the y below
  double add_query(double at) {
    add_legend(at);
    const double legend = at + 26.0 + 18.0 * static_cast<double>((shown_.kinds.size() + 1) / 2);
    const std::optional<Read> read = shown_read();
    if (!read) return legend;
    const ShownQuery& query = inspection_.queries[read->query];
    const std::vector<double>& weights =
        inspection_.layers[read->layer].heads[read->head].rows[read->query];
    figure_.add({kMargin, at,
                 fmt::format("{}: what the query at {} reads",
                             name_of_head(read->layer, read->head), query.position),
                 13.5, ink::kText, Anchor::kStart, true});
    const bool softmax = inspection_.layers[read->layer].attention == AttentionKind::kSoftmax;
    figure_.add({kMapRight, at,
                 softmax ? "probability, of the largest" : "|λ · decay · q·k|, of the largest",
                 kTickSize, ink::kMuted, Anchor::kEnd});
    const double top = at + 22.0;
    Panel panel{kMapLeft, top, kMapRight, top + kBars, {0.0, tokens_}, {0.0, 1.0}, {}};
    for (const double tick : {0.0, 0.5, 1.0}) {
      panel.marks.push_back(level_line(panel.x, tick, ink::kGrid, kGridLine, Dash::kSolid));
      figure_.add({kMapLeft - 8.0, panel.py(tick) + 4.0,
                   tick == 1.0 ? "100 %" : fmt::format("{:g}", tick * 100.0), kTickSize,
                   ink::kMuted, Anchor::kEnd});
    }
    add_bars(query, weights, panel);
    add_position_ticks(panel, panel.bottom);
    const double bottom = panel.bottom;
    figure_.panels.push_back(std::move(panel));
    return std::max(bottom + 18.0, legend);
  }

  void add_bars(const ShownQuery& query, const std::vector<double>& weights, Panel& panel) {
    double largest = 0.0;
    for (const double weight : weights) largest = std::max(largest, std::abs(weight));
    const KindStyle& marked = kind_styles()[2];
    Mark bars;
    bars.kind = MarkKind::kBoxes;
    bars.ink = kind_styles()[1].ink;
    Mark answer = bars;
    answer.ink = marked.ink;
    const double half = std::max(0.4, 0.8 * tokens_ / (kMapRight - kMapLeft));
    for (std::size_t s = 0; s < weights.size() && largest > 0.0; ++s) {
      const bool is_answer = query.answer_at && static_cast<std::size_t>(*query.answer_at) == s;
      const double height = std::abs(weights[s]) / largest;
      if (!is_answer && height < 0.005) continue;
      Mark& mark = is_answer ? answer : bars;
      const double middle = static_cast<double>(s) + 0.5;
      mark.points.push_back({middle - half, 0.0});
      mark.points.push_back({middle + half, height});
    }
    panel.marks.push_back(std::move(bars));
    panel.marks.push_back(std::move(answer));
    if (!query.answer_at) return;
    const double x = panel.px(static_cast<double>(*query.answer_at) + 0.5);
    const std::string text = fmt::format("answer, token {}", *query.answer_at);
    const bool to_the_left = x + 6.0 + text_width(text, kTickSize) > kMapRight;
    const Ink text_ink{"#C04800", "#F58548"};
    figure_.add({x, panel.top - 6.0, text, kTickSize, text_ink,
                 to_the_left ? Anchor::kEnd : Anchor::kMiddle});
  }

  void add_legend(double at) {
    Panel panel{kMeansLeft, at - 9.0, kMeansRight, at + 1.0, {0.0, 1.0}, {0.0, 1.0}, {}};
    for (std::size_t i = 0; i < kClasses; ++i) {
      Mark box;
      box.kind = MarkKind::kBoxes;
      box.ink = ink_of_class(i);
      const auto of = static_cast<double>(kClasses);
      box.points = {{static_cast<double>(i) / of, 0.0}, {static_cast<double>(i + 1) / of, 1.0}};
      panel.marks.push_back(std::move(box));
    }
    figure_.add({kMeansLeft - 8.0, at, "λ", kTickSize, ink::kMuted, Anchor::kEnd});
    for (const double tick : {0.01, 0.1, 1.0, 10.0}) {
      const double share = std::log(tick / kLowest) / std::log(kHighest / kLowest);
      figure_.add(
          {panel.px(share), at + 14.0, short_tick(tick), kTickSize, ink::kMuted, Anchor::kMiddle});
    }
    figure_.panels.push_back(std::move(panel));
    const double top = at + 24.0;
    Panel kinds{kMeansLeft, top, kMeansRight, top + 100.0, {0.0, 140.0}, {100.0, 0.0}, {}};
    for (std::size_t k = 0; k < shown_.kinds.size(); ++k) {
      const double x = k % 2 == 0 ? 4.0 : 78.0;
      const double y = 8.0 + 18.0 * static_cast<double>(k / 2);
      Mark dot;
      dot.kind = MarkKind::kDots;
      dot.points = {{x, y}};
      dot.ink = styles_[k].ink;
      dot.marker = styles_[k].marker;
      dot.filled = styles_[k].filled;
      dot.size = styles_[k].filled ? 3.0 : 3.6;
      kinds.marks.push_back(std::move(dot));
      figure_.add({kMeansLeft + x + 10.0, top + y + 4.0,
                   shortened(shown_.kinds[k].name, 58.0, kTickSize), kTickSize});
    }
    figure_.panels.push_back(std::move(kinds));
  }

  const Inspection& inspection_;
  const ShownExample& shown_;
  double tokens_;
  std::vector<KindStyle> styles_;
  Figure figure_;
  std::string summary_;
};

}  // namespace

Drawn draw_lambda(const Inspection& inspection) {
  if (!inspection.has_levels()) {
    return {std::nullopt,
            fmt::format("{} has no levels, so there is no lambda to draw", inspection.variant)};
  }
  if (inspection.shown.length > kMostTokens) {
    return {std::nullopt,
            fmt::format("{} positions are more than {}; look at a shorter --length",
                        with_commas(inspection.shown.length), with_commas(kMostTokens))};
  }
  return {LambdaPicture(inspection).draw(), ""};
}

}  // namespace recollect::plot
