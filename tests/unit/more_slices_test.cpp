// The tags of more_slices.csv against plain loops and by hand, and the life of that file.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/file.hpp"
#include "harness/store/archive.hpp"
#include "harness/store/archive_shelf.hpp"
#include "harness/store/cell_damage.hpp"
#include "harness/sweep/verify.hpp"
#include "harness/train/cell_model.hpp"
#include "harness/train/scorer.hpp"
#include "tasks/more_tags.hpp"
#include "tasks/mqar.hpp"
#include "tasks/selective_copying.hpp"
#include "tests/support/result_files.hpp"
#include "tests/support/tasks_twin.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/support/tiny_archive.hpp"
#include "tests/support/toy_tasks.hpp"

namespace recollect {
namespace {

constexpr std::int32_t kNone = kNoTag;
constexpr const char* kFile = "more_slices.csv";

using Values = std::vector<std::int32_t>;

Values more_tags(const TaskSettings& settings, const Example& example,
                 std::int64_t trained_length) {
  Values values(example.positions.size() * settings.more_tags().size(), 99);
  GeneratorScratch scratch;
  settings.make()->find_more_tags(example, trained_length, scratch, values);
  return values;
}

/// The highest level on which any token of a sequence sees another, by halving both.
std::int32_t highest_level(std::int64_t length) {
  std::int32_t levels = 0;
  for (std::int64_t t = length - 1; t != 0; t /= 2) ++levels;
  return levels;
}

std::int32_t twin_beyond(std::int64_t t, std::int64_t s, std::int64_t trained_length) {
  std::int32_t level = 0;
  for (; t != s; t /= 2, s /= 2) ++level;
  return std::max(0, level - highest_level(trained_length));
}

std::int32_t twin_sixteenth(std::int64_t position, std::int64_t length) {
  std::int32_t sixteenth = 0;
  while ((sixteenth + 1) * length <= 16 * position) ++sixteenth;
  return sixteenth;
}

/// From the ids alone: the first and the last place before the query where a value follows its key.
Values mqar_twin(const MqarSettings& settings, const Example& example,
                 std::int64_t trained_length) {
  Values all;
  for (std::size_t r = 0; r < example.positions.size(); ++r) {
    const auto query = static_cast<std::size_t>(example.positions[r]);
    std::vector<std::size_t> bound;
    for (std::size_t s = 0; s + 2 <= query; ++s) {
      if (example.ids[s] == example.ids[query] && example.ids[s + 1] >= settings.vocab / 2) {
        bound.push_back(s);
      }
    }
    REQUIRE_FALSE(bound.empty());
    const bool again = example.ids[bound.back() + 1] != example.ids[bound.front() + 1];
    const auto key = static_cast<std::int64_t>(bound.front());
    const std::int32_t beyond =
        twin_beyond(static_cast<std::int64_t>(query), key + 1, trained_length);
    const Values row = {again ? 1 : 0, beyond, again ? kNone : beyond, again ? beyond : kNone,
                        twin_sixteenth(key, settings.length)};
    all.insert(all.end(), row.begin(), row.end());
  }
  return all;
}

/// Data stand before the first position that answers, in their order; nothing else has their ids.
Values copying_twin(const SelectiveCopyingSettings& settings, const Example& example,
                    std::int64_t trained_length) {
  Values all;
  std::int64_t source = -1;
  for (std::size_t r = 0; r < example.positions.size(); ++r) {
    do {
      ++source;
    } while (example.ids[static_cast<std::size_t>(source)] != example.labels[r]);
    all.push_back(twin_beyond(example.positions[r], source, trained_length));
    all.push_back(twin_sixteenth(source, settings.length));
  }
  return all;
}

template <class Check>
void for_each_example(const TaskSettings& settings, Check&& check) {
  const auto task = settings.make();
  Example example;
  GeneratorScratch scratch;
  for (std::uint64_t i = 0; i < 60; ++i) {
    task->example({3, Split::kTest, i}, example, scratch);
    check(*task, example);
  }
}

TEST_CASE("more slices: the tags of MQAR, written out") {
  MqarSettings settings;
  settings.length = 16;
  settings.pairs = 2;
  settings.vocab = 16;  // keys 1..7, values 8..15
  Example example;
  //             0  1   2  3   4  5   6  7   8  9   10 11  12 13 14 15
  example.ids = {3, 12, 5, 9, 3, 10, 5, 3, 5, 9, 1, 14, 5, 3, 3, 11};
  example.positions = {12, 14};
  example.labels = {9, 12};
  example.tags = {12 - 3, 4, 1, 14 - 1, 4, 0};
  // Key 5 is bound at 2 and, to the same value, at 8: that counts as once. Key 3 is bound at 0 and,
  // to another value, at 4; at 7 and 13 no value follows it, and what follows the query comes late.
  CHECK(more_tags(settings, example, 16) == Values{0, 0, 0, kNone, 2, 1, 0, kNone, 0, 0});
  CHECK(more_tags(settings, example, 8) == Values{0, 1, 1, kNone, 2, 1, 1, kNone, 1, 0});
  CHECK(more_tags(settings, example, 2) == Values{0, 3, 3, kNone, 2, 1, 3, kNone, 3, 0});
  // Bound to another value and then to its own again: the latest binding is right.
  example.ids[6] = 3, example.ids[7] = 12;
  CHECK(more_tags(settings, example, 8) == Values{0, 1, 1, kNone, 2, 0, 1, 1, kNone, 0});
}

TEST_CASE("more slices: the tags of copying, written out") {
  SelectiveCopyingSettings settings;
  settings.dialect = CopyingDialect::kMamba;
  settings.length = 12;
  settings.tokens = 3;
  Example example;
  example.ids = {0, 4, 0, 0, 5, 4, 0, 0, 0, 15, 15, 15};
  example.positions = {9, 10, 11};
  example.labels = {4, 5, 4};
  example.tags = {8, 4, 0, 6, 4, 1, 6, 4, 2};
  CHECK(more_tags(settings, example, 12) == Values{0, 1, 0, 5, 0, 6});
  CHECK(more_tags(settings, example, 8) == Values{1, 1, 1, 5, 1, 6});
  CHECK(more_tags(settings, example, 5) == Values{1, 1, 1, 5, 1, 6});
  CHECK(more_tags(settings, example, 4) == Values{2, 1, 2, 5, 2, 6});
}

TEST_CASE("more slices: on random examples of MQAR the tags are what plain loops find") {
  std::map<std::string, int> seen;
  for (const MqarLayout layout : {MqarLayout::kPacked, MqarLayout::kPowerLaw}) {
    for (const MqarFiller filler : {MqarFiller::kRandom, MqarFiller::kZeros, MqarFiller::kClean}) {
      for (const std::int64_t length : {17, 64, 100, 300}) {
        MqarSettings settings;
        settings.layout = layout;
        settings.filler = filler;
        settings.length = length;
        settings.pairs = 4;
        settings.vocab = 16;
        settings.offset = length % 2;
        for_each_example(settings, [&](const Task& task, const Example& example) {
          std::int64_t once = 0;
          for (const std::int64_t trained : {17, 32, 100}) {
            const Values tags = more_tags(settings, example, trained);
            REQUIRE(tags == mqar_twin(settings, example, trained));
            for (std::size_t r = 0; r < 4; ++r) {
              once += tags[5 * r] == 0 ? 1 : 0;
              seen["again"] += tags[5 * r];
              seen["beyond, again"] += tags[5 * r + 3] > 0 ? 1 : 0;
              seen["beyond, once"] += tags[5 * r + 2] > 0 ? 1 : 0;
              seen["two levels beyond"] += tags[5 * r + 1] > 1 ? 1 : 0;
              seen["not in the first sixteenth"] += tags[5 * r + 4] > 0 ? 1 : 0;
            }
          }
          REQUIRE(once == 3 * twin::ceilings(task, example).recent);
          if (filler != MqarFiller::kRandom) REQUIRE(once == 3 * 4);
        });
      }
    }
  }
  for (const auto& each : seen) {
    const auto what = each.first;  // clang 14 captures no structured binding
    const auto times = each.second;
    CAPTURE(what);
    CHECK(times > 50);  // else the comparison would show little
  }
}

TEST_CASE("more slices: on random examples of copying the tags are what plain loops find") {
  for (const CopyingDialect dialect : {CopyingDialect::kAdaptive, CopyingDialect::kMad,
                                       CopyingDialect::kMamba, CopyingDialect::kMadUniform}) {
    for (const std::int64_t length : {40, 128, 300}) {
      SelectiveCopyingSettings settings;
      settings.dialect = dialect;
      settings.length = length;
      settings.tokens = 8;
      settings.resolve();
      for_each_example(settings, [&](const Task&, const Example& example) {
        for (const std::int64_t trained : {17, 64, 300}) {
          REQUIRE(more_tags(settings, example, trained) ==
                  copying_twin(settings, example, trained));
        }
      });
    }
  }
}

TEST_CASE("more slices: scoring counts each position under its tags, with any number of threads") {
  const Experiment experiment = tiny({"train.learning_rate=0.01"});
  Cell cell = experiment.cells.at(0);
  const auto& settings = dynamic_cast<const MqarSettings&>(*cell.task);
  SequenceModel<float> model = build_model(cell);
  constexpr std::int64_t kLength = 40;
  const Score score = recollect::score(model, cell, Split::kTest, kLength, 50, 1, true);
  for (const int threads : {2, 7}) {
    const Score other = recollect::score(model, cell, Split::kTest, kLength, 50, threads, true);
    REQUIRE(other.more_slices.size() == score.more_slices.size());
    for (std::size_t i = 0; i < score.more_slices.size(); ++i) {
      CHECK(other.more_slices[i].slice == score.more_slices[i].slice);
      CHECK(other.more_slices[i].value == score.more_slices[i].value);
      CHECK(other.more_slices[i].scored == score.more_slices[i].scored);
      CHECK(other.more_slices[i].accuracy == score.more_slices[i].accuracy);
    }
  }

  MqarSettings longer = settings;
  longer.length = kLength;
  const auto task = longer.make();
  std::map<std::pair<std::size_t, std::int32_t>, std::array<double, 2>> tallies;
  model.begin_step({kLength, 50 * kLength});
  Workspace<float> workspace;
  GeneratorScratch scratch;
  Example example;
  for (std::uint64_t i = 0; i < 50; ++i) {
    task->example({static_cast<std::uint64_t>(cell.data_seed), Split::kTest, i}, example, scratch);
    std::vector<std::int32_t> answers(example.positions.size());
    (void)model.score(input_of(example), workspace, answers);
    const Values tags = mqar_twin(longer, example, settings.length);
    for (std::size_t j = 0; j < tags.size(); ++j) {
      if (tags[j] == kNone) continue;
      auto& [scored, right] = tallies[{j % 5, tags[j]}];
      scored += 1.0;
      right += answers[j / 5] == example.labels[j / 5] ? 1.0 : 0.0;
    }
  }
  REQUIRE(score.more_slices.size() == tallies.size());
  auto slice = score.more_slices.begin();
  for (const auto& [which, tally] : tallies) {
    CHECK(slice->slice == settings.more_tags()[which.first]);
    CHECK(slice->value == which.second);
    CHECK(static_cast<double>(slice->scored) == tally[0]);
    CHECK(slice->accuracy == tally[1] / tally[0]);
    ++slice;
  }
}

/// A cell as a version before this file made it.
void make_earlier(const CellFolder& folder) {
  std::filesystem::remove(folder.path() / kFile);
  CellStatus status = folder.read_status().value();
  CHECK(status.files.erase(kFile) == 1);
  folder.write_status(status);
}

TEST_CASE("more slices: a cell of an earlier version gets the file from its weights, to the byte") {
  const TemporaryFolder out;
  Watch watch, again;
  run(tiny(), out.path(), watch);
  const auto whole = result_files(out.path());
  const CellFolder folder(out.path(), tiny().cells.at(0).hash());
  CHECK(folder.read_text(kFile).starts_with("weights,split,eval_length,slice,value,scored,"));
  CHECK(folder.read_status()->files.contains(kFile));
  make_earlier(folder);
  CHECK(damage_of(folder, *folder.read_status()).remedy == Remedy::kNothing);
  CHECK(plan_run(tiny(), out.path()).count(Work::kScore) == 1);
  CHECK(run(tiny(), out.path(), again).finished == 4);
  CHECK(again.steps == 0);
  CHECK(result_files(out.path()) == whole);
}

TEST_CASE("more slices: a cell of an earlier version without weights stays as it is") {
  const TemporaryFolder out;
  Watch watch;
  run(tiny(), out.path(), watch);
  for (const Cell& cell : tiny().cells) {
    const CellFolder folder(out.path(), cell.hash());
    make_earlier(folder);
    folder.remove_weights();
    folder.write_needs_no_weights();
  }
  const auto before = result_files(out.path());
  CHECK(plan_run(tiny(), out.path()).count(Work::kNone) == 4);
  watch.steps = 0;
  CHECK(run(tiny(), out.path(), watch).problems.empty());
  CHECK(watch.steps == 0);
  CHECK(result_files(out.path()) == before);
}

TEST_CASE("more slices: archives keep the file where it is there, and are whole without it") {
  const TemporaryFolder runs, archives, out;
  Watch watch;
  run(tiny(), runs.path(), watch);
  make_earlier({runs.path(), tiny().cells.at(1).hash()});
  const auto before = result_files(runs / "cells");
  (void)archive(runs.path(), archives.path());
  const ArchiveShelf shelf({archives.path()});
  CHECK(shelf.notes().empty());
  watch.steps = 0;
  CHECK(run(tiny(), out.path(), watch, &shelf).finished == 4);
  CHECK(watch.steps == 0);
  CHECK(plan_run(tiny(), out.path()).count(Work::kNone) == 4);
  std::size_t files = 0;
  for (const auto& file : result_files(out / "cells")) {
    const std::string name = file.first;  // clang 14 captures no structured binding
    const std::string bytes = file.second;
    CAPTURE(name);
    if (name.ends_with("without_weights")) continue;
    CHECK(bytes == before.at(name));
    files += name.ends_with(kFile) ? 1 : 0;
  }
  CHECK(files == 3);

  // Of cells that all lack it there is no table.
  for (const std::size_t i : {0, 2, 3}) make_earlier({runs.path(), tiny().cells.at(i).hash()});
  const TemporaryFolder earlier;
  const Archive written = archive(runs.path(), earlier.path());
  CHECK_FALSE(file_exists(written.path / kFile));
  CHECK(read_archive(written.path).cells.size() == 4);
}

TEST_CASE("more slices: verification takes a cell as the version made it that trained it") {
  const TemporaryFolder out;
  const Experiment experiment = tiny({"variants=[adaptive-decay]", "seeds=[0]"});
  const auto same = [&] {
    RunObserver silent;
    return verify_experiment(experiment, out.path(), {}, silent).same;
  };
  Watch watch;
  run(experiment, out.path(), watch);
  const CellFolder folder(out.path(), experiment.cells.at(0).hash());
  CHECK(same() == 1);
  // Lost, not of an earlier version.
  const std::string text = folder.read_text(kFile);
  std::filesystem::remove(folder.path() / kFile);
  CHECK_THROWS_WITH_AS((void)same(), doctest::Contains("more_slices.csv is missing"), IoError);
  folder.write_text(kFile, text);
  make_earlier(folder);
  CHECK(same() == 1);
  CellStatus status = folder.read_status().value();
  status.files.clear();
  folder.write_status(status);
  CHECK(same() == 1);
  std::filesystem::remove(folder.path() / "correct.csv");
  CHECK(same() == 1);

  // A run adds the rows that it asks for: here those of one of two lengths.
  const Experiment one = tiny({"variants=[adaptive-decay]", "seeds=[0]", "eval.lengths=[16]"});
  run(one, out.path(), watch);
  CHECK(folder.read_more_slices().size() < folder.read_slices().size());
  CHECK(std::ranges::all_of(folder.read_more_slices(),
                            [](const SliceRow& row) { return row.key.eval_length == 16; }));
  CHECK(same() == 1);
  // No row may be lost of what was there.
  std::vector<SliceRow> rows = folder.read_more_slices();
  std::erase_if(rows, [](const SliceRow& row) { return row.key.split == Split::kTest; });
  folder.write_text(kFile, to_csv(to_table(slice_columns(), rows)));
  CHECK_THROWS_WITH_AS((void)same(), doctest::Contains(kFile), Regression);
}

TEST_CASE("more slices: a task without such tags has no file, and lacks none") {
  const TemporaryFolder out;
  const CellFolder folder(out.path(), "0123456789abcdef");
  make_folder(folder.path());
  const Cell cell =
      testing::toy_cell(std::make_shared<testing::BytesSettings>(16), "fixed-decay", "steps: 1");
  SequenceModel<float> model = build_model(cell);
  CHECK(recollect::score(model, cell, Split::kTest, 16, 4, 1, true).more_slices.empty());
  for (const Weights weights : {Weights::kFinal, Weights::kBest}) {
    write_file_atomically(folder.weights_path(weights), "weights");
  }
  ScoreRow row;
  row.key = {Weights::kBest, Split::kValidation, 16, 4, ""};
  const ScoreTables tables{.scores = {row}};
  folder.write_scores(tables);
  CHECK_FALSE(file_exists(folder.path() / kFile));
  CHECK(missing_of(folder, tables, cell, row.key) == Missing::kNothing);
  CHECK(missing_of(folder, tables, tiny().cells.at(0), row.key) == Missing::kAdditions);
}

}  // namespace
}  // namespace recollect
