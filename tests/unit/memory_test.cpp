#include "base/memory.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "base/file.hpp"
#include "harness/config/load.hpp"
#include "harness/sweep/memory.hpp"
#include "harness/train/cell_model.hpp"
#include "math/workspace.hpp"
#include "models/registry.hpp"
#include "tests/support/built_in.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/support/test_model.hpp"

namespace recollect {
namespace {

constexpr double kMebi = 1024.0 * 1024.0;

void put(const std::filesystem::path& file, const std::string& text) {
  make_folder(file.parent_path());
  write_file_atomically(file, text);
}

}  // namespace

TEST_CASE("memory: what is available is the least of the machine's and the control groups'") {
  const TemporaryFolder root;
  CHECK(available_memory(root.path()).bytes > 1e300);
  put(root / "proc/meminfo", "MemTotal: 9000000 kB\nMemAvailable:    4096 kB\n");
  CHECK(available_memory(root.path()).bytes == 4.0 * kMebi);
  CHECK(available_memory(root.path()).bound_by == "free memory of this machine");

  SUBCASE("version 2: a group, those around it, and file cache") {
    put(root / "proc/self/cgroup", "0::/user/session\n");
    put(root / "sys/fs/cgroup/user/session/memory.max", "max\n");
    put(root / "sys/fs/cgroup/user/session/memory.current", "1048576\n");
    CHECK(available_memory(root.path()).bytes == 4.0 * kMebi);
    put(root / "sys/fs/cgroup/user/memory.max", "3145728\n");
    put(root / "sys/fs/cgroup/user/memory.current", "2097152\n");
    CHECK(available_memory(root.path()).bytes == 1.0 * kMebi);
    CHECK(available_memory(root.path()).bound_by == "memory limit of the control group");
    put(root / "sys/fs/cgroup/user/memory.stat", "anon 7\ninactive_file 1048576\n");
    CHECK(available_memory(root.path()).bytes == 2.0 * kMebi);
    put(root / "sys/fs/cgroup/user/memory.current", "999999999\n");
    CHECK(available_memory(root.path()).bytes == 0.0);
  }
  SUBCASE("version 1, in a container that does not see its own path") {
    put(root / "proc/self/cgroup", "9:name=systemd:/\n4:memory:/docker/0123\n3:cpu:/\n");
    put(root / "sys/fs/cgroup/memory/memory.limit_in_bytes", "3145728\n");
    put(root / "sys/fs/cgroup/memory/memory.usage_in_bytes", "1048576\n");
    CHECK(available_memory(root.path()).bytes == 2.0 * kMebi);
  }
}

TEST_CASE("memory: this machine tells how much is available") {
  const AvailableMemory available = available_memory();
  CHECK(available.bytes > kMebi);
  CHECK(available.bytes < 1e18);
}

TEST_CASE("memory: sizes in words") {
  CHECK(memory_text(312.4 * kMebi) == "312 MiB");
  CHECK(memory_text(3.44 * 1024.0 * kMebi) == "3.4 GiB");
}

TEST_CASE("memory: a forward pass takes about what it was said to") {
  for (const MixerEntry& entry : mixers()) {
    for (const int rich : {0, 1, 2}) {
      for (const std::int64_t tokens : {64, 1000, 4096}) {
        CAPTURE(entry.name);
        CAPTURE(rich);
        CAPTURE(tokens);
        TestModel settings;
        settings.layers = 3;
        if (rich > 0) {
          settings.norm = Norm::kPre;
          settings.mlp = 2;
        }
        if (rich == 1) settings.short_conv = 4;
        if (rich == 2) {
          settings.norm_kind = NormKind::kRms;
          settings.mlp_kind = MlpKind::kSwiglu;
          settings.tied_head = true;
        }
        SequenceModel<float> model =
            test_model<float>(settings, std::string(entry.name), 128, 64, 7);
        const std::vector<std::int32_t> ids(static_cast<std::size_t>(tokens), 1);
        const std::vector<std::int32_t> positions = {1, 5, 40};
        const std::vector<std::int32_t> labels(positions.size(), 2);
        std::size_t most = 0;
        for (const std::int64_t tokens_of_step : {std::int64_t{0}, 64 * tokens}) {
          model.begin_step({tokens, tokens_of_step});
          Workspace<float> workspace;
          std::vector<float> logits(std::size_t{3} * 128);
          (void)model.forward({ids, positions, labels}, workspace, view(logits.data(), 3, 128));
          most = std::max(most, workspace.peak_bytes());
        }
        const auto bytes = static_cast<double>(most);
        const auto estimate = 4.0 * static_cast<double>(workspace_bound(model.cost({tokens, 3})));
        CHECK(estimate / bytes >= 1.0);
        // One that knows no pass without a backward pass may say more.
        if (is_built_in(entry.name)) CHECK(estimate / bytes <= 1.5);
      }
    }
  }
}

TEST_CASE("memory: a model of sizes alone holds no weights") {
  const Experiment experiment = parse_experiment(
      "experiment: x\ntask: {name: mqar, length: 16, pairs: 2, vocab: 16}\n"
      "model: {width: 4096, layers: 64}\nvariants: [adaptive-decay]\n",
      "x.yaml");
  const SequenceModel<float> sizes = model_sizes(experiment.cells[0]);
  CHECK(sizes.parameters().empty());
  CHECK(sizes.layout().size() > 3'000'000'000);
  const CellMemory memory = cell_memory(experiment.cells[0], sizes, true);
  CHECK(memory.bytes(1) > 4.0 * 6.0 * 3e9);
  CHECK(memory.bytes(2) > memory.bytes(1));
  CHECK(cell_memory(experiment.cells[0], sizes, false).bytes(1) < memory.bytes(1));
}

}  // namespace recollect
