#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "harness/config/settings.hpp"
#include "tasks/example_arrays.hpp"
#include "tasks/task.hpp"

namespace recollect {

/// The files that a configuration names with their digests (base/pinned_file.hpp): examples, and
/// initial weights. Each is read once, however many combinations of the grid name it, and these
/// share what is in it.
class PinnedFiles {
 public:
  /// @param folder  that paths are relative to
  /// @param needed  false: results are read, and a file that is not there may stay away where its
  /// digest is given
  PinnedFiles(std::filesystem::path folder, bool needed)
      : folder_(std::move(folder)), needed_(needed) {}

  /// Fills in what the files of a task of examples hold (tasks/examples.hpp), and their texts:
  /// absolute paths and digests. Of other tasks it does nothing.
  /// @throws IoError where a file cannot be read, holds no examples or has another digest
  void read_examples(TaskSettings& task);

  /// Fills in what `train.init` names: its tensors, and the text with absolute path and digest.
  /// Where weights are drawn it does nothing.
  /// @throws IoError if it cannot be read, holds a tensor that is not float32 or not finite, or has
  /// another digest
  void read_initial_weights(TrainSettings& train);

 private:
  template <class Content>
  struct Known {
    std::shared_ptr<const Content> content;
    std::string digest;
  };
  template <class Content>
  using KnownFiles = std::map<std::filesystem::path, Known<Content>>;

  /// What the file that `text` names holds; `text` becomes its absolute path and digest. Null where
  /// it stays away.
  /// @param read  gives the content of a path and its digest
  template <class Content, class Read>
  std::shared_ptr<const Content> content_of(std::string& text, KnownFiles<Content>& known,
                                            const Read& read) const;

  std::filesystem::path folder_;
  bool needed_;
  KnownFiles<ExampleArrays> examples_;
  KnownFiles<InitialWeights> weights_;
};

}  // namespace recollect
