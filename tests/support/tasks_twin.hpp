#pragma once

#include <string>

#include "tasks/batch.hpp"
#include "tasks/mqar.hpp"
#include "tasks/selective_copying.hpp"
#include "tasks/task.hpp"

namespace recollect::twin {

/// Brute-force twins of the tasks: they share no code with the generators. Each reads the ids
/// alone, works out from the definition what positions, labels, tags and ceilings must be, and
/// compares. Power-law queries among random filler cannot be told from filler, so there, and only
/// there, the positions are taken from the example and checked to be K different slots that ask
/// each key once.
/// @returns "" for a valid example, else what is wrong with it
[[nodiscard]] std::string mqar_fault(const MqarSettings& settings, const Example& example,
                                     const Ceilings& ceilings);
/// `settings` resolved.
[[nodiscard]] std::string copying_fault(const SelectiveCopyingSettings& settings,
                                        const Example& example, const Ceilings& ceilings);

}  // namespace recollect::twin
