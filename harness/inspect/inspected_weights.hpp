#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "harness/inspect/inspection.hpp"
#include "harness/store/archive.hpp"

namespace recollect {

/// What weights that archives keep show when `recollect inspect` looks at them with its defaults.
class InspectedWeights {
 public:
  InspectedWeights();
  ~InspectedWeights();

  /// Of weights/LABEL.safetensors; computed once. @throws IoError where the archive has none
  [[nodiscard]] const Inspection& of(const Archive& archive, const std::string& label);

 private:
  struct Entry;
  std::map<std::pair<std::string, std::string>, std::unique_ptr<Entry>> entries_;
};

}  // namespace recollect
