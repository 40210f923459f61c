#include "harness/page/answer_lines.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "harness/plot/numbers.hpp"

namespace recollect::page {
namespace {

constexpr std::size_t kMostNames = 6;  // that a sentence lists

}  // namespace

std::string where_of(const plot::Study& study, const plot::StudySection& section) {
  return section.title.empty() ? study.shown : fmt::format("{}, {}", study.shown, section.title);
}

std::optional<std::int64_t> longest_of(const plot::StudySection& section) {
  std::int64_t longest = 0;
  std::int64_t trained = 0;
  std::size_t lengths = 0;
  for (const plot::StudyRow& row : section.rows) {
    lengths = std::max(lengths, row.lengths.size());
    trained = std::max(trained, row.trained->train_length);
    for (const GroupResult* group : row.lengths) {
      longest = std::max(longest, group->key->eval_length);
    }
  }
  if (longest <= trained || lengths < 2) return std::nullopt;
  return longest;
}

std::string length_text(const plot::StudySection& section, std::int64_t length) {
  const auto trained = static_cast<double>(section.rows.front().trained->train_length);
  return fmt::format("at {} tokens, {:g} times the trained length", with_commas(length),
                     static_cast<double>(length) / trained);
}

Comparisons pairs_at(const plot::StudySection& section, std::int64_t length,
                     const Context& context) {
  std::vector<std::string> cells;
  for (const plot::StudyRow& row : section.rows) {
    cells.insert(cells.end(), row.trained->cells.begin(), row.trained->cells.end());
  }
  return {cells_of(context.input.material.results, cells), {Weights::kBest, Split::kTest, length}};
}

std::string listed(const std::vector<std::string>& texts) {
  std::string text;
  for (std::size_t i = 0; i < texts.size() && i < kMostNames; ++i) {
    text += (i == 0 ? "" : ", ") + texts[i];
  }
  if (texts.size() > kMostNames) text += fmt::format(" and {} more", texts.size() - kMostNames);
  return text;
}

}  // namespace recollect::page
