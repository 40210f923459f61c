#include "base/control_groups.hpp"

#include <fstream>
#include <string>

namespace recollect {
namespace {

namespace fs = std::filesystem;

/// Whether a name stands in a list that commas separate, "cpu,cpuacct".
bool lists(std::string_view names, std::string_view name) {
  while (!names.empty()) {
    const std::size_t comma = names.find(',');
    if (names.substr(0, comma) == name) return true;
    names.remove_prefix(comma == std::string_view::npos ? names.size() : comma + 1);
  }
  return false;
}

}  // namespace

void for_each_control_group(const fs::path& root, std::string_view controller,
                            const std::function<void(const fs::path&, int)>& visit) {
  const auto climb = [&](const fs::path& mount, const std::string& group, int version) {
    fs::path folder = (mount / fs::path(group).relative_path()).lexically_normal();
    while (true) {
      visit(folder, version);
      if (folder == mount || !folder.has_relative_path()) return;
      folder = folder.parent_path();
    }
  };
  const fs::path mount = root / "sys/fs/cgroup";
  std::ifstream in(root / "proc/self/cgroup");
  for (std::string line; std::getline(in, line);) {  // number:controllers:path
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string group = line.substr(second + 1);
    if (controllers.empty()) climb(mount, group, 2);
    if (lists(controllers, controller)) climb(mount / controller, group, 1);
  }
}

std::optional<double> number_in(const fs::path& file) {
  std::ifstream in(file);
  double value = 0.0;
  if (in >> value) return value;
  return std::nullopt;
}

}  // namespace recollect
