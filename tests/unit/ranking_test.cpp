// Published rankings beside ours: how they are read, orders, inversions, verdicts.
#include "harness/compare/ranking.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "harness/store/csv.hpp"
#include "tests/support/temporary_folder.hpp"

namespace recollect {
namespace {

const std::string kHeader =
    "ranking,source,what,experiment,scored,settings,as_published,label,mean,sd,seeds,note\n";

std::vector<PublishedRanking> read(const std::string& rows) {
  const TemporaryFolder folder;
  write_file_atomically(folder / "r.csv", kHeader + rows);
  return read_rankings(folder / "r.csv");
}

std::string complaint(const std::string& rows) {
  try {
    (void)read(rows);
  } catch (const IoError& error) {
    const std::string text = error.what();
    return text.substr(text.find("r.csv") + 5);
  }
  return "";
}

struct Run {
  std::string label;
  int seed;
  std::string accuracy;
  int pairs = 8;
};

std::vector<CellResult> cells_of(const std::vector<Run>& runs) {
  CsvTable table;
  table.header = {"experiment",  "cell",        "status",       "task",       "variant",
                  "label",       "seed",        "steps",        "weights",    "split",
                  "eval_length", "accuracy",    "exact_match",  "loss",       "examples",
                  "task_pairs",  "task_length", "train_length", "model_width"};
  for (const Run& run : runs) {
    const bool lost = run.accuracy.empty();
    table.rows.push_back({"ex", fmt::format("{} {}", run.label, run.seed),
                          lost ? "diverged" : "finished", "mqar", run.label, run.label,
                          std::to_string(run.seed), "100", lost ? "" : "best", lost ? "" : "test",
                          lost ? "" : "64", run.accuracy, lost ? "" : "0", lost ? "" : "1",
                          lost ? "" : "100", std::to_string(run.pairs), "64", "64", "16"});
  }
  return cells_of_table(table, "table");
}

}  // namespace

TEST_CASE("rankings: a file is read, its models the best first") {
  const std::vector<PublishedRanking> read_back = read(
      "r,src,what,ex,pairs=8 weights=final,width=16,B,b,0.5,0.1,5,\n"
      "r,src,what,ex,pairs=8 weights=final,width=16,A,a,0.75,,1,\"a, note\"\n"
      "s,other,w,ex,,,A,a,1,,2,\n");
  REQUIRE(read_back.size() == 2);
  const PublishedRanking& first = read_back.front();
  CHECK(first.source == "src");
  CHECK(first.scored == ChosenBy{{"pairs", "8"}, {"weights", "final"}});
  CHECK(first.settings.at("width") == "16");
  CHECK(first.note == "a, note");
  REQUIRE(first.figures.size() == 2);
  CHECK(first.figures[0].label == "a");
  CHECK_FALSE(first.figures[0].score.sd.has_value());
  CHECK(first.figures[1].as_published == "B");
  CHECK(first.figures[1].score.sd == 0.1);
  CHECK(first.figures[1].score.n == 5);
}

TEST_CASE("rankings: what is wrong in a file is named with its figure") {
  const std::string good = "r,src,w,ex,,,A,a,0.5,,1,\n";
  CHECK(complaint(good + "r,src,w,ex,,,B,b,50,,1,\n") ==
        ": figure 2: mean is a share, 0..1, and not 50");
  CHECK(complaint(good + "r,src,w,ex,,,B,a,0.5,,1,\n") ==
        ": figure 2: 'a' stands twice in ranking 'r'");
  CHECK(complaint("r,src,w,ex,pairs,,A,a,0.5,,1,\n") == ": figure 1: 'pairs' is not NAME=VALUE");
  CHECK(complaint("r,,w,ex,,,A,a,0.5,,1,\n") == ": figure 1: its ranking has no source");
  CHECK(complaint("r,src,w,,,,A,a,0.5,,1,\n") ==
        ": figure 1: its ranking names no experiment of ours");
  CHECK(complaint("r,src,w,ex,,,A,a,0.5,,0,\n") == ": figure 1: seeds must be 1 or more");
  CHECK(complaint("r,src,w,ex,,,A,a,nan,,1,\n").find("figure 1: mean is a share") !=
        std::string::npos);
  const TemporaryFolder folder;
  write_file_atomically(folder / "r.csv", "ranking,source\nr,src\n");
  CHECK_THROWS_WITH_AS((void)read_rankings(folder / "r.csv"),
                       doctest::Contains("column 'what' is missing"), IoError);
}

TEST_CASE("rankings: orders, and inversions with the interval of paired differences") {
  const PublishedRanking ranking = read(
                                       "r,src,w,ex,,width=16,A,a,0.9,0.1,5,\n"
                                       "r,src,w,ex,,width=16,B,b,0.8,0.1,5,\n"
                                       "r,src,w,ex,,width=16,C,c,0.7,,1,\n"
                                       "r,src,w,ex,,width=16,D,d,0.6,,1,\n")
                                       .front();
  // Two scores a run, of which the mean counts; d has no run.
  const std::vector<CellResult> cells = cells_of({{"a", 0, "0.5", 8},
                                                  {"a", 0, "0.7", 16},
                                                  {"a", 1, "0.6", 8},
                                                  {"a", 1, "0.8", 16},
                                                  {"b", 0, "0.72", 8},
                                                  {"b", 0, "0.72", 16},
                                                  {"b", 1, "0.78", 8},
                                                  {"b", 1, "0.78", 16},
                                                  {"c", 0, "0.1", 8},
                                                  {"c", 1, "", 8},
                                                  {"other", 0, "1", 8}});
  const RankingComparison comparison = compare_ranking(ranking, cells);
  REQUIRE(comparison.rows.size() == 4);
  CHECK(comparison.rows[0].by_seed.at(0) == doctest::Approx(0.6));
  CHECK(comparison.rows[0].rank == 2);
  CHECK(comparison.rows[1].rank == 1);
  CHECK(comparison.rows[2].rank == 3);
  CHECK(comparison.rows[2].diverged == 1);
  CHECK(comparison.rows[3].rank == 0);
  CHECK(comparison.pairs == 3);
  REQUIRE(comparison.inversions.size() == 1);
  const Inversion& inversion = comparison.inversions.front();
  CHECK(inversion.first == "a");
  CHECK(inversion.published == doctest::Approx(0.1));
  CHECK(inversion.published_interval.has_value());
  CHECK(inversion.ours == doctest::Approx(-0.1));
  // Differences -0.12 and -0.08: half the width is 12.706 times 0.02.
  REQUIRE(inversion.interval.has_value());
  CHECK(inversion.interval->high == doctest::Approx(-0.1 + 12.706 * 0.02).epsilon(1e-3));

  const std::string text = to_markdown(ranking_table(comparison));
  CHECK(text.find("Order: 2 of 3 pairs of models as published.") != std::string::npos);
  CHECK(text.find("Inverted: `a` above `b` there, +10.0 [") != std::string::npos);
  CHECK(text.find("here -10.0 [-35.4, 15.4], not told apart by these seeds") != std::string::npos);
  CHECK(text.find("1 diverged") != std::string::npos);
}

TEST_CASE("rankings: figures are judged where the settings are the source's") {
  const std::string rows =
      "r,src,w,ex,,width=16,A,a,0.9,0.001,5,\nr,src,w,ex,,width=16,B,b,0.5,0.001,5,\n";
  const std::vector<CellResult> cells = cells_of({{"a", 0, "0.9"},
                                                  {"a", 1, "0.9002"},
                                                  {"a", 2, "0.8999"},
                                                  {"b", 0, "0.9"},
                                                  {"b", 1, "0.9001"},
                                                  {"b", 2, "0.8999"}});
  const PublishedRanking same = read(rows).front();
  const RankingComparison judged = compare_ranking(same, cells);
  CHECK(judged.different.empty());
  CHECK(judged.rows[0].verdict == PublishedVerdict::kEquivalent);
  CHECK(judged.rows[1].verdict == PublishedVerdict::kDiffers);

  PublishedRanking other = same;
  other.settings = {{"width", "64"}, {"vocab", "8192"}};
  const RankingComparison apart = compare_ranking(other, cells);
  CHECK(apart.different ==
        std::vector<std::string>{"vocab not set instead of 8192", "width 16 instead of 64"});
  CHECK(apart.rows[0].verdict == PublishedVerdict::kNotComparable);

  other.scored = {{"pairs", "9"}};
  CHECK_THROWS_AS((void)compare_ranking(other, cells), IoError);
}

}  // namespace recollect
