#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string_view>

namespace recollect {

/// Calls visit(folder, version) for the control group of this process and for every one around it,
/// whose files hold the limits of a controller ("memory", "cpu"): version 2 of Linux's control
/// groups, or 1. Inside a container the group's path may be the host's: folders may not be there.
/// @param root  where /proc and /sys are found
void for_each_control_group(
    const std::filesystem::path& root, std::string_view controller,
    const std::function<void(const std::filesystem::path& folder, int version)>& visit);

/// The number in a file that holds nothing else; none where it says "max" or is not there.
[[nodiscard]] std::optional<double> number_in(const std::filesystem::path& file);

}  // namespace recollect
