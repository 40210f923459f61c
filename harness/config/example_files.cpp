#include "harness/config/example_files.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/pinned_file.hpp"
#include "harness/arrays/example_file.hpp"
#include "tasks/examples.hpp"

namespace recollect {
namespace {

constexpr Split kSplits[] = {Split::kTrain, Split::kValidation, Split::kTest};

}  // namespace

void ExampleFiles::read(TaskSettings& task) {
  auto* examples = dynamic_cast<ExamplesSettings*>(&task);
  if (examples == nullptr) return;
  for (const Split split : kSplits) {
    std::string& text = examples->files[static_cast<std::size_t>(split)];
    if (text.empty()) continue;  // validate() says so
    const PinnedFile file = pinned_file(text);
    const std::filesystem::path path =
        std::filesystem::absolute(folder_ / file.path).lexically_normal();
    std::error_code none;
    if (!needed_ && !file.digest.empty() && !std::filesystem::exists(path, none)) continue;
    std::shared_ptr<const ExampleArrays>& arrays = known_[path];
    if (!arrays) {
      arrays = std::make_shared<const ExampleArrays>(examples_in(read_arrays(path), path.string()));
      digests_[path] = digest_of(*arrays);
    }
    const std::string& digest = digests_[path];
    if (!file.digest.empty() && file.digest != digest) {
      throw IoError(
          fmt::format("{}: its digest is {}, but the configuration asks for {}; the file "
                      "was changed, or another is meant",
                      path.string(), digest, file.digest));
    }
    text = text_of({path.string(), digest});
    examples->take(split, arrays);
  }
}

std::int64_t examples_in_files(const TaskSettings& task, Split split) {
  const auto* examples = dynamic_cast<const ExamplesSettings*>(&task);
  if (examples == nullptr) return 0;
  const auto& arrays = examples->data[static_cast<std::size_t>(split)];
  return arrays ? arrays->examples : 0;
}

}  // namespace recollect
