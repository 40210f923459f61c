#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>

#include "base/error.hpp"
#include "harness/config/read_field.hpp"

namespace recollect {

/// Puts file, line and section in front of a rule between options that does not hold.
class Reporter {
 public:
  /// @param combination  what stands behind each message: the combination of the grid, or ""
  Reporter(const PlaceMap& places, std::string combination)
      : places_(places), combination_(std::move(combination)) {}

  /// Runs `check`; a FieldError's key follows `prefix`, unless `prefix` is empty.
  template <class Check>
  void operator()(const std::string& prefix, const Check& check) const {
    try {
      check();
    } catch (const FieldError& error) {
      const std::string key = prefix + error.key();
      throw ConfigError(fmt::format("{}: {} {}{}", place(key), key, error.detail(), combination_));
    }
  }

  /// Where the option stands; else its section; else the head of the file.
  [[nodiscard]] const std::string& place(const std::string& key) const {
    for (const std::string& where : {key, key.substr(0, key.find('.')), std::string()}) {
      const auto found = places_.find(where);
      if (found != places_.end()) return found->second;
    }
    return places_.begin()->second;
  }

 private:
  const PlaceMap& places_;
  std::string combination_;
};

}  // namespace recollect
