#pragma once

#include <span>
#include <vector>

#include "base/registry.hpp"

namespace recollect {

/// A registry that begins with a table of ours; a program of one's own may add to it.
template <class Settings>
class GrowingRegistry {
 public:
  using Entry = RegistryEntry<Settings>;

  explicit GrowingRegistry(std::span<const Entry> table)
      : entries_(table.begin(), table.end()), all_(entries_) {}
  GrowingRegistry(const GrowingRegistry&) = delete;
  GrowingRegistry& operator=(const GrowingRegistry&) = delete;

  [[nodiscard]] const Registry<Settings>& all() const noexcept { return all_; }

  /// Pointers to entries end. @returns false, and nothing is added, where the name is taken
  [[nodiscard]] bool add(const Entry& entry) {
    if (all_.find(entry.name) != nullptr) return false;
    entries_.push_back(entry);
    all_ = Registry<Settings>(entries_);
    return true;
  }

 private:
  std::vector<Entry> entries_;
  Registry<Settings> all_;
};

}  // namespace recollect
