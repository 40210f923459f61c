#include "tasks/fuzzy_recall.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <span>
#include <vector>

#include "math/fenwick.hpp"

namespace recollect {
namespace {

constexpr std::array<std::string_view, 3> kTags = {"lag", "level", "place"};
constexpr std::size_t kLag = 0;
constexpr std::size_t kLevel = 1;
constexpr std::array<std::string_view, 2> kRules = {"first", "recent"};
constexpr std::array<TokenKind, 3> kKinds = {{{"key", 'k'}, {"value", 'v'}, {"padding", '_'}}};
constexpr std::int32_t kKeyKind = 0;
constexpr std::int32_t kValueKind = 1;
constexpr std::int32_t kPaddingKind = 2;

constexpr std::int32_t kMaxWord = 3;             // tokens of a key or value
constexpr std::int32_t kMaxPair = 2 * kMaxWord;  // of both
constexpr std::int64_t kMinLength = 24;
constexpr std::int64_t kMinVocab = 7;

/// A key or a value.
struct Word {
  std::array<std::int32_t, kMaxWord> ids{};
  std::size_t size = 0;
  [[nodiscard]] std::span<const std::int32_t> tokens() const { return std::span(ids).first(size); }
  friend bool operator==(const Word&, const Word&) = default;
};

/// Where each key stood last, as a hash table with open addressing.
class Places {
 public:
  /// @param table  overwritten; twice as many places as `tokens` hold keys
  Places(std::vector<std::int32_t>& table, std::int32_t tokens) : table_(table) {
    table_.assign(std::bit_ceil(static_cast<std::size_t>(tokens)), kFree);
  }

  /// The entry of a key: where it begins in `ids`, or kFree. `low_value` is the first id of values.
  std::int32_t& of(const Word& key, std::span<const std::int32_t> ids, std::int32_t low_value) {
    std::size_t hash = 0;
    for (const std::int32_t id : key.tokens()) {
      hash = (hash + static_cast<std::size_t>(id) + 1) * 0x9e3779b97f4a7c15ULL;
      hash ^= hash >> 32U;
    }
    for (;; ++hash) {
      std::int32_t& start = table_[hash & (table_.size() - 1)];
      if (start == kFree) return start;
      const auto there = ids.subspan(static_cast<std::size_t>(start));
      // The key there ends where its value begins.
      if (there.size() > key.size && there[key.size] >= low_value &&
          std::ranges::equal(key.tokens(), there.first(key.size))) {
        return start;
      }
    }
  }

  static constexpr std::int32_t kFree = -1;

 private:
  std::vector<std::int32_t>& table_;
};

class FuzzyRecall final : public Task {
 public:
  explicit FuzzyRecall(const FuzzyRecallSettings& settings)
      : length_(static_cast<std::int32_t>(settings.length)),
        vocab_(static_cast<std::int32_t>(settings.vocab)),
        keys_((vocab_ - 1) / 2) {}

  [[nodiscard]] std::int64_t length() const noexcept override { return length_; }
  [[nodiscard]] std::int64_t vocab() const noexcept override { return vocab_; }
  [[nodiscard]] std::int64_t max_scored() const noexcept override { return length_; }
  [[nodiscard]] double chance() const noexcept override { return 1.0 / (vocab_ - 1 - keys_); }

  void example(const Draw& draw, Example& out, GeneratorScratch& scratch) const override {
    Rng rng = generator_of(draw);
    Places places(scratch.items, length_);
    out.ids.clear();
    out.ids.reserve(static_cast<std::size_t>(length_ + 1));
    out.clear_scored();
    out.positions.reserve(static_cast<std::size_t>(length_));
    out.labels.reserve(static_cast<std::size_t>(length_));
    out.tags.reserve(kTags.size() * static_cast<std::size_t>(length_));

    const bool training = draw.split == Split::kTrain;
    const Word probe_key = draw_key(rng, training, scratch.sampler);
    const Word probe_value = draw_value(rng, scratch.sampler);
    const auto probe_size = static_cast<std::int32_t>(probe_key.size + probe_value.size);
    const std::int32_t from = rng.between(0, length_ - probe_size - 2 * kMaxPair);
    bool probe_stands = false;
    while (std::ssize(out.ids) < length_ - probe_size - kMaxPair) {
      const bool due = !probe_stands && std::ssize(out.ids) >= from;
      const Word key = due ? probe_key : draw_key(rng, training, scratch.sampler);
      std::int32_t& place = places.of(key, out.ids, keys_);
      if (place != Places::kFree) {
        repeat(key, place, out);
      } else if (key == probe_key) {
        show(key, probe_value, place, out);
        probe_stands = true;
      } else {
        show(key, draw_value(rng, scratch.sampler), place, out);
      }
    }
    repeat(probe_key, places.of(probe_key, out.ids, keys_), out);
    pad(out);
  }

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
      if (id == vocab_ - 1) return kPaddingKind;
      return id < keys_ ? kKeyKind : kValueKind;
    });
  }

 private:
  static Word draw_word(Rng& rng, std::int32_t size, std::int32_t low, std::int32_t ids,
                        Sampler& sampler) {
    Word word;
    for (const std::int32_t id : sampler.draw(rng, ids, size)) word.ids[word.size++] = low + id;
    return word;
  }

  [[nodiscard]] Word draw_key(Rng& rng, bool training, Sampler& sampler) const {
    const std::int32_t size = training ? rng.between(1, kMaxWord) : kMaxWord;
    return draw_word(rng, size, 0, keys_, sampler);
  }

  [[nodiscard]] Word draw_value(Rng& rng, Sampler& sampler) const {
    const std::int32_t size = rng.between(1, kMaxWord);
    return draw_word(rng, size, keys_, vocab_ - 1 - keys_, sampler);
  }

  /// Appends a key for the first time.
  static void show(const Word& key, const Word& value, std::int32_t& place, Example& out) {
    place = static_cast<std::int32_t>(out.ids.size());
    for (const std::int32_t id : key.tokens()) out.ids.push_back(id);
    for (const std::int32_t id : value.tokens()) out.ids.push_back(id);
  }

  /// Appends a key that begins at `place` as well, and its value, which is scored.
  void repeat(const Word& key, std::int32_t& place, Example& out) const {
    const std::size_t start = out.ids.size();
    std::size_t source = static_cast<std::size_t>(place) + key.size;
    place = static_cast<std::int32_t>(start);
    for (const std::int32_t id : key.tokens()) out.ids.push_back(id);
    for (std::int32_t in_value = 0; source < start && out.ids[source] >= keys_; ++source) {
      const auto position = static_cast<std::int32_t>(out.ids.size()) - 1;
      const std::int32_t id = out.ids[source];
      out.ids.push_back(id);
      out.positions.push_back(position);
      out.labels.push_back(id);
      out.tags.insert(out.tags.end(),
                      {position - static_cast<std::int32_t>(source), 0, in_value++});
    }
  }

  /// Moves everything to the end of T+1 tokens and drops the last. Levels are known then.
  void pad(Example& out) const {
    const auto tokens = static_cast<std::int32_t>(out.ids.size());
    const std::int32_t padding = length_ + 1 - tokens;
    out.ids.resize(static_cast<std::size_t>(length_ + 1));
    std::move_backward(out.ids.begin(), out.ids.begin() + tokens, out.ids.end());
    std::fill_n(out.ids.begin(), padding, vocab_ - 1);
    out.ids.pop_back();
    for (std::size_t r = 0; r < out.positions.size(); ++r) {
      out.positions[r] += padding;
      std::int32_t* const tags = &out.tags[r * kTags.size()];
      tags[kLevel] = level(out.positions[r], out.positions[r] - tags[kLag]);
    }
  }

  std::int32_t length_;
  std::int32_t vocab_;
  std::int32_t keys_;  // m
};

}  // namespace

Names FuzzyRecallSettings::tags() const noexcept { return kTags; }

Names FuzzyRecallSettings::rules() const noexcept { return kRules; }

TokenKinds FuzzyRecallSettings::kinds() const noexcept { return kKinds; }

Fields FuzzyRecallSettings::fields() {
  Fields all;
  all.push_back(field("length", length, "T, tokens an example").range(kMinLength, kMaxLength));
  all.push_back(field("vocab", vocab,
                      "V, ids: with m = floor((V-1)/2) keys of 0..m-1, values of m..V-2, padding "
                      "V-1")
                    .range(kMinVocab, kMaxVocab));
  return all;
}

void FuzzyRecallSettings::validate() const {
  require_within("length", length, kMinLength, kMaxLength);
  require_within("vocab", vocab, kMinVocab, kMaxVocab);
}

std::unique_ptr<TaskSettings> FuzzyRecallSettings::clone() const {
  return std::make_unique<FuzzyRecallSettings>(*this);
}

std::unique_ptr<Task> FuzzyRecallSettings::make() const {
  validate();
  return std::make_unique<FuzzyRecall>(*this);
}

}  // namespace recollect
