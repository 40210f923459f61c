#include "harness/compare/comparison_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "base/text.hpp"
#include "harness/render/text_table.hpp"

namespace recollect {
namespace {

std::string number(double value) { return fmt::format("{:.4g}", value); }

std::string number(const std::optional<double>& value) { return value ? number(*value) : "-"; }

std::string shown(const std::string& value) {
  return value.empty() ? "(none)" : printable(value, kWhole);
}

std::string side_line(const char* title, const ResultSet& side) {
  const auto all = [&](const char* column) {
    const std::optional<std::string> values = side.distinct(column, "; ");
    return values ? shown(*values) : "not known";
  };
  return fmt::format("{} {}: code {}, {}, {}\n", title, printable(side.name, kWhole),
                     all("code_version"), all("compiler"), all("build"));
}

std::vector<std::string> table_row(const ComparedGroup& group, const MetricResult& result) {
  std::string examples = number(result.p_examples);
  if (result.p_examples) {
    examples += fmt::format(" (-{} +{})", result.examples_worse, result.examples_better);
  }
  const bool known = result.seeds > 0;
  return {group.name,
          group.score,
          std::string(name_of(result.metric)),
          std::to_string(result.seeds),
          known ? number(result.base) : "-",
          known ? number(result.now) : "-",
          known ? fmt::format("{:+.4g}", result.difference) : "-",
          number(result.tolerance),
          number(result.detectable),
          number(result.p_seeds),
          number(result.p_t),
          examples,
          number(result.p_holm),
          std::string(name_of(result.verdict))};
}

/// Of all values, or of those that differ alone.
TextTable table_of_values(const ResultComparison& comparison, const CompareRules& rules, bool all) {
  TextTable table;
  table.title = all ? "All values" : "Values that differ";
  table.caption = fmt::format("Means over the seeds that both sides have; alpha {}, power 80 %.",
                              number(rules.alpha));
  table.header = {"group", "score",        "metric",    "seeds",      "BASE",
                  "NEW",   "difference",   "tolerance", "detectable", "p (seeds)",
                  "p (t)", "p (examples)", "p (Holm)",  "verdict"};
  for (const ComparedGroup& group : comparison.groups) {
    for (const MetricResult& result : group.metrics) {
      const bool differs = result.difference != 0.0 || result.verdict != Verdict::kSame ||
                           result.examples_worse + result.examples_better > 0;
      if (all || differs) table.rows.push_back(table_row(group, result));
    }
  }
  table.notes = {
      "detectable: the smallest difference that a paired t test over these seeds (one seed: the "
      "sign test over the examples) would find in 4 of 5 cases.",
      "p: of the sign-flip test and of the paired t test over the seeds; of McNemar's exact test "
      "over the examples, with how many BASE (-) or NEW (+) alone answers; of the test that "
      "decides, corrected after Holm. No p (Holm): no test can decide, and the tolerance alone "
      "does."};
  return table;
}

std::string reason(const MetricResult& result) {
  return fmt::format("{} {} -> {} ({:+.4g}): {}", name_of(result.metric), number(result.base),
                     number(result.now), result.difference, result.why);
}

std::map<Verdict, std::size_t> counts(const ResultComparison& comparison) {
  std::map<Verdict, std::size_t> count;
  for (const ComparedGroup& group : comparison.groups) ++count[group.verdict];
  return count;
}

std::string summary(const ResultComparison& comparison) {
  std::map<Verdict, std::size_t> count = counts(comparison);
  return fmt::format("{} groups of scores: {} same, {} worse, {} better, {} unclear; {} {}\n",
                     comparison.groups.size(), count[Verdict::kSame], count[Verdict::kWorse],
                     count[Verdict::kBetter], count[Verdict::kUnclear],
                     comparison.mismatches.size(),
                     comparison.mismatches.size() == 1 ? "mismatch" : "mismatches");
}

/// Lines on what cannot be compared and on every verdict but "same"; each begins with `bullet`.
std::string findings(const ResultComparison& comparison, const char* bullet) {
  const bool markdown = *bullet != '\0';
  const auto plain = [&](const std::string& words) {
    return markdown ? markdown_text(words) : words;
  };
  std::string text;
  for (const Mismatch& mismatch : comparison.mismatches) {
    text +=
        fmt::format("{}cannot compare: {}: {}: {} -> {}\n", bullet, plain(mismatch.where),
                    plain(mismatch.key), plain(shown(mismatch.base)), plain(shown(mismatch.now)));
  }
  for (const Verdict verdict : {Verdict::kWorse, Verdict::kBetter, Verdict::kUnclear}) {
    for (const ComparedGroup& group : comparison.groups) {
      for (const MetricResult& result : group.metrics) {
        if (result.verdict != verdict) continue;
        text += fmt::format("{}{}: {}, {}: {}\n", bullet, name_of(verdict), plain(group.name),
                            group.score, reason(result));
      }
    }
  }
  return text;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : printable(text, kWhole)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&apos;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace

std::string comparison_text(const ResultComparison& comparison, const ResultSet& base,
                            const ResultSet& now, const CompareRules& rules) {
  std::string text = side_line("BASE", base) + side_line("NEW ", now);
  const TextTable table = table_of_values(comparison, rules, /*all=*/false);
  if (!table.rows.empty()) text += fmt::format("\n{}\n", to_markdown(table));
  return text + findings(comparison, "") + summary(comparison);
}

std::string comparison_markdown(const ResultComparison& comparison, const ResultSet& base,
                                const ResultSet& now, const CompareRules& rules) {
  std::string text =
      fmt::format("## Comparison\n\n- {}- {}\n{}\n", markdown_text(side_line("BASE", base)),
                  markdown_text(side_line("NEW", now)), summary(comparison));
  const std::string found = findings(comparison, "- ");
  if (!found.empty()) text += found + "\n";
  return text + to_markdown(table_of_values(comparison, rules, /*all=*/true));
}

std::string comparison_junit(const ResultComparison& comparison, const ResultSet& base,
                             const ResultSet& now, const CompareRules& rules) {
  const std::size_t errors = comparison.mismatches.size();
  const std::string totals =
      fmt::format("tests=\"{}\" failures=\"{}\" errors=\"{}\"", comparison.groups.size() + errors,
                  counts(comparison)[Verdict::kWorse], errors);
  std::string xml = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {}>\n"
      "  <testsuite name=\"{} against {}\" {}>\n",
      totals, escaped(now.name), escaped(base.name), totals);
  xml += fmt::format("    <properties>\n      <property name=\"alpha\" value=\"{}\"/>\n",
                     number(rules.alpha));
  for (const Metric metric : kMetrics) {
    xml += fmt::format("      <property name=\"tolerance {}\" value=\"{}\"/>\n", name_of(metric),
                       rules.tolerance(metric) ? number(rules.tolerance(metric)) : "none");
  }
  xml += "    </properties>\n";
  for (const Mismatch& mismatch : comparison.mismatches) {
    xml += fmt::format(
        "    <testcase classname=\"{}\" name=\"{}\">\n"
        "      <error type=\"cannot compare\" message=\"{}: {} -&gt; {}\"/>\n    </testcase>\n",
        escaped(mismatch.where), escaped(mismatch.key), escaped(mismatch.key),
        escaped(shown(mismatch.base)), escaped(shown(mismatch.now)));
  }
  for (const ComparedGroup& group : comparison.groups) {
    xml += fmt::format("    <testcase classname=\"{}\" name=\"{}\">\n", escaped(group.name),
                       escaped(group.score));
    std::string output;
    for (const MetricResult& result : group.metrics) {
      const std::string line =
          escaped(result.why.empty()
                      ? fmt::format("{} {} -> {} ({:+.4g})", name_of(result.metric),
                                    number(result.base), number(result.now), result.difference)
                      : reason(result));
      output += line + "\n";
      if (result.verdict == Verdict::kWorse) {
        xml += fmt::format("      <failure type=\"worse\" message=\"{}\"/>\n", line);
      }
    }
    xml += fmt::format("      <system-out>{}</system-out>\n    </testcase>\n", output);
  }
  return xml + "  </testsuite>\n</testsuites>\n";
}

}  // namespace recollect
