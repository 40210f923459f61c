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

std::string interval_text(const std::optional<Interval>& interval) {
  return interval ? fmt::format("[{:+.4g}, {:+.4g}]", interval->low, interval->high) : "";
}

/// "3 of 10 cells changed, 2 of them no longer solve"
std::string cells_text(const ComparedGroup& group) {
  if (group.changed == 0) {
    return fmt::format("all {} equal", plural(static_cast<std::size_t>(group.seeds), "cell"));
  }
  std::string text = fmt::format("{} of {} changed", group.changed,
                                 plural(static_cast<std::size_t>(group.seeds), "cell"));
  const auto add = [&](std::int64_t count, const char* what) {
    if (count > 0) text += fmt::format(", {} of them {}", count, what);
  };
  add(group.no_longer_solve, "no longer solve");
  add(group.newly_solve, "newly solve");
  add(group.lost, "lost (no number in NEW alone)");
  add(group.gained, "without a number in BASE alone");
  return text;
}

/// "accuracy 0.997 -> 0.977 (-0.02 [-0.021, -0.019])"
std::string values_text(const ComparedGroup& group, const CompareRules& rules) {
  if (group.pairs == 0) return fmt::format("{} not known on both sides", name_of(rules.metric));
  const std::string interval = interval_text(group.interval);
  return fmt::format("{} {} -> {} ({:+.4g}{}{})", name_of(rules.metric), number(group.base),
                     number(group.now), group.difference, interval.empty() ? "" : " ", interval);
}

std::string reason(const ComparedGroup& group, const CompareRules& rules) {
  std::string text = fmt::format("{}; {}", values_text(group, rules), cells_text(group));
  if (!group.why.empty()) text += fmt::format("; {}", group.why);
  if (group.p_examples) {
    text += fmt::format("; these two models: {} examples right in BASE alone, {} in NEW, p {}",
                        group.examples_worse, group.examples_better, number(group.p_examples));
  }
  return text;
}

/// Every other figure, or those that differ alone.
TextTable table_of_values(const ResultComparison& comparison, bool all) {
  TextTable table;
  table.title = all ? "All figures" : "Figures that differ";
  table.caption =
      "Means over the seeds that both sides have, with the 95 % interval of the paired difference. "
      "They describe, and decide nothing.";
  table.header = {"group", "score", "metric", "seeds", "BASE", "NEW", "difference", "95 %"};
  for (const ComparedGroup& group : comparison.groups) {
    for (const Described& other : group.others) {
      if (!all && other.difference == 0.0) continue;
      const bool known = other.seeds > 0;
      const std::string interval = interval_text(other.interval);
      table.rows.push_back({group.name, other.score, std::string(name_of(other.metric)),
                            std::to_string(other.seeds), known ? number(other.base) : "-",
                            known ? number(other.now) : "-",
                            known ? fmt::format("{:+.4g}", other.difference) : "-",
                            interval.empty() ? "-" : interval});
    }
  }
  return table;
}

std::map<Verdict, std::size_t> counts(const ResultComparison& comparison) {
  std::map<Verdict, std::size_t> count;
  for (const ComparedGroup& group : comparison.groups) ++count[group.verdict];
  return count;
}

std::string summary(const ResultComparison& comparison) {
  std::map<Verdict, std::size_t> count = counts(comparison);
  return fmt::format("{}: {} equal, {} same, {} worse, {} better, {} undecided; {}\n",
                     plural(comparison.groups.size(), "group"), count[Verdict::kEqual],
                     count[Verdict::kSame], count[Verdict::kWorse], count[Verdict::kBetter],
                     count[Verdict::kUndecided],
                     comparison.mismatches.size() == 1
                         ? "1 mismatch"
                         : fmt::format("{} mismatches", comparison.mismatches.size()));
}

/// Lines on what cannot be compared and on every group that is not equal; each begins with
/// `bullet`.
std::string findings(const ResultComparison& comparison, const CompareRules& rules,
                     const char* bullet) {
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
  for (const Verdict verdict :
       {Verdict::kWorse, Verdict::kUndecided, Verdict::kBetter, Verdict::kSame}) {
    for (const ComparedGroup& group : comparison.groups) {
      if (group.verdict != verdict) continue;
      text += fmt::format("{}{}: {}, {}: {}\n", bullet, name_of(verdict), plain(group.name),
                          group.score, reason(group, rules));
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
  const TextTable table = table_of_values(comparison, /*all=*/false);
  if (!table.rows.empty()) text += fmt::format("\n{}\n", to_markdown(table));
  return text + findings(comparison, rules, "") + summary(comparison);
}

std::string comparison_markdown(const ResultComparison& comparison, const ResultSet& base,
                                const ResultSet& now, const CompareRules& rules) {
  std::string text =
      fmt::format("## Comparison\n\n- {}- {}\n{}\n", markdown_text(side_line("BASE", base)),
                  markdown_text(side_line("NEW", now)), summary(comparison));
  const std::string found = findings(comparison, rules, "- ");
  if (!found.empty()) text += found + "\n";
  return text + to_markdown(table_of_values(comparison, /*all=*/true));
}

std::string comparison_junit(const ResultComparison& comparison, const ResultSet& base,
                             const ResultSet& now, const CompareRules& rules) {
  const auto fails = [&](const ComparedGroup& group) {
    return group.verdict == Verdict::kWorse || undecided_fails(group, rules);
  };
  const std::size_t errors = comparison.mismatches.size();
  const std::string totals =
      fmt::format("tests=\"{}\" failures=\"{}\" errors=\"{}\"", comparison.groups.size() + errors,
                  std::count_if(comparison.groups.begin(), comparison.groups.end(), fails), errors);
  std::string xml = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {}>\n"
      "  <testsuite name=\"{} against {}\" {}>\n",
      totals, escaped(now.name), escaped(base.name), totals);
  xml += fmt::format(
      "    <properties>\n      <property name=\"alpha\" value=\"{}\"/>\n"
      "      <property name=\"metric\" value=\"{}\"/>\n"
      "      <property name=\"tolerance\" value=\"{}\"/>\n    </properties>\n",
      number(rules.alpha), name_of(rules.metric), number(rules.tolerance()));
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
    const std::string line = escaped(reason(group, rules));
    if (fails(group)) {
      xml += fmt::format("      <failure type=\"{}\" message=\"{}\"/>\n", name_of(group.verdict),
                         line);
    }
    xml += fmt::format("      <system-out>{}: {}</system-out>\n    </testcase>\n",
                       name_of(group.verdict), line);
  }
  return xml + "  </testsuite>\n</testsuites>\n";
}

}  // namespace recollect
