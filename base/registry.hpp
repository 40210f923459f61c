#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace recollect {

/// One line of the table of tasks or of variants: what `recollect list` prints, and its settings at
/// their defaults.
template <class Settings>
struct RegistryEntry {
  std::string_view name;
  std::string_view description;
  std::unique_ptr<Settings> (*settings)();
};

/// Everything of a kind that a configuration can name, in the order in which it is listed.
template <class Settings>
class Registry {
 public:
  using Entry = RegistryEntry<Settings>;

  explicit Registry(std::span<const Entry> entries) : entries_(entries) {}

  [[nodiscard]] auto begin() const noexcept { return entries_.begin(); }
  [[nodiscard]] auto end() const noexcept { return entries_.end(); }
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

  /// @returns null where nothing has that name
  [[nodiscard]] const Entry* find(std::string_view name) const noexcept {
    for (const Entry& entry : entries_) {
      if (entry.name == name) return &entry;
    }
    return nullptr;
  }
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const Entry& entry : entries_) all.emplace_back(entry.name);
    return all;
  }

 private:
  std::span<const Entry> entries_;
};

}  // namespace recollect
