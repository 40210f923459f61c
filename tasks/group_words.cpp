#include "tasks/group_words.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <span>
#include <vector>

namespace recollect {
namespace {

constexpr std::array<std::string_view, 1> kTags = {"position"};
constexpr std::array<TokenKind, 2> kKinds = {{{"element", 'e'}, {"neutral element", '1'}}};

/// products[a * order + b] = the id of ab.
struct Products {
  std::int32_t order = 0;
  std::vector<std::int32_t> of;
};

Products cyclic(std::int32_t order) {
  Products products{order, {}};
  for (std::int32_t a = 0; a < order; ++a) {
    for (std::int32_t b = 0; b < order; ++b) products.of.push_back((a + b) % order);
  }
  return products;
}

using Permutation = std::vector<std::int32_t>;

bool is_even(const Permutation& p) {
  std::size_t inversions = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    for (std::size_t j = i + 1; j < p.size(); ++j) inversions += p[i] > p[j] ? 1 : 0;
  }
  return inversions % 2 == 0;
}

Products permutations(std::int32_t things, bool even_alone) {
  std::vector<Permutation> elements;
  Permutation p(static_cast<std::size_t>(things));
  std::iota(p.begin(), p.end(), 0);
  do {
    if (!even_alone || is_even(p)) elements.push_back(p);
  } while (std::next_permutation(p.begin(), p.end()));
  Products products{static_cast<std::int32_t>(elements.size()), {}};
  for (const Permutation& a : elements) {
    for (const Permutation& b : elements) {
      for (std::size_t i = 0; i < p.size(); ++i) p[i] = b[static_cast<std::size_t>(a[i])];
      const auto place = std::lower_bound(elements.begin(), elements.end(), p);
      products.of.push_back(static_cast<std::int32_t>(place - elements.begin()));
    }
  }
  return products;
}

Products products_of(Group group) {
  switch (group) {
    case Group::kZ2:
      return cyclic(2);
    case Group::kZ60:
      return cyclic(60);
    case Group::kS3:
      return permutations(3, false);
    case Group::kS4:
      return permutations(4, false);
    case Group::kS5:
      return permutations(5, false);
    case Group::kA5:
      return permutations(5, true);
  }
  return {};
}

class GroupWords final : public Task {
 public:
  explicit GroupWords(const GroupWordsSettings& settings)
      : length_(static_cast<std::int32_t>(settings.length)),
        products_(products_of(settings.group)) {}

  [[nodiscard]] std::int64_t length() const noexcept override { return length_; }
  [[nodiscard]] std::int64_t vocab() const noexcept override { return products_.order; }
  [[nodiscard]] std::int64_t max_scored() const noexcept override { return length_; }
  [[nodiscard]] bool scores_everywhere() const noexcept override { return true; }
  [[nodiscard]] double chance() const noexcept override { return 1.0 / products_.order; }

  void example(const Draw& draw, Example& out, GeneratorScratch&) const override {
    Rng rng = generator_of(draw);
    out.ids.resize(static_cast<std::size_t>(length_));
    out.clear_scored();
    std::int32_t product = 0;
    for (std::int32_t t = 0; t < length_; ++t) {
      const std::int32_t id = rng.between(0, products_.order - 1);
      product = products_.of[static_cast<std::size_t>(product * products_.order + id)];
      out.ids[static_cast<std::size_t>(t)] = id;
      out.positions.push_back(t);
      out.labels.push_back(product);
      out.tags.push_back(t);
    }
  }

  void find_kinds(const Example& example, std::span<std::int32_t> kinds) const override {
    std::ranges::transform(example.ids, kinds.begin(), [](std::int32_t id) { return id == 0; });
  }

 private:
  std::int32_t length_;
  Products products_;
};

}  // namespace

Names GroupWordsSettings::tags() const noexcept { return kTags; }

TokenKinds GroupWordsSettings::kinds() const noexcept { return kKinds; }

Fields GroupWordsSettings::fields() {
  Fields all;
  all.push_back(field("length", length, "T, tokens an example").range(1, kMaxLength));
  all.push_back(
      choice("group", group, {"z2", "z60", "s3", "s4", "s5", "a5"},
             "sums modulo 2 or 60; permutations of 3, 4 or 5 things; the even ones of 5"));
  return all;
}

void GroupWordsSettings::validate() const { require_within("length", length, 1, kMaxLength); }

std::unique_ptr<TaskSettings> GroupWordsSettings::clone() const {
  return std::make_unique<GroupWordsSettings>(*this);
}

std::unique_ptr<Task> GroupWordsSettings::make() const {
  validate();
  return std::make_unique<GroupWords>(*this);
}

}  // namespace recollect
