#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tasks/example_arrays.hpp"
#include "tasks/task.hpp"

namespace recollect {

/// Anyone's examples, from files: example i of a split is row i of its file. The seeds decide their
/// order and the weights alone.
///   chance   1 / V: any id, without a look
///   tags     those that all three files have
/// What a split is, is a text PATH@DIGEST; a configuration may leave @DIGEST out, and the loader
/// fills it in with the absolute path (harness/config/pinned_files.hpp). The digest alone is part
/// of a cell's identity and of tables, as "xxh3-DIGEST".
class ExamplesSettings final : public TaskSettings {
 public:
  /// Texts by Split: PATH@DIGEST.
  std::array<std::string, 3> files;
  std::int64_t vocab = 0;  ///< 0 until the files are read: their largest id or label plus 1

  /// By Split; none where results are read without the files.
  std::array<std::shared_ptr<const ExampleArrays>, 3> data;

  [[nodiscard]] std::string_view name() const noexcept override { return "examples"; }
  [[nodiscard]] Names tags() const noexcept override { return tag_names_; }
  [[nodiscard]] Fields fields() override;
  void validate() const override;
  [[nodiscard]] std::unique_ptr<TaskSettings> clone() const override;
  [[nodiscard]] std::unique_ptr<Task> make() const override;

  /// Takes the examples of a split. Once all three are there: length and vocabulary where they are
  /// not given, and the tags. @throws IoError where their lengths differ or an id is too large
  void take(Split split, std::shared_ptr<const ExampleArrays> examples);

 private:
  void look_at_data();

  std::vector<std::string_view> tag_names_;  // of the first file's arrays, which live with `data`
};

}  // namespace recollect
