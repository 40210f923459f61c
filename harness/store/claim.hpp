#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace recollect {

/// The right to work on something that several processes share: a file that is locked as long as
/// the claim lives, and names its owner. The lock is the kernel's (flock): a process that dies, in
/// whatever way, holds it no longer, and a claim file that nobody has locked claims nothing. The
/// file goes away with the claim; after a kill it stays behind until the next owner is done.
///
/// Between machines this holds where the file system carries locks from one to the other, as NFS
/// does (Linux 2.6.12 and later, not with local_lock). Where it has no locks, or fails to make one,
/// every claim is granted, and is not exclusive(): work may then be done twice, but as files are
/// written atomically and with the same bytes, nothing is damaged.
class Claim {
 public:
  /// None where it is claimed already, by another process or by this one.
  /// @throws IoError where the file cannot be made
  [[nodiscard]] static std::optional<Claim> try_take(const std::filesystem::path& file);
  /// Waits until it is free. For work that takes moments. @throws IoError
  [[nodiscard]] static Claim take(const std::filesystem::path& file);
  /// Who holds it, "process 12 on host"; "another process" where that cannot be read.
  [[nodiscard]] static std::string owner(const std::filesystem::path& file);

  Claim(Claim&& other) noexcept;
  Claim& operator=(Claim&&) = delete;
  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;
  ~Claim();

  /// False where the file system has no locks.
  [[nodiscard]] bool exclusive() const noexcept { return lock_error_ == 0; }
  /// The system's reason; "" where it is exclusive.
  [[nodiscard]] std::string why_not_exclusive() const;

 private:
  Claim(std::filesystem::path file, int descriptor, int lock_error)
      : file_(std::move(file)), descriptor_(descriptor), lock_error_(lock_error) {}

  std::filesystem::path file_;
  int descriptor_;  // -1: moved from
  int lock_error_;  // of flock(); 0: it is locked
};

/// OUT/claims/HASH: to train and score a cell, to read its files for good.
[[nodiscard]] std::filesystem::path cell_claim(const std::filesystem::path& out,
                                               const std::string& hash);

}  // namespace recollect
