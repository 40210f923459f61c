#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "base/text.hpp"
#include "harness/inspect/level_variance.hpp"
#include "harness/page/answer_lines.hpp"
#include "harness/page/html.hpp"
#include "harness/page/parts.hpp"

namespace recollect::page {
namespace {

using plot::Study;
using plot::StudySection;

constexpr std::size_t kFewLines = 3;  // as many stand open below an answer

struct Words {
  std::string question;
  const char* yes;  ///< of several lines: "3 sooner"
  const char* opposite;
  const char* link;
};

/// The largest index of all maps; none without maps.
std::optional<double> largest_index(const std::vector<LambdaMap>& maps) {
  std::optional<double> largest;
  for (const LambdaMap& map : maps) {
    for (const LambdaIndex& one : map.indices) {
      largest = std::max(largest.value_or(one.index), one.index);
    }
  }
  return largest;
}

class Answers {
 public:
  explicit Answers(const Context& context) : context_(context) {
    for (const Study& study : context.input.material.studies) {
      if (study.sections.empty()) continue;
      studies_.push_back(&study);
      lambda_ = lambda_ || asks_of_lambda(study);
      for (const StudySection& section : study.sections) {
        for (const plot::StudyRow& row : section.rows) {
          several_ = several_ || row.named.label != study.sections.front().rows.front().named.label;
        }
      }
    }
  }

  [[nodiscard]] std::string title() const {
    if (lambda_) return "Does an input-dependent λ help?";
    if (several_) return "Which variant solves the task?";
    if (studies_.empty()) return "Results";
    return fmt::format("How often does {} solve the task?", context_.labels().front().label);
  }

  std::string html() {
    if (lambda_) {
      ask_lambda();
    } else {
      ask_any();
    }
    ask_adapts();
    ask_published();
    if (html_.empty()) return "";
    return "<dl class=\"answers\">\n" + html_ + "</dl>\n" + note();
  }

 private:
  /// How the verdicts come about.
  [[nodiscard]] std::string note() const {
    if (!lambda_ && !several_) return "";
    return "<p class=\"caption\">Verdicts follow from tests at 5 %, corrected after Holm over the "
           "pairs of variants of an experiment: solved, McNemar's (mid-p) on seeds that one side "
           "alone solves; sooner, log-rank, or over several settings the 95 % interval of the "
           "ratio of mean steps; longer, Student's t on paired seeds, or McNemar's where these "
           "fall apart. The experiments are not corrected for each other. "
           "<code>recollect compare … --by variant</code> prints all of them.</p>\n";
  }

  void ask_lambda() {
    std::vector<Line> often, sooner, longer;
    for (const Study* study : studies_) {
      if (!asks_of_lambda(*study)) continue;
      add(often, lambda_often(*study, context_));
      add(sooner, lambda_sooner(*study, context_));
      for (const StudySection& section : study->sections) {
        add(longer, lambda_longer(*study, section, context_));
      }
    }
    answer({"Does an input-dependent λ solve it more often than a fixed one?", "more often",
            "less often", "every seed"},
           often);
    answer({"Does it solve it sooner?", "sooner", "later", "steps"}, sooner);
    answer({"Does it hold better on longer sequences?", "better", "worse", "length"}, longer);
  }

  static void add(std::vector<Line>& lines, std::optional<Line> line) {
    if (line) lines.push_back(std::move(*line));
  }

  void ask_any() {
    std::vector<Line> often, sooner, longer;
    for (const Study* study : studies_) {
      add(often, leads_often(*study, context_));
      for (const StudySection& section : study->trainings) {
        add(sooner, leads_sooner(*study, section, context_));
      }
      for (const StudySection& section : study->sections) {
        add(longer, leads_longer(*study, section, context_));
      }
    }
    answer({several_ ? "Which variant solves it most often?" : "How often is it solved?",
            "one variant alone", "", "every seed"},
           often);
    answer({several_ ? "Which solves it soonest?" : "How soon?", "one variant alone", "", "steps"},
           sooner);
    answer({several_ ? "Which holds longest beyond the trained length?"
                     : "Does it hold on longer sequences?",
            "one variant alone", "", "length"},
           longer);
  }

  void ask_adapts() {
    const std::vector<LambdaMap>& maps = context_.input.lambda_maps;
    const auto largest = largest_index(maps);
    if (!largest) return;
    std::string text;
    for (const LambdaMap& map : maps) {
      for (const LambdaIndex& one : map.indices) {
        text += fmt::format("{}{} {}: {:.0f} %", text.empty() ? "" : ", ", map.label, one.layer,
                            100.0 * one.index);
      }
    }
    add_html("Does λ depend on the input, once trained?",
             *largest < kHardlyAdapts ? "Hardly" : "Yes",
             fmt::format("share of λ's variance that comes from the input: {}; {} looked at", text,
                         plural(maps.size(), "cell")),
             "lambda", "λ maps", "");
  }

  void ask_published() {
    const std::vector<PublishedComparison>& rows = context_.input.published;
    if (rows.empty()) return;
    std::map<PublishedVerdict, std::size_t> counts;
    std::vector<std::string> different;
    for (const PublishedComparison& row : rows) {
      ++counts[row.verdict];
      if (row.verdict != PublishedVerdict::kDiffers) continue;
      const std::string one = fmt::format("{} ({} at {}, {})", row.ours.label, row.task_settings,
                                          row.figure.eval_length, row.ours.experiment);
      const bool known = std::find(different.begin(), different.end(), one) != different.end();
      if (!known) different.push_back(one);
    }
    const std::size_t compared = rows.size() - counts[PublishedVerdict::kNotComparable];
    const std::size_t differs = counts[PublishedVerdict::kDiffers];
    const std::string verdict = compared == 0 ? "No figure is comparable"
                                : differs == 0
                                    ? fmt::format("None of {} figures differs", compared)
                                    : fmt::format("{} of {} figures {}", differs, compared,
                                                  differs == 1 ? "differs" : "differ");
    std::string text =
        fmt::format("{} equivalent, {} cannot be told; {} more are not comparable",
                    counts[PublishedVerdict::kEquivalent], counts[PublishedVerdict::kInconclusive],
                    counts[PublishedVerdict::kNotComparable]);
    if (!different.empty()) text += ". Different: " + listed(different);
    add_html("Do we get what is published?", verdict, text, "published", "beside published", "");
  }

  /// One line is the answer; several are counted, and stand below.
  void answer(const Words& words, const std::vector<Line>& lines) {
    if (lines.empty()) return;
    if (lines.size() == 1) {
      const Line& line = lines.front();
      add_html(words.question, verdict_of(line), line.text, line.link, words.link, "");
      return;
    }
    std::map<Outcome, std::size_t> counts;
    for (const Line& line : lines) ++counts[line.outcome];
    std::string verdict;
    const auto count = [&](Outcome outcome, const char* what) {
      if (counts[outcome] == 0) return;
      verdict += fmt::format("{}{} {}", verdict.empty() ? "" : ", ", counts[outcome], what);
    };
    count(Outcome::kYes, words.yes);
    count(Outcome::kOpposite, words.opposite);
    count(Outcome::kNotShown, "not shown");
    count(Outcome::kTooFew, "not enough seeds");
    std::string list = "<ul>\n";
    for (const Line& line : lines) {
      list += fmt::format("<li><a href=\"#{}\">{}</a>: <b>{}</b>: {}.</li>\n", line.link,
                          escaped(line.where), escaped(verdict_of(line)), escaped(line.text));
    }
    list += "</ul>";
    const std::string below =
        lines.size() <= kFewLines
            ? list
            : fmt::format("<details><summary>each of them</summary>{}</details>", list);
    const Line& most =
        *std::max_element(lines.begin(), lines.end(),
                          [](const Line& a, const Line& b) { return a.weight < b.weight; });
    add_html(words.question, fmt::format("Of {} comparisons: {}", lines.size(), verdict),
             lines.size() <= kFewLines
                 ? ""
                 : fmt::format("with most runs, {}: {}", most.where, most.text),
             lines.size() <= kFewLines ? "" : most.link, words.link, below);
  }

  static std::string verdict_of(const Line& line) {
    if (!line.verdict.empty()) return line.verdict;
    return line.outcome == Outcome::kTooFew ? "Not enough seeds" : "Not shown";
  }

  void add_html(const std::string& question, const std::string& verdict, const std::string& text,
                const std::string& link, const char* link_text, const std::string& below) {
    html_ += fmt::format("<div><dt>{}</dt><dd><b>{}{}</b>", escaped(question), escaped(verdict),
                         text.empty() ? "." : ":");
    if (!text.empty()) html_ += fmt::format(" {}.", escaped(text));
    if (!link.empty()) html_ += fmt::format(" <a href=\"#{}\">{}</a>", link, escaped(link_text));
    html_ += below + "</dd></div>\n";
  }

  const Context& context_;
  std::vector<const Study*> studies_;
  bool lambda_ = false;
  bool several_ = false;
  std::string html_;
};

}  // namespace

std::string suggested_title(const Context& context) { return Answers(context).title(); }

std::string answers(const Context& context) { return Answers(context).html(); }

}  // namespace recollect::page
