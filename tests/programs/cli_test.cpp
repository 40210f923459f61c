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

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define RECOLLECT_UNDER_SANITIZER
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define RECOLLECT_UNDER_SANITIZER
#endif
#endif

namespace recollect {
namespace {

TEST_CASE("cli: help lists what there is and the exit statuses") {
  const ProgramResult result = recollect_program("--help");
  CHECK(result.status == 0);
  CHECK(result.err.empty());
  for (const char* word :
       {"run",   "table",    "compare", "plot",  "show",      "inspect",     "list", "check",
        "bench", "generate", "score",   "slurm", "--version", "Exit status", "  0 ", "  1 ",
        "  2 ",  "  3 ",     "  4 ",    "  5 ",  "  6 ",      "  64 "}) {
    CAPTURE(word);
    CHECK(holds(result.out, word));
  }
  CHECK(holds(recollect_program("run --help").out, "--dry-run"));
}

TEST_CASE("cli: the version names code, compiler and build") {
  const ProgramResult result = recollect_program("--version");
  CHECK(result.status == 0);
  CHECK(result.out.starts_with("recollect "));
  CHECK(holds(result.out, "\ncode version  "));
  CHECK(holds(result.out, "\ncompiler      "));
  CHECK(holds(result.out, "\nbuild         "));
}

TEST_CASE("cli: a wrong command line is one line with a way out") {
  expect_usage_error("", "a subcommand is missing");
  expect_usage_error("rum x.yaml", "unknown subcommand 'rum'; did you mean 'run'?");
  expect_usage_error("run", "CONFIG is required");
  expect_usage_error("run x.yaml --jbos 3", "unknown option '--jbos'; did you mean '--jobs'?");
  expect_usage_error("run x.yaml y.yaml", "unknown argument 'y.yaml'");
  expect_usage_error("run x.yaml --jobs 0", "--jobs");
  expect_usage_error("run x.yaml --jobs many", "--jobs");
  expect_usage_error("table x --format html", "html");
  expect_usage_error("table x --rows published", "needs --published FILE");
  expect_usage_error("list taks", "did you mean 'tasks'?");
  expect_usage_error("list", "choose one of tasks, variants, configs");
  expect_usage_error("check ''", "CONFIG is empty; give the path of a configuration file");
  expect_usage_error("run ''", "CONFIG is empty; give the path of a configuration file");
  expect_usage_error("run x.yaml --out ''", "--out is empty; give a folder");
  expect_usage_error("run x.yaml --out=", "--out");
  expect_usage_error("table ''", "RESULTS is empty");
  expect_usage_error("compare x", "needs NEW, or --by");
  expect_usage_error("compare x y --by variant", "leave NEW out");
  expect_usage_error("compare x --against y", "needs NEW, or --by");
  expect_usage_error("compare x y --select train.steps", "--select belongs to --by");
  expect_usage_error("compare x --by variant --select steps",
                     "--select steps is no option in full");
  expect_usage_error("compare x --by train.steps --select train.steps", "give --by variant");
  expect_usage_error("compare x --by variant --tolerance 0.5", "--tolerance does not go with --by");
  expect_usage_error("compare x --by variant --alpha 0.5", "--alpha does not go with --by");
  expect_usage_error("compare x --by variant --undecided fail", "--undecided does not go with");
  expect_usage_error("table x --rows cells --published y", "leave out --rows cells");
  expect_usage_error("compare x y --score best", "WEIGHTS,SPLIT,LENGTH");
  expect_usage_error("compare x y --score best,test,0", "WEIGHTS,SPLIT,LENGTH");
  expect_usage_error("compare x y --metric solved", "unknown metric 'solved'");
  expect_usage_error("compare x ''", "NEW is empty");
  expect_usage_error("compare x y --tolerance accuracy", "'accuracy' is no number");
  expect_usage_error("compare x y --tolerance acuracy=0.1", "did you mean 'accuracy'?");
  for (const char* value : {"-0.1", "much", "", "nan", "inf"}) {
    expect_usage_error(fmt::format("compare x y --tolerance loss={}", value),
                       "is no number of 0 or more");
  }
  expect_usage_error("compare x y --alpha 0", "--alpha 0 is not between 0 and 1");
  expect_usage_error("compare x y --alpha 1", "--alpha 1 is not between 0 and 1");
  expect_usage_error("compare x y --format html", "html");
}

TEST_CASE("cli: compare says by its status whether results are the same, worse or another thing") {
  const TemporaryFolder folder;
  const std::string config = tiny_config(folder);
  const auto train = [&](const char* name, const std::string& more) {
    const std::filesystem::path out = folder / name;
    REQUIRE(recollect_program("run " + config + " --jobs 1 --out " + quoted(out) + more).status ==
            0);
    return quoted(out);
  };
  const std::string base = train("base", "");
  const std::string table = quoted(folder / "base" / "tiny.cells.csv");
  for (const std::string& one : {base, table}) {
    for (const std::string& other : {base, table}) {
      const ProgramResult same = recollect_program("compare " + one + " " + other);
      CAPTURE(same.err);
      CHECK(same.status == 0);
      CHECK(same.err.empty());
      CHECK(holds(same.out, "2 groups: 2 equal, 0 same, 0 worse"));
    }
  }

  // A table whose accuracies are as high as they can be; one seed proves nothing, and fails.
  CsvTable better = parse_csv(read_file(folder / "base" / "tiny.cells.csv"), "cells");
  for (auto& row : better.rows) row[better.index("accuracy")].assign(1, '1');
  write_file_atomically(folder / "better.csv", to_csv(better));
  const std::string report = quoted(folder / "report.xml");
  const ProgramResult worse = recollect_program("compare " + quoted(folder / "better.csv") + " " +
                                                base + " --format junit --output " + report);
  CHECK(worse.status == 6);
  CHECK(worse.out.empty());
  CHECK(holds(read_file(folder / "report.xml"), "tests=\"2\" failures=\"2\" errors=\"0\""));
  CHECK(recollect_program("compare " + base + " " + quoted(folder / "better.csv")).status == 0);
  CHECK(recollect_program("compare " + quoted(folder / "better.csv") + " " + base +
                          " --tolerance accuracy=3")
            .status == 0);

  const std::string other = train("other", " --set train.batch=5");
  const ProgramResult cannot = recollect_program("compare " + base + " " + other);
  CHECK(cannot.status == 2);
  CHECK(holds(cannot.out, "cannot compare: mqar, fixed-decay: train_batch: 4 -> 5\n"));
  CHECK(recollect_program("compare " + base + " " + other + " --experiment tiny --format markdown")
            .status == 2);
  const ProgramResult misnamed =
      recollect_program("compare " + table + " " + base + " --experiment tinny");
  CHECK(misnamed.status == 5);
  CHECK(holds(misnamed.err, "did you mean 'tiny'?"));

  CHECK(recollect_program("compare " + base + " " + quoted(folder / "none")).status == 5);
  write_file_atomically(folder / "wrong.csv", "a,b\n1,2\n");
  const ProgramResult wrong =
      recollect_program("compare " + base + " " + quoted(folder / "wrong.csv"));
  CHECK(wrong.status == 5);
  CHECK(holds(wrong.err, "column 'experiment' is missing"));
}

TEST_CASE("cli: a configuration that is wrong or missing") {
  const TemporaryFolder folder;
  const std::string config = tiny_config(folder);
  const std::string out = (folder / "out").string();
  const ProgramResult wrong =
      recollect_program("run " + config + " --set task.pairs=100 --out " + out);
  CHECK(wrong.status == 3);
  CHECK(line_count(wrong.err) == 1);
  CHECK(holds(wrong.err, "task.pairs"));
  CHECK_FALSE(std::filesystem::exists(out));
  const ProgramResult missing = recollect_program("check " + quoted(folder / "no.yaml"));
  CHECK(missing.status == 5);
  CHECK(holds(missing.err, "no.yaml"));
}

TEST_CASE("cli: check prints a configuration that is its own") {
  const TemporaryFolder folder;
  const ProgramResult once =
      recollect_program("check " + tiny_config(folder) + " --set train.batch=5");
  CHECK(once.status == 0);
  CHECK(holds(once.out, "batch: 5"));
  CHECK(holds(once.out, "learning_rate: "));
  write_file_atomically(folder / "resolved.yaml", once.out);
  const ProgramResult again = recollect_program("check " + quoted(folder / "resolved.yaml"));
  CHECK(again.status == 0);
  CHECK(again.out == once.out);
  const ProgramResult warned =
      recollect_program("check " + tiny_config(folder) + " --set 'eval.lengths=[64]'");
  CHECK(warned.status == 0);
  CHECK(holds(warned.err, "warning: "));
  CHECK_FALSE(holds(warned.out, "warning"));
}

TEST_CASE("cli: check and run say where splits share examples") {
  const TemporaryFolder folder;
  const std::string config = tiny_config(folder);
  const ProgramResult clean = recollect_program("check " + config);
  CHECK(holds(clean.err, "no split holds an example of another"));
  CHECK_FALSE(holds(clean.err, "warning"));
  const std::string tiny = " --set task.length=4 --set task.pairs=1 --set 'eval.lengths=[4]'";
  const ProgramResult leaking = recollect_program("check " + config + tiny);
  CHECK(leaking.status == 0);
  CHECK(holds(leaking.err, "warning: mqar: length 4, "));
  CHECK(holds(leaking.err, " test examples ("));
  CHECK_FALSE(holds(leaking.out, "occur in"));
  const std::string out = " --dry-run --out " + quoted(folder / "out");
  CHECK(holds(recollect_program("run " + config + tiny + out).err, " occur in training"));
  CHECK(recollect_program("run " + config + out).err.empty());
}

TEST_CASE("cli: list prints tasks, variants and configurations") {
  CHECK(holds(recollect_program("list tasks").out, "mqar "));
  const ProgramResult variants = recollect_program("list variants");
  CHECK(line_count(variants.out) == mixers().size());
  for (const std::string& variant : kBuiltIn) CHECK(holds(variants.out, variant + " "));
  CHECK(holds(variants.out, "adaptive-decay "));
  const TemporaryFolder folder;
  (void)tiny_config(folder);
  const ProgramResult configs = recollect_program("list configs " + quoted(folder.path()));
  CHECK(configs.status == 0);
  CHECK(configs.out ==
        (folder / "tiny.yaml").string() + "  tiny  A cell that trains in a moment.\n");
  CHECK(recollect_program("list configs /nowhere/at/all").status == 5);
}

TEST_CASE("cli: an unknown option is named, whatever else is missing") {
  for (const char* command :
       {"run", "table", "report", "plot", "archive", "compare", "list", "check", "show", "bench"}) {
    expect_usage_error(fmt::format("{} --nope", command), "unknown option '--nope'");
  }
  expect_usage_error("compare --tolerence 0.1", "did you mean '--tolerance'?");
  // Without one, what is missing is.
  expect_usage_error("compare", "BASE is required");
}

TEST_CASE("cli: run trains, tabulates, and finds its work done when it runs again") {
  const TemporaryFolder folder;
  const std::string config = tiny_config(folder);
  const std::filesystem::path out = folder / "out";
  const std::string run = "run " + config + " --jobs 1 --out " + quoted(out);
  const ProgramResult first = recollect_program(run);
  CAPTURE(first.err);
  CHECK(first.status == 0);
  CHECK(first.out ==
        (out / "tiny.cells.csv").string() + "\n" + (out / "tiny.groups.csv").string() + "\n");
  CHECK(holds(first.err, "2 cells: 2 to train, 0 done; 1 job with "));
  CHECK(holds(first.err, "[cell 1 of 2] "));
  CHECK(holds(first.err, "[cell 2 of 2] "));
  const std::string cells = read_file(out / "tiny.cells.csv");
  const std::string groups = read_file(out / "tiny.groups.csv");
  CHECK(parse_csv(cells, "cells").rows.size() == 2 * 4);
  CHECK(recollect_program("table " + quoted(out) + " --rows cells").out == cells);
  CHECK(recollect_program("table " + quoted(out)).out == groups);
  const ProgramResult markdown = recollect_program("table --format markdown " + quoted(out));
  CHECK(holds(markdown.out, "### tiny\n"));
  CHECK(holds(markdown.out, "| full-quadratic |"));

  const ProgramResult second = recollect_program(run);
  CHECK(second.status == 0);
  CHECK(holds(second.err, "0 to train, 2 done"));
  CHECK(read_file(out / "tiny.cells.csv") == cells);
}

TEST_CASE("cli: a cell that diverges gives status 4 and its reason") {
  const TemporaryFolder folder;
  const ProgramResult result = recollect_program(
      "run " + tiny_config(folder) + " --out " + quoted(folder / "out") +
      " --set train.learning_rate=10 --set train.weight_decay=10 --set train.clip=0");
  CAPTURE(result.err);
  CHECK(result.status == 4);
  CHECK(holds(result.err, "diverged: "));
  CHECK(holds(result.err, "2 of 2 cells failed or diverged"));
  const CsvTable cells = parse_csv(read_file(folder / "out" / "tiny.cells.csv"), "cells");
  REQUIRE(cells.rows.size() == 2);
  CHECK(cells.rows[0][cells.index("status")] == "diverged");
}

TEST_CASE("cli: a dry run tells cells, parameters, memory and time, and writes nothing") {
  const TemporaryFolder folder;
  const std::filesystem::path out = folder / "out";
  const ProgramResult result =
      recollect_program("run " + tiny_config(folder) + " --dry-run --out " + quoted(out));
  CAPTURE(result.err);
  CHECK(result.status == 0);
  CHECK(holds(result.out, "2 to train"));
  CHECK(holds(result.out, "fixed-decay"));
  CHECK(holds(result.out, "memory   about "));
  CHECK(holds(result.out, "time     about "));
  CHECK_FALSE(std::filesystem::exists(out));
}

TEST_CASE("cli: a dry run counts the cells that are only scored") {
  const TemporaryFolder folder;
  const std::string run =
      "run " + tiny_config(folder) + " --jobs 1 --out " + quoted(folder / "out");
  REQUIRE(recollect_program(run).status == 0);
  const ProgramResult result = recollect_program(run + " --dry-run --set 'eval.lengths=[16, 24]'");
  CHECK(holds(result.out, "0 done, 2 only to score, 0 to train"));
}

TEST_CASE("cli: run --verify runs what is left, then tells whether all comes out the same again") {
  const TemporaryFolder folder;
  const std::filesystem::path out = folder / "out";
  const std::string config = tiny_config(folder);
  const std::string verify = "run " + config + " --verify --jobs 1 --out " + quoted(out);
  const ProgramResult first = recollect_program(verify);
  CAPTURE(first.err);
  CHECK(first.status == 0);
  CHECK(holds(first.err, "2 to train"));
  CHECK(holds(first.err, "verified: 2 cells gave the same bytes again\n"));
  CHECK(holds(first.out, "tiny.cells.csv"));

  const auto cells = std::filesystem::directory_iterator(out / "cells");
  const std::filesystem::path cell = cells->path();
  const std::string history = read_file(cell / "history.csv");
  std::string other = history;
  other[history.rfind('\n', history.size() - 2) + 1] = '3';  // the last step
  write_file_atomically(cell / "history.csv", other);
  const ProgramResult changed = recollect_program(verify);
  CAPTURE(changed.err);
  CHECK(changed.status == 1);
  CHECK(holds(changed.err, "recollect: cell "));
  CHECK(holds(changed.err, "line 3, column step, '30' there and '20' now"));
  CHECK(read_file(cell / "history.csv") == other);
  CHECK(recollect_program("run " + config + " --jobs 1 --out " + quoted(out)).status == 0);

  const std::string status = read_file(cell / "status.yaml");
  std::string build = status;
  build[build.find("compiler: \"") + 11] = 'x';
  build.erase(build.find("\ndigest: ") + 1);
  write_file_atomically(cell / "status.yaml", build);
  write_file_atomically(cell / "history.csv", other);
  const ProgramResult unknown = recollect_program(verify);
  CAPTURE(unknown.err);
  CHECK(unknown.status == 2);
  CHECK(holds(unknown.err, "made by another build"));
  CHECK(holds(unknown.err, "1 cell cannot be compared; 0 cells gave the same bytes again\n"));
  write_file_atomically(cell / "status.yaml", status);

  // A file that cannot be read would be made anew by a run: it is told first.
  write_file_atomically(cell / "history.csv", history);
  const std::string scores = read_file(cell / "scores.csv");
  write_file_atomically(cell / "scores.csv", fmt::format("x{}", scores));
  const ProgramResult damaged = recollect_program(verify);
  CAPTURE(damaged.err);
  CHECK(damaged.status == 1);
  CHECK(holds(damaged.err, "scores.csv from byte 0 on: line 1"));
  CHECK(read_file(cell / "scores.csv") == fmt::format("x{}", scores));
  write_file_atomically(cell / "scores.csv", scores);

  std::filesystem::remove(cell / "final.safetensors");
  const ProgramResult missing = recollect_program(verify);
  CAPTURE(missing.err);
  CHECK(missing.status == 5);
  CHECK(holds(missing.err, "final.safetensors is missing"));
  expect_usage_error("run x.yaml --verify --dry-run", " excludes --");
}

TEST_CASE("cli: damaged weights that the bits of the examples need are trained again") {
  const TemporaryFolder folder;
  const std::filesystem::path out = folder / "out";
  const std::string run = "run " + tiny_config(folder) + " --jobs 1 --out " + quoted(out);
  REQUIRE(recollect_program(run).status == 0);
  for (const auto& cell : std::filesystem::directory_iterator(out / "cells")) {
    std::filesystem::resize_file(cell.path() / "final.safetensors", 100);
    std::filesystem::remove(cell.path() / "correct.csv");  // which they alone can give again
  }
  const ProgramResult result = recollect_program(run);
  CAPTURE(result.err);
  CHECK(result.status == 0);
  CHECK(holds(result.err, "training a cell again: "));
  CHECK(holds(result.err, "correct.csv is missing"));
  for (const auto& cell : std::filesystem::directory_iterator(out / "cells")) {
    CHECK(file_exists(cell.path() / "correct.csv"));
  }
}

TEST_CASE("cli: a changed correct.csv is in the way of compare, which reads it, and of no table") {
  const TemporaryFolder folder;
  const std::string out = quoted(folder / "out");
  REQUIRE(recollect_program("run " + tiny_config(folder) + " --jobs 1 --out " + out).status == 0);
  const auto table = [&] { return recollect_program("table " + out + " --rows cells"); };
  const std::string before = table().out;
  for (const auto& cell : std::filesystem::directory_iterator(folder / "out" / "cells")) {
    write_file_atomically(cell.path() / "correct.csv", "x\n");
  }
  const ProgramResult after = table();
  CHECK(after.status == 0);
  CHECK(after.out == before);
  const ProgramResult compared = recollect_program("compare " + out + " " + out);
  CHECK(compared.status == 5);
  CHECK(holds(compared.err, "correct.csv"));
}

TEST_CASE("cli: a shard that leaves nothing to tabulate gives a warning") {
  const TemporaryFolder folder;
  const ProgramResult result = recollect_program("run " + tiny_config(folder) +
                                                 " --shard 3/8 --out " + quoted(folder / "out"));
  CAPTURE(result.err);
  CHECK(result.status == 0);
  CHECK(result.out.empty());
  CHECK(holds(result.err, "warning: no tables: "));
}

TEST_CASE("cli: a shard warns of what leaks among its own cells") {
  const TemporaryFolder folder;
  const std::filesystem::path config = folder / "two.yaml";
  write_file_atomically(config,
                        "grid: {task: [{name: mqar, length: 4, pairs: 1, vocab: 6}, "
                        "{name: mqar, length: 32, pairs: 2}]}\n"
                        "model: {width: 8, layers: 1}\nvariants: [fixed-decay]\n"
                        "train: {examples: 100, validation_examples: 20, batch: 4, steps: 2, "
                        "eval_every: 2}\neval: {examples: 20}\n");
  const auto warning = [&](const std::string& options) {
    const ProgramResult result = recollect_program("run " + quoted(config) + " --dry-run --out " +
                                                   quoted(folder / "out") + options);
    CAPTURE(result.err);
    CHECK(result.status == 0);
    return holds(result.err, "occur in training");
  };
  CHECK(warning(""));
  CHECK(warning(" --shard 1/2"));
  CHECK_FALSE(warning(" --shard 2/2"));
}

TEST_CASE("cli: where weights are damaged and needed, run says so and trains the cells again") {
  const TemporaryFolder folder;
  const std::filesystem::path out = folder / "out";
  const std::string run = "run " + tiny_config(folder) + " --jobs 1 --out " + quoted(out);
  REQUIRE(recollect_program(run).status == 0);
  for (const auto& cell : std::filesystem::directory_iterator(out / "cells")) {
    std::filesystem::resize_file(cell.path() / "final.safetensors", 100);
  }
  const ProgramResult result = recollect_program(run + " --set 'eval.lengths=[24]'");
  CAPTURE(result.err);
  CHECK(result.status == 0);
  CHECK(holds(result.err, "training a cell again: "));
  CHECK(holds(result.err, "final.safetensors was changed after the cell was done"));
  CHECK(holds(result.err, "2 cells: 2 to train, 0 done"));
}

#if !defined(RECOLLECT_UNDER_SANITIZER)  // they reserve more memory than any limit leaves
TEST_CASE("cli: a size for which there is no memory is refused before anything is written") {
  const TemporaryFolder folder;
  const std::string arguments = "run " + tiny_config(folder) + " --jobs 1 --out " +
                                quoted(folder / "out") + " --set model.layers=64";
  const std::string limit = "ulimit -v 3000000; ";
  const std::string large = arguments + " --set 'grid={model.width: [8, 4096]}'";
  const ProgramResult result = recollect_program(large, limit);
  CAPTURE(result.err);
  CHECK(result.status == 3);
  CHECK(line_count(result.err) == 1);
  CHECK(holds(result.err, "tiny.yaml: cell 3 of 4 (fixed-decay, mqar, seed 0) needs about "));
  CHECK(holds(result.err, "with model.width = 4096, model.layers = 64, task.length = 16"));
  CHECK(holds(result.err, " are available (limit of the address space, ulimit -v); make one"));
  CHECK_FALSE(std::filesystem::exists(folder / "out"));
  const ProgramResult dry = recollect_program(large + " --dry-run", limit);
  CHECK(dry.status == 3);
  CHECK(dry.err == result.err);
  const ProgramResult length =
      recollect_program(arguments + " --set model.layers=1 --set 'eval.lengths=[16, 16777216]'",
                        "ulimit -v 500000; ");
  CAPTURE(length.err);
  CHECK(length.status == 3);
  CHECK(holds(length.err, "eval.lengths up to 16777216"));
}

TEST_CASE("cli: where several jobs find no memory together, there are fewer") {
  const TemporaryFolder folder;
  const std::string arguments =
      "run " + tiny_config(folder) + " --dry-run --out " + quoted(folder / "out") +
      " --set 'variants=[fixed-decay]' --set 'seeds=[0, 1, 2, 3]' --set model.width=512";
  // The program itself takes some of it; a cell takes 37 MiB.
  const ProgramResult four = recollect_program(arguments + " --jobs 4");
  CHECK(holds(four.out, "jobs     4, with "));
  CHECK_FALSE(holds(four.err, " instead of "));
  const ProgramResult fewer = recollect_program(arguments + " --jobs 4", "ulimit -v 140000; ");
  CAPTURE(fewer.err);
  CAPTURE(fewer.out);
  CHECK(holds(fewer.err, " instead of 4 jobs with "));
  CHECK(holds(fewer.err, "are available (limit of the address space, ulimit -v)"));
  CHECK_FALSE(holds(fewer.out, "jobs     4, with "));
}
#endif

TEST_CASE("cli: places that cannot be read or written give status 5 and one line") {
  const TemporaryFolder folder;
  const std::string config = tiny_config(folder);
  write_file_atomically(folder / "file", "x");
  const ProgramResult file =
      recollect_program("run " + config + " --out " + quoted(folder / "file"));
  CHECK(file.status == 5);
  CHECK(line_count(file.err) == 1);
  CHECK(holds(file.err, "Not a directory"));
  const ProgramResult dry =
      recollect_program("run " + config + " --dry-run --out " + quoted(folder / "file"));
  CHECK(dry.status == 5);
  CHECK(dry.err == file.err);
  CHECK(dry.out.empty());
  const std::string name(300, 'x');
  const ProgramResult long_name =
      recollect_program("run " + config + " --out " + quoted(folder / name));
  CHECK(long_name.status == 5);
  CHECK(line_count(long_name.err) == 1);
  CHECK(holds(long_name.err, "File name too long"));
  const ProgramResult empty = recollect_program("table " + quoted(folder.path()));
  CHECK(empty.status == 5);
  CHECK(holds(empty.err, "holds no results"));
  CHECK(recollect_program("list tasks >/dev/full").status == 5);
}

}  // namespace
}  // namespace recollect
