// Tables that pandas, R and spreadsheets read as they are meant, and that come back from them.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/misread.hpp"
#include "harness/compare/compare.hpp"
#include "harness/render/readable_table.hpp"
#include "harness/render/text_table.hpp"
#include "harness/results/group_result.hpp"
#include "harness/results/read_cells.hpp"
#include "harness/store/renamed_options.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/support/tiny_archive.hpp"

namespace recollect {
namespace {

const CsvTable& table() {
  static const CsvTable cells = [] {
    const TemporaryFolder out;
    Watch watch;
    run(tiny({"train.stop_at=0.9"}), out.path(), watch);
    return to_table(cell_table(read_cells(out.path()).rows));
  }();
  return cells;
}

ResultComparison compared(const std::string& base, const std::string& now,
                          const CompareRules& rules = {}) {
  const TemporaryFolder folder;
  write_file_atomically(folder / "base.csv", base);
  write_file_atomically(folder / "now.csv", now);
  return compare(read_result_set(folder / "base.csv"), read_result_set(folder / "now.csv"), rules);
}

void check_same(const ResultComparison& comparison) {
  for (const Mismatch& mismatch : comparison.mismatches) {
    CAPTURE(mismatch.where);
    CAPTURE(mismatch.key);
    CAPTURE(mismatch.base);
    CAPTURE(mismatch.now);
    CHECK(mismatch.key == "");
  }
  CHECK_FALSE(comparison.groups.empty());
  for (const ComparedGroup& group : comparison.groups) CHECK(group.verdict == Verdict::kEqual);
}

std::string message_of(auto&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("other readers: words that are taken for something else are known, in any case") {
  const std::map<std::string, std::vector<std::string>> kMisread = {
      {"a missing value",
       {"NA", "na", "N/A", "#N/A", "<NA>", "null", "NULL", "None", "nan", "NaN", "-nan", "", " ",
        "?", "-", "..."}},
      {"a truth value", {"true", "TRUE", "False", "yes", "No", "on", "OFF", "T", "F"}},
      {"a number",
       {"12", "1e5", "1E-3", "+7", "-0.5", ".5", "0x1F", "inf", "-Infinity", "50%",
        "1234567890123456", "1e999", " 3 "}},
      {"a formula", {"=1+1", "+x", "-x", "@sum", "=cmd", "-", "--x"}},
      {"a date", {"MAR-1", "1 sept", "SEPT2", "dec.24", "1/May"}},
      {"a number or a date", {"1-2", "1/2", "2024-01-01", "12:30", "1,000", "(3)"}}};
  for (const auto& [as, words] : kMisread) {
    for (const std::string& word : words) {
      CAPTURE(word);
      if (word == "-") continue;  // nothing but marks: a formula to one, missing to another
      CHECK(misread_as(word) == as);
    }
  }
  CHECK(misread_as("-") != "");
  for (const char* word : {"adaptive-decay",
                           "nan-guard",
                           "na\xC3\xAFve",
                           "\xCE\xBB",
                           "t",
                           "f",
                           "nulls",
                           "1x",
                           "2-layer",
                           "march",
                           "decay-1",
                           "may be",
                           "x=1",
                           "a@b",
                           "12 heads",
                           "e5",
                           "0xyz",
                           "truthy",
                           "lr 1e-3",
                           "`code` <b>x</b>",
                           "infinite",
                           "#1 a"}) {
    CAPTURE(word);
    CHECK(misread_as(word) == "");
  }
}

TEST_CASE("other readers: such labels and names of experiments are refused with a way out") {
  for (const char* word :
       {"NA", "null", "None", "nan", "TRUE", "123", "1e5", "=1+1", "-x", "+x", "@x", "1-2", "?"}) {
    CAPTURE(word);
    const std::string label = message_of(
        [&] { (void)tiny({fmt::format("variants=[{{name: fixed-decay, label: '{}'}}]", word)}); });
    CHECK(label.find("variants[0].label = ") != std::string::npos);
    CHECK(label.find("programs that read tables take it for") != std::string::npos);
    CHECK(label.find("take another name, e.g. \"run ") != std::string::npos);
    const std::string name =
        message_of([&] { (void)tiny({fmt::format("experiment='{}'", word)}); });
    CHECK(name.find("experiment = ") != std::string::npos);
    CHECK(name.find("programs that read tables take it for") != std::string::npos);
    // What an earlier version recorded is read as it is.
    const std::string recorded = fmt::format(
        "experiment: '{0}'\ntask: {{name: mqar}}\nvariants: [{{name: fixed-decay, label: "
        "'{0}'}}]\n",
        word);
    CHECK(parse_recorded(recorded, "x.yaml", {}).cells.at(0).variant.label == word);
  }
  CHECK(message_of([] {
          (void)parse_experiment("task: {name: mqar}\n", "some/12.yaml");
        }).find("experiment (from the file's name)") != std::string::npos);
  const std::string swapped =
      "variants=[{name: fixed-decay, label: linear-decay}, {name: linear-decay, label: "
      "fixed-decay}]";
  CHECK(message_of([&] {
          (void)tiny({swapped});
        }).find("is the name of another variant than fixed-decay") != std::string::npos);
  CHECK(tiny({"variants=[{name: fixed-decay, label: fixed-decay}]"}).cells.size() == 2);
}

TEST_CASE(
    "other readers: hashes in tables and archives begin with a letter, and both forms are read") {
  const CsvTable& cells = table();
  for (const auto& row : cells.rows) {
    CHECK(row[cells.index("cell")].size() == 17);
    CHECK(row[cells.index("cell")].starts_with('c'));
    CHECK(row[cells.index("config_hash")].starts_with('c'));
  }
  CHECK(hash_of_table("c0123456789abcdef") == "0123456789abcdef");
  CHECK(hash_of_table("0123456789abcdef") == "0123456789abcdef");
  CHECK(hash_of_table("c123456789abcdef") == "c123456789abcdef");  // a hash that begins with c
  CHECK(cells_of_table(cells, "t.csv").at(0).cell.size() == 16);

  const TemporaryFolder runs, archives;
  Watch watch;
  run(tiny(), runs.path(), watch);
  const Archive written = archive(runs.path(), archives.path());
  for (const char* file : {"status.csv", "history.csv", "correct.csv"}) {
    const std::filesystem::path path = archives / "tiny" / file;
    CsvTable own = parse_csv(read_file(path), file);
    for (auto& row : own.rows) {
      CHECK(row[0].size() == 17);
      row[0] = row[0].substr(1);
    }
    if (own.find("exact")) CHECK(own.rows.at(0)[own.index("exact")].starts_with('x'));
    write_file_atomically(path, to_csv(own));
  }
  const Archive read = read_archive(archives / "tiny");
  CHECK(read.cells.size() == written.cells.size());
  for (const auto& [hash, cell] : read.cells) CHECK(cell.texts == written.cells.at(hash).texts);
}

TEST_CASE("other readers: a table that another program wrote again is the same") {
  CsvTable rewritten = table();
  for (auto& row : rewritten.rows) {
    row[rewritten.index("train_epsilon")] = "1e-08";
    row[rewritten.index("train_weight_decay")] = "0.0";
    row[rewritten.index("train_learning_rate")] += "0";
    row[rewritten.index("model_width")] = "8.0";
    row[rewritten.index("seed")] += ".0";
    std::string& step = row[rewritten.index("solved_step")];
    if (!step.empty()) step += ".0";
    row[rewritten.index("steps")] += ".0";
    row[rewritten.index("unseen_level")] += ".0";
  }
  std::string text = to_csv(rewritten);
  check_same(compared(to_csv(table()), text));
  check_same(compared(text, to_csv(table())));
  for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 2) {
    text.insert(at, "\r");
  }
  check_same(compared(to_csv(table()), "\xEF\xBB\xBF" + text));
  CHECK(same_number("1.0e-08") == same_number("1e-08"));
  CHECK(same_number("300.0") == "300");
  CHECK(same_number("9007199254740993") == "9007199254740993");
  CHECK(same_number("packed") == "packed");
  CHECK(same_number("True") == "true");
  CHECK(same_number("nan") == "nan");
}

TEST_CASE("other readers: a row that stands twice in a table is refused") {
  CsvTable doubled = table();
  doubled.rows.push_back(doubled.rows[1]);
  const std::string message = message_of([&] { (void)compared(to_csv(table()), to_csv(doubled)); });
  CAPTURE(message);
  CHECK(message.find(fmt::format("rows 2 and {} are both of tiny, ", doubled.rows.size())) !=
        std::string::npos);
  CHECK(message.find("remove one") != std::string::npos);
  // Two experiments may share a cell.
  CsvTable shared = table();
  for (const auto& row : table().rows) {
    shared.rows.push_back(row);
    shared.rows.back()[shared.index("experiment")] = "other";
  }
  check_same(compared(to_csv(shared), to_csv(shared)));
}

TEST_CASE("other readers: a score of an earlier version that is NaN counts as lost") {
  for (const char* text : {"nan", "-nan", "NaN", "inf", ""}) {
    CsvTable lost = table();
    for (const char* column : {"accuracy", "exact_match", "loss"}) {
      lost.rows[0][lost.index(column)] = text;
    }
    const ResultComparison comparison = compared(to_csv(table()), to_csv(lost));
    CHECK(comparison.mismatches.empty());
    CompareRules all;
    CHECK_FALSE(comparison.undecided(all));  // final weights at one length judge nothing
    all.every_score = true;
    const ResultComparison every = compared(to_csv(table()), to_csv(lost), all);
    CHECK(every.undecided(all));
    CHECK(std::any_of(every.groups.begin(), every.groups.end(),
                      [](const ComparedGroup& group) { return group.lost == 1; }));
    // With itself it is the same.
    check_same(compared(to_csv(lost), to_csv(lost)));
  }
}

TEST_CASE("other readers: cells and groups merge on the columns that they share") {
  const TemporaryFolder out;
  Watch watch;
  run(tiny({"train.stop_at=0.25", "train.steps=200", "train.eval_every=1",
            "train.learning_rate=0.01"}),
      out.path(), watch);
  const std::vector<CellResult> results = read_cells(out.path()).rows;
  std::set<std::int64_t> steps;  // what differs between the cells of a group
  for (const CellResult& row : results) steps.insert(row.status.steps);
  REQUIRE(steps.size() > 2);
  const CsvTable cells = to_table(cell_table(results));
  const CsvTable groups = to_table(group_table(group_cells(results)));
  std::vector<std::string> shared;
  for (const std::string& column : cells.header) {
    if (groups.find(column)) shared.push_back(column);
  }
  CHECK(shared.size() > 30);
  const auto key = [&](const CsvTable& of, const std::vector<std::string>& row) {
    std::vector<std::string> texts;
    for (const std::string& column : shared) texts.push_back(row[of.index(column)]);
    return texts;
  };
  std::map<std::vector<std::string>, int> members;
  for (const auto& row : groups.rows) members[key(groups, row)] = 0;
  CHECK(members.size() == groups.rows.size());
  for (const auto& row : cells.rows) {
    REQUIRE(members.contains(key(cells, row)));
    ++members[key(cells, row)];
  }
  for (const auto& [texts, count] : members) CHECK(count == 2);  // a cell for each seed
}

TEST_CASE("other readers: labels stand in Markdown and LaTeX to the letter") {
  TextTable text;
  text.title = "a_b";
  text.caption = "All: `test` is <clean>.";
  text.header = {"variant", "test"};
  text.rows = {{"`code` <script>alert(1)</script>", "99.7"},
               {"*a* _b_ [c](http://x) a|b \\ & x_y", "64*"}};
  text.notes = {"`!` <b>"};
  const std::string markdown = to_markdown(text);
  CHECK(markdown.find('<') == std::string::npos);
  CHECK(markdown.find("\\`code\\` &lt;script>alert(1)&lt;/script>") != std::string::npos);
  CHECK(markdown.find("\\*a\\* \\_b\\_ \\[c](http://x) a\\|b \\\\ &amp; x_y") != std::string::npos);
  CHECK(markdown.find(" 64* |") != std::string::npos);
  CHECK(markdown.find("`test` is &lt;clean>") != std::string::npos);
  const std::string latex = to_latex(text);
  CHECK(latex.find("\\textasciigrave{}code\\textasciigrave{} $<$script$>$") != std::string::npos);
  CHECK(latex.find("test is $<$clean$>$.") != std::string::npos);

  const auto label_of = [&](const char* title) {
    text.title = title;
    const std::string all = to_latex(text);
    const std::size_t begin = all.find("\\label{");
    return all.substr(begin, all.find('\n', begin) - begin);
  };
  CHECK(label_of("a-b") == "\\label{tab:a-b}");
  std::set<std::string> labels;
  const std::vector<const char*> titles = {"a-b", "a_b", "a b", "A-b", "a.b", "\xC3\xA4-b"};
  for (const char* title : titles) labels.insert(label_of(title));
  CHECK(labels.size() == titles.size());
}

}  // namespace recollect
