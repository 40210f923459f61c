#include "harness/bench/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "base/build_info.hpp"
#include "base/text.hpp"
#include "harness/config/model_options.hpp"
#include "harness/render/json.hpp"
#include "math/parallel.hpp"

namespace recollect {
namespace {

const char* name_of(BenchMode mode) {
  switch (mode) {
    case BenchMode::kTrain:
      return "train";
    case BenchMode::kScore:
      return "score";
    case BenchMode::kStream:
      break;
  }
  return "stream";
}

// Products in cache nearly reach the peak. A share outside means that other work took the cores
// while one of the two was probed.
constexpr double kLeastShare = 0.9;
constexpr double kMostShare = 1.05;

/// Six digits are more than any timing deserves, and easier to read.
double rounded(double value) { return std::stod(fmt::format("{:.6g}", value)); }

const char* name_of(Suite suite) {
  switch (suite) {
    case Suite::kSteps:
      return "steps";
    case Suite::kOptions:
      return "options";
    case Suite::kGrowth:
      return "growth";
    case Suite::kScaling:
      return "scaling";
  }
  return "";
}

const char* name_of(RowStatus status) {
  switch (status) {
    case RowStatus::kOk:
      return "ok";
    case RowStatus::kDisagrees:
      return "disagrees";
    case RowStatus::kSkipped:
      return "skipped";
  }
  return "";
}

std::int64_t accepted(const BenchRow& row) {
  return std::count_if(row.samples.begin(), row.samples.end(),
                       [](const Sample& sample) { return sample.accepted; });
}

using RowField = Column<BenchRow>;

/// A number that only a measured row has.
RowField figure(const char* name, std::function<double(const BenchRow&)> value) {
  return {name, [value = std::move(value)](const BenchRow& row) {
            return row.status == RowStatus::kOk ? Value(rounded(value(row))) : Value();
          }};
}

RowField count(const char* name, std::function<std::int64_t(const BenchRow&)> value) {
  return {name, [value = std::move(value)](const BenchRow& row) {
            return row.status == RowStatus::kOk ? Value(value(row)) : Value();
          }};
}

RowField error(const char* name, double Agreement::*member) {
  return {name, [member](const BenchRow& row) {
            return row.agreement ? Value(rounded((*row.agreement).*member)) : Value();
          }};
}

RowField comparison(const char* name, std::function<double(const RelativeTiming&)> value) {
  return {name, [value = std::move(value)](const BenchRow& row) {
            return row.relative ? Value(rounded(value(*row.relative))) : Value();
          }};
}

const std::vector<RowField>& row_fields() {
  using Row = const BenchRow&;
  static const std::vector<RowField> fields = {
      {"case", [](Row row) { return Value(row.what.name); }},
      {"variant", [](Row row) { return Value(row.what.cell.variant.name); }},
      {"length", [](Row row) { return Value(row.what.cell.task->length); }},
      {"batch", [](Row row) { return Value(row.what.cell.train.batch); }},
      {"scored", [](Row row) { return Value(row.what.cell.task->make()->max_scored()); }},
      {"width", [](Row row) { return Value(row.what.cell.variant.model.width); }},
      {"options", [](Row row) { return Value(options_text(row.what.cell.variant)); }},
      {"shortcuts", [](Row row) { return Value(row.what.execution.shortcuts); }},
      {"mode", [](Row row) { return Value(std::string(name_of(row.what.mode))); }},
      {"cells", [](Row row) { return Value(std::int64_t{row.what.cells}); }},
      {"threads", [](Row row) { return Value(std::int64_t{row.what.threads}); }},
      {"status", [](Row row) { return Value(std::string(name_of(row.status))); }},
      {"note", [](Row row) { return Value(row.note); }},
      {"checked_length",
       [](Row row) { return row.agreement ? Value(row.agreement->length) : Value(); }},
      error("loss_error", &Agreement::loss_error),
      error("output_error", &Agreement::output_error),
      error("tensor_error", &Agreement::tensor_error),
      figure("ms_per_step", [](Row row) { return row.timing.ms; }),
      figure("tokens_per_second", [](Row row) { return row.tokens_per_second(); }),
      figure("ns_per_token", [](Row row) { return 1e9 / row.tokens_per_second(); }),
      figure("nominal_gflop", [](Row row) { return row.nominal_gflop; }),
      figure("gflops", [](Row row) { return row.gflops(); }),
      figure("probe_gflops", [](Row row) { return row.timing.probe; }),
      figure("fraction", [](Row row) { return row.timing.fraction; }),
      count("workspace_bytes", [](Row row) { return row.workspace_bytes; }),
      count("state_floats", [](Row row) { return row.state_floats; }),
      {"noisy",
       [](Row row) { return row.status == RowStatus::kOk ? Value(row.timing.noisy) : Value(); }},
      comparison("time_ratio", [](const RelativeTiming& c) { return c.time_ratio; }),
      comparison("work_ratio", [](const RelativeTiming& c) { return c.work_ratio; }),
      comparison("excess", [](const RelativeTiming& c) { return c.excess(); }),
      comparison("speedup", [](const RelativeTiming& c) { return c.speedup(); }),
      comparison("probe_ratio", [](const RelativeTiming& c) { return c.probe_ratio; }),
      comparison("efficiency", [](const RelativeTiming& c) { return c.efficiency(); }),
      {"comparison_noisy",
       [](Row row) { return row.relative ? Value(row.relative->noisy) : Value(); }},
      count("steps_per_sample", [](Row row) { return row.steps; }),
      {"samples_taken",
       [](Row row) { return Value(static_cast<std::int64_t>(row.samples.size())); }},
      {"samples_accepted", [](Row row) { return Value(accepted(row)); }}};
  return fields;
}

Json samples_json(const std::vector<Sample>& samples) {
  Json list = Json::array();
  for (const Sample& sample : samples) {
    list.push_back({{"ms", rounded(sample.ms)},
                    {"probe_before", rounded(sample.probe_before)},
                    {"probe_after", rounded(sample.probe_after)},
                    {"accepted", sample.accepted}});
  }
  return list;
}

/// As the CSV of a benchmark has it: six digits, true and false.
std::string cell_text(const Value& value) {
  if (const bool* truth = std::get_if<bool>(&value)) return *truth ? "true" : "false";
  if (const double* number = std::get_if<double>(&value)) return fmt::format("{:.6g}", *number);
  return csv_text(value);
}

struct TextColumn {
  const char* title;
  std::function<std::string(const BenchRow&)> cell;
};

TextColumn text_figure(const char* title, std::function<std::string(const BenchRow&)> value) {
  return {title, [value = std::move(value)](const BenchRow& row) {
            return row.status == RowStatus::kOk ? value(row) : std::string("-");
          }};
}

TextColumn text_ratio(const char* title, double (*value)(const RelativeTiming&)) {
  return {title, [value](const BenchRow& row) {
            return row.relative ? fmt::format("{:.2f}", value(*row.relative)) : "-";
          }};
}

std::vector<TextColumn> text_columns(Suite suite) {
  using Row = const BenchRow&;
  std::vector<TextColumn> columns;
  const auto add = [&](TextColumn column) { columns.push_back(std::move(column)); };
  add({"case", [](Row row) { return row.what.name; }});
  add({"T", [](Row row) { return std::to_string(row.what.cell.task->length); }});
  if (suite == Suite::kOptions || suite == Suite::kGrowth) {
    add({"shortcuts", [](Row row) { return row.what.execution.shortcuts ? "on" : "off"; }});
  }
  add(text_figure("ms/step", [](Row row) { return fmt::format("{:.3f}", row.timing.ms); }));
  if (suite == Suite::kGrowth) {
    add(text_figure("ns/token",
                    [](Row row) { return fmt::format("{:.1f}", 1e9 / row.tokens_per_second()); }));
  }
  if (suite == Suite::kSteps) {
    add(text_figure("tokens/s",
                    [](Row row) { return fmt::format("{:.0f}", row.tokens_per_second()); }));
  }
  add(text_figure("GFLOP/s", [](Row row) { return fmt::format("{:.1f}", row.gflops()); }));
  add(text_figure("fraction", [](Row row) { return fmt::format("{:.3f}", row.timing.fraction); }));
  if (suite == Suite::kSteps || suite == Suite::kGrowth) {
    add(text_figure("workspace KiB", [](Row row) {
      return fmt::format("{:.0f}", static_cast<double>(row.workspace_bytes) / 1024.0);
    }));
    add(text_figure("state", [](Row row) { return std::to_string(row.state_floats); }));
  }
  if (suite == Suite::kGrowth) {
    add(text_ratio("time x", [](const RelativeTiming& c) { return c.token_time_ratio(); }));
    add(text_ratio("work x", [](const RelativeTiming& c) { return c.token_work_ratio(); }));
    add(text_ratio("time/work", [](const RelativeTiming& c) { return c.excess(); }));
  }
  if (suite == Suite::kOptions) {
    add({"plain ms", [](Row row) {
           return row.relative ? fmt::format("{:.3f}", row.timing.ms / row.relative->time_ratio)
                               : "-";
         }});
    add(text_ratio("time", [](const RelativeTiming& c) { return c.time_ratio; }));
    add(text_ratio("work", [](const RelativeTiming& c) { return c.work_ratio; }));
    add(text_ratio("time/work", [](const RelativeTiming& c) { return c.excess(); }));
    // With the shortcuts the plain model does a fraction of its nominal work: no bound for the
    // others.
    add({"bound", [](Row row) {
           return row.what.execution.shortcuts ? "-" : fmt::format("{:.1f}", kExcessBound);
         }});
  }
  if (suite == Suite::kScaling) {
    add(text_ratio("speed-up", [](const RelativeTiming& c) { return c.speedup(); }));
    add(text_ratio("probe", [](const RelativeTiming& c) { return c.probe_ratio; }));
    add(text_ratio("efficiency", [](const RelativeTiming& c) { return c.efficiency(); }));
  }
  add({"note", [](Row row) {
         if (row.status != RowStatus::kOk) return row.note;
         std::string text = row.timing.noisy ? "noisy: no undisturbed sample" : "";
         if (text.empty() && row.relative && row.relative->noisy) {
           text = "noisy: what it is compared with";
         }
         if (!text.empty() && !row.note.empty()) text += "; ";
         return text + row.note;
       }});
  return columns;
}

std::string machine_text(const BenchReport& report) {
  std::string text =
      fmt::format("{}; {}; {}; {}\n", cpu_model(), compiler(), build(), code_version());
  for (const auto& [threads, rates] : report.rates) {
    text += fmt::format(
        "{}: attainable {:.1f} GFLOP/s (64 x 64 x 64 products; own {:.1f}, Eigen {:.1f}), "
        "{:.2f} of the multiply-add peak {:.1f}\n",
        plural(threads, "thread"), rates.attainable, rates.own, rates.eigen, rates.share_of_peak(),
        rates.peak);
    if (rates.share_of_peak() < kLeastShare || rates.share_of_peak() > kMostShare) {
      text += "    that is not between 0.9 and 1.05: the machine was disturbed, measure again\n";
    }
  }
  return text;
}

}  // namespace

std::string bench_json(const BenchReport& report, const BenchOrigin& origin) {
  Json json;
  json["suite"] = name_of(origin.suite);
  json["cpu"] = cpu_model();
  json["compiler"] = compiler();
  json["build"] = build();
  json["code_version"] = code_version();
  json["threads"] = origin.threads;
  json["samples"] = origin.settings.samples;
  json["seconds"] = origin.settings.seconds;
  json["probe_seconds"] = origin.settings.probe_seconds;
  json["probe_tolerance"] = kProbeTolerance;
  json["excess_bound"] = kExcessBound;
  const auto own = report.rates.find(origin.threads);
  json["attainable_gflops"] =
      own == report.rates.end() ? Json() : Json(rounded(own->second.attainable));
  json["peak_gflops"] = own == report.rates.end() ? Json() : Json(rounded(own->second.peak));
  json["rates"] = Json::array();
  for (const auto& [threads, rates] : report.rates) {
    json["rates"].push_back({{"threads", threads},
                             {"attainable_gflops", rounded(rates.attainable)},
                             {"own_gflops", rounded(rates.own)},
                             {"eigen_gflops", rounded(rates.eigen)},
                             {"peak_gflops", rounded(rates.peak)},
                             {"share_of_peak", rounded(rates.share_of_peak())}});
  }
  json["rows"] = Json::array();
  for (const BenchRow& row : report.rows) {
    Json& object = json["rows"].emplace_back();
    for (const RowField& field : row_fields()) object[field.name] = json_of(field.value(row));
    object["samples"] = samples_json(row.samples);
  }
  return json_text(json);
}

CsvTable bench_csv(const BenchReport& report) {
  CsvTable table;
  for (const RowField& field : row_fields()) table.header.emplace_back(field.name);
  for (const BenchRow& row : report.rows) {
    std::vector<std::string>& cells = table.rows.emplace_back();
    for (const RowField& field : row_fields()) cells.push_back(cell_text(field.value(row)));
  }
  return table;
}

std::string bench_text(const BenchReport& report, const BenchOrigin& origin) {
  const std::vector<TextColumn> columns = text_columns(origin.suite);
  std::vector<std::vector<std::string>> lines(1);
  for (const TextColumn& column : columns) lines.front().emplace_back(column.title);
  for (const BenchRow& row : report.rows) {
    // What options are compared with stands in their own rows.
    if (origin.suite == Suite::kOptions && row.what.name == kPlainCase) continue;
    std::vector<std::string>& line = lines.emplace_back();
    for (const TextColumn& column : columns) line.push_back(column.cell(row));
  }
  std::vector<std::size_t> widths(columns.size());
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  }
  std::string text = machine_text(report) + "\n";
  for (const auto& line : lines) {
    std::string padded = fmt::format("{:<{}}", line.front(), widths.front());
    for (std::size_t i = 1; i + 1 < line.size(); ++i) {
      padded += fmt::format("  {:>{}}", line[i], widths[i]);
    }
    if (!line.back().empty()) padded += "  " + line.back();
    text += padded + "\n";
  }
  return text;
}

}  // namespace recollect
