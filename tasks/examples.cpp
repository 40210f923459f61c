#include "tasks/examples.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

#include "base/error.hpp"
#include "base/pinned_file.hpp"

namespace recollect {
namespace {

constexpr Split kSplits[] = {Split::kTrain, Split::kValidation, Split::kTest};

/// Of all ids and of the labels of scored positions; what stands behind them is nothing.
std::int64_t largest_id(const ExampleArrays& arrays) {
  std::int32_t largest = *std::max_element(arrays.ids.begin(), arrays.ids.end());
  for (std::size_t r = 0; r < arrays.labels.size(); ++r) {
    if (arrays.positions[r] != kPadding) largest = std::max(largest, arrays.labels[r]);
  }
  return largest;
}

constexpr std::size_t place_of(Split split) { return static_cast<std::size_t>(split); }

class FileExamples final : public Task {
 public:
  explicit FileExamples(const ExamplesSettings& settings)
      : data_(settings.data),
        files_(settings.files),
        length_(settings.length),
        vocab_(settings.vocab) {
    for (std::size_t split = 0; split < data_.size(); ++split) {
      if (!data_[split]) continue;
      max_scored_ = std::max(max_scored_, data_[split]->scored);
      for (const std::string_view name : settings.tags()) {
        tags_[split].push_back(
            &*std::find_if(data_[split]->tags.begin(), data_[split]->tags.end(),
                           [&](const TagArray& tag) { return tag.name == name; }));
      }
    }
  }

  [[nodiscard]] std::int64_t length() const noexcept override { return length_; }
  [[nodiscard]] std::int64_t vocab() const noexcept override { return vocab_; }
  [[nodiscard]] std::int64_t max_scored() const noexcept override { return max_scored_; }
  [[nodiscard]] double chance() const noexcept override {
    return 1.0 / static_cast<double>(vocab_);
  }

  void example(const Draw& draw, Example& out, GeneratorScratch&) const override {
    const std::size_t split = place_of(draw.split);
    const ExampleArrays* arrays = data_[split].get();
    if (arrays == nullptr) {
      throw IoError(fmt::format("{} is not there, and its examples are needed",
                                pinned_file(files_[split]).path));
    }
    const auto row = static_cast<std::int64_t>(draw.index);
    if (row >= arrays->examples) {
      throw IoError(fmt::format("{} has {} examples, no number {}", pinned_file(files_[split]).path,
                                arrays->examples, row));
    }
    const auto tokens = row_of(arrays->ids, row, length_);
    out.ids.assign(tokens.begin(), tokens.end());
    out.clear_scored();
    const auto positions = row_of(arrays->positions, row, arrays->scored);
    const auto labels = row_of(arrays->labels, row, arrays->scored);
    for (std::size_t r = 0; r < positions.size() && positions[r] != kPadding; ++r) {
      out.positions.push_back(positions[r]);
      out.labels.push_back(labels[r]);
      for (const TagArray* tag : tags_[split]) {
        out.tags.push_back(row_of(tag->values, row, arrays->scored)[r]);
      }
    }
  }

 private:
  static std::span<const std::int32_t> row_of(const std::vector<std::int32_t>& array,
                                              std::int64_t row, std::int64_t columns) {
    return std::span(array).subspan(static_cast<std::size_t>(row * columns),
                                    static_cast<std::size_t>(columns));
  }

  std::array<std::shared_ptr<const ExampleArrays>, 3> data_;
  std::array<std::string, 3> files_;
  std::int64_t length_;
  std::int64_t vocab_;
  std::int64_t max_scored_ = 1;
  std::array<std::vector<const TagArray*>, 3> tags_;  // by split
};

}  // namespace

Fields ExamplesSettings::fields() {
  Fields all;
  all.push_back(field("length", length, "T, tokens an example; not given, or 0: that of the files")
                    .range(0, kMaxLength));
  all.push_back(
      field("vocab", vocab, "V, ids; not given, or 0: the largest id or label of the files plus 1")
          .range(0, kMaxVocab));
  const auto file = [&](Split split, std::string help) {
    std::string& text = files[place_of(split)];
    Field made = field(std::string(name_of(split)), text, std::move(help));
    return std::move(made).identified_as({{text, identity_of_pinned(text)}});
  };
  all.push_back(file(Split::kTrain,
                     "training examples: a file or folder as `recollect generate` writes it, "
                     "relative to the configuration; @DIGEST behind it says which content it must "
                     "have"));
  all.push_back(file(Split::kValidation, "validation examples, likewise"));
  all.push_back(file(Split::kTest, "test examples, likewise"));
  return all;
}

void ExamplesSettings::validate() const {
  for (const Split split : kSplits) {
    if (!files[place_of(split)].empty()) continue;
    throw FieldError(std::string(name_of(split)),
                     "is not given; name a file that `recollect generate` has written, or one "
                     "like it");
  }
  for (const auto& arrays : data) {
    if (!arrays || arrays->length == length) continue;
    throw FieldError("length", fmt::format("= {} is not {}, the tokens of each example of the "
                                           "files; leave it out, or give files of that length",
                                           length, arrays->length));
  }
  require_within("length", length, 1, kMaxLength);
  require_within("vocab", vocab, 2, kMaxVocab);
  for (const auto& arrays : data) {
    if (!arrays) continue;
    const std::int64_t largest = largest_id(*arrays);
    if (largest < vocab) continue;
    throw FieldError("vocab", fmt::format("= {} is too small for id {} of the files; raise it to "
                                          "{} at least, or leave it out",
                                          vocab, largest, largest + 1));
  }
}

std::unique_ptr<TaskSettings> ExamplesSettings::clone() const {
  return std::make_unique<ExamplesSettings>(*this);
}

std::unique_ptr<Task> ExamplesSettings::make() const {
  return std::make_unique<FileExamples>(*this);
}

void ExamplesSettings::take(Split split, std::shared_ptr<const ExampleArrays> examples) {
  data[place_of(split)] = std::move(examples);
  if (std::all_of(data.begin(), data.end(), [](const auto& arrays) { return arrays != nullptr; })) {
    look_at_data();
  }
}

void ExamplesSettings::look_at_data() {
  std::int64_t largest = 1;
  for (const Split split : kSplits) {
    largest = std::max(largest, largest_id(*data[place_of(split)]));
    if (largest >= kMaxVocab) {
      throw IoError(fmt::format("{}: id {} is above {}, the largest that there can be",
                                pinned_file(files[place_of(split)]).path, largest, kMaxVocab - 1));
    }
    const std::int64_t first = data.front()->length;
    const std::int64_t own = data[place_of(split)]->length;
    if (own == first) continue;
    throw IoError(fmt::format(
        "{}: its examples have {} tokens, but those of {} have {}; the files "
        "of a task have one length",
        pinned_file(files[place_of(split)]).path, own, pinned_file(files.front()).path, first));
  }
  if (length == 0) length = data.front()->length;
  if (vocab == 0) vocab = largest + 1;
  tag_names_.clear();
  for (const TagArray& tag : data.front()->tags) {
    const bool everywhere = std::all_of(data.begin(), data.end(), [&](const auto& arrays) {
      return std::any_of(arrays->tags.begin(), arrays->tags.end(),
                         [&](const TagArray& other) { return other.name == tag.name; });
    });
    if (everywhere) tag_names_.push_back(tag.name);
  }
}

}  // namespace recollect
