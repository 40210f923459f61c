#include "tests/support/toy_tasks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <span>
#include <string>
#include <utility>

#include "harness/config/load.hpp"
#include "math/fenwick.hpp"

namespace recollect::testing {
namespace {

class Echo final : public Task {
 public:
  explicit Echo(std::int64_t length) : length_(length) {}
  [[nodiscard]] std::int64_t length() const noexcept override { return length_; }
  [[nodiscard]] std::int64_t vocab() const noexcept override { return 16; }
  [[nodiscard]] std::int64_t max_scored() const noexcept override { return length_ / 2; }
  [[nodiscard]] double chance() const noexcept override { return 1.0 / 15.0; }

  void example(const Draw& draw, Example& out, GeneratorScratch&) const override {
    Rng rng = generator_of(draw);
    const std::uint32_t times = draw.split == Split::kTrain ? 8 : 2;
    out.clear_scored();
    out.ids.assign(static_cast<std::size_t>(length_), 0);
    for (std::size_t p = 0; p < out.ids.size(); ++p) {
      const bool may_ask = p == 1 || (p > 1 && out.ids[p - 1] != 15);
      if (may_ask && (p == 1 || rng.below(times) == 0)) {
        out.ids[p] = 15;
        out.positions.push_back(static_cast<std::int32_t>(p));
        out.labels.push_back(out.ids[p - 1]);
      } else {
        out.ids[p] = rng.between(0, 14);
      }
    }
  }

 private:
  std::int64_t length_;
};

constexpr std::array<std::string_view, 1> kTags = {"position"};
constexpr std::array<std::string_view, 1> kRules = {"step"};

class Bytes final : public Task {
 public:
  explicit Bytes(std::int64_t length) : length_(length) {}
  [[nodiscard]] std::int64_t length() const noexcept override { return length_; }
  [[nodiscard]] std::int64_t vocab() const noexcept override { return 256; }
  [[nodiscard]] std::int64_t max_scored() const noexcept override { return length_; }
  [[nodiscard]] double chance() const noexcept override { return 1.0 / 256.0; }

  void example(const Draw& draw, Example& out, GeneratorScratch&) const override {
    Rng rng = generator_of(draw);
    const std::int32_t first = rng.between(0, 255);
    const std::int32_t step = rng.between(1, 4);
    out.clear_scored();
    out.ids.clear();
    for (std::int32_t p = 0; p < length_; ++p) {
      out.ids.push_back((first + p * step) % 256);
      out.positions.push_back(p);
      out.labels.push_back((first + (p + 1) * step) % 256);
      out.tags.push_back(
          static_cast<std::int32_t>(std::bit_floor(static_cast<std::uint32_t>(p + 1))));
    }
  }

  void count_right(const Example& example, std::span<std::int64_t> right) const override {
    right[0] = 0;
    for (std::size_t p = 1; p < example.ids.size(); ++p) {
      const std::int32_t guess = 2 * example.ids[p] - example.ids[p - 1] + 256;
      right[0] += guess % 256 == example.labels[p] ? 1 : 0;
    }
  }

 private:
  std::int64_t length_;
};

Fields length_field(std::int64_t& length) {
  Fields all;
  all.push_back(field("length", length, "T").range(2, kMaxLength));
  return all;
}

}  // namespace

Fields EchoSettings::fields() { return length_field(length); }
void EchoSettings::validate() const { require_within("length", length, 2, kMaxLength); }
std::unique_ptr<TaskSettings> EchoSettings::clone() const {
  return std::make_unique<EchoSettings>(*this);
}
std::unique_ptr<Task> EchoSettings::make() const { return std::make_unique<Echo>(length); }

Names BytesSettings::tags() const noexcept { return kTags; }
Names BytesSettings::rules() const noexcept { return kRules; }
Fields BytesSettings::fields() { return length_field(length); }
void BytesSettings::validate() const { require_within("length", length, 2, kMaxLength); }
std::unique_ptr<TaskSettings> BytesSettings::clone() const {
  return std::make_unique<BytesSettings>(*this);
}
std::unique_ptr<Task> BytesSettings::make() const { return std::make_unique<Bytes>(length); }

Cell toy_cell(std::shared_ptr<const TaskSettings> task, const std::string& variant,
              const std::string& train, const std::string& model) {
  Cell cell = parse_experiment(fmt::format("task: {{name: mqar}}\nmodel: {{{}}}\nvariants: [{}]\n"
                                           "train: {{examples: online, {}}}\n",
                                           model, variant, train),
                               "toy.yaml")
                  .cells.at(0);
  cell.levels = level_count(task->length);
  cell.train.select_length = task->length;
  cell.eval.lengths = {task->length};
  cell.task = std::move(task);
  return cell;
}

}  // namespace recollect::testing
