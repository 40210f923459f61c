#pragma once

#include <functional>

namespace recollect {

/// The program `recollect`, for a main() of one's own. It may start the program anew, with the same
/// arguments, so nothing should come before it.
/// @param before  runs first, with errors reported like any other: registers variants and tasks
/// @returns the exit status
int cli_main(int argc, char** argv, const std::function<void()>& before = {});

}  // namespace recollect
