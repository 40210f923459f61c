#include "tasks/memorisation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <span>
#include <vector>

#include "base/error.hpp"

namespace recollect {
namespace {

constexpr std::array<std::string_view, 1> kTags = {"pair"};
constexpr std::array<std::string_view, 1> kRules = {"seen"};
constexpr std::array<TokenKind, 2> kKinds = {{{"key", 'k'}, {"insert", 'i'}}};
constexpr std::int64_t kMinLength = 2;
constexpr std::int64_t kMinVocab = 3;  // a key, a value, the insert token

class Memorisation final : public Task {
 public:
  explicit Memorisation(const MemorisationSettings& settings)
      : length_(static_cast<std::int32_t>(settings.length)),
        vocab_(static_cast<std::int32_t>(settings.vocab)),
        keys_((vocab_ - 1) / 2),
        training_(settings.training) {}

  [[nodiscard]] std::int64_t length() const noexcept override { return length_; }
  [[nodiscard]] std::int64_t vocab() const noexcept override { return vocab_; }
  [[nodiscard]] std::int64_t max_scored() const noexcept override { return length_ / 2; }
  [[nodiscard]] double chance() const noexcept override { return 1.0 / (vocab_ - 1 - keys_); }

  void example(const Draw& draw, Example& out, GeneratorScratch& scratch) const override {
    const std::vector<std::int32_t>& values = values_of(draw.seed, scratch);
    Rng rng = generator_of(draw);
    out.ids.resize(static_cast<std::size_t>(length_));
    out.clear_scored();
    for (std::int32_t t = 0; t < length_; t += 2) {
      const std::int32_t key = draw_key(rng);
      out.ids[static_cast<std::size_t>(t)] = key;
      out.ids[static_cast<std::size_t>(t + 1)] = vocab_ - 1;
      out.positions.push_back(t + 1);
      out.labels.push_back(values[static_cast<std::size_t>(key)]);
      out.tags.push_back(key);
    }
  }

  void find_answers(const Example& example, std::span<std::int32_t> answers) const override {
    std::call_once(looked_, [this] { look_at_training(); });
    for (std::size_t r = 0; r < answers.size(); ++r) {
      answers[r] = seen_[static_cast<std::size_t>(example.tags[r])] ? example.labels[r] : kNoAnswer;
    }
  }

  void find_kinds(const Example& example, std::span<std::int32_t> kinds) const override {
    std::ranges::transform(example.ids, kinds.begin(),
                           [this](std::int32_t id) { return id < keys_ ? 0 : 1; });
  }

 private:
  [[nodiscard]] std::int32_t draw_key(Rng& rng) const { return rng.between(0, keys_ - 1); }

  /// The value of each key.
  [[nodiscard]] const std::vector<std::int32_t>& values_of(std::uint64_t seed,
                                                           GeneratorScratch& scratch) const {
    SharedMap& map = scratch.map;
    if (map.seed == seed && map.vocab == vocab_) return map.values;
    Rng rng(seed, Stream::kSharedMap, 0);
    const auto drawn = scratch.sampler.draw(rng, vocab_ - 1 - keys_, keys_);
    map.values.assign(drawn.begin(), drawn.end());
    for (std::int32_t& value : map.values) value += keys_;
    map.seed = seed;
    map.vocab = vocab_;
    return map.values;
  }

  void look_at_training() const {
    seen_.assign(static_cast<std::size_t>(keys_), false);
    std::int32_t unseen = keys_;
    for (const TrainingSet& set : training_) {
      for (std::int64_t i = 0; i < set.examples && unseen > 0; ++i) {
        Rng rng = generator_of({set.seed, Split::kTrain, static_cast<std::uint64_t>(i)});
        for (std::int64_t t = 0; t < set.length; t += 2) {
          const auto key = static_cast<std::size_t>(draw_key(rng));
          unseen -= seen_[key] ? 0 : 1;
          seen_[key] = true;
        }
      }
    }
  }

  std::int32_t length_;
  std::int32_t vocab_;
  std::int32_t keys_;  // m
  std::vector<TrainingSet> training_;
  // Worked out when a rule is first asked: training does not wait for it.
  mutable std::once_flag looked_;
  mutable std::vector<bool> seen_;
};

}  // namespace

Names MemorisationSettings::tags() const noexcept { return kTags; }

Names MemorisationSettings::rules() const noexcept { return kRules; }

TokenKinds MemorisationSettings::kinds() const noexcept { return kKinds; }

std::string_view MemorisationSettings::shared_by_design() const noexcept {
  return "the map from keys to values";
}

Fields MemorisationSettings::fields() {
  Fields all;
  all.push_back(
      field("length", length, "T, tokens an example; even").range(kMinLength, kMaxLength));
  all.push_back(field("vocab", vocab,
                      "V, ids: with m = floor((V-1)/2) keys 0..m-1, values m..V-2, insert token "
                      "V-1")
                    .range(kMinVocab, kMaxVocab));
  return all;
}

void MemorisationSettings::validate() const {
  require_within("length", length, kMinLength, kMaxLength);
  if (length % 2 != 0) {
    throw FieldError("length", fmt::format("= {} must be even, since every key is followed by the "
                                           "insert token; use {} or {}",
                                           length, length - 1, length + 1));
  }
  require_within("vocab", vocab, kMinVocab, kMaxVocab);
}

std::unique_ptr<TaskSettings> MemorisationSettings::clone() const {
  return std::make_unique<MemorisationSettings>(*this);
}

std::unique_ptr<Task> MemorisationSettings::make() const {
  validate();
  return std::make_unique<Memorisation>(*this);
}

}  // namespace recollect
