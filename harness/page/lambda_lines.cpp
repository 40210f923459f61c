#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.hpp"
#include "harness/page/answer_lines.hpp"
#include "harness/plot/numbers.hpp"
#include "harness/render/readable_table.hpp"

namespace recollect::page {
namespace {

using plot::Study;
using plot::StudyRow;
using plot::StudySection;

constexpr const char* kFixed = "fixed-decay";
/// Variants whose weights of levels depend on the input, the one in question first.
constexpr std::array kInputDependent = {"adaptive-decay", "linear-decay", "softmax-level"};

/// The label of a variant: the one that is called like it, else its only one.
std::optional<std::string> label_of(const StudySection& section, const std::string& variant) {
  std::optional<std::string> label;
  for (const StudyRow& row : section.rows) {
    if (row.named.variant != variant) continue;
    if (row.named.label == variant) return variant;
    if (label) return std::nullopt;
    label = row.named.label;
  }
  return label;
}

/// A fixed way to weigh levels and those that look at the input.
struct LambdaLabels {
  std::string fixed;
  std::vector<std::string> dependent;
};

std::optional<LambdaLabels> lambda_labels(const StudySection& section) {
  const auto fixed = label_of(section, kFixed);
  if (!fixed) return std::nullopt;
  LambdaLabels labels{*fixed, {}};
  for (const char* variant : kInputDependent) {
    if (const auto label = label_of(section, variant)) labels.dependent.push_back(*label);
  }
  if (labels.dependent.empty()) return std::nullopt;
  return labels;
}

/// Of the section with most of them.
std::optional<LambdaLabels> lambda_labels(const Study& study) {
  std::optional<LambdaLabels> most;
  for (const StudySection& section : study.sections) {
    const auto labels = lambda_labels(section);
    if (labels && (!most || labels->dependent.size() > most->dependent.size())) most = labels;
  }
  return most;
}

/// A verdict on one label; "" where the general words do.
std::string in_words(Outcome outcome, const std::string& label, const char* yes,
                     const char* opposite) {
  switch (outcome) {
    case Outcome::kYes:
      return fmt::format(fmt::runtime(yes), label);
    case Outcome::kOpposite:
      return fmt::format(fmt::runtime(opposite), label);
    case Outcome::kNotShown:
      return fmt::format("Not shown for {}", label);
    case Outcome::kTooFew:
      return "";
  }
  return "";
}

std::string p_of(const Effect& effect) {
  if (!effect.p) return "";
  return fmt::format(" ({}{})", p_text(*effect.p), effect.interval ? "" : ", the seeds fall apart");
}

/// "; × 0.61 at pairs 8, × 1.79 at pairs 16", where one ratio over few settings might hide that
/// they differ.
std::string by_setting_text(const std::vector<Effect>& effects) {
  constexpr std::size_t kFew = 3;
  if (effects.size() < 2 || effects.size() > kFew) return "";
  std::string text;
  for (const Effect& effect : effects) {
    if (!effect.has_steps()) continue;
    std::string where;
    for (const Setting& setting : effect.setting) {
      where += fmt::format("{}{} {}", where.empty() ? "" : ", ", short_name(setting.name),
                           setting.value.text);
    }
    text += fmt::format("{} × {:.2f} at {}", text.empty() ? ";" : ",", effect.ratio, where);
  }
  return text;
}

}  // namespace

bool asks_of_lambda(const Study& study) { return lambda_labels(study).has_value(); }

std::optional<Line> lambda_often(const Study& study, const Context& context) {
  const auto found = lambda_labels(study);
  if (!found) return std::nullopt;
  const LambdaLabels& labels = *found;
  const Comparisons pairs(experiments_of(context.input.material.results, study.experiments), {});

  std::optional<Line> line;
  std::int64_t least = 0;
  for (const std::string& label : labels.dependent) {
    const auto effect = pairs.of(labels.fixed, label);
    if (!effect) continue;
    if (!line) {
      line =
          Line{pairs.more_often(*effect), "", study.shown, "", context.anchor_of(study, "table")};
      line->text = fmt::format("{} of {} with {}, ", effect->solved_a, effect->seeds, labels.fixed);
      line->verdict = in_words(line->outcome, label, "Yes, {} does", "No, {} does less often");
      line->weight = effect->seeds;
    } else {
      line->text += "; ";
    }
    line->text +=
        fmt::format("{} with {}{}", effect->solved_b, label,
                    effect->p_solved ? fmt::format(" ({})", p_text(*effect->p_solved)) : "");
    if (least == 0) least = pairs.least_shown(effect->seeds).value_or(0);
  }
  if (line && line->outcome == Outcome::kNotShown) {
    line->text += fmt::format(". {} runs that one side alone solves would have shown", least);
  }
  return line;
}

std::optional<Line> lambda_sooner(const Study& study, const Context& context) {
  const auto found = lambda_labels(study);
  if (!found) return std::nullopt;
  const LambdaLabels& labels = *found;
  const Comparisons pairs(experiments_of(context.input.material.results, study.experiments), {});

  std::optional<Line> line;
  for (const std::string& label : labels.dependent) {
    auto effect = pairs.of(labels.fixed, label);
    if (!effect || !effect->has_steps()) continue;
    const bool pooled = effect->pooled();
    if (pooled) effect = pairs.with_interval(*effect);
    if (!line) {
      line = Line{pairs.sooner(*effect), "", study.shown, "", context.anchor_of(study, "solved")};
      line->verdict = in_words(line->outcome, label, "Yes, {} is sooner", "No, {} is later");
      line->weight = effect->seeds;
      line->text = pooled ? fmt::format("mean steps against {}: ", labels.fixed)
                          : fmt::format("mean step {} with {}, ",
                                        with_commas(std::llround(effect->steps_a)), labels.fixed);
    } else {
      line->text += "; ";
    }
    line->text +=
        pooled ? fmt::format("× {:.2f} with {}", effect->ratio, label)
               : fmt::format("{} with {}", with_commas(std::llround(effect->steps_b)), label);
    if (effect->p_log_rank) {
      line->text += fmt::format(" ({})", p_text(*effect->p_log_rank));
    } else if (effect->ratio_interval) {
      line->text += fmt::format(" (95 % {:.2f} to {:.2f}{})", effect->ratio_interval->low,
                                effect->ratio_interval->high,
                                by_setting_text(pairs.by_setting(labels.fixed, label)));
    }
  }
  return line;
}

std::optional<Line> lambda_longer(const Study& study, const StudySection& section,
                                  const Context& context) {
  const auto labels = lambda_labels(section);
  const auto length = longest_of(section);
  if (!labels || !length) return std::nullopt;
  const Comparisons pairs = pairs_at(section, *length, context);
  std::optional<Line> line;
  for (const std::string& label : labels->dependent) {
    const auto effect = pairs.of(labels->fixed, label);
    if (!effect || effect->pairs == 0) continue;
    if (!line) {
      line = Line{pairs.more_accurate(*effect), "", where_of(study, section), "",
                  context.anchor_of(study, "length")};
      line->verdict = in_words(line->outcome, label, "Yes, {} is better", "No, {} is worse");
      line->weight = effect->pairs;
      line->text = fmt::format("{}, mean {} with {}, ", length_text(section, *length),
                               plot::percent(effect->accuracy_a), labels->fixed);
    } else {
      line->text += "; ";
    }
    line->text +=
        fmt::format("{} with {}{}", plot::percent(effect->accuracy_b), label, p_of(*effect));
  }
  return line;
}

}  // namespace recollect::page
