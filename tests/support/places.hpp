#pragma once

#include <filesystem>

namespace recollect {

/// The checkout that the tests were built from.
[[nodiscard]] std::filesystem::path source_folder();

/// The program under test.
[[nodiscard]] std::filesystem::path program();

}  // namespace recollect
