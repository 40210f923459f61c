#include "harness/results/published.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "base/error.hpp"
#include "base/file.hpp"
#include "harness/config/load.hpp"
#include "harness/render/readable_table.hpp"
#include "harness/results/read_cells.hpp"
#include "harness/store/cell_folder.hpp"
#include "harness/store/experiment_file.hpp"
#include "tests/support/places.hpp"
#include "tests/support/temporary_folder.hpp"

namespace recollect {
namespace {

constexpr const char* kHeader =
    "source,task,layout,filler,length,eval_length,pairs,learning_rate,max_steps,stop_at,short_conv,"
    "select_length,unseen_levels,variant_as_published,variant,metric,mean,sd,seeds,solved,note\n";

/// The groups of an experiment whose seeds have these accuracies of the best weights on validation;
/// 0.99 or more is a solved seed.
std::vector<GroupResult> groups_of(const std::string& configuration,
                                   const std::vector<double>& accuracies) {
  const TemporaryFolder out;
  std::string text = "experiment: x\nvariants: [adaptive-decay]\nseeds: [";
  for (std::size_t i = 0; i < accuracies.size(); ++i) text += fmt::format("{},", i);
  text += "]\n";
  text += configuration;
  const Experiment experiment = parse_experiment(text, "x.yaml");
  write_experiment(experiment, out.path());
  for (std::size_t i = 0; i < experiment.cells.size(); ++i) {
    const Cell& cell = experiment.cells[i];
    const CellFolder folder(out.path(), cell.hash());
    make_folder(folder.path());
    std::vector<ScoreRow> scores;
    for (const ScoreKey& key : wanted_scores(cell)) {
      ScoreRow row;
      row.key = key;
      row.unseen_level = key.eval_length > cell.task->length;
      if (!row.unseen_level) row.key.unseen_levels.clear();
      row.accuracy = accuracies[i];
      if (key.weights == Weights::kFinal || key.split == Split::kTest) row.accuracy = 0.5;
      scores.push_back(row);
    }
    folder.write_scores({.scores = scores});
    CellStatus status;
    status.steps = 6000;
    if (accuracies[i] >= 0.99) status.solved_step = 3000;
    folder.write_status(status);
  }
  return group_cells(read_cells(out.path()).rows);
}

constexpr const char* kHeadline =
    "task: {name: mqar, length: 128, pairs: 32}\ntrain: {steps: 6000}\n";

std::vector<PublishedComparison> compare_rows(const std::vector<GroupResult>& groups,
                                              const std::string& lines) {
  const TemporaryFolder folder;
  write_file_atomically(folder / "published.csv", kHeader + lines);
  return compare_published(groups, read_published(folder / "published.csv"));
}

CsvTable compare(const std::vector<GroupResult>& groups, const std::string& lines) {
  return to_table(published_table(compare_rows(groups, lines)));
}

std::string line(const std::string& mean, const std::string& sd, int seeds,
                 const std::string& solved, const std::string& settings = "0.001,6000,,0,128,") {
  return fmt::format(
      "a source,mqar,packed,random,128,128,32,{},theirs,adaptive-decay,best validation accuracy,{},"
      "{},{},{},\n",
      settings, mean, sd, seeds, solved);
}

std::string only(const CsvTable& table, const char* column) {
  REQUIRE(table.rows.size() == 1);
  return table.rows[0][table.index(column)];
}

TEST_CASE("published: agreement and difference by the interval of the means") {
  const std::vector<GroupResult> groups = groups_of(kHeadline, {0.95, 0.96, 0.94, 0.955});
  const CsvTable same = compare(groups, line("0.951", "0.01", 5, ""));
  CHECK(only(same, "verdict") == "agrees");
  CHECK(to_real(only(same, "ours_mean")) ==
        doctest::Approx(0.95125));  // validation of the best weights, not the test's 0.5
  CHECK(to_real(only(same, "difference_low")) < 0.0);
  CHECK(only(same, "why").starts_with("means differ by -"));
  CHECK(only(compare(groups, line("0.8", "0.01", 5, "")), "verdict") == "differs");
  CHECK(only(compare(groups, line("0.8", "0.2", 5, "")), "verdict") == "agrees");
  // Sure, but of no interest: less than a point.
  CHECK(only(compare(groups, line("0.942", "0.0001", 50, "")), "verdict") == "agrees");
  // One published run: does it lie where one more of ours would?
  CHECK(only(compare(groups, line("0.94", "", 1, "")), "verdict") == "agrees");
  CHECK(only(compare(groups, line("0.7", "", 1, "")), "verdict") == "differs");
}

TEST_CASE("published: shares of solved seeds decide where seeds fall into two groups") {
  const std::vector<GroupResult> groups =
      groups_of(kHeadline, {0.995, 0.996, 0.03, 0.995, 0.997, 0.993});
  const CsvTable close = compare(groups, line("0.4", "0.01", 20, "16"));
  CHECK(only(close, "verdict") == "agrees");
  CHECK(only(close, "why") ==
        "shares solved differ by -38.1..+28.9 points; means do not count, as our seeds fall into "
        "two groups");
  CHECK(only(close, "ours_spread") == "! 5/6 solved; solved 99.5, others 3.0");
  CHECK(only(close, "ours_solve_step_median") == "3000");
  // Newcombe's interval by scipy.stats' Wilson intervals.
  CHECK(to_real(only(close, "solved_difference_low")) == doctest::Approx(-0.3810596297206441));
  CHECK(to_real(only(close, "solved_difference_high")) == doctest::Approx(0.28892426418105605));
  CHECK(only(compare(groups, line("0.4", "0.01", 20, "0")), "verdict") == "differs");
  // Without published shares the means are all there is, and the verdict says what it ignores.
  const CsvTable means = compare(groups, line("0.609", "0.467", 5, ""));
  CHECK(only(means, "verdict") == "agrees");
  CHECK(only(means, "why").find("two groups, which Welch's interval ignores") != std::string::npos);
}

TEST_CASE("published: what cannot be compared says why, key by key") {
  const std::vector<GroupResult> groups =
      groups_of(fmt::format("{}model: {{width: 32}}\n", kHeadline), {0.95, 0.96});
  const CsvTable other = compare(groups, line("0.951", "0.01", 5, "", "0.0003,20000,0.99,0,128,"));
  CHECK(only(other, "verdict") == "not comparable");
  CHECK(only(other, "why") ==
        "width 32 instead of 64, learning_rate 0.001 instead of 0.0003, steps 6000 instead of "
        "20000, stop_at none instead of 0.99");
  const std::vector<GroupResult> lone = groups_of(kHeadline, {0.95});
  CHECK(only(compare(lone, line("0.951", "", 1, "")), "why") ==
        "one seed on each side, and no spread on either");
  // Another size, variant or length is no counterpart at all.
  const std::vector<GroupResult> small =
      groups_of("task: {name: mqar, length: 128, pairs: 8}\n", {0.9, 0.9});
  CHECK(compare(small, line("0.951", "0.01", 5, "")).rows.empty());
}

TEST_CASE("published: a length with unseen levels is compared as it read them") {
  const std::string figure =
      "a source,mqar,packed,random,128,256,8,0.0003,20000,,0,256,as-is,theirs,adaptive-decay,best "
      "validation accuracy,0.551,0.238,5,,\n";
  const auto verdict = [&](const char* mode) {
    return compare(groups_of(fmt::format("task: {{name: mqar, length: 128, pairs: 8}}\n"
                                         "train: {{steps: 20000, learning_rate: 3.0e-4, "
                                         "select_length: 256}}\n"
                                         "eval: {{lengths: [256], unseen_levels: {}}}\n",
                                         mode),
                             {0.4, 0.5, 0.6}),
                   figure);
  };
  CHECK(only(verdict("as-is"), "verdict") == "agrees");
  CHECK(only(verdict("clamp"), "why") == "unseen_levels clamp instead of as-is");
}

TEST_CASE("published: the table for people numbers its sources") {
  const std::vector<GroupResult> groups = groups_of(kHeadline, {0.95, 0.96, 0.94, 0.955});
  const std::vector<PublishedComparison> comparison = compare_rows(
      groups, line("0.951", "0.01", 5, "") + line("0.9", "", 1, "", "0.0003,6000,,0,128,"));
  const std::vector<TextTable> tables = readable_comparison(comparison);
  REQUIRE(tables.size() == 1);
  CHECK(tables[0].rows.size() == 2);
  CHECK(tables[0].notes == std::vector<std::string>{"[1] a source"});
  const std::string markdown = to_markdown(tables[0]);
  CHECK(markdown.find("95.1 \u00b1 1.0") != std::string::npos);
  CHECK(markdown.find("learning_rate 0.001 instead of 0.0003") != std::string::npos);
}

TEST_CASE("published: the file that comes with the program can be read, and says what it should") {
  const auto figures = read_published(source_folder() / "results/published/published.csv");
  CHECK(figures.size() == 22);
  std::size_t counted = 0;
  for (const PublishedFigure& figure : figures) {
    CHECK_FALSE(figure.source.empty());
    CHECK(figure.mean > 0.0);
    CHECK(figure.mean <= 1.0);
    counted += figure.solved ? 1 : 0;
    // A median exists exactly where a seed was solved.
    CHECK(figure.solve_step_median.has_value() == (figure.solved.value_or(0) > 0));
  }
  CHECK(counted == 12);
}

TEST_CASE("published: a file that is wrong is named with its line") {
  const TemporaryFolder folder;
  const auto refusal = [&](const std::string& text) {
    write_file_atomically(folder / "p.csv", text);
    try {
      (void)read_published(folder / "p.csv");
    } catch (const IoError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(refusal("a,b\n1,2\n").find("p.csv: column 'source' is missing") != std::string::npos);
  CHECK(refusal(kHeader + line("0.9", "", 0, "")).find("figure 1: seeds must be 1 or more") !=
        std::string::npos);
  CHECK(refusal(kHeader + line("0.9", "", 3, "4")).find("solved = 4 of 3 seeds") !=
        std::string::npos);
  CHECK(refusal(kHeader + line("much", "", 3, "")).find("figure 1: ") != std::string::npos);
  for (const char* mean : {"60.9", "-0.1", "nan", "inf"}) {
    CHECK(refusal(kHeader + line(mean, "", 3, "")).find("figure 1: mean and sd are shares, 0..1") !=
          std::string::npos);
  }
  CHECK(refusal(kHeader + line("0.9", "nan", 3, "")).find("are shares, 0..1, and not nan") !=
        std::string::npos);
}

}  // namespace
}  // namespace recollect
