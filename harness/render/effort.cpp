#include "harness/render/effort.hpp"

#include <fmt/format.h>

#include "harness/store/provenance.hpp"

namespace recollect {

Effort effort_of(const Archive& archive) {
  Effort effort;
  for (const auto& [hash, cell] : archive.cells) {
    effort.builds.insert(fmt::format("{}, {}", cell.status.compiler, cell.status.build));
    effort.versions.insert(cell.status.code_version);
    const auto text = cell.texts.find("provenance.yaml");
    if (text == cell.texts.end()) continue;
    ++effort.timed;
    for (const Provenance& work : parse_provenance(text->second, "provenance.yaml")) {
      effort.processors.insert(work.cpu);
      effort.core_hours += work.wall_seconds * static_cast<double>(work.threads) / 3600.0;
    }
  }
  return effort;
}

std::string hours_text(const Effort& effort) {
  if (effort.timed == 0) return "not known";
  return effort.core_hours < 0.95 ? fmt::format("{:.0f} core minutes", 60.0 * effort.core_hours)
                                  : fmt::format("{:.1f} core hours", effort.core_hours);
}

}  // namespace recollect
