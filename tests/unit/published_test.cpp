#include "harness/results/published.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>

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
                                   const std::vector<double>& accuracies,
                                   std::int64_t steps = 6000) {
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
    status.steps = steps;
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

TEST_CASE("published: the whole interval of the means decides") {
  const std::vector<GroupResult> groups = groups_of(kHeadline, {0.95, 0.951, 0.949, 0.9505});
  const CsvTable same = compare(groups, line("0.951", "0.001", 5, ""));
  CHECK(only(same, "verdict") == "equivalent");
  CHECK(to_real(only(same, "ours_mean")) ==
        doctest::Approx(0.950125));  // validation of the best weights, not the test's 0.5
  CHECK(to_real(only(same, "difference_low")) < 0.0);
  CHECK(only(same, "why").starts_with("means differ by -"));
  CHECK(only(same, "decided_by") == "means");
  CHECK(only(same, "margin") == "0.01");
  CHECK(only(compare(groups, line("0.8", "0.01", 5, "")), "verdict") == "differs");
  CHECK(only(compare(groups, line("0.8", "0.2", 5, "")), "verdict") == "inconclusive");
  CHECK(only(compare(groups, line("0.951", "0.02", 5, "")), "verdict") == "inconclusive");
  // Sure not to be 0, but of no interest: less than a point.
  CHECK(only(compare(groups, line("0.944", "0.0001", 50, "")), "verdict") == "equivalent");
  const CsvTable edge = compare(groups, line("0.9405", "0.0001", 50, ""));
  CHECK(only(edge, "verdict") == "inconclusive");
  CHECK(only(edge, "why").find("not 0 in all likelihood, but perhaps within the margin") !=
        std::string::npos);
  // One published run: does it lie where one more of ours would?
  CHECK(only(compare(groups, line("0.95", "", 1, "")), "verdict") == "equivalent");
  CHECK(only(compare(groups, line("0.7", "", 1, "")), "verdict") == "differs");
}

TEST_CASE("published: shares of solved seeds decide where seeds fall into two groups") {
  const std::vector<GroupResult> groups =
      groups_of(kHeadline, {0.995, 0.996, 0.03, 0.995, 0.997, 0.993});
  const CsvTable close = compare(groups, line("0.4", "0.01", 20, "16"));
  CHECK(only(close, "verdict") == "inconclusive");
  CHECK(only(close, "decided_by") == "shares");
  CHECK(only(close, "margin") == "0.2");
  CHECK(only(close, "why") ==
        "shares solved differ by -38.1..+28.9 points, margin 20; means do not count, as our seeds "
        "fall into two groups; " +
            only(close, "could_have_seen"));
  CHECK(only(close, "could_have_seen") ==
        "6 seeds would have differed in 80 % of cases only if our true share of solved seeds were "
        "below 4 %, and could not have been equivalent");
  CHECK(only(close, "ours_spread") == "! 5/6 solved; solved 99.5, others 3.0");
  CHECK(only(close, "ours_solve_step_median") == "3000");
  // Newcombe's interval by scipy.stats' Wilson intervals.
  CHECK(to_real(only(close, "solved_difference_low")) == doctest::Approx(-0.3810596297206441));
  CHECK(to_real(only(close, "solved_difference_high")) == doctest::Approx(0.28892426418105605));
  CHECK(only(compare(groups, line("0.4", "0.01", 20, "0")), "verdict") == "differs");
  // Without published shares the means are all there is, and the verdict says what it ignores.
  const CsvTable means = compare(groups, line("0.609", "0.467", 5, ""));
  CHECK(only(means, "verdict") == "inconclusive");
  CHECK(only(means, "why").find("two groups, which Welch's interval ignores") != std::string::npos);
  CHECK(only(means, "could_have_seen") ==
        "6 seeds with this spread could not have differed whatever the truth, and could not have "
        "been equivalent");
  // Two groups that solving does not tell apart: 0 of 6 beside 0 of 20 would say nothing of them.
  const CsvTable unsolved = compare(groups_of(kHeadline, {0.96, 0.97, 0.03, 0.95, 0.96, 0.04}),
                                    line("0.49", "0.46", 20, "0"));
  CHECK(only(unsolved, "decided_by") == "means");
  CHECK(only(unsolved, "why").find("not by whether they solved the task") != std::string::npos);
}

TEST_CASE("published: many seeds of either kind are equivalent, or differ") {
  const std::vector<double> all(40, 0.995);
  std::vector<double> most = all;
  most[0] = 0.03;
  const std::vector<GroupResult> groups = groups_of(kHeadline, most);
  CHECK(only(compare(groups, line("0.98", "0.1", 60, "58")), "verdict") == "equivalent");
  CHECK(only(compare(groups, line("0.5", "0.5", 60, "20")), "verdict") == "differs");
}

TEST_CASE("published: a deviation of the population is made one of a sample") {
  const std::vector<GroupResult> groups = groups_of(kHeadline, {0.95, 0.96, 0.94, 0.955});
  const TemporaryFolder folder;
  const auto with = [&](const std::string& divisor) {
    std::string header = kHeader;
    header.insert(header.size() - 1, ",sd_divides_by");
    std::string figure = line("0.9", "0.04", 5, "");
    figure.insert(figure.size() - 1, "," + divisor);
    write_file_atomically(folder / "p.csv", header + figure);
    return to_table(published_table(compare_published(groups, read_published(folder / "p.csv"))));
  };
  CHECK(to_real(only(with("n"), "published_sample_sd")) ==
        doctest::Approx(0.04 * std::sqrt(5.0 / 4.0)));
  CHECK(only(with("n"), "published_sd") == "0.04");
  CHECK(only(with("n-1"), "published_sample_sd") == "0.04");
  CHECK(only(with("n-1"), "published_sd_divides_by") == "n-1");
  // A file of before, without the column, is read, and its deviations are taken for samples'.
  const CsvTable old = compare(groups, line("0.9", "0.04", 5, ""));
  CHECK(only(old, "published_sd_divides_by").empty());
  CHECK(only(old, "difference_low") == only(with(""), "difference_low"));
  CHECK(only(old, "difference_low") == only(with("n-1"), "difference_low"));
  CHECK(to_real(only(with("n"), "difference_low")) < to_real(only(old, "difference_low")));
  CHECK_THROWS_AS(with("n - 1"), IoError);
  (void)with("n");
  const auto notes = [&](const char* divisor) {
    PublishedFigure figure = read_published(folder / "p.csv").front();
    figure.sd_divisor = std::string_view(divisor) == "n" ? SdDivisor::kSeeds : SdDivisor::kUnknown;
    const std::string text =
        to_markdown(readable_comparison(compare_published(groups, {figure}))[0]);
    return text.find("is taken to divide by n - 1") != std::string::npos;
  };
  CHECK(notes(""));
  CHECK_FALSE(notes("n"));
}

TEST_CASE("published: differs is corrected for the number of figures") {
  const std::vector<GroupResult> groups = groups_of(kHeadline, {0.95, 0.96, 0.94, 0.955});
  const std::string near = line("0.935", "0.004", 5, "");
  const CsvTable alone = compare(groups, line("0.926", "0.004", 5, ""));
  CHECK(only(alone, "verdict") == "differs");
  CHECK(only(alone, "compared") == "1");
  CHECK(only(alone, "p_holm") == only(alone, "p_beyond_margin"));
  const CsvTable among = compare(groups, line("0.926", "0.004", 5, "") + near + near + near);
  REQUIRE(among.rows.size() == 4);
  const auto at = [&](const char* column) { return among.rows[0][among.index(column)]; };
  CHECK(at("compared") == "4");
  CHECK(at("p_beyond_margin") == only(alone, "p_beyond_margin"));
  CHECK(to_real(at("p_holm")) == doctest::Approx(4.0 * to_real(at("p_beyond_margin"))));
  CHECK(at("verdict") == "inconclusive");
  CHECK(at("why").find("beyond the margin alone, but not among 4 figures (p 0.") !=
        std::string::npos);
  // What was not compared counts for nothing.
  const CsvTable apart = compare(
      groups, line("0.926", "0.004", 5, "") + line("0.935", "0.004", 5, "", "0.0003,6000,,0,128,"));
  CHECK(apart.rows[0][apart.index("compared")] == "1");
  CHECK(apart.rows[1][apart.index("compared")].empty());
}

TEST_CASE("published: a stop_at that no run reached keeps nothing apart") {
  const std::string stopped = "0.001,6000,0.99,0,128,";
  const auto groups = [](double best) { return groups_of(kHeadline, {0.95, best, 0.94, 0.955}); };
  const CsvTable never = compare(groups(0.96), line("0.8", "0.01", 5, "", stopped));
  CHECK(only(never, "verdict") == "differs");
  CHECK(only(never, "why")
            .find("stop_at none instead of 0.99 changed nothing, as no run of ours "
                  "reached it") != std::string::npos);
  CHECK(only(compare(groups(0.99), line("0.8", "0.01", 5, "", stopped)), "why") ==
        "stop_at none instead of 0.99");
  // The other way round: ours has one.
  const auto ours = groups_of(
      "task: {name: mqar, length: 128, pairs: 32}\n"
      "train: {steps: 6000, stop_at: 0.99}\n",
      {0.95, 0.96, 0.94, 0.955});
  CHECK(only(compare(ours, line("0.8", "0.01", 5, "")), "verdict") == "differs");
  CHECK(only(compare(ours, line("0.8", "0.01", 5, "", "0.001,6000,0.98,0,128,")), "verdict") ==
        "not comparable");
}

TEST_CASE("published: a length at which the source selects is where its stop_at looks") {
  // Trained at 128, where every run solves the task; selected and stopped by validation at 256.
  std::string figure =
      "a source,mqar,packed,random,128,256,8,0.0003,20000,0.99,0,256,as-is,theirs,adaptive-decay,"
      "best validation accuracy,0.551,0.238,5,,\n";
  const auto verdict = [&](std::int64_t select_length, double best) {
    return compare(
        groups_of(fmt::format("task: {{name: mqar, length: 128, pairs: 8}}\n"
                              "train: {{steps: 20000, learning_rate: 3.0e-4, select_length: {}}}\n"
                              "eval: {{lengths: [128, 256], unseen_levels: as-is}}\n",
                              select_length),
                  {0.03, 0.1, best, 0.02, 0.03}),
        figure);
  };
  CHECK(only(verdict(256, 0.12), "verdict") == "differs");
  CHECK(only(verdict(256, 0.995), "why") == "stop_at none instead of 0.99");
  // Weights selected elsewhere do not say how high the accuracy went here.
  CHECK(only(verdict(128, 0.12), "why") ==
        "select_length 128 instead of 256, stop_at none instead of 0.99");
  figure.replace(figure.find("0,256,as-is"), 11, "0,128,as-is");
  CHECK(only(verdict(128, 0.12), "why") == "stop_at none instead of 0.99");
}

TEST_CASE("published: a limit of steps that no run came to keeps nothing apart") {
  const auto groups = [](const char* schedule, std::int64_t steps) {
    return groups_of(fmt::format("task: {{name: mqar, length: 128, pairs: 32}}\n"
                                 "train: {{steps: 20000, stop_at: 0.99, schedule: {}}}\n",
                                 schedule),
                     {0.991, 0.992, 0.993}, steps);
  };
  const std::string figure = line("0.992", "0.001", 5, "", "0.001,6000,0.99,0,128,");
  CHECK(only(compare(groups("constant", 5000), figure), "verdict") == "equivalent");
  CHECK(only(compare(groups("constant", 6000), figure), "why").find("had stopped before") !=
        std::string::npos);
  CHECK(only(compare(groups("constant", 6100), figure), "why") == "steps 20000 instead of 6000");
  // The rate of a cosine depends on the limit itself.
  const std::vector<GroupResult> cosine = groups("cosine", 5000);
  PublishedFigure alike = compare_rows(cosine, figure)[0].figure;
  alike.settings["train_schedule"] = "cosine";
  CHECK(compare_published(cosine, {alike})[0].why == "steps 20000 instead of 6000");
}

TEST_CASE("published: where one side stops once solved, the shares alone are compared") {
  const auto groups = groups_of(kHeadline, {0.9999, 0.9998, 0.9999, 0.9999});
  const std::string stopped = "0.001,6000,0.99,0,128,";
  const CsvTable both = compare(groups, line("0.991", "0.0005", 5, "5", stopped));
  CHECK(only(both, "decided_by") == "shares");
  CHECK(only(both, "verdict") == "inconclusive");
  CHECK(only(both, "why")
            .find("means do not count, as stop_at none instead of 0.99 moves the best "
                  "accuracy") != std::string::npos);
  CHECK(only(compare(groups, line("0.991", "0.0005", 5, "", stopped)), "verdict") ==
        "not comparable");
  CHECK(only(compare(groups, line("0.96", "0.0005", 5, "5", "0.001,6000,0.95,0,128,")),
             "verdict") == "not comparable");
}

TEST_CASE("published: options that a variant does not have keep nothing apart") {
  std::string configuration = fmt::format("{}model: {{lambda_hidden: 32}}\n", kHeadline);
  std::vector<GroupResult> groups = groups_of(configuration, {0.95, 0.951, 0.949, 0.9505});
  const std::string figure = line("0.95", "0.001", 5, "");
  CHECK(only(compare(groups, figure), "why") == "lambda_hidden 32 instead of 64");
  for (GroupResult& group : groups) group.variant = "linear-decay";
  PublishedFigure other = compare_rows(groups_of(kHeadline, {0.95, 0.96}), figure)[0].figure;
  other.variant = "linear-decay";
  const auto rows = compare_published(groups, {other});
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].verdict == PublishedVerdict::kEquivalent);
  // An option that tables leave out at its default, listed here for another group's sake.
  std::vector<GroupResult> mixed = groups_of(kHeadline, {0.95, 0.951, 0.949, 0.9505});
  std::vector<GroupResult> unlike = mixed;
  for (GroupResult& group : unlike) {
    group.experiment = "y";
    group.settings.push_back({"train_solve_at", {"0.9", false}});
  }
  mixed.insert(mixed.end(), unlike.begin(), unlike.end());
  const auto both = compare_rows(mixed, figure);
  REQUIRE(both.size() == 2);
  CHECK(both[0].verdict == PublishedVerdict::kEquivalent);
  CHECK(both[1].why == "solve_at 0.9 instead of 0.99");
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
  CHECK(only(verdict("as-is"), "verdict") == "inconclusive");
  CHECK(only(verdict("clamp"), "why") == "unseen_levels clamp instead of as-is");
}

TEST_CASE("published: the table for people numbers its sources") {
  const std::vector<GroupResult> groups = groups_of(kHeadline, {0.95, 0.96, 0.94, 0.955});
  const std::vector<PublishedComparison> comparison = compare_rows(
      groups, line("0.951", "0.01", 5, "") + line("0.9", "", 1, "", "0.0003,6000,,0,128,"));
  const std::vector<TextTable> tables = readable_comparison(comparison);
  REQUIRE(tables.size() == 1);
  CHECK(tables[0].rows.size() == 2);
  CHECK(tables[0].notes.back() == "[1] a source");
  const std::string markdown = to_markdown(tables[0]);
  CHECK(markdown.find("95.1 \u00b1 1.0") != std::string::npos);
  CHECK(markdown.find("learning_rate 0.001 instead of 0.0003") != std::string::npos);
}

TEST_CASE("published: the file that comes with the program can be read, and says what it should") {
  const auto figures = read_published(source_folder() / "results/published/published.csv");
  CHECK(figures.size() == 25);
  std::size_t counted = 0;
  for (const PublishedFigure& figure : figures) {
    CHECK_FALSE(figure.source.empty());
    CHECK(figure.mean > 0.0);
    CHECK(figure.mean <= 1.0);
    counted += figure.solved ? 1 : 0;
    CHECK((figure.sd_divisor != SdDivisor::kUnknown) == figure.sd.has_value());
    // A median exists exactly where a seed was solved.
    CHECK(figure.solve_step_median.has_value() == (figure.solved.value_or(0) > 0));
  }
  CHECK(counted == 15);
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
