#include "harness/report/summary_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <vector>

#include "harness/report/readable_table.hpp"
#include "harness/store/table_rows.hpp"

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

/// The rows of one experiment, and what is asked of them by name.
class Rows {
 public:
  Rows(const CsvTable& groups, std::vector<std::size_t> rows)
      : groups_(groups), rows_(std::move(rows)) {}

  [[nodiscard]] const std::vector<std::size_t>& rows() const noexcept { return rows_; }
  [[nodiscard]] const std::string& at(std::size_t row, std::string_view column) const {
    return groups_.rows[row][groups_.index(column)];
  }
  /// The values of a column in the order in which they first appear.
  [[nodiscard]] std::vector<std::string> values(std::string_view column) const {
    std::vector<std::string> values;
    for (const std::size_t row : rows_) {
      const std::string& value = at(row, column);
      if (!value.empty() && std::find(values.begin(), values.end(), value) == values.end()) {
        values.push_back(value);
      }
    }
    return values;
  }

 private:
  const CsvTable& groups_;
  std::vector<std::size_t> rows_;
};

std::string percent(const std::string& fraction) {
  return fmt::format("{:.1f}", 100.0 * to_real(fraction));
}

/// "99.7", "87.2 (76.9-99.1)*"; the mark is that of a length with levels that were never trained.
std::string accuracy_text(const Rows& rows, std::size_t row) {
  std::string text = percent(rows.at(row, "accuracy_median"));
  if (rows.at(row, "n") != "1") {
    text += fmt::format(" ({}-{})", percent(rows.at(row, "accuracy_min")),
                        percent(rows.at(row, "accuracy_max")));
  }
  return text + (rows.at(row, "unseen_level") == "1" ? '*' : ' ');
}

/// The columns of the rows of one setting, with a cell for each label and one for chance.
SettingColumns setting_columns(const Rows& rows, const std::string& title,
                               const std::vector<std::string>& labels) {
  SettingColumns setting{title, {{"solved", {}}}};
  std::map<std::string, std::string> solved;
  std::map<std::pair<std::string, std::string>, std::string> accuracy;
  std::map<std::string, std::string> chance;
  for (const std::size_t row : rows.rows()) {
    const std::string& label = rows.at(row, "label");
    const std::string& length = rows.at(row, "eval_length");
    if (!rows.at(row, "solved").empty()) {
      solved[label] = fmt::format("{}/{}", rows.at(row, "solved"), rows.at(row, "runs"));
    }
    if (rows.at(row, "accuracy_median").empty()) continue;
    accuracy[{label, length}] = accuracy_text(rows, row);
    chance[length] = percent(rows.at(row, "chance")) + ' ';
  }
  const auto cell = [](const auto& cells, const auto& key) {
    const auto found = cells.find(key);
    return found == cells.end() ? std::string() : found->second;
  };
  for (const std::string& label : labels) setting.columns[0].cells.push_back(cell(solved, label));
  setting.columns[0].cells.emplace_back();
  for (const std::string& length : rows.values("eval_length")) {
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

std::string experiment_text(const CsvTable& groups, const std::vector<std::size_t>& indices) {
  const Rows all(groups, indices);
  const SettingsSplit split = split_settings(groups, indices);
  const std::vector<std::string> labels = all.values("label");
  std::vector<std::string> names = labels;
  names.emplace_back("(chance)");
  std::vector<SettingColumns> settings;
  bool ranges = false;
  bool unseen = false;
  std::string failures;
  for (const auto& rows : group_by(groups, indices, split.varying)) {
    std::string title;
    for (const std::string& column : split.varying) {
      if (all.at(rows.front(), column).empty()) continue;
      title += fmt::format("{}{}", title.empty() ? "" : ", ",
                           column == "task" ? all.at(rows.front(), column)
                                            : fmt::format("{} {}", short_name(column),
                                                          all.at(rows.front(), column)));
    }
    settings.push_back(setting_columns(Rows(groups, rows), title, labels));
    std::map<std::string, std::string> failed;
    for (const std::size_t row : rows) {
      ranges = ranges || to_integer(all.at(row, "n")) > 1;
      unseen = unseen || all.at(row, "unseen_level") == "1";
      if (all.at(row, "failed") != "0") failed[all.at(row, "label")] = all.at(row, "failed");
    }
    for (const auto& [label, count] : failed) {
      failures += wrapped(fmt::format("{}{}{}: {} of its cells failed or diverged", label,
                                      title.empty() ? "" : " with ", title, count));
    }
  }
  std::string text = all.at(indices.front(), "experiment") + '\n' + wrapped(split.shared) + '\n';
  text += blocks_text(names, settings) + '\n';
  text += wrapped(fmt::format(
      "Test accuracy in per cent of the best weights{}, by sequence length. solved: seeds that "
      "reached 99 % on validation examples.{}",
      ranges ? ", median (range) over seeds" : "",
      unseen ? " *: this length uses levels that training never reached." : ""));
  return text + failures;
}

}  // namespace

std::string summary_text(const CsvTable& groups) {
  std::string text;
  for (const auto& rows : group_by(groups, shown_rows(groups), {"experiment"})) {
    if (!text.empty()) text += '\n';
    text += experiment_text(groups, rows);
  }
  return text;
}

}  // namespace recollect
