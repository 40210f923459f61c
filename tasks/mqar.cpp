#include "tasks/mqar.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "math/fenwick.hpp"
#include "tasks/more_tags.hpp"
#include "tasks/power_law_slots.hpp"

namespace recollect {
namespace {

constexpr std::array<std::string_view, 3> kTags = {"lag", "level", "pair"};
constexpr std::array<std::string_view, 5> kMoreTags = {
    "bound_again", "levels_beyond", "levels_beyond_once", "levels_beyond_again", "sixteenth"};
constexpr std::array<std::string_view, 2> kRules = {"first", "recent"};
constexpr std::size_t kLag = 0;
constexpr std::size_t kPair = 2;
constexpr std::array<TokenKind, 4> kKinds = {
    {{"filler", '.'}, {"key", 'k'}, {"value", 'v'}, {"query", 'q'}}};
constexpr std::int32_t kFillerKind = 0;
constexpr std::int32_t kKeyKind = 1;
constexpr std::int32_t kValueKind = 2;
constexpr std::int32_t kQueryKind = 3;

constexpr std::int64_t kMaxLevel = level_count(kMaxLength) - 1;
class Mqar final : public Task {
 public:
  explicit Mqar(const MqarSettings& settings)
      : length_(static_cast<std::int32_t>(settings.length)),
        pairs_(static_cast<std::int32_t>(settings.pairs)),
        vocab_(static_cast<std::int32_t>(settings.vocab)),
        offset_(static_cast<std::int32_t>(settings.offset)),
        rebind_(static_cast<std::int32_t>(settings.rebind)),
        repeat_(static_cast<std::int32_t>(settings.repeat)),
        layout_(settings.layout),
        filler_(settings.filler) {
    if (layout_ != MqarLayout::kPowerLaw) {
      first_slot_ = layout_ == MqarLayout::kLevel ? std::int32_t{1} << (settings.level - 1)
                                                  : length_ - 2 * pairs_;
      slots_ = pairs_;
      return;
    }
    first_slot_ = bindings_end();
    slots_ = (length_ - first_slot_) / 2;
    slot_law_ = PowerLawSlots(slots_);
  }

  [[nodiscard]] std::int64_t length() const noexcept override { return length_; }
  [[nodiscard]] std::int64_t vocab() const noexcept override { return vocab_; }
  [[nodiscard]] std::int64_t max_scored() const noexcept override { return pairs_; }
  [[nodiscard]] double chance() const noexcept override { return 1.0 / pairs_; }

  void example(const Draw& draw, Example& out, GeneratorScratch& scratch) const override {
    Rng rng = generator_of(draw);
    const auto count = static_cast<std::size_t>(pairs_);
    const auto bindings = static_cast<std::size_t>(pairs_ + rebind_);
    const auto slots = static_cast<std::size_t>(slots_);
    const auto half = static_cast<std::size_t>(vocab_ / 2);
    scratch.items.resize(2 * count + 2 * bindings + slots + half);
    std::span<std::int32_t> room(scratch.items);
    const auto next = [&room](std::size_t size) {
      const std::span<std::int32_t> part = room.first(size);
      room = room.subspan(size);
      return part;
    };
    const auto keys = next(count);
    const auto bound = next(bindings);   // the key of each binding, as a place in `keys`
    const auto values = next(bindings);  // and its value
    const auto latest = next(count);     // the position of each key's latest value
    const auto asked = next(slots);      // the key that a slot asks, or -1
    const auto substitutes = next(half);

    std::ranges::copy(scratch.sampler.draw(rng, vocab_ / 2 - 1, pairs_), keys.begin());
    for (std::int32_t& key : keys) key += 1;
    std::ranges::copy(scratch.sampler.draw(rng, vocab_ / 2, pairs_ + rebind_), values.begin());
    for (std::int32_t& value : values) value += vocab_ / 2;
    std::iota(bound.begin(), bound.begin() + pairs_, 0);
    if (rebind_ > 0) {
      std::ranges::copy(scratch.sampler.draw(rng, pairs_, rebind_), bound.begin() + pairs_);
    }
    if (layout_ == MqarLayout::kPowerLaw) {
      draw_slots(rng, asked, scratch.race);
    } else {
      std::ranges::copy(scratch.sampler.draw(rng, pairs_, pairs_), asked.begin());
    }

    out.ids.resize(static_cast<std::size_t>(length_));
    fill(rng, keys, substitutes, out.ids);
    std::int32_t at = offset_;
    const auto bind = [&](std::size_t binding) {
      const auto key = static_cast<std::size_t>(bound[binding]);
      out.ids[static_cast<std::size_t>(at)] = keys[key];
      out.ids[static_cast<std::size_t>(at + 1)] = values[binding];
      latest[key] = at + 1;
      at += 2;
    };
    for (std::int32_t time = 0; time < repeat_; ++time) {
      for (std::size_t i = 0; i < count; ++i) bind(i);
    }
    for (std::size_t i = count; i < bindings; ++i) bind(i);
    out.clear_scored();
    for (std::int32_t slot = 0; slot < slots_; ++slot) {
      const std::int32_t pair = asked[static_cast<std::size_t>(slot)];
      if (pair < 0) continue;
      const std::int32_t position = first_slot_ + 2 * slot;
      const std::int32_t answer = latest[static_cast<std::size_t>(pair)];
      out.ids[static_cast<std::size_t>(position)] = keys[static_cast<std::size_t>(pair)];
      out.positions.push_back(position);
      out.labels.push_back(out.ids[static_cast<std::size_t>(answer)]);
      out.tags.insert(out.tags.end(), {position - answer, level(position, answer), pair});
    }
  }

  void find_answers(const Example& example, std::span<std::int32_t> answers) const override {
    std::vector<std::int32_t> first(static_cast<std::size_t>(vocab_), kNoAnswer);
    std::vector<std::int32_t> recent = first;
    auto answer = answers.begin();
    std::size_t s = 0;  // bindings that start before s are known
    for (const std::int32_t scored : example.positions) {
      const auto position = static_cast<std::size_t>(scored);
      for (; s + 2 <= position; ++s) {
        const std::int32_t value = example.ids[s + 1];
        if (value < vocab_ / 2) continue;
        const auto key = static_cast<std::size_t>(example.ids[s]);
        if (first[key] == kNoAnswer) first[key] = value;
        recent[key] = value;
      }
      const auto key = static_cast<std::size_t>(example.ids[position]);
      *answer++ = first[key];
      *answer++ = recent[key];
    }
  }

  void find_kinds(const Example& example, std::span<std::int32_t> kinds) const override {
    std::ranges::fill(kinds, kFillerKind);
    for (std::int32_t position = offset_; position < bindings_end(); position += 2) {
      const auto at = static_cast<std::size_t>(position);
      kinds[at] = kKeyKind;
      kinds[at + 1] = kValueKind;
    }
    for (const std::int32_t query : example.positions) {
      kinds[static_cast<std::size_t>(query)] = kQueryKind;
    }
  }

  void find_more_tags(const Example& example, std::int64_t trained_length,
                      GeneratorScratch& scratch, std::span<std::int32_t> values) const override {
    constexpr std::int32_t kUnbound = -1;
    const std::int32_t half = vocab_ / 2;
    // What stood behind each key so far: first what was no value, then what was one. Both are kept,
    // since a branch on what random filler holds costs more than the rest; `half` stands for all
    // that is no key.
    std::vector<std::int32_t>& latest = scratch.items;
    latest.assign(2 * static_cast<std::size_t>(half + 1), kUnbound);
    const auto place = [half](std::int32_t key, bool is_value) {
      return 2 * static_cast<std::size_t>(std::min(key, half)) + (is_value ? 1U : 0U);
    };
    auto value = values.begin();
    std::size_t s = 0;  // bindings that start before s are known
    for (std::size_t r = 0; r < example.positions.size(); ++r) {
      const std::int32_t position = example.positions[r];
      const auto query = static_cast<std::size_t>(position);
      for (; s + 2 <= query; ++s) {
        const std::int32_t next = example.ids[s + 1];
        latest[place(example.ids[s], next >= half)] = next;
      }
      const auto pair = static_cast<std::size_t>(offset_ + 2 * example.tags_of(r)[kPair]);
      const bool again = latest[place(example.ids[query], true)] != example.ids[pair + 1];
      const std::int32_t answer = position - example.tags_of(r)[kLag];
      const std::int32_t beyond = levels_beyond(level(position, answer), trained_length);
      *value++ = again ? 1 : 0;
      *value++ = beyond;
      *value++ = again ? kNoTag : beyond;
      *value++ = again ? beyond : kNoTag;
      *value++ = sixteenth_of(answer - 1, length_);
    }
  }

 private:
  /// Where pairs and rebindings end, and slots may begin.
  [[nodiscard]] std::int32_t bindings_end() const noexcept {
    return offset_ + 2 * (repeat_ * pairs_ + rebind_);
  }

  // The i-th slot that is drawn asks the i-th key.
  void draw_slots(Rng& rng, std::span<std::int32_t> asked,
                  std::vector<PowerLawSlots::Drawn>& race) const {
    std::ranges::fill(asked, -1);
    std::int32_t key = 0;
    for (const auto& [arrival, slot] : slot_law_.draw(rng, pairs_, race)) {
      asked[static_cast<std::size_t>(slot)] = key++;
    }
  }

  void fill(Rng& rng, std::span<const std::int32_t> keys, std::span<std::int32_t> substitutes,
            std::span<std::int32_t> ids) const {
    switch (filler_) {
      case MqarFiller::kZeros:
        std::ranges::fill(ids, 0);
        return;
      case MqarFiller::kRandom: {
        const std::int32_t low = layout_ == MqarLayout::kPowerLaw ? 0 : 1;
        for (std::int32_t& id : ids) id = rng.between(low, vocab_ - 1);
        return;
      }
      case MqarFiller::kClean: {
        // The keys all lie in 1..V-1-K, and the K ids above are all values. So a draw from the
        // lower range, with each key standing for one of the ids above, is uniform over all but the
        // keys.
        std::ranges::fill(substitutes, 0);
        for (std::int32_t i = 0; i < pairs_; ++i) {
          substitutes[static_cast<std::size_t>(keys[static_cast<std::size_t>(i)])] = vocab_ - 1 - i;
        }
        for (std::int32_t& id : ids) {
          id = rng.between(1, vocab_ - 1 - pairs_);
          if (id >= vocab_ / 2) continue;
          const std::int32_t substitute = substitutes[static_cast<std::size_t>(id)];
          if (substitute != 0) id = substitute;
        }
        return;
      }
    }
  }

  std::int32_t length_;
  std::int32_t pairs_;
  std::int32_t vocab_;
  std::int32_t offset_;
  std::int32_t rebind_;
  std::int32_t repeat_;
  MqarLayout layout_;
  MqarFiller filler_;
  std::int32_t first_slot_ = 0;  // where slot 0 starts; a query may stand on the first of its two
  std::int32_t slots_ = 0;
  PowerLawSlots slot_law_{0};  // of power-law
};

// "lower it to 32 or raise length to 160": the two ways out of a sequence that is too short.
std::string room_remedy(std::int64_t most_pairs, std::int64_t fewest_pairs, std::int64_t needed) {
  if (needed > kMaxLength) {
    return most_pairs < fewest_pairs
               ? fmt::format("no length is above {}: lower pairs, repeat, rebind or offset",
                             kMaxLength)
               : fmt::format("lower it to {}", most_pairs);
  }
  if (most_pairs < fewest_pairs) return fmt::format("raise length to {}", needed);
  return fmt::format("lower it to {} or raise length to {}", most_pairs, needed);
}

}  // namespace

Names MqarSettings::tags() const noexcept { return kTags; }

Names MqarSettings::more_tags() const noexcept { return kMoreTags; }

Names MqarSettings::rules() const noexcept { return kRules; }

TokenKinds MqarSettings::kinds() const noexcept { return kKinds; }

Fields MqarSettings::fields() {
  Fields all;
  all.push_back(field("length", length, "T, tokens an example").range(1, kMaxLength));
  all.push_back(choice("layout", layout, {"packed", "power-law", "level"},
                       "where the queries stand: all at the end, anywhere after the pairs with "
                       "early places far more likely, or where every answer lies in task.level"));
  all.push_back(choice("filler", filler, {"random", "zeros", "clean"},
                       "what stands elsewhere: any id, zeros, or any id but the example's keys"));
  all.push_back(field("pairs", pairs, "K, key-value pairs an example; each is asked once")
                    .range(1, kMaxPairs));
  all.push_back(
      field("vocab", vocab, "V, ids; even: keys 1..V/2-1, values V/2..V-1").range(4, kMaxVocab));
  all.push_back(
      field("offset", offset,
            "filler tokens before the first pair; 0 puts each key alone in level 1 of its "
            "value")
          .range(0, 1));
  all.push_back(field("level", level,
                      "of layout level: the queries stand from position 2^(level-1) on; 0: another "
                      "layout")
                    .range(0, kMaxLevel)
                    .implied_at("0"));
  all.push_back(field("rebind", rebind,
                      "U, keys that are bound again after the pairs, to unused values, which are "
                      "the answers then; with filler clean or zeros")
                    .range(0, kMaxPairs)
                    .implied_at("0"));
  all.push_back(field("repeat", repeat, "p, how often the block of pairs stands at the start")
                    .range(1, kMaxLength / 2)
                    .implied_at("1"));
  return all;
}

void MqarSettings::validate_rebind() const {
  require_within("rebind", rebind, 0, kMaxPairs);
  if (rebind == 0) return;
  if (rebind > pairs) {
    throw FieldError("rebind", fmt::format("= {} is more than the {} keys of an example; lower it "
                                           "to {} or raise pairs to {}",
                                           rebind, pairs, pairs, rebind));
  }
  const std::int64_t values = vocab / 2;
  if (pairs + rebind > values) {
    throw FieldError("rebind",
                     fmt::format("= {} and pairs {} need {} different values, but vocab {} has "
                                 "{}; lower it to {} or raise vocab to {}",
                                 rebind, pairs, pairs + rebind, vocab, values, values - pairs,
                                 2 * (pairs + rebind)));
  }
  if (filler == MqarFiller::kRandom) {
    throw FieldError("filler",
                     fmt::format("= random may bind a key again by accident, so that what rebind "
                                 "{} asks for has no sure answer; use clean or zeros",
                                 rebind));
  }
}

void MqarSettings::validate_level() const {
  require_within("level", level, 0, kMaxLevel);
  if (layout != MqarLayout::kLevel) {
    if (level == 0) return;
    throw FieldError("level",
                     fmt::format("= {} has no effect with layout {}; leave it out or set "
                                 "layout to level",
                                 level, layout == MqarLayout::kPacked ? "packed" : "power-law"));
  }
  if (level == 0) {
    throw FieldError("layout", "= level needs to know which; give task.level, from 2 on");
  }
  const std::int64_t first = std::int64_t{1} << (level - 1);
  const std::int64_t bindings = offset + 2 * (repeat * pairs + rebind);
  if (bindings > first) {
    throw FieldError("level",
                     fmt::format("= {} leaves {} positions before the queries, but {} = "
                                 "{} are needed; raise it to {}",
                                 level, first, bindings_text(), bindings,
                                 1 + std::bit_width(static_cast<std::uint64_t>(bindings - 1))));
  }
  if (const std::int64_t needed = first + 2 * pairs; needed > length) {
    throw FieldError("level", fmt::format("= {} puts the queries of {} pairs at positions {} to "
                                          "{}, but length is {}; lower it or raise length to {}",
                                          level, pairs, first, needed - 1, length, needed));
  }
}

/// "2*8 + offset 0": what stands before the filler, as far as it was asked for.
std::string MqarSettings::bindings_text() const {
  std::string text =
      repeat == 1 ? fmt::format("2*{}", pairs) : fmt::format("2*{}*{}", repeat, pairs);
  if (rebind > 0) text += fmt::format(" + 2*{}", rebind);
  return text + fmt::format(" + offset {}", offset);
}

void MqarSettings::validate() const {
  require_within("length", length, 1, kMaxLength);
  require_within("vocab", vocab, 4, kMaxVocab);
  if (vocab % 2 != 0) {
    throw FieldError("vocab",
                     fmt::format("= {} must be even, since half of the ids are values; use "
                                 "{} or {}",
                                 vocab, vocab - 1, vocab + 1));
  }
  require_within("pairs", pairs, 1, kMaxPairs);
  const std::int64_t keys = vocab / 2 - 1;
  if (pairs > keys) {
    throw FieldError("pairs",
                     fmt::format("= {} needs {} different keys, but vocab {} has {}; lower "
                                 "it to {} or raise vocab to {}",
                                 pairs, pairs, vocab, keys, keys, 2 * (pairs + 1)));
  }
  require_within("offset", offset, 0, 1);
  require_within("repeat", repeat, 1, kMaxLength / 2);
  validate_rebind();
  validate_level();
  if (layout == MqarLayout::kLevel) return;
  const std::int64_t needed = 2 * (repeat + 1) * pairs + 2 * rebind + offset;
  if (needed <= length) return;
  const std::int64_t most_pairs = (length - offset - 2 * rebind) / (2 * (repeat + 1));
  const std::string remedy = room_remedy(most_pairs, std::max<std::int64_t>(rebind, 1), needed);
  const std::int64_t bindings = needed - 2 * pairs;
  if (layout == MqarLayout::kPacked) {
    const std::string sum = repeat == 1 && rebind == 0
                                ? fmt::format("4*{} + offset {}", pairs, offset)
                                : fmt::format("2*{} + {}", pairs, bindings_text());
    throw FieldError("pairs", fmt::format("= {} needs {} = {} tokens with layout packed, but "
                                          "length is {}; {}",
                                          pairs, sum, needed, length, remedy));
  }
  const std::int64_t slots = std::max<std::int64_t>(0, (length - bindings) / 2);
  const std::string taken =
      repeat == 1 && rebind == 0
          ? fmt::format("length {} and offset {} leave {}", length, offset, slots)
          : fmt::format("length {} less {} leaves {}", length, bindings_text(), slots);
  throw FieldError("pairs", fmt::format("= {} needs {} two-token slots after the pairs with layout "
                                        "power-law, but {}; {}",
                                        pairs, pairs, taken, remedy));
}

std::unique_ptr<TaskSettings> MqarSettings::clone() const {
  return std::make_unique<MqarSettings>(*this);
}

std::unique_ptr<Task> MqarSettings::make() const {
  validate();
  return std::make_unique<Mqar>(*this);
}

}  // namespace recollect
