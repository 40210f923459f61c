#include "harness/render/summary_table.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "harness/store/csv.hpp"

namespace recollect {
namespace {

constexpr const char* kHeader =
    "experiment,task,task_length,task_pairs,label,train_length,train_select_length,n,failed,"
    "weights,split,eval_length,accuracy_median,accuracy_min,accuracy_max,solved,runs,chance,"
    "unseen_level\n";

/// Groups as the columns above tell of them.
std::string summary_of(const std::string& rows) {
  const CsvTable table = parse_csv(kHeader + rows, "groups");
  std::vector<GroupResult> groups;
  for (const std::vector<std::string>& row : table.rows) {
    const auto at = [&](std::string_view column) { return row[table.index(column)]; };
    GroupResult& group = groups.emplace_back();
    group.experiment = at("experiment");
    group.task = at("task");
    group.label = at("label");
    for (const char* name : {"task_length", "task_pairs", "train_select_length"}) {
      group.settings.push_back({name, {at(name), false}});
    }
    group.train_length = to_integer(at("train_length"));
    group.seeds.resize(static_cast<std::size_t>(to_integer(at("n"))));
    group.failed = to_integer(at("failed"));
    if (at("weights").empty()) continue;
    group.key = ScoreKey{at("weights") == "best" ? Weights::kBest : Weights::kFinal,
                         at("split") == "test" ? Split::kTest : Split::kValidation,
                         to_integer(at("eval_length")), 1, ""};
    group.accuracy.summary = Summary{};
    group.accuracy.summary->median = to_real(at("accuracy_median"));
    group.accuracy.summary->min = to_real(at("accuracy_min"));
    group.accuracy.summary->max = to_real(at("accuracy_max"));
    for (std::int64_t run = 0; run < to_integer(at("runs")); ++run) {
      group.solve_steps.push_back({1, run < to_integer(at("solved"))});
    }
    group.chance = to_real(at("chance"));
    group.unseen_level = at("unseen_level") == "1";
  }
  return summary_text(groups);
}

std::size_t widest_line(const std::string& text) {
  std::istringstream lines(text);
  std::string line;
  std::size_t width = 0;
  while (std::getline(lines, line)) width = std::max(width, line.size());
  return width;
}

TEST_CASE("summary: a line a variant, a group of columns a setting") {
  const std::string text = summary_of(
      "e,mqar,64,8,fixed-decay,64,64,1,0,best,test,64,0.997,0.997,0.997,1,1,0.125,0\n"
      "e,mqar,64,8,fixed-decay,64,64,1,0,best,test,128,0.983,0.983,0.983,1,1,0.125,1\n"
      "e,mqar,64,8,fixed-decay,64,64,1,0,final,test,64,0.5,0.5,0.5,1,1,0.125,0\n"
      "e,mqar,64,8,fixed-decay,64,64,1,0,best,validation,64,0.5,0.5,0.5,1,1,0.125,0\n"
      "e,mqar,64,8,gated,64,64,1,0,best,test,64,0.432,0.432,0.432,0,1,0.125,0\n"
      "e,mqar,64,8,gated,64,64,1,0,best,test,128,0.373,0.373,0.373,0,1,0.125,0\n"
      "e,mqar,64,16,fixed-decay,64,64,1,0,best,test,64,1,1,1,1,1,0.0625,0\n"
      "e,mqar,64,16,gated,64,64,0,1,,,,,,,,,,\n");
  CHECK(text == R"(e
mqar: length 64

             pairs 8               pairs 16
variant      solved    64    128   solved     64
fixed-decay     1/1  99.7   98.3*     1/1  100.0
gated           0/1  43.2   37.3
(chance)             12.5   12.5             6.2

Test accuracy in per cent of the best weights, by sequence length. solved: seeds that reached 99 %
on validation examples. *: this length uses levels that training never reached.
gated with pairs 16: 1 of its cells failed or diverged
)");
}

TEST_CASE("summary: several seeds are a median with its range, and no line is too wide") {
  std::string rows;
  for (const char* pairs : {"8", "16", "32"}) {
    for (const char* length : {"64", "128", "256"}) {
      rows += std::string("e,mqar,64,") + pairs + ",fixed-decay,64,64,20,0,best,test," + length +
              ",0.872,0.769,1,17,20,0.125,0\n";
    }
  }
  const std::string text = summary_of(rows);
  CAPTURE(text);
  CHECK(text.find("17/20  87.2 (76.9-100.0)") != std::string::npos);
  CHECK(text.find("best weights, median (range) over seeds, by") != std::string::npos);
  CHECK(widest_line(text) <= 100);
  // The three settings stand below each other, each below its own heads.
  CHECK(text.find("pairs 8\n") != std::string::npos);
  CHECK(text.find("pairs 32\n") != std::string::npos);
}

TEST_CASE("summary: an experiment of one setting has no titles, two experiments stand apart") {
  const std::string row = ",mqar,64,8,linear,64,64,1,0,best,test,64,0.5,0.5,0.5,0,1,0.125,0\n";
  const std::string text = summary_of("a" + row + "b" + row);
  CHECK(text.find("a\nmqar: length 64, pairs 8\n\nvariant   solved    64\n") == 0);
  CHECK(text.find("\n\nb\nmqar: ") != std::string::npos);
}

}  // namespace
}  // namespace recollect
