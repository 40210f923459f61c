#include "tasks/selective_copying.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "math/fenwick.hpp"
#include "tasks/more_tags.hpp"

namespace recollect {
namespace {

constexpr std::array<std::string_view, 3> kTags = {"lag", "level", "pair"};
constexpr std::size_t kLag = 0;
constexpr std::array<std::string_view, 2> kMoreTags = {"levels_beyond", "sixteenth"};
constexpr std::array<std::string_view, 2> kRules = {"first", "recent"};
constexpr std::array<TokenKind, 4> kKinds = {
    {{"noise", '.'}, {"data", 'd'}, {"copy token", 'c'}, {"blank", '_'}}};
constexpr std::int32_t kNoiseKind = 0;
constexpr std::int32_t kDataKind = 1;
constexpr std::int32_t kCopyKind = 2;
constexpr std::int32_t kBlankKind = 3;
constexpr std::array<const char*, 4> kDialectNames = {"adaptive", "mad", "mamba", "mad-uniform"};
constexpr std::int64_t kMaxTokens = 1048576;
constexpr std::int64_t kAdaptiveVocab = 128;
constexpr std::int64_t kAdaptiveData = 63;
constexpr std::int64_t kMinVocab = 3;  // one data token, and the two special ids

// A dialect in numbers. The input phase is followed by one `prompt` and then `tail` up to the end.
struct Layout {
  std::int32_t data_low;    // first id of the data
  std::int32_t data_count;  // number of different data ids
  bool distinct;            // whether an example's data differ from one another
  bool multinomial;         // whether each blank chooses a token to stand before; else all places
                            // are equally likely
  std::int32_t noise_low;
  std::int32_t noise_count;
  std::int32_t prompt;
  std::int32_t tail;
  std::int32_t input;         // positions of the input phase
  std::int32_t first_scored;  // the position that answers the first data token
};

Layout layout_of(CopyingDialect dialect, std::int32_t length, std::int32_t tokens,
                 std::int32_t vocab) {
  const std::int32_t before_prompt = length - tokens - 1;
  switch (dialect) {
    case CopyingDialect::kMad:
    case CopyingDialect::kMadUniform:
      return {.data_low = 0,
              .data_count = vocab - 2,
              .distinct = false,
              .multinomial = dialect == CopyingDialect::kMad,
              .noise_low = vocab - 2,
              .noise_count = 1,
              .prompt = vocab - 1,
              .tail = vocab - 2,
              .input = before_prompt,
              .first_scored = before_prompt + 1};
    case CopyingDialect::kMamba:
      return {.data_low = 1,
              .data_count = vocab - 2,
              .distinct = false,
              .multinomial = false,
              .noise_low = 0,
              .noise_count = 1,
              .prompt = vocab - 1,
              .tail = vocab - 1,
              .input = length - tokens,
              .first_scored = length - tokens};
    case CopyingDialect::kAdaptive:
      break;
  }
  return {.data_low = 3,
          .data_count = kAdaptiveData,
          .distinct = true,
          .multinomial = false,
          .noise_low = 67,
          .noise_count = 61,
          .prompt = 1,
          .tail = 2,
          .input = before_prompt,
          .first_scored = before_prompt};
}

class SelectiveCopying final : public Task {
 public:
  explicit SelectiveCopying(const SelectiveCopyingSettings& settings)
      : length_(static_cast<std::int32_t>(settings.length)),
        tokens_(static_cast<std::int32_t>(settings.tokens)),
        vocab_(static_cast<std::int32_t>(*settings.vocab)),
        layout_(layout_of(settings.dialect, length_, tokens_, vocab_)) {}

  [[nodiscard]] std::int64_t length() const noexcept override { return length_; }
  [[nodiscard]] std::int64_t vocab() const noexcept override { return vocab_; }
  [[nodiscard]] std::int64_t max_scored() const noexcept override { return tokens_; }
  [[nodiscard]] double chance() const noexcept override {
    return 1.0 / (layout_.distinct ? tokens_ : layout_.data_count);
  }

  void example(const Draw& draw, Example& out, GeneratorScratch& scratch) const override {
    Rng rng = generator_of(draw);
    const auto count = static_cast<std::size_t>(tokens_);
    const auto input = static_cast<std::ptrdiff_t>(layout_.input);
    out.labels.resize(count);
    if (layout_.distinct) {
      std::ranges::copy(scratch.sampler.draw(rng, layout_.data_count, tokens_), out.labels.begin());
      for (std::int32_t& label : out.labels) label += layout_.data_low;
    } else {
      for (std::int32_t& label : out.labels) {
        label = rng.between(layout_.data_low, layout_.data_low + layout_.data_count - 1);
      }
    }
    draw_places(rng, scratch);

    out.ids.assign(static_cast<std::size_t>(length_), layout_.tail);
    out.ids[static_cast<std::size_t>(input)] = layout_.prompt;
    const auto noise_end = out.ids.begin() + input;
    if (layout_.noise_count == 1) {
      std::fill(out.ids.begin(), noise_end, layout_.noise_low);
    } else {
      for (auto id = out.ids.begin(); id != noise_end; ++id) {
        *id = rng.between(layout_.noise_low, layout_.noise_low + layout_.noise_count - 1);
      }
    }
    out.positions.resize(count);
    out.tags.clear();
    for (std::size_t i = 0; i < count; ++i) {
      const std::int32_t source = scratch.items[i];
      const std::int32_t position = layout_.first_scored + static_cast<std::int32_t>(i);
      out.ids[static_cast<std::size_t>(source)] = out.labels[i];
      out.positions[i] = position;
      out.tags.insert(out.tags.end(),
                      {position - source, level(position, source), static_cast<std::int32_t>(i)});
    }
  }

  /// The data never contradict themselves: both rules answer the token at the right place.
  void find_answers(const Example& example, std::span<std::int32_t> answers) const override {
    auto answer = answers.begin();
    for (std::size_t r = 0; r < example.positions.size(); ++r) {
      const auto source = static_cast<std::size_t>(example.positions[r] - example.tags_of(r)[kLag]);
      *answer++ = example.ids[source];
      *answer++ = example.ids[source];
    }
  }

  void find_kinds(const Example& example, std::span<std::int32_t> kinds) const override {
    const auto input = static_cast<std::size_t>(layout_.input);
    std::ranges::fill(kinds.first(input), kNoiseKind);
    std::ranges::fill(kinds.subspan(input),
                      layout_.tail == layout_.prompt ? kCopyKind : kBlankKind);
    kinds[input] = kCopyKind;
    for (std::size_t r = 0; r < example.positions.size(); ++r) {
      kinds[static_cast<std::size_t>(example.positions[r] - example.tags_of(r)[kLag])] = kDataKind;
    }
  }

  void count_right(const Example& example, std::span<std::int64_t> right) const override {
    std::ranges::fill(right, std::ssize(example.positions));
  }

  void find_more_tags(const Example& example, std::int64_t trained_length, GeneratorScratch&,
                      std::span<std::int32_t> values) const override {
    auto value = values.begin();
    for (std::size_t r = 0; r < example.positions.size(); ++r) {
      const std::int32_t position = example.positions[r];
      const std::int32_t source = position - example.tags_of(r)[kLag];
      *value++ = levels_beyond(level(position, source), trained_length);
      *value++ = sixteenth_of(source, length_);
    }
  }

 private:
  /// scratch.items (n) = where the data stand, ascending.
  void draw_places(Rng& rng, GeneratorScratch& scratch) const {
    if (!layout_.multinomial) {
      const auto places = scratch.sampler.draw(rng, layout_.input, tokens_);
      scratch.items.assign(places.begin(), places.end());
      std::ranges::sort(scratch.items);
      return;
    }
    scratch.items.assign(static_cast<std::size_t>(tokens_), 0);
    for (std::int32_t blank = layout_.input - tokens_; blank > 0; --blank) {
      ++scratch.items[static_cast<std::size_t>(rng.between(0, tokens_ - 1))];
    }
    std::int32_t place = -1;
    for (std::int32_t& blanks_before : scratch.items) {
      place += blanks_before + 1;
      blanks_before = place;
    }
  }

  std::int32_t length_;
  std::int32_t tokens_;
  std::int32_t vocab_;
  Layout layout_;
};

}  // namespace

Names SelectiveCopyingSettings::tags() const noexcept { return kTags; }

Names SelectiveCopyingSettings::more_tags() const noexcept { return kMoreTags; }

Names SelectiveCopyingSettings::rules() const noexcept { return kRules; }

TokenKinds SelectiveCopyingSettings::kinds() const noexcept { return kKinds; }

Fields SelectiveCopyingSettings::fields() {
  Fields all;
  all.push_back(field("length", length, "T, tokens an example")
                    .range(1, kMaxLength)
                    .when_absent("256; dialect mamba: 4096"));
  all.push_back(choice("dialect", dialect, {kDialectNames.begin(), kDialectNames.end()},
                       "which published variant of the task; mad-uniform: mad with all places "
                       "equally likely")
                    .identified_as({{"mad", "mad-multinomial"}, {"mad-uniform", "mad"}}));
  all.push_back(field("tokens", tokens, "n, data tokens to copy; at most 63 in dialect adaptive")
                    .range(1, kMaxTokens));
  all.push_back(field("vocab", vocab, "V, ids; dialect adaptive allows 128 only")
                    .range(kMinVocab, kMaxVocab)
                    .when_absent("16; dialect adaptive: 128"));
  return all;
}

void SelectiveCopyingSettings::resolve() {
  if (length == 0) length = dialect == CopyingDialect::kMamba ? 4096 : 256;
  if (!vocab) vocab = dialect == CopyingDialect::kAdaptive ? kAdaptiveVocab : 16;
}

void SelectiveCopyingSettings::validate() const {
  SelectiveCopyingSettings resolved = *this;
  resolved.resolve();
  require_within("length", resolved.length, 1, kMaxLength);
  require_within("tokens", tokens, 1, kMaxTokens);
  const std::string dialect_name = kDialectNames[static_cast<std::size_t>(dialect)];
  if (dialect == CopyingDialect::kAdaptive) {
    if (resolved.vocab != kAdaptiveVocab) {
      throw FieldError("vocab", fmt::format("= {} must be 128 with dialect adaptive, which defines "
                                            "the ids; leave it out or use dialect mad or mamba",
                                            *resolved.vocab));
    }
    if (tokens > kAdaptiveData) {
      throw FieldError("tokens",
                       fmt::format("= {} needs {} different data tokens, but dialect "
                                   "adaptive has 63; lower it to 63 or use dialect mad or "
                                   "mamba, which repeat tokens",
                                   tokens, tokens));
    }
  } else {
    require_within("vocab", *resolved.vocab, kMinVocab, kMaxVocab);
  }
  const std::int64_t separator = dialect == CopyingDialect::kMamba ? 0 : 1;
  const std::int64_t needed = 2 * tokens + separator;
  if (needed <= resolved.length) return;
  const std::int64_t most = (resolved.length - separator) / 2;
  std::string remedy;
  if (most >= 1) remedy = fmt::format("lower it to {} or ", most);
  throw FieldError(
      "tokens", fmt::format("= {} needs 2*{}{} = {} positions with dialect {}, but length is {}; "
                            "{}raise length to {}",
                            tokens, tokens, separator == 0 ? "" : " + 1", needed, dialect_name,
                            resolved.length, remedy, needed));
}

std::unique_ptr<TaskSettings> SelectiveCopyingSettings::clone() const {
  return std::make_unique<SelectiveCopyingSettings>(*this);
}

std::unique_ptr<Task> SelectiveCopyingSettings::make() const {
  SelectiveCopyingSettings resolved = *this;
  resolved.resolve();
  resolved.validate();
  return std::make_unique<SelectiveCopying>(resolved);
}

}  // namespace recollect
