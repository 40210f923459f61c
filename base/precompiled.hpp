#pragma once

// What nearly every source reads, parsed once a build (CMake's target_precompile_headers). A source
// still includes all that it uses: the build without this file must work as well.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
