#include "harness/config/pinned_files.hpp"

#include <fmt/format.h>

#include <system_error>

#include "base/error.hpp"
#include "base/pinned_file.hpp"
#include "harness/arrays/array_file.hpp"
#include "harness/arrays/example_file.hpp"
#include "harness/config/initial_weights.hpp"
#include "tasks/examples.hpp"

namespace recollect {

template <class Content, class Read>
std::shared_ptr<const Content> PinnedFiles::content_of(std::string& text,
                                                       KnownFiles<Content>& known,
                                                       const Read& read) const {
  const PinnedFile file = pinned_file(text);
  const std::filesystem::path path =
      std::filesystem::absolute(folder_ / file.path).lexically_normal();
  std::error_code none;
  if (!needed_ && !file.digest.empty() && !std::filesystem::exists(path, none)) return nullptr;
  auto found = known.find(path);
  if (found == known.end()) found = known.emplace(path, read(path)).first;
  const std::string& digest = found->second.digest;
  if (!file.digest.empty() && file.digest != digest) {
    throw IoError(
        fmt::format("{}: its digest is {}, but the configuration asks for {}; the file "
                    "was changed, or another is meant",
                    path.string(), digest, file.digest));
  }
  text = text_of({path.string(), digest});
  return found->second.content;
}

void PinnedFiles::read_examples(TaskSettings& task) {
  auto* examples = dynamic_cast<ExamplesSettings*>(&task);
  if (examples == nullptr) return;
  for (const Split split : {Split::kTrain, Split::kValidation, Split::kTest}) {
    std::string& text = examples->files[static_cast<std::size_t>(split)];
    if (text.empty()) continue;  // validate() says so
    const auto arrays = content_of(text, examples_, [](const std::filesystem::path& path) {
      const auto content =
          std::make_shared<const ExampleArrays>(examples_in(read_arrays(path), path.string()));
      return Known<ExampleArrays>{content, digest_of(*content)};
    });
    if (arrays) examples->take(split, arrays);
  }
}

void PinnedFiles::read_initial_weights(TrainSettings& train) {
  if (train.init == kDrawn) return;
  const auto weights = content_of(train.init, weights_, [](const std::filesystem::path& path) {
    const auto content = std::make_shared<const InitialWeights>(initial_weights_in(path));
    return Known<InitialWeights>{content, content->digest};
  });
  if (weights) train.initial = weights;
}

}  // namespace recollect
