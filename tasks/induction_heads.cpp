#include "tasks/induction_heads.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "base/error.hpp"
#include "math/fenwick.hpp"

namespace recollect {
namespace {

constexpr std::array<std::string_view, 2> kTags = {"lag", "level"};
constexpr std::array<std::string_view, 2> kRules = {"first", "recent"};
constexpr std::array<TokenKind, 4> kKinds = {
    {{"filler", '.'}, {"trigger", 't'}, {"pattern", 'p'}, {"query", 'q'}}};
constexpr std::int32_t kFillerKind = 0;
constexpr std::int32_t kTriggerKind = 1;
constexpr std::int32_t kPatternKind = 2;
constexpr std::int32_t kQueryKind = 3;

constexpr std::int32_t kTriggerAt = 1;
constexpr std::int32_t kPatternAt = 2;
constexpr std::int64_t kMinLength = 5;  // so that T-2 lies behind the pattern
constexpr std::int64_t kMinVocab = 4;

class InductionHeads final : public Task {
 public:
  explicit InductionHeads(const InductionHeadsSettings& settings)
      : length_(static_cast<std::int32_t>(settings.length)),
        vocab_(static_cast<std::int32_t>(settings.vocab)),
        all_(settings.all) {}

  [[nodiscard]] std::int64_t length() const noexcept override { return length_; }
  [[nodiscard]] std::int64_t vocab() const noexcept override { return vocab_; }
  [[nodiscard]] std::int64_t max_scored() const noexcept override {
    return all_ ? length_ - kPatternAt - 1 : 1;
  }
  [[nodiscard]] double chance() const noexcept override { return 2.0 / vocab_; }

  void example(const Draw& draw, Example& out, GeneratorScratch&) const override {
    Rng rng = generator_of(draw);
    out.ids.resize(static_cast<std::size_t>(length_));
    for (std::int32_t& id : out.ids) id = rng.between(1, vocab_ - 1);
    const std::int32_t trigger = rng.between(1, vocab_ / 2 - 1);
    const std::int32_t pattern = rng.between(vocab_ / 2, vocab_ - 1);
    const std::int32_t query = length_ - 2;
    out.ids[kTriggerAt] = trigger;
    out.ids[kPatternAt] = pattern;
    out.ids[static_cast<std::size_t>(query)] = trigger;
    out.clear_scored();
    out.positions.reserve(static_cast<std::size_t>(max_scored()));
    out.labels.reserve(static_cast<std::size_t>(max_scored()));
    out.tags.reserve(kTags.size() * static_cast<std::size_t>(max_scored()));
    const std::int32_t from = all_ ? kPatternAt + 1 : query;
    const std::int32_t to = all_ ? length_ : query + 1;
    for (std::int32_t p = from; p < to; ++p) {
      if (out.ids[static_cast<std::size_t>(p)] != trigger) continue;
      out.positions.push_back(p);
      out.labels.push_back(pattern);
      out.tags.insert(out.tags.end(), {p - kPatternAt, level(p, kPatternAt)});
    }
  }

  void find_answers(const Example& example, std::span<std::int32_t> answers) const override {
    const std::int32_t trigger = example.ids[kTriggerAt];
    std::int32_t first = kNoAnswer;
    std::int32_t recent = kNoAnswer;
    auto answer = answers.begin();
    std::size_t s = 0;  // bindings that start before s are known
    for (const std::int32_t position : example.positions) {
      for (; s + 2 <= static_cast<std::size_t>(position); ++s) {
        if (example.ids[s] != trigger || example.ids[s + 1] < vocab_ / 2) continue;
        recent = example.ids[s + 1];
        if (first == kNoAnswer) first = recent;
      }
      *answer++ = first;
      *answer++ = recent;
    }
  }

  void find_kinds(const Example& example, std::span<std::int32_t> kinds) const override {
    std::ranges::fill(kinds, kFillerKind);
    kinds[kTriggerAt] = kTriggerKind;
    kinds[kPatternAt] = kPatternKind;
    for (const std::int32_t query : example.positions) {
      kinds[static_cast<std::size_t>(query)] = kQueryKind;
    }
  }

 private:
  std::int32_t length_;
  std::int32_t vocab_;
  bool all_;
};

}  // namespace

Names InductionHeadsSettings::tags() const noexcept { return kTags; }

Names InductionHeadsSettings::rules() const noexcept { return kRules; }

TokenKinds InductionHeadsSettings::kinds() const noexcept { return kKinds; }

Fields InductionHeadsSettings::fields() {
  Fields fields;
  fields.push_back(field("length", length, "T, tokens an example").range(kMinLength, kMaxLength));
  fields.push_back(field("vocab", vocab, "V, ids; even: triggers 1..V/2-1, patterns V/2..V-1")
                       .range(kMinVocab, kMaxVocab));
  fields.push_back(field("all", all, "score every later trigger, not the one at T-2 alone"));
  return fields;
}

void InductionHeadsSettings::validate() const {
  require_within("length", length, kMinLength, kMaxLength);
  require_within("vocab", vocab, kMinVocab, kMaxVocab);
  if (vocab % 2 != 0) {
    throw FieldError("vocab", fmt::format("= {} must be even, since half of the ids are patterns; "
                                          "use {} or {}",
                                          vocab, vocab - 1, vocab + 1));
  }
}

std::unique_ptr<TaskSettings> InductionHeadsSettings::clone() const {
  return std::make_unique<InductionHeadsSettings>(*this);
}

std::unique_ptr<Task> InductionHeadsSettings::make() const {
  validate();
  return std::make_unique<InductionHeads>(*this);
}

}  // namespace recollect
