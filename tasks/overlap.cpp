#include "tasks/overlap.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "base/hash.hpp"
#include "math/parallel.hpp"

namespace recollect {
namespace {

struct Lane {
  Example example;
  GeneratorScratch scratch;
  std::vector<std::int32_t> content;
};

/// T is the same for all examples of a task, and there are as many positions as labels: the length
/// says where each part ends, so they need no marks between them.
Digest digest_of(const Example& example, std::vector<std::int32_t>& content) {
  content.assign(example.ids.begin(), example.ids.end());
  content.insert(content.end(), example.positions.begin(), example.positions.end());
  content.insert(content.end(), example.labels.begin(), example.labels.end());
  return digest_bytes(std::as_bytes(std::span(content)));
}

/// The digests of a split's examples, ascending.
std::vector<Digest> digests(const Task& task, std::uint64_t seed, Split split, std::int64_t count,
                            std::vector<Lane>& lanes) {
  constexpr std::int64_t kBlock = 64;
  std::vector<Digest> all(static_cast<std::size_t>(count));
  const auto blocks = static_cast<int>((count + kBlock - 1) / kBlock);
  parallel_for(blocks, static_cast<int>(lanes.size()), [&](int block, int thread) {
    Lane& lane = lanes[static_cast<std::size_t>(thread)];
    const std::int64_t first = block * kBlock;
    for (std::int64_t i = first; i < std::min(first + kBlock, count); ++i) {
      task.example({seed, split, static_cast<std::uint64_t>(i)}, lane.example, lane.scratch);
      all[static_cast<std::size_t>(i)] = digest_of(lane.example, lane.content);
    }
  });
  std::sort(all.begin(), all.end());
  return all;
}

std::int64_t count_in(const std::vector<Digest>& some, const std::vector<Digest>& sorted) {
  return std::count_if(some.begin(), some.end(), [&](const Digest& digest) {
    return std::binary_search(sorted.begin(), sorted.end(), digest);
  });
}

std::int64_t repeats(const std::vector<Digest>& sorted) {
  std::int64_t count = 0;
  for (std::size_t i = 1; i < sorted.size(); ++i) count += sorted[i] == sorted[i - 1] ? 1 : 0;
  return count;
}

}  // namespace

Overlap count_overlap(const Task& task, std::uint64_t seed, const SplitSizes& sizes, int threads) {
  std::vector<Lane> lanes(static_cast<std::size_t>(std::max(threads, 1)));
  const std::vector<Digest> train = digests(task, seed, Split::kTrain, sizes.train, lanes);
  const std::vector<Digest> validation =
      digests(task, seed, Split::kValidation, sizes.validation, lanes);
  const std::vector<Digest> test = digests(task, seed, Split::kTest, sizes.test, lanes);
  Overlap overlap;
  overlap.validation_in_train = count_in(validation, train);
  overlap.test_in_train = count_in(test, train);
  overlap.test_in_validation = count_in(test, validation);
  overlap.repeats_in_train = repeats(train);
  return overlap;
}

}  // namespace recollect
