#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "tasks/example_arrays.hpp"
#include "tasks/task.hpp"

namespace recollect {

/// Reads the files of a task of examples (tasks/examples.hpp), each once however many cells have
/// it. Of other tasks it does nothing.
class ExampleFiles {
 public:
  /// @param folder  that paths are relative to
  /// @param needed  false: results are read, and a file that is not there may stay away where its
  /// digest is given
  ExampleFiles(std::filesystem::path folder, bool needed)
      : folder_(std::move(folder)), needed_(needed) {}

  /// Fills in the examples, and the texts of the files: absolute paths and digests.
  /// @throws IoError where a file cannot be read, holds no examples or has another digest
  void read(TaskSettings& task);

 private:
  std::filesystem::path folder_;
  bool needed_;
  std::map<std::filesystem::path, std::shared_ptr<const ExampleArrays>> known_;
  std::map<std::filesystem::path, std::string> digests_;
};

/// Examples of a split of the task, where it has so many and no more; 0: any number.
[[nodiscard]] std::int64_t examples_in_files(const TaskSettings& task, Split split);

}  // namespace recollect
