#include "harness/render/summary_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <vector>

#include "base/text.hpp"
#include "harness/render/readable_table.hpp"

namespace recollect {
namespace {

constexpr std::size_t kWidth = 100;  ///< columns of a terminal that every screen shows
constexpr std::string_view kGap = "  ";

/// A column of the summary: a text for each variant, aligned to the right.
struct SummaryColumn {
  std::string head;
  std::vector<std::string> cells;
  [[nodiscard]] std::size_t width() const {
    std::size_t width = head.size();
    for (const std::string& cell : cells) width = std::max(width, cell.size());
    return width;
  }
};

/// The columns of one setting, below its title.
struct SettingColumns {
  std::string title;
  std::vector<SummaryColumn> columns;
};

using Rows = std::vector<const GroupResult*>;

/// The values of all rows in the order in which they first appear.
template <class Get>
auto distinct(const Rows& rows, Get&& get) {
  std::vector<decltype(get(*rows.front()))> values;
  for (const GroupResult* row : rows) {
    if (std::find(values.begin(), values.end(), get(*row)) == values.end()) {
      values.push_back(get(*row));
    }
  }
  return values;
}

/// "99.7", "87.2 (76.9-99.1)*"; the mark is that of a length with levels that were never trained.
std::string accuracy_text(const GroupResult& row) {
  const Summary& accuracy = *row.accuracy.summary;
  std::string text = percent(accuracy.median);
  if (row.n() != 1) {
    text += fmt::format(" ({}-{})", percent(accuracy.min), percent(accuracy.max));
  }
  return text + (row.unseen_level ? '*' : ' ');
}

/// The columns of the rows of one setting, with a cell for each label and one for chance.
SettingColumns setting_columns(const Rows& rows, const std::string& title,
                               const std::vector<std::string>& labels) {
  SettingColumns setting{title, {{"solved", {}}}};
  std::map<std::string, std::string> solved;
  std::map<std::pair<std::string, std::string>, std::string> accuracy;
  std::map<std::string, std::string> chance;
  std::vector<std::string> lengths;  // and the settings of eval.cells
  for (const GroupResult* row : rows) {
    if (row->runs() > 0 && training_is_known(*row)) {
      solved[row->label] = fmt::format("{}/{}", row->solved(), row->runs());
    }
    if (!row->accuracy.summary) continue;
    const std::string length = std::to_string(row->key->eval_length) + settings_text(*row->key);
    accuracy[{row->label, length}] = accuracy_text(*row);
    chance[length] = percent(row->chance) + ' ';
    if (std::find(lengths.begin(), lengths.end(), length) == lengths.end()) {
      lengths.push_back(length);
    }
  }
  const auto cell = [](const auto& cells, const auto& key) {
    const auto found = cells.find(key);
    return found == cells.end() ? std::string() : found->second;
  };
  for (const std::string& label : labels) setting.columns[0].cells.push_back(cell(solved, label));
  setting.columns[0].cells.emplace_back();
  for (const std::string& length : lengths) {
    SummaryColumn& column = setting.columns.emplace_back();
    column.head = length + ' ';
    for (const std::string& label : labels) {
      column.cells.push_back(cell(accuracy, std::pair(label, length)));
    }
    column.cells.push_back(cell(chance, length));
  }
  return setting;
}

/// Of the columns with the gaps before them, or of the title where that is wider.
std::size_t width_of(const SettingColumns& setting) {
  std::size_t width = 0;
  for (const SummaryColumn& column : setting.columns) width += kGap.size() + column.width();
  return std::max(width, kGap.size() + setting.title.size());
}

void append_line(std::string& text, std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  text += line + '\n';
}

/// Settings side by side, below their titles.
std::string block_text(const std::vector<std::string>& names,
                       const std::vector<SettingColumns>& settings) {
  std::size_t first = 0;
  for (const std::string& name : names) first = std::max(first, name.size());
  const auto titled = [](const SettingColumns& setting) { return !setting.title.empty(); };
  std::string text;
  if (std::any_of(settings.begin(), settings.end(), titled)) {
    std::string titles(first, ' ');
    for (const SettingColumns& setting : settings) {
      titles += fmt::format("{}{:<{}}", kGap, setting.title, width_of(setting) - kGap.size());
    }
    append_line(text, titles);
  }
  for (std::size_t line = 0; line <= names.size(); ++line) {  // the heads, then the names' lines
    std::string out = fmt::format("{:<{}}", line == 0 ? "variant" : names[line - 1], first);
    for (const SettingColumns& setting : settings) {
      std::string cells;
      for (const SummaryColumn& column : setting.columns) {
        cells += fmt::format("{}{:>{}}", kGap, line == 0 ? column.head : column.cells[line - 1],
                             column.width());
      }
      out += fmt::format("{:<{}}", cells, width_of(setting));
    }
    append_line(text, out);
  }
  return text;
}

/// The settings in blocks that are no wider than kWidth, unless one setting alone is.
std::string blocks_text(const std::vector<std::string>& names,
                        const std::vector<SettingColumns>& settings) {
  std::size_t first = 0;
  for (const std::string& name : names) first = std::max(first, name.size());
  std::string text;
  std::vector<SettingColumns> block;
  std::size_t width = first;
  const auto flush = [&] {
    if (!text.empty()) text += '\n';
    text += block_text(names, block);
    block.clear();
    width = first;
  };
  for (const SettingColumns& setting : settings) {
    if (!block.empty() && width + width_of(setting) > kWidth) flush();
    block.push_back(setting);
    width += width_of(setting);
  }
  flush();
  return text;
}

/// Breaks a text at blanks into lines no longer than kWidth.
std::string wrapped(const std::string& text) {
  std::string out;
  std::size_t column = 0;
  for (const std::string& word : words(text)) {
    if (column > 0 && column + 1 + word.size() > kWidth) {
      out += '\n';
      column = 0;
    }
    if (column > 0) out += ' ';
    out += word;
    column += word.size() + (column > 0 ? 1 : 0);
  }
  return out + '\n';
}

/// "pairs 8, learning_rate 0.001"
std::string title_of(const GroupResult& row, const std::vector<std::string>& varying) {
  std::string title;
  for (const std::string& column : varying) {
    const std::string value = setting_text(row, column);
    if (value.empty()) continue;
    title +=
        fmt::format("{}{}", title.empty() ? "" : ", ",
                    column == "task" ? value : fmt::format("{} {}", short_name(column), value));
  }
  return title;
}

/// A line for each label of a setting with cells that have no scores.
std::string failures_of(const Rows& rows, const std::string& title) {
  std::map<std::string, std::int64_t> failed;
  for (const GroupResult* row : rows) {
    if (row->failed > 0) failed[row->label] = row->failed;
  }
  std::string text;
  for (const auto& [label, count] : failed) {
    text += wrapped(fmt::format("{}{}{}: {} of its cells failed or diverged", label,
                                title.empty() ? "" : " with ", title, count));
  }
  return text;
}

/// A line for each label of a setting with the value that `--select` took.
std::string choices_of(const Rows& rows, const std::string& title) {
  std::map<std::string, std::string> chosen;
  for (const GroupResult* row : rows) {
    if (row->chosen) chosen[row->label] = chosen_text(*row->chosen);
  }
  std::string text;
  for (const auto& [label, choice] : chosen) {
    text += wrapped(
        fmt::format("chosen for {}{}{}: {}", label, title.empty() ? "" : " with ", title, choice));
  }
  return text;
}

/// "99 %": the accuracy at which a run counts as solved; the option's name where groups differ.
std::string threshold_of(const Rows& rows) {
  const std::vector<std::string> given = distinct(
      rows, [](const GroupResult& row) { return setting_of(row.settings, "train_solve_at").text; });
  if (given.size() > 1) return "train.solve_at";
  return given.front().empty() ? "99 %" : fmt::format("{:g} %", 100.0 * to_real(given.front()));
}

/// @param options  of all groups
std::string experiment_text(const Rows& all, const std::vector<std::string>& options) {
  const SettingsSplit split = split_settings(all, options);
  const std::vector<std::string> labels =
      distinct(all, [](const GroupResult& row) { return row.label; });
  std::vector<std::string> names = labels;
  names.emplace_back("(chance)");
  std::vector<SettingColumns> settings;
  bool ranges = false;
  bool unseen = false;
  std::string failures;
  std::string choices;
  const auto varying_texts = [&](const GroupResult& row) {
    std::vector<std::string> texts;
    for (const std::string& column : split.varying) texts.push_back(setting_text(row, column));
    return texts;
  };
  for (const Rows& rows : group_rows(all, varying_texts)) {
    const std::string title = title_of(*rows.front(), split.varying);
    settings.push_back(setting_columns(rows, title, labels));
    for (const GroupResult* row : rows) {
      ranges = ranges || row->n() > 1;
      unseen = unseen || row->unseen_level;
    }
    failures += failures_of(rows, title);
    choices += choices_of(rows, title);
  }
  std::string text = all.front()->experiment + '\n' + wrapped(split.shared) + '\n';
  text += blocks_text(names, settings) + '\n';
  text += wrapped(fmt::format(
      "Test accuracy in per cent of the best weights{}, by sequence length. solved: seeds that "
      "reached {} on validation examples.{}",
      ranges ? ", median (range) over seeds" : "", threshold_of(all),
      unseen ? " *: this length uses levels that training never reached." : ""));
  return text + choices + failures;
}

}  // namespace

std::string summary_text(const std::vector<GroupResult>& groups) {
  const std::vector<std::string> options = setting_names(groups);
  std::string text;
  for (const Rows& rows :
       group_rows(shown_rows(groups), [](const GroupResult& row) { return row.experiment; })) {
    if (!text.empty()) text += '\n';
    text += experiment_text(rows, options);
  }
  return text;
}

}  // namespace recollect
