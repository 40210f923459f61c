#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "harness/config/load.hpp"
#include "harness/config/yaml_tree.hpp"
#include "harness/results/read_cells.hpp"
#include "harness/store/cell_folder.hpp"
#include "harness/store/csv.hpp"
#include "harness/store/experiment_file.hpp"
#include "harness/store/safetensors.hpp"
#include "tests/support/places.hpp"
#include "tests/support/temporary_folder.hpp"

// Files that nobody should feed to a program: each must end in one line, soon, whatever reads it.

namespace recollect {
namespace {

constexpr std::uintmax_t kHuge = std::uintmax_t{1} << 40;  // a hole: it takes no space on the disk

std::filesystem::path huge_file(const TemporaryFolder& folder) {
  const std::filesystem::path path = folder / "huge";
  write_file_atomically(path, "task: {name: mqar}\n");
  std::filesystem::resize_file(path, kHuge);
  return path;
}

std::filesystem::path pipe_without_writer(const TemporaryFolder& folder) {
  const std::filesystem::path path = folder / "pipe";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  return path;
}

/// What `read` throws; "" where it throws nothing.
template <class Read>
std::string message_of(const Read& read) {
  try {
    read();
  } catch (const Error& error) {
    const std::string what = error.what();
    CHECK(what.find('\n') == std::string::npos);
    CHECK(what.size() < 1000);
    return what;
  }
  return "";
}

/// Status of the program, which gets ten seconds; its errors go to `errors`.
int status_of(const std::string& arguments, const std::filesystem::path& errors) {
  const int code = std::system(fmt::format("timeout 10 '{}' {} >/dev/null 2>'{}'",
                                           program().string(), arguments, errors.string())
                                   .c_str());
  return WIFEXITED(code) ? WEXITSTATUS(code) : -1;
}

std::string bomb() {
  std::string text = "a: &a0 [x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 30; ++i) {
    text += fmt::format("b{}: &a{} [*a{},*a{},*a{},*a{},*a{}]\n", i, i, i - 1, i - 1, i - 1, i - 1,
                        i - 1);
  }
  return text;
}

/// Texts that are no YAML of ours, each dear to a parser that is not careful.
std::vector<std::string> hostile_yaml() {
  const auto repeated = [](const char* part, std::size_t times) {
    std::string text;
    for (std::size_t i = 0; i < times; ++i) text += part;
    return text;
  };
  std::string bytes;
  for (int i = 0; i < 4096; ++i) bytes += static_cast<char>(i * 131 % 256);
  return {repeated("[", 60000),
          repeated("{", 60000),
          repeated("- ", 30000),
          repeated("? ", 30000),
          repeated("[a, ", 15000),
          repeated("{a: ", 15000),
          repeated("&a ", 9000),
          repeated("!a ", 9000),
          repeated("a: ", 9000),
          repeated(":", 60000),
          repeated("\"\\x41", 9000),
          bomb(),
          bytes};
}

TEST_CASE("hostile: pipes, devices, folders and huge files are refused before they are read") {
  const TemporaryFolder folder;
  const auto refusal = [](const std::filesystem::path& path) {
    return message_of([&] { (void)read_file(path, 1000, "note"); });
  };
  const std::filesystem::path pipe = pipe_without_writer(folder);
  CHECK(
      refusal(pipe) ==
      fmt::format("cannot read {}: not a regular file; copy its contents into one", pipe.string()));
  CHECK(refusal("/dev/zero") ==
        "cannot read /dev/zero: not a regular file; copy its contents into one");
  CHECK(refusal(folder.path()) ==
        fmt::format("cannot read {}: Is a directory", folder.path().string()));
  const std::filesystem::path huge = huge_file(folder);
  CHECK(refusal(huge) ==
        fmt::format("cannot read {}: 1099511627776 bytes, and no note has more than 1000",
                    huge.string()));
  write_file_atomically(folder / "most", std::string(1000, 'x'));
  CHECK(read_file(folder / "most", 1000, "note").size() == 1000);
  write_file_atomically(folder / "more", std::string(1001, 'x'));
  CHECK(refusal(folder / "more").find("1001 bytes") != std::string::npos);
  // Files of the system say that they are empty.
  CHECK(read_file("/proc/self/status").starts_with("Name:"));
}

TEST_CASE("hostile: a configuration that is huge, a pipe or a device ends the program at once") {
  const TemporaryFolder folder;
  const std::filesystem::path errors = folder / "errors";
  for (const std::string& path : {huge_file(folder).string(), pipe_without_writer(folder).string(),
                                  std::string("/dev/zero"), folder.path().string()}) {
    CAPTURE(path);
    for (const char* command : {"check", "run --dry-run"}) {
      CHECK(status_of(fmt::format("{} '{}'", command, path), errors) == 5);
      const std::string message = read_file(errors);
      CHECK(message.starts_with("recollect: cannot read "));
      CHECK(std::count(message.begin(), message.end(), '\n') == 1);
    }
  }
}

/// A folder of runs with one finished cell, as a run leaves it.
struct Runs {
  TemporaryFolder out;
  Experiment experiment = parse_experiment(
      "experiment: x\ntask: {name: mqar, length: 16, pairs: 2, vocab: 16}\n"
      "variants: [fixed-decay]\n",
      "x.yaml");
  CellFolder cell{out.path(), experiment.cells.front().hash()};

  Runs() {
    make_folder(cell.path());
    write_experiment(experiment, out.path());
    ScoreRow row;
    row.key = wanted_scores(experiment.cells.front()).front();
    row.key.unseen_levels.clear();
    cell.write_scores({.scores = {row}});
    cell.write_status({});
  }
  [[nodiscard]] std::string table() const {
    return message_of([&] { (void)read_cells(out.path()); });
  }
};

TEST_CASE("hostile: status files that are none are named, with what is wrong") {
  const Runs runs;
  REQUIRE(runs.cell.read_status().has_value());
  const std::filesystem::path path = runs.cell.path() / "status.yaml";
  const std::string good = read_file(path);
  const auto refusal = [&](const std::string& text) {
    write_file_atomically(path, text);
    const std::string message = message_of([&] { (void)runs.cell.read_status(); });
    CHECK(message.find(path.string()) != std::string::npos);
    return message;
  };
  for (const std::string& text : hostile_yaml()) {
    CAPTURE(text.substr(0, 40));
    CHECK(refusal(text) != "");
  }
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    REQUIRE(text.find(from) != std::string::npos);
    return text.replace(text.find(from), from.size(), to);
  };
  CHECK(refusal("").find("lacks 'status'") != std::string::npos);
  CHECK(refusal(changed("finished", "fine")).find("unknown status 'fine'") != std::string::npos);
  CHECK(refusal(changed("steps: 0", "steps: many")).find("'many'") != std::string::npos);
  CHECK(refusal(changed("steps: 0", "steps: [0]")).find("lacks 'steps'") != std::string::npos);
  CHECK(refusal(changed("steps: 0", "steps: 0\nsteps: 0")).find("twice") != std::string::npos);
  CHECK(refusal(changed("parameters: 0", "parameters: 1e3")).find("'1e3'") != std::string::npos);
  CHECK(refusal(changed("numerics_version: 0", "numerics_version: 4294967297"))
            .find("numerics version 4294967297") != std::string::npos);
  for (std::size_t i = 0; i + 1 < good.size(); i += 7) CHECK(refusal(good.substr(0, i)) != "");
  write_file_atomically(path, good);
  CHECK(runs.cell.read_status().has_value());
  std::filesystem::resize_file(path, kHuge);
  CHECK(message_of([&] { (void)runs.cell.read_status(); }).find("no status file") !=
        std::string::npos);
}

TEST_CASE("hostile: experiment files that are none are named, with what is wrong") {
  const Runs runs;
  CHECK(runs.table() == "");
  const std::filesystem::path path = experiment_path(runs.out.path(), "x");
  const std::string good = read_file(path);
  const std::string configuration = good.substr(0, good.rfind("\n---\n") + 5);
  const auto refusal = [&](const std::string& text) {
    write_file_atomically(path, text);
    const std::string message = runs.table();
    CHECK(message.find(path.string()) != std::string::npos);
    return message;
  };
  for (const std::string& text : hostile_yaml()) {
    CAPTURE(text.substr(0, 40));
    CHECK(refusal(text) != "");
    CHECK(refusal(configuration + text) != "");
  }
  CHECK(refusal(configuration + "cells: [../../x]\n").find("names no cell") != std::string::npos);
  CHECK(refusal(configuration + "cells: [0123456789ABCDEF]\n").find("names no cell") !=
        std::string::npos);
  CHECK(refusal(configuration + "cell: []\n").find("missing") != std::string::npos);
  CHECK(refusal(configuration + "cells: []\n").find("0 cells are listed") != std::string::npos);
  write_file_atomically(path, good);
  CHECK(runs.table() == "");
  std::filesystem::resize_file(path, kHuge);
  CHECK(runs.table().find("no experiment file") != std::string::npos);
}

TEST_CASE("hostile: the longest list of cells that a configuration can give is read back") {
  std::string text = "numerics_version: 1\ncells:\n";
  for (int i = 0; i < 100000; ++i) text += fmt::format("- \"{:016x}\"\n", i);
  const YamlLimits limits{.bytes = std::size_t{1} << 22, .values = 100016};
  CHECK(parse_yaml(text, "x.yaml", limits).find("cells")->items.size() == 100000);
  CHECK(message_of([&] { (void)parse_yaml(text, "x.yaml"); }) ==
        "x.yaml:1: 2100027 bytes, more than 1048576");
}

TEST_CASE("hostile: tables of a cell that are none are named by file, row and column") {
  const Runs runs;
  ScoreRow row;
  row.key = {Weights::kBest, Split::kTest, 16, 10, "clamp"};
  runs.cell.write_scores({.scores = {row}});
  const std::filesystem::path path = runs.cell.path() / "scores.csv";
  const std::string good = read_file(path);
  const auto refusal = [&](const std::string& text) {
    write_file_atomically(path, text);
    const std::string message = message_of([&] { (void)runs.cell.read_scores(); });
    CHECK(message.find(path.string()) != std::string::npos);
    return message;
  };
  for (const std::string& text : hostile_yaml()) CHECK(refusal(text) != "");
  CHECK(refusal(std::string(1000000, ',')).find("its columns are ,,,") != std::string::npos);
  std::string lines;
  lines.resize(9000000, '\n');
  CHECK(refusal(lines).find("more than 8388608 cells") != std::string::npos);
  std::string text = good;
  text.replace(text.find("\nbest,0,"), 8, "\nbest,0x,");
  CHECK(refusal(text) ==
        fmt::format("{}: row 1, column 'best_step': '0x' is not a whole number", path.string()));
  std::filesystem::resize_file(path, kHuge);
  CHECK(message_of([&] { (void)runs.cell.read_scores(); }).find("no table has more than") !=
        std::string::npos);
}

TEST_CASE("hostile: bits of examples that do not fit their number are refused") {
  const Runs runs;
  const std::filesystem::path path = runs.cell.path() / "correct.csv";
  const std::string header = "weights,split,eval_length,examples,unseen_levels,exact\n";
  const auto refusal = [&](const std::string& text) {
    write_file_atomically(path, text);
    const std::string message = message_of([&] { (void)runs.cell.read_correct(); });
    CHECK(message.find(path.string()) != std::string::npos);
    return message;
  };
  for (const std::string& text : hostile_yaml()) CHECK(refusal(text) != "");
  for (const char* row : {"5,,f", "5,,f8f", "5,,f4", "5,,", "0,,", "-3,,0", "9000000000,,f8"}) {
    CAPTURE(row);
    CHECK(refusal(fmt::format("{}best,test,16,{}\n", header, row)).find("row 1, column 'exact'") !=
          std::string::npos);
  }
  CHECK(refusal(header + "best,test,16,5,,F8\n").find("'F' is no digit of 0-9a-f") !=
        std::string::npos);
  write_file_atomically(path, header + "best,test,16,5,,f8\n");
  CHECK(runs.cell.read_correct().front().exact == std::vector<bool>(5, true));
}

TEST_CASE("hostile: the bits of any number of examples are read as they were written") {
  const Runs runs;
  for (std::size_t examples = 1; examples <= 40; ++examples) {
    std::vector<bool> exact(examples);
    for (std::size_t i = 0; i < examples; ++i) exact[i] = (i * i + examples) % 3 == 0;
    const auto count = static_cast<std::int64_t>(examples);
    runs.cell.write_scores({.correct = {{{Weights::kBest, Split::kTest, 16, count, ""}, exact}}});
    CHECK(runs.cell.read_correct().front().exact == exact);
  }
}

}  // namespace
}  // namespace recollect
