// The prose of results comes from the archives, figure by figure.
#include "harness/compare/findings.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <regex>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "harness/compare/reflow.hpp"
#include "harness/results/read_cells.hpp"
#include "harness/stats/paired_tests.hpp"
#include "harness/store/archive.hpp"
#include "harness/store/archive_places.hpp"
#include "tests/support/places.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/support/tiny_archive.hpp"

namespace recollect {
namespace {

std::string text_of(const std::string& file) { return read_file(source_folder() / file); }

const ReportInput& reference() {
  static const ReportInput input = [] {
    ReportInput read;
    for (const auto& path : archive_paths(source_folder() / "results/reference")) {
      read.archives.push_back(read_archive(path));
    }
    read.figures = read_published(source_folder() / "results/published/published.csv");
    read.rankings = read_rankings(source_folder() / "results/published/rankings.csv");
    return read;
  }();
  return input;
}

std::string value(const std::string& expression, const ReportInput& input = reference()) {
  std::string text = filled("{{" + expression + "}}", input, "test");
  text.erase(text.find_last_not_of('\n') + 1);
  return text;
}

std::string complaint(const std::string& text) {
  try {
    (void)filled(text, reference(), "prose.md");
  } catch (const IoError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("findings: no figure of a result stands in the prose as a number") {
  std::string text = text_of("results/findings.md");
  text = std::regex_replace(text, std::regex(R"(\{\{[^}]*\}\})"), "");
  text = std::regex_replace(text, std::regex("`[^`]*`"), "");
  // Thresholds and levels of confidence.
  text = std::regex_replace(text, std::regex("9[0569] %"), "");
  CHECK(text.find_first_of("0123456789") == std::string::npos);
}

TEST_CASE("findings: every command that the prose names runs") {
  const std::string page = text_of("docs/results.md");
  const std::string prose = page.substr(0, page.find("## Tables"));
  const std::regex command("`\\./recollect ([^`]*)`");
  int found = 0;
  for (std::sregex_iterator match(prose.begin(), prose.end(), command), end; match != end;
       ++match) {
    const std::string arguments = (*match)[1];
    CAPTURE(arguments);
    const std::string line = fmt::format("cd '{}' && '{}' {} >/dev/null 2>&1",
                                         source_folder().string(), program().string(), arguments);
    const int status = std::system(line.c_str());
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    ++found;
  }
  CHECK(found >= 10);
}

TEST_CASE("findings: the README's words on results are those of the archives") {
  const std::string readme = text_of("README.md");
  for (const char* sentence :
       {"adaptive-decay solves the task in {{solved mqar-128-32 adaptive-decay}} seeds, "
        "linear-decay "
        "and fixed-decay in {{solved mqar-128-32 linear-decay}}, softmax-level in {{solved "
        "mqar-128-32-rest softmax-level}}, gated-linear and full-quadratic in none.",
        "Test accuracy of each of {{runs mqar-128-32 adaptive-decay}} seeds"}) {
    std::string expected = filled(sentence, reference(), "README.md");
    std::replace(expected.begin(), expected.end(), '\n', ' ');
    expected.erase(expected.find_last_not_of(' ') + 1);
    CAPTURE(expected);
    CHECK(readme.find(expected) != std::string::npos);
  }
  CHECK(value("solved mqar-128-32 fixed-decay") == value("solved mqar-128-32 linear-decay"));
  CHECK(value("solved mqar-128-32 gated-linear") == "0");
  CHECK(value("solved mqar-128-32-rest full-quadratic") == "0");
  std::string words = readme;
  std::replace(words.begin(), words.end(), '\n', ' ');
  const std::string shares =
      fmt::format("{:.0f} to {:.0f} % of the variance of lambda comes from the input",
                  std::stod(value("input-dependence mqar-128-32 adaptive-decay 0")),
                  std::stod(value("input-dependence mqar-128-32 adaptive-decay 1")));
  CAPTURE(shares);
  CHECK(words.find(shares) != std::string::npos);
  CHECK(words.find("On an easier task, 8 pairs in 64 tokens, it is there in fewer steps, but keeps "
                   "less of its accuracy on sequences four times as long") != std::string::npos);
  CHECK(std::stod(value("ratio mqar-64 fixed-decay adaptive-decay pairs=8")) < 0.9);
  const auto kept = [](const std::string& label) {
    return std::stod(value("accuracy mqar-64 " + label + " pairs=8 length=256 weights=final"));
  };
  CHECK(kept("adaptive-decay") < kept("fixed-decay") - 10.0);
}

TEST_CASE("findings: expressions give what a loop over the cells gives") {
  const TemporaryFolder runs, archives;
  Watch watch;
  run(tiny({"train.solve_at=0.2", "train.steps=100"}), runs.path(), watch);
  ReportInput input;
  input.archives.push_back(archive(runs.path(), archives.path()));
  std::size_t solved = 0, reached = 0, all = 0;
  double sum = 0.0, last = 0.0, restricted = 0.0;
  for (const CellResult& cell : archived_cells(input.archives[0])) {
    if (cell.label != "a/b" || cell.score->key.weights != Weights::kFinal ||
        cell.score->key.split != Split::kValidation || cell.score->key.eval_length != 24) {
      continue;
    }
    ++all;
    solved += cell.status.solved_step ? 1 : 0;
    reached += cell.score->accuracy >= 0.1 ? 1 : 0;
    sum += 100.0 * cell.score->accuracy;
    last = std::max(last, static_cast<double>(cell.status.solved_step.value_or(0)));
    restricted += static_cast<double>(cell.status.solved_step.value_or(100));
  }
  REQUIRE(all == 2);
  const std::string options = " weights=final split=validation length=24";
  CHECK(value("runs tiny a/b" + options, input) == "2");
  CHECK(value("solved tiny a/b" + options, input) == std::to_string(solved));
  CHECK(value("reached 0.1 tiny a/b" + options, input) == std::to_string(reached));
  CHECK(value("accuracy tiny a/b" + options, input) == fmt::format("{:.1f}", sum / 2.0));
  CHECK(value("last-step tiny a/b", input) == fmt::format("{:.0f}", last));
  if (solved > 0)
    CHECK(value("mean-step tiny a/b", input) == fmt::format("{:.0f}", restricted / 2.0));
  CHECK(value("setting tiny steps", input) == "100");
  CHECK(value("setting tiny learning_rate", input) == "0.001");
  CHECK(value("fisher 3 5 5 5") == "0.44");
  CHECK(value("setting mqar-headline steps") == "20,000");
}

TEST_CASE("findings: of runs scored at several settings, an option chooses the scores") {
  const TemporaryFolder runs, archives;
  Watch watch;
  run(tiny({"eval={cells: [{pairs: 2}, {pairs: 4}], examples: 40}"}), runs.path(), watch);
  ReportInput input;
  input.archives.push_back(archive(runs.path(), archives.path()));
  const std::string two = value("accuracy tiny a/b pairs=2", input);
  const std::string four = value("accuracy tiny a/b pairs=4", input);
  CHECK(two != four);
  CHECK(value("runs tiny a/b pairs=4", input) == "2");
  CHECK_THROWS_AS((void)value("runs tiny a/b pairs=3", input), IoError);
}

TEST_CASE("findings: paragraphs are broken anew, and what has a line of its own keeps it") {
  const std::string words = "a few words that are repeated until a line is full of them, ";
  const std::string kept = "### A heading\n| a | b |\n|---|---|\n`./recollect list`\n";
  const std::string text = reflowed(words + words + "\n" + words + "\n" + kept);
  CHECK(text.ends_with("### A heading\n| a | b |\n|---|---|\n`./recollect list`\n"));
  CHECK(text.substr(0, text.find('\n')).size() > 100);
  CHECK(reflowed("50\n%\n") == "50 %\n");
}

TEST_CASE("findings: what archived weights show is what inspect shows") {
  CHECK(value("input-dependence mqar-128-32 fixed-decay 0") == "0.0 %");
  CHECK(value("lambda-variance mqar-128-32 fixed-decay 1 levels") == "100.0 %");
  CHECK(value("lambda-mean mqar-128-32 adaptive-decay 0 1") == "11");
  CHECK(complaint("{{input-dependence mqar-128-32 gated-linear 0}}").find("has no levels") !=
        std::string::npos);
  CHECK(complaint("{{lambda-mean mqar-128-32 fixed-decay 2 0}}").find("no such layer") !=
        std::string::npos);
  CHECK(complaint("{{lambda-mean mqar-128-32 fixed-decay 0 8}}").find("no such level") !=
        std::string::npos);
  CHECK(complaint("{{half-life mqar-64 fixed-decay 0}}").find("fixed-decay.safetensors") !=
        std::string::npos);
  CHECK(complaint("{{half-life mqar-63 fixed-decay 0}}").find("no archive holds") !=
        std::string::npos);
}

TEST_CASE("findings: Fisher's exact test adds the tables that are no more likely") {
  // The lady tasting tea: all four cups right of eight, 2/70 two-sided.
  CHECK(fisher_exact_test(4, 4, 0, 4) == doctest::Approx(2.0 / 70.0));
  CHECK(fisher_exact_test(3, 4, 1, 4) == doctest::Approx(34.0 / 70.0));
  CHECK(fisher_exact_test(0, 5, 0, 5) == doctest::Approx(1.0));
  CHECK(fisher_exact_test(15, 20, 20, 20) == doctest::Approx(0.0471).epsilon(0.01));
}

TEST_CASE("findings: what an expression asks wrongly is named with its line") {
  CHECK(complaint("a\nb {{solve mqar-64 fixed-decay}}") ==
        "prose.md:2: {{solve mqar-64 fixed-decay}}: there is no such function");
  CHECK(complaint("{{solved mqar-63 fixed-decay}}")
            .find("no archive holds an experiment 'mqar-63'") != std::string::npos);
  CHECK(complaint("{{solved mqar-64 fixed}}").find("no run is meant by it") != std::string::npos);
  CHECK(complaint("{{solved mqar-64}}").find("too few words") != std::string::npos);
  CHECK(complaint("{{solved").find("prose.md:1: an expression has no end") != std::string::npos);
  CHECK(complaint("{{published https linear-decay mean}}").find("several published figures") !=
        std::string::npos);
  CHECK(complaint("{{setting mqar-64 pairs}}").find("do not share that option") !=
        std::string::npos);
}

}  // namespace recollect
