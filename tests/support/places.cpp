#include "tests/support/places.hpp"

namespace recollect {

std::filesystem::path source_folder() { return RECOLLECT_SOURCE_DIR; }

std::filesystem::path program() { return RECOLLECT_BINARY; }

}  // namespace recollect
