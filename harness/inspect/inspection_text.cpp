#include "harness/inspect/inspection_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <string_view>

#include "base/text.hpp"

namespace recollect {
namespace {

constexpr std::size_t kNameWidth = 23;
constexpr std::size_t kColumn = 9;
constexpr std::int64_t kWidestMap = 512;  // positions that a map of signs may have
constexpr std::size_t kMostRead = 4;      // tokens named of what a query reads

// Lambda below each bound has that sign; beyond the last it has the last.
constexpr std::array kBounds = {0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0};
constexpr std::string_view kSigns = ".:-=+*#%@";

std::string short_number(double value) {
  if (std::isinf(value)) return value > 0.0 ? "inf" : "-inf";
  const double size = std::abs(value);
  if (size != 0.0 && (size < 0.001 || size >= 1e7)) return fmt::format("{:.1e}", value);
  if (size >= 1000.0) return fmt::format("{:.0f}", value);
  return fmt::format("{:.3g}", value);
}

std::string short_number(const std::optional<double>& value) {
  return value ? short_number(*value) : "-";
}

std::string percent(double share) { return fmt::format("{:.1f} %", share * 100.0); }

/// Lines of a table: a name and a column of numbers for all tokens and for each kind.
struct TableLine {
  std::string name;
  std::vector<std::string> values;
};

class HeadText {
 public:
  HeadText(const Inspection& inspection, const InspectedLayer& layer, const HeadInspection& head,
           std::size_t width)
      : inspection_(inspection),
        shown_(inspection.shown),
        layer_(layer),
        head_(head),
        width_(width) {}

  std::string text() {
    add_table();
    if (head_.shares) add_shares(*head_.shares);
    if (layer_.levels == 0) line("no levels: there is no lambda");
    if (layer_.levels > 0) add_map();
    for (std::size_t i = 0; i < head_.rows.size(); ++i) {
      add_query(inspection_.queries[i], head_.rows[i]);
    }
    return std::move(out_);
  }

 private:
  void line(std::string text) {
    // A number and its unit stay on one line.
    constexpr char kJoint = '\x1f';
    for (std::size_t at = text.find(" %"); at != std::string::npos; at = text.find(" %", at)) {
      text[at] = kJoint;
    }
    std::string lines = wrapped("  " + text, width_);
    std::replace(lines.begin(), lines.end(), kJoint, ' ');
    out_ += lines + '\n';
  }

  [[nodiscard]] bool occurs(std::size_t kind) const {
    return std::find(shown_.kind_of.begin(), shown_.kind_of.end(),
                     static_cast<std::int32_t>(kind)) != shown_.kind_of.end();
  }

  template <class T, class Show>
  void add_line(std::vector<TableLine>& lines, std::string name, const std::string& all,
                const std::vector<T>& by_kind, const Show& show) const {
    TableLine one{std::move(name), {all}};
    for (std::size_t k = 0; k < by_kind.size(); ++k) {
      if (occurs(k)) one.values.push_back(show(by_kind[k]));
    }
    lines.push_back(std::move(one));
  }

  [[nodiscard]] std::vector<TableLine> table_lines() const {
    std::vector<TableLine> lines;
    const auto show = [](const std::optional<double>& value) { return short_number(value); };
    for (std::size_t level = layer_.levels; level-- > 0;) {
      add_line(lines,
               fmt::format("lambda {:>2}  {}", level,
                           span_of_level(level, layer_.levels, shown_.length)),
               short_number(head_.mean[level]), head_.mean_by_kind[level], show);
    }
    const auto quartile = [&](const char* name, double Quartiles::*of) {
      const auto value = [&](const std::optional<Quartiles>& quartiles) {
        return quartiles ? short_number((*quartiles).*of) : std::string("-");
      };
      add_line(lines, name, value(head_.half_life), head_.half_life_by_kind, value);
    };
    if (head_.half_life) {
      quartile("half-life, median", &Quartiles::median);
      quartile("  lower quartile", &Quartiles::low);
      quartile("  upper quartile", &Quartiles::high);
    }
    if (!head_.beta_by_kind.empty()) add_line(lines, "beta", "", head_.beta_by_kind, show);
    return lines;
  }

  void add_table() {
    const std::vector<TableLine> lines = table_lines();
    if (lines.empty()) return;
    std::vector<std::string> heads = {"all"};
    for (std::size_t k = 0; k < shown_.kinds.size(); ++k) {
      if (occurs(k)) heads.emplace_back(shown_.kinds[k].name.substr(0, kColumn - 1));
    }
    const std::size_t fit = std::max<std::size_t>((width_ - kNameWidth) / kColumn, 1);
    for (std::size_t first = 0; first < heads.size(); first += fit) {
      const std::size_t end = std::min(first + fit, heads.size());
      add_row("", heads, first, end);
      for (const TableLine& one : lines) add_row(one.name, one.values, first, end);
    }
  }

  void add_row(const std::string& name, const std::vector<std::string>& values, std::size_t first,
               std::size_t end) {
    out_ += fmt::format("  {:<{}}", name, kNameWidth - 2);
    for (std::size_t i = first; i < end; ++i) out_ += fmt::format("{:>{}}", values[i], kColumn);
    out_ += '\n';
  }

  void add_shares(const VarianceShares& shares) {
    line(fmt::format("input-dependence {}: lambda {}", percent(shares.inputs), verdict_of(shares)));
    if (shares.total == 0.0) return;
    line(
        fmt::format("variance of lambda: {} between levels, {} between positions of a level, {} "
                    "between examples at one level and position; kinds of token explain {}",
                    percent(shares.levels), percent(shares.positions), percent(shares.inputs),
                    percent(shares.kinds)));
  }

  [[nodiscard]] char sign_of(double lambda) const {
    const auto bound = std::upper_bound(kBounds.begin(), kBounds.end(), lambda);
    return kSigns[static_cast<std::size_t>(bound - kBounds.begin())];
  }

  void add_map() {
    if (shown_.length > kWidestMap) {
      line(
          fmt::format("lambda of the example: {} positions are too many for a map of signs; see "
                      "--out or --format csv",
                      shown_.length));
      return;
    }
    const auto fit = static_cast<std::int64_t>((width_ - 12) / 16 * 16);
    for (std::int64_t first = 0; first < shown_.length; first += fit) {
      const std::int64_t end = std::min(first + fit, shown_.length);
      const auto band = [&](const std::string& name, const auto& sign) {
        std::string signs;
        for (std::int64_t t = first; t < end; ++t) signs += sign(static_cast<std::size_t>(t));
        signs.erase(signs.find_last_not_of(' ') + 1);
        out_ += fmt::format("  {:>8}  {}", name, signs);
        out_.erase(out_.find_last_not_of(' ') + 1);
        out_ += '\n';
      };
      band(fmt::format("from {}", first), [&](std::size_t t) {
        return shown_.kinds[static_cast<std::size_t>(shown_.kind_of[t])].mark;
      });
      for (std::size_t level = layer_.levels; level-- > 0;) {
        band(fmt::format("{}", level), [&](std::size_t t) {
          const bool holds = holds_tokens(level, layer_.levels, static_cast<std::int64_t>(t));
          return holds ? sign_of(head_.lambda[t * layer_.levels + level]) : ' ';
        });
      }
    }
  }

  void add_query(const ShownQuery& query, const std::vector<double>& weights) {
    double sum = 0.0;
    for (const double weight : weights) sum += std::abs(weight);
    std::vector<std::size_t> order(weights.size());
    std::iota(order.begin(), order.end(), 0U);
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return std::abs(weights[a]) > std::abs(weights[b]);
    });
    std::vector<std::string> read;
    bool named = false;
    const auto name = [&](std::size_t s) {
      const bool is_answer = query.answer_at && static_cast<std::size_t>(*query.answer_at) == s;
      named = named || is_answer;
      read.push_back(fmt::format("{}{} {}", s, is_answer ? " (the answer)" : "",
                                 percent(sum > 0.0 ? std::abs(weights[s]) / sum : 0.0)));
    };
    for (std::size_t i = 0; i < std::min(kMostRead, order.size()); ++i) name(order[i]);
    if (query.answer_at && !named) name(static_cast<std::size_t>(*query.answer_at));
    line(fmt::format("query {} reads {}", query.position, fmt::join(read, ", ")));
  }

  const Inspection& inspection_;
  const ShownExample& shown_;
  const InspectedLayer& layer_;
  const HeadInspection& head_;
  std::size_t width_;
  std::string out_;
};

std::string signs_legend() {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < kBounds.size(); ++i) {
    parts.push_back(fmt::format("{} <{:g}", kSigns[i], kBounds[i]));
  }
  return fmt::format("{}, {} more; blank: the level holds nothing", fmt::join(parts, ", "),
                     kSigns.back());
}

std::string kinds_legend(const ShownExample& shown) {
  std::vector<std::string> parts;
  for (const TokenKind& kind : shown.kinds)
    parts.push_back(fmt::format("{} {}", kind.mark, kind.name));
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string queries_text(const std::vector<ShownQuery>& queries) {
  std::vector<std::string> parts;
  for (const ShownQuery& query : queries) {
    std::string text = fmt::format("{}", query.position);
    if (query.label) {
      const bool right = *query.label == *query.answer;
      text += fmt::format(" (label {}, {}", *query.label,
                          right ? "answered rightly" : fmt::format("answered {}", *query.answer));
      text += query.answer_at ? fmt::format("; it stands at {})", *query.answer_at) : ")";
    }
    parts.push_back(std::move(text));
  }
  return fmt::format("{}; what they read: shares of the sum of absolute weights",
                     fmt::join(parts, ", "));
}

}  // namespace

std::string inspection_text(const Inspection& inspection, std::size_t width) {
  const ShownExample& shown = inspection.shown;
  std::string out;
  const auto entry = [&](const char* name, const std::string& text) {
    // wrapped() looks for a second column in lines that begin with a blank alone.
    const std::string lines = wrapped(fmt::format(" {:<9} {}", name, text), width + 1);
    for (std::size_t begin = 0; begin < lines.size();) {
      const std::size_t end = std::min(lines.find('\n', begin), lines.size());
      out += lines.substr(begin + 1, end - begin - 1) + '\n';
      begin = end + 1;
    }
  };
  entry("model", fmt::format("{}, seed {}: {}", printable(inspection.label), shown.seed,
                             inspection.weights));
  entry("task", shown.task);
  entry("example", fmt::format("{} of split {}, length {}{}: {} of {} scored positions right",
                               shown.index, name_of(shown.split), shown.length,
                               shown.length == shown.trained_length
                                   ? ""
                                   : fmt::format(" (trained at {})", shown.trained_length),
                               inspection.right, shown.scored()));
  entry("means", fmt::format("of {}; half-lives in tokens, ln 2 / -gate",
                             plural(inspection.examples, "example")));
  entry("queries", queries_text(inspection.queries));
  if (inspection.has_levels()) entry("signs", signs_legend());
  entry("kinds", kinds_legend(shown));
  for (std::size_t l = 0; l < inspection.layers.size(); ++l) {
    const InspectedLayer& layer = inspection.layers[l];
    if (layer.heads.empty()) {
      out += fmt::format("\nlayer {}: {} reports nothing to look at\n", l, layer.mixer);
    }
    for (std::size_t h = 0; h < layer.heads.size(); ++h) {
      const std::string mixer =
          inspection.is_mixed() ? fmt::format(" ({})", layer.mixer) : std::string();
      out += fmt::format("\nlayer {}{}, head {}\n", l, mixer, h);
      out += HeadText(inspection, layer, layer.heads[h], width).text();
    }
  }
  return out;
}

}  // namespace recollect
