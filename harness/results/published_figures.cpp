#include "harness/results/published_figures.hpp"

#include <fmt/format.h>

#include <cmath>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "harness/store/csv.hpp"

namespace recollect {
namespace {

/// A column of the file, and the setting of ours that it stands for.
struct SettingColumn {
  const char* published;
  const char* ours;
};
constexpr SettingColumn kSettings[] = {
    {"layout", "task_layout"},
    {"filler", "task_filler"},
    {"pairs", "task_pairs"},
    {"tokens", "task_tokens"},
    {"dialect", "task_dialect"},
    {"learning_rate", "train_learning_rate"},
    {"max_steps", "train_steps"},
    {"stop_at", "train_stop_at"},
    {"short_conv", "model_short_conv"},
    {"select_length", "train_select_length"},
};

std::string value_in(const CsvTable& table, const std::vector<std::string>& row,
                     std::string_view column) {
  const auto found = table.find(column);
  return found ? row[*found] : "";
}

SdDivisor divisor_of(const std::string& text) {
  if (text.empty()) return SdDivisor::kUnknown;
  if (text == "n") return SdDivisor::kSeeds;
  if (text == "n-1") return SdDivisor::kSeedsLessOne;
  throw IoError(
      fmt::format("sd_divides_by '{}'; known: n, n-1, or empty where the source does not "
                  "say",
                  printable(text)));
}

/// @throws IoError where a value is not what its column is for
PublishedFigure figure_of(const CsvTable& table, const std::vector<std::string>& row) {
  const auto at = [&](std::string_view column) { return value_in(table, row, column); };
  if (at("metric") != "best validation accuracy") {
    throw IoError(
        fmt::format("metric '{}'; known: best validation accuracy", printable(at("metric"))));
  }
  PublishedFigure figure;
  figure.source = at("source");
  figure.variant = at("variant");
  figure.variant_as_published = at("variant_as_published");
  figure.task = at("task");
  figure.length = to_integer(at("length"));
  figure.eval_length = to_integer(at("eval_length"));
  for (const SettingColumn& column : kSettings) {
    // An empty stop_at says "none"; any other empty cell, that the task has no such option.
    const bool given = table.find(column.published).has_value();
    const std::string value = at(column.published);
    if (given && (!value.empty() || std::string_view(column.published) == "stop_at")) {
      figure.settings[column.ours] = value;
    }
  }
  figure.unseen_levels = at("unseen_levels");
  figure.mean = to_real(at("mean"));
  if (!at("sd").empty()) figure.sd = to_real(at("sd"));
  for (const double value : {figure.mean, figure.sd.value_or(0.0)}) {
    if (!(value >= 0.0 && value <= 1.0)) {
      throw IoError(fmt::format("mean and sd are shares, 0..1, and not {}", value));
    }
  }
  figure.sd_divisor = divisor_of(at("sd_divides_by"));
  figure.seeds = to_integer(at("seeds"));
  if (figure.seeds < 1) throw IoError("seeds must be 1 or more");
  if (figure.seeds == 1) figure.sd.reset();
  if (!at("solved").empty()) {
    figure.solved = to_integer(at("solved"));
    if (*figure.solved < 0 || *figure.solved > figure.seeds) {
      throw IoError(fmt::format("solved = {} of {} seeds", *figure.solved, figure.seeds));
    }
  }
  if (!at("solve_step_median").empty()) {
    figure.solve_step_median = to_real(at("solve_step_median"));
  }
  figure.note = at("note");
  return figure;
}

}  // namespace

std::optional<double> PublishedFigure::sample_sd() const {
  if (!sd || sd_divisor != SdDivisor::kSeeds) return sd;
  const auto n = static_cast<double>(seeds);
  return *sd * std::sqrt(n / (n - 1.0));  // a single seed has no sd
}

std::vector<PublishedFigure> read_published(const std::filesystem::path& path) {
  const CsvTable table =
      parse_csv(read_file(path, kLargestText, "file of published figures"), path.string());
  expect_columns(
      table,
      {"source", "task", "length", "eval_length", "variant", "metric", "mean", "sd", "seeds"},
      path.string());
  std::vector<PublishedFigure> figures;
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    try {
      figures.push_back(figure_of(table, table.rows[i]));
    } catch (const IoError& error) {
      throw IoError(fmt::format("{}: figure {}: {}", path.string(), i + 1, error.what()));
    }
  }
  return figures;
}

}  // namespace recollect
