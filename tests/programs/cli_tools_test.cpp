// bench, archive and report from the command line.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "harness/store/csv.hpp"
#include "tests/support/built_in.hpp"
#include "tests/support/places.hpp"
#include "tests/support/recollect_program.hpp"
#include "tests/support/temporary_folder.hpp"

namespace recollect {
namespace {

TEST_CASE("cli: bench prints a table, JSON or CSV, and exports a batch") {
  const std::string tiny =
      "bench --variant gated-linear --length 16 --batch 2 --pairs 2 --set model.width=8 --samples "
      "1 "
      "--seconds 0.0001 --threads 1 ";
  const ProgramResult table = recollect_program(tiny);
  CHECK(table.status == 0);
  CHECK(holds(table.out, "attainable"));
  CHECK(holds(table.out, "\ngated-linear"));
  CHECK(holds(table.err, "[1 of 1] gated-linear, 16 tokens"));
  CHECK(recollect_program(tiny + "--json").out.starts_with("{"));
  const CsvTable csv = parse_csv(recollect_program(tiny + "--csv").out, "bench");
  REQUIRE(csv.rows.size() == 1);
  CHECK(csv.rows[0][csv.index("status")] == "ok");
  CHECK(csv.rows[0][csv.index("options")] == "width=8");
  CHECK(csv.rows[0][csv.index("mode")] == "train");
  const CsvTable scored = parse_csv(
      recollect_program(tiny + "--csv --mode score --no-shortcuts --suite scaling").out, "bench");
  REQUIRE(scored.rows.size() == 2);
  CHECK(scored.rows[0][scored.index("mode")] == "score");
  CHECK(scored.rows[0][scored.index("shortcuts")] == "false");

  const TemporaryFolder folder;
  const std::filesystem::path batch = folder / "batch.safetensors";
  const ProgramResult exported = recollect_program(tiny + "--export " + quoted(batch));
  CHECK(exported.status == 0);
  CHECK(exported.out == batch.string() + "\n");
  CHECK(file_exists(batch));
  CHECK(recollect_program(tiny + "--export /nowhere/batch.safetensors").status == 5);
}

TEST_CASE("cli: a wrong benchmark is one line with a way out") {
  expect_usage_error("bench --variant adaptive-decy", "did you mean 'adaptive-decay'?");
  expect_usage_error("bench --lenght 64", "did you mean '--length'?");
  expect_usage_error("bench --length 0", "--length");
  expect_usage_error("bench --suite step", "--suite");
  expect_usage_error("bench --mode both", "--mode");
  expect_usage_error("bench --threads 0", "--threads");
  expect_usage_error("bench --json --csv", "--csv");
  expect_usage_error("bench --export ''", "--export is empty; give the path of a file");
  for (const auto& [given, message] : std::vector<std::pair<std::string, std::string>>{
           {"bench --length 16", "task.pairs = 8 needs 4*8"},
           {"bench --set model.widht=3", "did you mean 'width'?"},
           {"bench --set train.batch=3", "options of the model alone"},
           {"bench --set model.heads=3", "does not divide width"}}) {
    const std::string arguments = given;  // clang 14 cannot capture a structured binding
    const ProgramResult result = recollect_program(arguments);
    CAPTURE(arguments);
    CHECK(result.status == 3);
    CHECK(result.out.empty());
    CHECK(line_count(result.err) == 1);
    CHECK(holds(result.err, message));
  }
}

TEST_CASE("cli: a dry run measures a mixture of lengths with learned positions") {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder / "m.yaml";
  write_file_atomically(file, R"(experiment: m
task: {name: mqar, pairs: 2, vocab: 16}
model: {width: 16, layers: 1, position: learned}
variants: [fixed-decay]
train:
  mixture: [{length: 16, examples: 16}, {length: 32, examples: 16}]
  batch: 8
  epochs: 1
)");
  const ProgramResult result =
      recollect_program("run " + quoted(file) + " --dry-run --out " + quoted(folder / "out"));
  CAPTURE(result.err);
  CHECK(result.status == 0);
}

TEST_CASE("cli: an archive is written, reported and reused") {
  const TemporaryFolder folder;
  const std::string config = tiny_config(folder);
  const std::string runs = quoted(folder / "runs");
  const std::string archives = quoted(folder / "archives");
  REQUIRE(recollect_program("run " + config + " --out " + runs).status == 0);
  const ProgramResult archived = recollect_program("archive " + runs + " --out " + archives);
  CHECK(archived.status == 0);
  CHECK(archived.out == (folder / "archives/tiny").string() + ": all 2 cells\n");
  CHECK_FALSE(file_exists(folder / "archives/tiny/weights"));
  CHECK(recollect_program("archive " + runs + " --weights --out " + archives).status == 0);
  CHECK(file_exists(folder / "archives/tiny/weights/full-quadratic.safetensors"));

  const std::string again = "run " + config + " --out " + quoted(folder / "new") + " --reuse ";
  const ProgramResult plan = recollect_program(again + archives + " --dry-run");
  CHECK(plan.status == 0);
  CHECK(holds(plan.out, "cells    2: 0 done, 2 from archives, 0 only to score, 0 to train"));
  CHECK_FALSE(file_exists(folder / "new"));
  const ProgramResult reused = recollect_program(again + archives);
  CHECK(reused.status == 0);
  CHECK(holds(reused.err, "taking 2 cells from " + (folder / "archives/tiny").string()));
  CHECK(holds(reused.err, "2 cells: 0 to train, 2 from archives, 0 done"));
  CHECK(read_file(folder / "new/tiny.cells.csv") == read_file(folder / "runs/tiny.cells.csv"));
  CHECK(recollect_program(again + quoted(folder / "absent")).status == 5);

  const ProgramResult report = recollect_program("report " + archives);
  CHECK(report.status == 0);
  CHECK(holds(report.out, "### tiny\n"));
  const std::filesystem::path page = folder / "page.md";
  write_file_atomically(
      page, "Top\n<!-- recollect report: results -->\n<!-- recollect report: end -->\n");
  const std::string into = "report " + archives + " --tables --into " + quoted(page);
  CHECK(recollect_program(into).out.empty());
  CHECK(read_file(page) == "Top\n<!-- recollect report: results -->\n\n" + report.out +
                               "\n<!-- recollect report: end -->\n");
  CHECK(holds(read_file(folder / "archives/tiny/table.md"), "### tiny\n"));
  write_file_atomically(page, "Top\n");
  CHECK(recollect_program(into).status == 5);
  // Of a results folder, the report is the same but for where things are.
  CHECK(holds(recollect_program("report " + runs).out, "All 2 cells"));
  // What is damaged is an error here: a report without it would look complete.
  write_file_atomically(folder / "archives/tiny/history.csv", "cell\n");
  const ProgramResult damaged = recollect_program("report " + archives);
  CHECK(damaged.status == 5);
  CHECK(line_count(damaged.err) == 1);
  CHECK(holds(damaged.err, "history.csv:1: its columns are cell;"));
}

TEST_CASE(
    "cli: an archive of other settings under the same name stays, unless --replace is given") {
  const TemporaryFolder folder;
  const std::string config = tiny_config(folder);
  const std::string archives = quoted(folder / "archives");
  const auto run_and_archive = [&](const std::string& out, const std::string& more,
                                   const std::string& how) {
    const std::string runs = quoted(folder / out);
    REQUIRE(recollect_program("run " + config + " --out " + runs + more).status == 0);
    return recollect_program("archive " + runs + " --out " + archives + how);
  };
  REQUIRE(run_and_archive("first", "", "").status == 0);
  const std::string kept = read_file(folder / "archives" / "tiny" / "status.csv");
  const ProgramResult refused = run_and_archive("second", " --set train.steps=10", "");
  CHECK(refused.status == 5);
  CHECK(
      holds(refused.err, "tiny is the archive of other settings: 2 of its 2 cells would be lost"));
  CHECK(holds(refused.err, "--replace"));
  CHECK(read_file(folder / "archives" / "tiny" / "status.csv") == kept);
  CHECK(run_and_archive("second", " --set train.steps=10", " --replace").status == 0);
  CHECK(read_file(folder / "archives" / "tiny" / "status.csv") != kept);
}

TEST_CASE("cli: a report of nothing leaves the page as it is") {
  const TemporaryFolder folder;
  const std::string page =
      "a\n<!-- recollect report: results -->\nkept\n<!-- recollect report: end -->\n";
  write_file_atomically(folder / "page.md", page);
  make_folder(folder / "empty");
  const ProgramResult result = recollect_program("report " + quoted(folder / "empty") + " --into " +
                                                 quoted(folder / "page.md"));
  CHECK(result.status == 5);
  CHECK(holds(result.err, "holds no archives and is no results folder"));
  CHECK(read_file(folder / "page.md") == page);
}

TEST_CASE("cli: a page is made of runs, their archive or a table, whole or not at all") {
  const TemporaryFolder folder;
  const std::string runs = quoted(folder / "runs");
  REQUIRE(recollect_program("run " + tiny_config(folder) + " --out " + runs).status == 0);
  REQUIRE(recollect_program("archive " + runs + " --out " + quoted(folder / "archives")).status ==
          0);
  const ProgramResult cells = recollect_program("table " + runs + " --rows cells");
  write_file_atomically(folder / "cells.csv", cells.out);
  for (const char* from : {"runs", "archives", "cells.csv"}) {
    const std::filesystem::path page = folder / "page.html";
    const ProgramResult made = recollect_program("report " + quoted(folder / from) +
                                                 " --title 'Mine & yours' --html " + quoted(page));
    CHECK(made.status == 0);
    CHECK(made.out == page.string() + "\n");
    const std::string text = read_file(page);
    CHECK(holds(text, "<h1>Mine &amp; yours</h1>"));
    CHECK(holds(text, "2 cells of 1 experiment, none failed, none diverged"));
    CHECK(holds(text, "</html>"));
    CHECK(holds(text, "experiment: tiny") == (std::string_view(from) != "cells.csv"));
    std::filesystem::remove(page);
  }
  const std::string page = quoted(folder / "page.html");
  make_folder(folder / "empty");
  const ProgramResult empty =
      recollect_program("report " + quoted(folder / "empty") + " --html " + page);
  CHECK(empty.status == 5);
  CHECK(holds(empty.err, "holds no results"));
  const ProgramResult absent =
      recollect_program("report " + runs + " --experiment tinny --html " + page);
  CHECK(absent.status == 5);
  CHECK(holds(absent.err, "did you mean 'tiny'?"));
  CHECK_FALSE(file_exists(folder / "page.html"));
  CHECK(recollect_program("report " + runs + " --html " + quoted(folder / "empty")).status == 5);
  CHECK(recollect_program("report " + runs + " --html " + page + " --tables").status == 64);
  CHECK(recollect_program("report " + runs + " --experiment tiny").status == 64);
}

TEST_CASE("cli: an option in place of a value, a number that is none") {
  const TemporaryFolder folder;
  const std::string config = tiny_config(folder);
  expect_usage_error("run " + config + " --out --dry-run",
                     "--out: needs a value, and --dry-run is an option");
  expect_usage_error("table --experiment --summary", "--experiment: needs a value");
  expect_usage_error("run " + config + " --checkpoint-seconds nan", "not in range 0 to 1000000000");
  expect_usage_error("bench --seconds nan", "--seconds");
  expect_usage_error("compare a b --alpha nan", "--alpha nan is not between 0 and 1");
  expect_usage_error("run " + config + " --threads 0", "--threads");
}

TEST_CASE("cli: help fits a narrow terminal") {
  for (const char* command :
       {"", "run ", "table ", "report ", "archive ", "compare ", "show ", "bench "}) {
    const ProgramResult help = recollect_program(std::string(command) + "--help", "COLUMNS=60 ");
    CHECK(help.status == 0);
    std::size_t longest = 0;
    for (std::size_t begin = 0; begin < help.out.size();) {
      const std::size_t end = help.out.find('\n', begin);
      const std::string line = help.out.substr(begin, end - begin);
      const std::size_t word = std::min(line.find_first_not_of(' '), line.size());
      if (line.find(' ', word) != std::string::npos) longest = std::max(longest, line.size());
      begin = end + 1;
    }
    CAPTURE(command);
    CHECK(longest <= 60);
  }
}

TEST_CASE("cli: a run says what bounds its cores, and --threads decides") {
  const TemporaryFolder folder;
  const std::string run = "run " + tiny_config(folder) + " --out " + quoted(folder / "out") + " ";
  const ProgramResult bound = recollect_program(run, "OMP_NUM_THREADS=1 ");
  CHECK(bound.status == 0);
  CHECK(holds(bound.err, "1 job with 1 thread each"));
  const ProgramResult three = recollect_program(
      "run " + tiny_config(folder) + " --jobs 1 --threads 3 --out " + quoted(folder / "other"));
  CHECK(holds(three.err, "1 job with 3 threads each"));
  CHECK(read_file(folder / "out" / "tiny.groups.csv") ==
        read_file(folder / "other" / "tiny.groups.csv"));
}

}  // namespace
}  // namespace recollect
