#include "tasks/in_context_recall.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "base/error.hpp"
#include "math/fenwick.hpp"

namespace recollect {
namespace {

constexpr std::array<std::string_view, 3> kTags = {"lag", "level", "pair"};
constexpr std::size_t kLag = 0;
constexpr std::array<std::string_view, 2> kRules = {"first", "recent"};
constexpr std::array<TokenKind, 4> kKinds = {
    {{"key", 'k'}, {"value", 'v'}, {"query", 'q'}, {"noise", '.'}}};
constexpr std::int32_t kKeyKind = 0;
constexpr std::int32_t kValueKind = 1;
constexpr std::int32_t kQueryKind = 2;
constexpr std::int32_t kNoiseKind = 3;
constexpr std::int64_t kMinLength = 4;  // a pair that is no noise, and the last one

/// What an example has shown of its keys so far.
class Shown {
 public:
  /// @param buffer  overwritten; two numbers a key and one a pair of positions
  Shown(std::vector<std::int32_t>& buffer, std::int32_t keys, std::int32_t pairs) {
    const auto each = static_cast<std::size_t>(keys);
    buffer.resize(2 * each + static_cast<std::size_t>(pairs));
    const std::span<std::int32_t> all(buffer);
    latest_ = all.first(each);
    numbers_ = all.subspan(each, each);
    order_ = all.subspan(2 * each);
    std::ranges::fill(latest_, kNowhere);
  }

  /// Where the key's value stood last, or kNowhere.
  [[nodiscard]] std::int32_t latest(std::int32_t key) const {
    return latest_[static_cast<std::size_t>(key)];
  }
  /// In order of appearance.
  [[nodiscard]] std::int32_t number(std::int32_t key) const {
    return numbers_[static_cast<std::size_t>(key)];
  }
  [[nodiscard]] std::int32_t count() const noexcept { return count_; }
  [[nodiscard]] std::int32_t key(std::int32_t number) const {
    return order_[static_cast<std::size_t>(number)];
  }

  void add(std::int32_t key, std::int32_t value_at) {
    std::int32_t& latest = latest_[static_cast<std::size_t>(key)];
    if (latest == kNowhere) {
      numbers_[static_cast<std::size_t>(key)] = count_;
      order_[static_cast<std::size_t>(count_++)] = key;
    }
    latest = value_at;
  }

  static constexpr std::int32_t kNowhere = -1;

 private:
  std::span<std::int32_t> latest_;
  std::span<std::int32_t> numbers_;
  std::span<std::int32_t> order_;
  std::int32_t count_ = 0;
};

class InContextRecall final : public Task {
 public:
  explicit InContextRecall(const InContextRecallSettings& settings)
      : length_(static_cast<std::int32_t>(settings.length)),
        vocab_(static_cast<std::int32_t>(settings.vocab)),
        noise_low_(static_cast<std::int32_t>(settings.vocab - settings.noise_ids)),
        keys_(noise_low_ / 2),
        noise_(settings.noise) {}

  [[nodiscard]] std::int64_t length() const noexcept override { return length_; }
  [[nodiscard]] std::int64_t vocab() const noexcept override { return vocab_; }
  [[nodiscard]] std::int64_t max_scored() const noexcept override { return length_ / 2 - 1; }
  [[nodiscard]] double chance() const noexcept override { return 1.0 / (noise_low_ - keys_); }

  void example(const Draw& draw, Example& out, GeneratorScratch& scratch) const override {
    Rng rng = generator_of(draw);
    Shown shown(scratch.items, keys_, length_ / 2);
    out.ids.resize(static_cast<std::size_t>(length_));
    out.clear_scored();
    out.positions.reserve(static_cast<std::size_t>(max_scored()));
    out.labels.reserve(static_cast<std::size_t>(max_scored()));
    out.tags.reserve(kTags.size() * static_cast<std::size_t>(max_scored()));
    const std::int32_t last = length_ - 2;
    const std::int32_t never_noise = 2 * rng.between(0, last / 2 - 1);
    for (std::int32_t t = 0; t < last; t += 2) {
      if (t != never_noise && noise_ > 0.0 && rng.uniform() < noise_) {
        out.ids[static_cast<std::size_t>(t)] = rng.between(noise_low_, vocab_ - 1);
        out.ids[static_cast<std::size_t>(t + 1)] = rng.between(noise_low_, vocab_ - 1);
        continue;
      }
      const std::int32_t key = rng.between(0, keys_ - 1);
      if (shown.latest(key) == Shown::kNowhere) {
        out.ids[static_cast<std::size_t>(t)] = key;
        out.ids[static_cast<std::size_t>(t + 1)] = rng.between(keys_, noise_low_ - 1);
      } else {
        ask(key, t, shown, out);
      }
      shown.add(key, t + 1);
    }
    ask(shown.key(rng.between(0, shown.count() - 1)), last, shown, out);
  }

  /// A key keeps its value, so it was followed by the same the first and the latest time.
  void find_answers(const Example& example, std::span<std::int32_t> answers) const override {
    auto answer = answers.begin();
    for (std::size_t r = 0; r < example.positions.size(); ++r) {
      const auto source = static_cast<std::size_t>(example.positions[r] - example.tags_of(r)[kLag]);
      *answer++ = example.ids[source];
      *answer++ = example.ids[source];
    }
  }

  void find_kinds(const Example& example, std::span<std::int32_t> kinds) const override {
    std::ranges::transform(example.ids, kinds.begin(), [this](std::int32_t id) {
      if (id >= noise_low_) return kNoiseKind;
      return id >= keys_ ? kValueKind : kKeyKind;
    });
    for (const std::int32_t query : example.positions) {
      kinds[static_cast<std::size_t>(query)] = kQueryKind;
    }
  }

 private:
  /// Puts a key that was shown, and its value, at t and t + 1.
  void ask(std::int32_t key, std::int32_t t, const Shown& shown, Example& out) const {
    const std::int32_t source = shown.latest(key);
    const std::int32_t value = out.ids[static_cast<std::size_t>(source)];
    out.ids[static_cast<std::size_t>(t)] = key;
    out.ids[static_cast<std::size_t>(t + 1)] = value;
    out.positions.push_back(t);
    out.labels.push_back(value);
    out.tags.insert(out.tags.end(), {t - source, level(t, source), shown.number(key)});
  }

  std::int32_t length_;
  std::int32_t vocab_;
  std::int32_t noise_low_;  // first noise id
  std::int32_t keys_;
  double noise_;
};

}  // namespace

Names InContextRecallSettings::tags() const noexcept { return kTags; }

Names InContextRecallSettings::rules() const noexcept { return kRules; }

TokenKinds InContextRecallSettings::kinds() const noexcept { return kKinds; }

Fields InContextRecallSettings::fields() {
  Fields all;
  all.push_back(
      field("length", length, "T, tokens an example; even").range(kMinLength, kMaxLength));
  all.push_back(field("vocab", vocab,
                      "V, ids: with N = noise_ids and h = floor((V-N)/2) keys 0..h-1, values "
                      "h..V-N-1, then noise")
                    .range(2, kMaxVocab));
  all.push_back(
      field("noise_ids", noise_ids, "N, ids that noise alone consists of").range(0, kMaxVocab - 2));
  all.push_back(
      field("noise", noise, "probability that a pair of positions is noise").range(0.0, 1.0));
  return all;
}

void InContextRecallSettings::validate() const {
  require_within("length", length, kMinLength, kMaxLength);
  if (length % 2 != 0) {
    throw FieldError("length", fmt::format("= {} must be even, since keys and values stand in "
                                           "pairs; use {} or {}",
                                           length, length - 1, length + 1));
  }
  require_within("vocab", vocab, 2, kMaxVocab);
  require_within("noise_ids", noise_ids, 0, kMaxVocab - 2);
  if (noise_ids > vocab - 2) {
    throw FieldError("noise_ids",
                     fmt::format("= {} leaves fewer than the 2 ids of vocab {} that a key and a "
                                 "value need; lower it to {} or raise vocab to {}",
                                 noise_ids, vocab, vocab - 2, noise_ids + 2));
  }
  if (!(noise >= 0.0 && noise <= 1.0)) {
    throw FieldError("noise", fmt::format("= {} is not in 0..1; it is a probability", noise));
  }
  if (noise > 0.0 && noise_ids == 0) {
    throw FieldError("noise", fmt::format("= {} needs ids to draw noise from, but noise_ids is 0; "
                                          "raise noise_ids to 1 at least or set noise to 0",
                                          noise));
  }
}

std::unique_ptr<TaskSettings> InContextRecallSettings::clone() const {
  return std::make_unique<InContextRecallSettings>(*this);
}

std::unique_ptr<Task> InContextRecallSettings::make() const {
  validate();
  return std::make_unique<InContextRecall>(*this);
}

}  // namespace recollect
