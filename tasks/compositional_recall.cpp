#include "tasks/compositional_recall.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "math/fenwick.hpp"
#include "tasks/power_law_slots.hpp"

namespace recollect {
namespace {

constexpr std::array<std::string_view, 3> kTags = {"lag", "level", "pair"};
constexpr std::array<std::string_view, 4> kRules = {"first", "recent", "first_key", "second_key"};
constexpr std::array<TokenKind, 5> kKinds = {
    {{"first key", 'a'}, {"second key", 'b'}, {"value", 'v'}, {"query", 'q'}, {"filler", '.'}}};
constexpr std::int32_t kQueryKind = 3;
constexpr std::int32_t kFillerKind = 4;
constexpr std::int64_t kMinVocab = 6;  // a first key, a second one and a value

/// The largest whole number whose square is `square` at most.
std::int64_t root_of(std::int64_t square) {
  std::int64_t root = 0;
  while ((root + 1) * (root + 1) <= square) ++root;
  return root;
}

class CompositionalRecall final : public Task {
 public:
  explicit CompositionalRecall(const CompositionalRecallSettings& settings)
      : length_(static_cast<std::int32_t>(settings.length)),
        pairs_(static_cast<std::int32_t>(settings.pairs)),
        root_(static_cast<std::int32_t>(root_of(settings.pairs))),
        vocab_(static_cast<std::int32_t>(settings.vocab)),
        third_(vocab_ / 3),
        filler_(settings.filler) {
    if (settings.layout == CompositionalLayout::kPacked) {
      first_slot_ = length_ - 3 * pairs_;
    } else {
      first_slot_ = 3 * pairs_;
      slots_.emplace((length_ - first_slot_) / 3);
    }
  }

  [[nodiscard]] std::int64_t length() const noexcept override { return length_; }
  [[nodiscard]] std::int64_t vocab() const noexcept override { return vocab_; }
  [[nodiscard]] std::int64_t max_scored() const noexcept override { return pairs_; }
  [[nodiscard]] double chance() const noexcept override { return 1.0 / pairs_; }

  void example(const Draw& draw, Example& out, GeneratorScratch& scratch) const override {
    Rng rng = generator_of(draw);
    const auto count = static_cast<std::size_t>(pairs_);
    const auto root = static_cast<std::size_t>(root_);
    const auto key_ids = static_cast<std::size_t>(2 * third_);
    const std::size_t slots =
        slots_ ? static_cast<std::size_t>((length_ - first_slot_) / 3) : count;
    scratch.items.resize(2 * root + 2 * count + slots + key_ids);
    const std::span<std::int32_t> items(scratch.items);
    const auto first_keys = items.first(root);
    const auto second_keys = items.subspan(root, root);
    const auto values = items.subspan(2 * root, count);
    const auto combinations = items.subspan(2 * root + count, count);
    const auto asked = items.subspan(2 * root + 2 * count, slots);  // the triple, or -1
    const auto is_key = items.last(key_ids);                        // of an id: 1 or 0

    draw_distinct(rng, scratch.sampler, 1, third_ - 1, first_keys);
    draw_distinct(rng, scratch.sampler, third_, third_, second_keys);
    draw_distinct(rng, scratch.sampler, 2 * third_, vocab_ - 2 * third_, values);
    draw_distinct(rng, scratch.sampler, 0, pairs_, combinations);
    if (slots_) {
      std::ranges::fill(asked, -1);
      std::int32_t triple = 0;
      for (const auto& drawn : slots_->draw(rng, pairs_, scratch.race)) {
        asked[static_cast<std::size_t>(drawn.second)] = triple++;
      }
    } else {
      draw_distinct(rng, scratch.sampler, 0, pairs_, asked);
    }

    out.ids.resize(static_cast<std::size_t>(length_));
    std::ranges::fill(is_key, 0);
    for (const std::int32_t key : items.first(2 * root)) is_key[static_cast<std::size_t>(key)] = 1;
    fill(rng, is_key, out.ids);
    const auto put_keys = [&](std::size_t triple, std::int32_t at) {
      const auto combination = static_cast<std::size_t>(combinations[triple]);
      out.ids[static_cast<std::size_t>(at)] = first_keys[combination / root];
      out.ids[static_cast<std::size_t>(at + 1)] = second_keys[combination % root];
    };
    for (std::size_t i = 0; i < count; ++i) {
      put_keys(i, static_cast<std::int32_t>(3 * i));
      out.ids[3 * i + 2] = values[i];
    }
    out.clear_scored();
    for (std::size_t slot = 0; slot < slots; ++slot) {
      const std::int32_t triple = asked[slot];
      if (triple < 0) continue;
      const std::int32_t at = first_slot_ + 3 * static_cast<std::int32_t>(slot);
      const std::int32_t answer = 3 * triple + 2;
      put_keys(static_cast<std::size_t>(triple), at);
      out.positions.push_back(at + 1);
      out.labels.push_back(values[static_cast<std::size_t>(triple)]);
      out.tags.insert(out.tags.end(), {at + 1 - answer, level(at + 1, answer), triple});
    }
  }

  void find_answers(const Example& example, std::span<std::int32_t> answers) const override {
    const auto id = [&](std::size_t at) { return static_cast<std::size_t>(example.ids[at]); };
    // Which of the example's own keys an id is, from 0, or -1: the triples have all of them.
    std::vector<std::int32_t> number(static_cast<std::size_t>(vocab_), -1);
    std::array<std::int32_t, 2> keys{};  // first ones, second ones so far
    for (std::size_t s = 0; s < static_cast<std::size_t>(3 * pairs_); s += 3) {
      for (std::size_t i = 0; i < 2; ++i) {
        if (number[id(s + i)] < 0) number[id(s + i)] = keys[i]++;
      }
    }
    std::vector<std::int32_t> first(static_cast<std::size_t>(pairs_), kNoAnswer);
    std::vector<std::int32_t> recent = first;
    std::vector<std::int32_t> of_first_key(static_cast<std::size_t>(root_), kNoAnswer);
    std::vector<std::int32_t> of_second_key = of_first_key;
    auto answer = answers.begin();
    std::size_t s = 0;  // bindings that start before s are known
    for (const std::int32_t scored : example.positions) {
      const auto position = static_cast<std::size_t>(scored);
      for (; s + 3 <= position; ++s) {
        if (!is_first(example.ids[s]) || !is_second(example.ids[s + 1])) continue;
        if (example.ids[s + 2] < 2 * third_ || number[id(s)] < 0 || number[id(s + 1)] < 0) continue;
        const auto a = static_cast<std::size_t>(number[id(s)]);
        const auto b = static_cast<std::size_t>(number[id(s + 1)]);
        const std::size_t both = a * static_cast<std::size_t>(root_) + b;
        recent[both] = example.ids[s + 2];
        for (std::int32_t* earliest : {&first[both], &of_first_key[a], &of_second_key[b]}) {
          if (*earliest == kNoAnswer) *earliest = example.ids[s + 2];
        }
      }
      const auto a = static_cast<std::size_t>(number[id(position - 1)]);
      const auto b = static_cast<std::size_t>(number[id(position)]);
      const std::size_t both = a * static_cast<std::size_t>(root_) + b;
      for (const std::int32_t rule :
           {first[both], recent[both], of_first_key[a], of_second_key[b]}) {
        *answer++ = rule;
      }
    }
  }

  void find_kinds(const Example& example, std::span<std::int32_t> kinds) const override {
    const auto triples = static_cast<std::size_t>(3 * pairs_);
    for (std::size_t p = 0; p < triples; ++p) kinds[p] = static_cast<std::int32_t>(p % 3);
    std::ranges::fill(kinds.subspan(triples), kFillerKind);
    for (const std::int32_t query : example.positions) {
      kinds[static_cast<std::size_t>(query - 1)] = kQueryKind;
      kinds[static_cast<std::size_t>(query)] = kQueryKind;
    }
  }

 private:
  [[nodiscard]] bool is_first(std::int32_t id) const { return id >= 1 && id < third_; }
  [[nodiscard]] bool is_second(std::int32_t id) const { return id >= third_ && id < 2 * third_; }

  /// Different ones of low..low+size-1, in random order.
  static void draw_distinct(Rng& rng, Sampler& sampler, std::int32_t low, std::int32_t size,
                            std::span<std::int32_t> to) {
    const auto drawn = sampler.draw(rng, size, static_cast<std::int32_t>(to.size()));
    std::ranges::transform(drawn, to.begin(), [low](std::int32_t id) { return low + id; });
  }

  void fill(Rng& rng, std::span<const std::int32_t> is_key, std::span<std::int32_t> ids) const {
    const auto taken = [&](std::int32_t id) {
      return id < 2 * third_ && is_key[static_cast<std::size_t>(id)] != 0;
    };
    switch (filler_) {
      case CompositionalFiller::kZeros:
        std::ranges::fill(ids, 0);
        return;
      case CompositionalFiller::kRandom:
        for (std::int32_t& id : ids) id = rng.between(slots_ ? 0 : 1, vocab_ - 1);
        return;
      case CompositionalFiller::kClean:
        for (std::int32_t& id : ids) {
          do {
            id = rng.between(1, vocab_ - 1);
          } while (taken(id));
        }
        return;
    }
  }

  std::int32_t length_;
  std::int32_t pairs_;
  std::int32_t root_;  // g
  std::int32_t vocab_;
  std::int32_t third_;  // m
  CompositionalFiller filler_;
  std::int32_t first_slot_ = 0;         // where slot 0 starts
  std::optional<PowerLawSlots> slots_;  // of power-law
};

bool has_ids(std::int64_t vocab, std::int64_t root) {
  return vocab / 3 - 1 >= root && vocab - 2 * (vocab / 3) >= root * root;
}

/// "lower it to 9 or raise length to 96": the largest square below whose root passes, if there is
/// one, or the other way out.
template <class Passes>
std::string remedy(std::int64_t root, const Passes& passes, const std::string& other) {
  while (root > 0 && !passes(root)) --root;
  return root == 0 ? other : fmt::format("lower it to {} or {}", root * root, other);
}

}  // namespace

Names CompositionalRecallSettings::tags() const noexcept { return kTags; }

Names CompositionalRecallSettings::rules() const noexcept { return kRules; }

TokenKinds CompositionalRecallSettings::kinds() const noexcept { return kKinds; }

Fields CompositionalRecallSettings::fields() {
  Fields all;
  all.push_back(field("length", length, "T, tokens an example").range(1, kMaxLength));
  all.push_back(choice("layout", layout, {"packed", "power-law"},
                       "where the queries stand: all at the end, or anywhere after the triples "
                       "with early places far more likely"));
  all.push_back(choice("filler", filler, {"random", "zeros", "clean"},
                       "what stands elsewhere: any id, zeros, or any id but the example's keys"));
  all.push_back(field("pairs", pairs,
                      "K, pairs of keys with a value, a square: each of sqrt(K) first keys with "
                      "each of as many second ones")
                    .range(1, kMaxPairs));
  all.push_back(field("vocab", vocab,
                      "V, ids: with m = floor(V/3) first keys 1..m-1, second m..2m-1, values "
                      "2m..V-1")
                    .range(kMinVocab, kMaxVocab));
  return all;
}

void CompositionalRecallSettings::validate() const {
  require_within("length", length, 1, kMaxLength);
  require_within("vocab", vocab, kMinVocab, kMaxVocab);
  require_within("pairs", pairs, 1, kMaxPairs);
  const std::int64_t root = root_of(pairs);
  if (root * root != pairs) {
    const std::int64_t above = (root + 1) * (root + 1);
    const std::string ways = above > kMaxPairs ? fmt::format("{}", root * root)
                                               : fmt::format("{} or {}", root * root, above);
    throw FieldError("pairs", fmt::format("= {} must be a square, since each first key goes with "
                                          "each second one; use {}",
                                          pairs, ways));
  }
  if (!has_ids(vocab, root)) {
    std::int64_t enough = vocab;
    while (!has_ids(enough, root)) ++enough;
    throw FieldError(
        "pairs", fmt::format("= {} needs {} first keys and {} values, but vocab {} has {} and {}; "
                             "{}",
                             pairs, root, pairs, vocab, vocab / 3 - 1, vocab - 2 * (vocab / 3),
                             remedy(
                                 root, [&](std::int64_t g) { return has_ids(vocab, g); },
                                 fmt::format("raise vocab to {}", enough))));
  }
  if (6 * pairs > length) {
    throw FieldError(
        "pairs", fmt::format("= {} needs 6*{} = {} positions, but length is {}; {}", pairs, pairs,
                             6 * pairs, length,
                             remedy(
                                 root, [&](std::int64_t g) { return 6 * g * g <= length; },
                                 fmt::format("raise length to {}", 6 * pairs))));
  }
}

std::unique_ptr<TaskSettings> CompositionalRecallSettings::clone() const {
  return std::make_unique<CompositionalRecallSettings>(*this);
}

std::unique_ptr<Task> CompositionalRecallSettings::make() const {
  validate();
  return std::make_unique<CompositionalRecall>(*this);
}

}  // namespace recollect
