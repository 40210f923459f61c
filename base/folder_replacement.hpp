#pragma once

#include <filesystem>
#include <functional>
#include <string>

namespace recollect {

/// Writes a folder anew as a whole: what stands there stays until all of the new one is written,
/// and is then exchanged for it. A reader finds the old folder or the new one, whatever fails on
/// the way. What a kill leaves behind (".NAME.*.tmp" beside it) goes away the next time.
class FolderReplacement {
 public:
  /// @param folder  need not exist; those above it are made @throws IoError
  explicit FolderReplacement(const std::filesystem::path& folder);
  ~FolderReplacement();
  FolderReplacement(const FolderReplacement&) = delete;
  FolderReplacement& operator=(const FolderReplacement&) = delete;

  /// Where the new files are written.
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return temporary_; }
  /// Copies what the old folder holds and the new one does not, of the names that `wanted` accepts.
  /// @throws IoError
  void carry_over(const std::function<bool(const std::string& name)>& wanted) const;
  /// Puts the new folder in the old one's place. @throws IoError; the old one is there then
  void commit();

 private:
  std::filesystem::path folder_;
  std::filesystem::path temporary_;
};

}  // namespace recollect
