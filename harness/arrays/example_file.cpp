#include "harness/arrays/example_file.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstddef>
#include <span>

#include "base/error.hpp"
#include "base/text.hpp"

namespace recollect {
namespace {

/// Checks the rows of examples.
class Rows {
 public:
  Rows(const ExampleArrays& examples, const std::string& where)
      : examples_(examples), where_(where) {}

  void check() const {
    for (std::int64_t i = 0; i < examples_.examples; ++i) check_row(i);
  }

 private:
  [[noreturn]] void reject(std::int64_t row, const std::string& what) const {
    throw IoError(fmt::format("{}: example {}: {}", where_, row, what));
  }

  static std::span<const std::int32_t> row_of(const std::vector<std::int32_t>& array,
                                              std::int64_t columns, std::int64_t row) {
    return std::span(array).subspan(static_cast<std::size_t>(row * columns),
                                    static_cast<std::size_t>(columns));
  }

  void check_row(std::int64_t row) const {
    for (const std::int32_t id : row_of(examples_.ids, examples_.length, row)) {
      if (id < 0) reject(row, fmt::format("id {} is below 0", id));
    }
    const auto positions = row_of(examples_.positions, examples_.scored, row);
    const auto labels = row_of(examples_.labels, examples_.scored, row);
    std::size_t scored = 0;
    while (scored < positions.size() && positions[scored] != kPadding) ++scored;
    if (scored == 0) reject(row, "has no scored position");
    for (std::size_t r = 0; r < positions.size(); ++r) {
      if (r >= scored) {
        if (positions[r] != kPadding) reject(row, "a position follows one that is -1");
        continue;
      }
      if (positions[r] < 0 || positions[r] >= examples_.length) {
        reject(row, fmt::format("position {} is not in 0..{}", positions[r], examples_.length - 1));
      }
      if (r > 0 && positions[r] <= positions[r - 1]) reject(row, "its positions do not ascend");
      if (labels[r] < 0) reject(row, fmt::format("label {} is below 0", labels[r]));
    }
  }

  const ExampleArrays& examples_;
  const std::string& where_;
};

void expect_shape(const ArrayView& array, const std::vector<std::int64_t>& wanted,
                  const std::string& where) {
  if (array.shape == wanted) return;
  throw IoError(fmt::format("{}: '{}' has shape {}, but must have {}", where, printable(array.name),
                            shape_text(array.shape), shape_text(wanted)));
}

/// Tags name slices and columns.
void expect_word(std::string_view name, const std::string& where) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789_";
  constexpr std::size_t kMost = 100;
  const bool fits = !name.empty() && name.size() <= kMost;
  if (fits && name.find_first_not_of(kLetters) == name.npos) return;
  throw IoError(
      fmt::format("{}: tag '{}' is not a word of small letters, digits and underscores, {} at most",
                  where, printable(name), kMost));
}

}  // namespace

std::string shape_text(const std::vector<std::int64_t>& shape) {
  return printable(fmt::format("({})", fmt::join(shape, ", ")));
}

std::vector<ArrayView> arrays_of(const ExampleArrays& examples) {
  const auto view = [&](const std::string& name, const std::vector<std::int32_t>& numbers,
                        std::int64_t columns) {
    return ArrayView{
        name, NumberType::kInt32, {examples.examples, columns}, bytes_of(std::span(numbers))};
  };
  std::vector<ArrayView> arrays = {view("ids", examples.ids, examples.length),
                                   view("positions", examples.positions, examples.scored),
                                   view("labels", examples.labels, examples.scored)};
  for (const TagArray& tag : examples.tags) {
    arrays.push_back(view(kTagPrefix + tag.name, tag.values, examples.scored));
  }
  return arrays;
}

const ArrayView& expect_array(const ArrayFile& file, std::string_view name, NumberType type,
                              const std::string& where) {
  const ArrayView* array = file.find(name);
  if (array == nullptr) throw IoError(fmt::format("{}: array '{}' is missing", where, name));
  if (array->type == type) return *array;
  throw IoError(fmt::format("{}: '{}' is {}, but must be {}", where, name, name_of(array->type),
                            name_of(type)));
}

ExampleArrays examples_in(const ArrayFile& file, const std::string& where) {
  const ArrayView& ids = expect_array(file, "ids", NumberType::kInt32, where);
  const ArrayView& positions = expect_array(file, "positions", NumberType::kInt32, where);
  const ArrayView& labels = expect_array(file, "labels", NumberType::kInt32, where);
  for (const ArrayView* array : {&ids, &positions}) {
    if (array->shape.size() != 2 || array->shape[0] < 1 || array->shape[1] < 1) {
      throw IoError(fmt::format("{}: '{}' has shape {}, but must have (examples, {}), none 0",
                                where, array->name, shape_text(array->shape),
                                array == &ids ? "tokens" : "scored positions"));
    }
  }
  if (ids.shape[0] > kMostExamples) {
    throw IoError(fmt::format("{}: {} examples are more than the {} that a file may have; split it",
                              where, ids.shape[0], kMostExamples));
  }
  ExampleArrays examples;
  examples.examples = ids.shape[0];
  examples.length = ids.shape[1];
  examples.scored = positions.shape[1];
  const std::vector<std::int64_t> scored = {examples.examples, examples.scored};
  expect_shape(positions, scored, where);
  expect_shape(labels, scored, where);
  examples.ids = numbers_of<std::int32_t>(ids);
  examples.positions = numbers_of<std::int32_t>(positions);
  examples.labels = numbers_of<std::int32_t>(labels);
  for (const ArrayView& array : file.arrays) {
    if (!array.name.starts_with(kTagPrefix)) continue;
    expect_word(array.name.substr(std::string_view(kTagPrefix).size()), where);
    expect_shape(expect_array(file, array.name, NumberType::kInt32, where), scored, where);
    examples.tags.push_back(
        {array.name.substr(std::string_view(kTagPrefix).size()), numbers_of<std::int32_t>(array)});
  }
  if (const auto digest = file.texts.find(kDigestText); digest != file.texts.end()) {
    if (const std::string own = digest_of(examples); own != digest->second) {
      throw IoError(
          fmt::format("{}: its digest is {}, but its examples have {}; damaged or changed", where,
                      printable(digest->second), own));
    }
  }
  Rows(examples, where).check();
  return examples;
}

}  // namespace recollect
