#include "python/objects.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "math/parallel.hpp"
#include "python/errors.hpp"

namespace recollect::python {

Split split_named(const std::string& name) {
  for (const Split split : {Split::kTrain, Split::kValidation, Split::kTest}) {
    if (name == name_of(split)) return split;
  }
  const std::string near = nearest_name(name, {"train", "validation", "test"});
  throw UsageError(fmt::format("split '{}' is unknown; choose one of train, validation, test{}",
                               name,
                               near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
}

int threads_of(int asked) {
  if (asked < 0) throw UsageError(fmt::format("threads = {} must be 0 or more", asked));
  return asked == 0 ? available_cores() : asked;
}

}  // namespace recollect::python
