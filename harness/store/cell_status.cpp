#include "harness/store/cell_status.hpp"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/build_info.hpp"
#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/text.hpp"
#include "harness/config/settings.hpp"
#include "harness/config/yaml_tree.hpp"

namespace recollect {
namespace {

constexpr std::array kEndings{Ending::kFinished, Ending::kDiverged, Ending::kFailed};
constexpr const char* kEnding = "status";
constexpr const char* kFiles = "files";
constexpr const char* kDigest = "digest";

Column<CellStatus> integer(std::string name, std::int64_t CellStatus::*member) {
  return {
      std::move(name), [member](const CellStatus& status) { return Value(status.*member); },
      [member](CellStatus& status, const std::string& text) { status.*member = to_integer(text); }};
}

Column<CellStatus> words(std::string name, std::string CellStatus::*member) {
  return {std::move(name), [member](const CellStatus& status) { return Value(status.*member); },
          [member](CellStatus& status, const std::string& text) { status.*member = text; }};
}

void read_ending(CellStatus& status, const std::string& text) {
  const std::optional<Ending> ending = ending_of(text);
  if (!ending) throw IoError(fmt::format("unknown status '{}'", printable(text)));
  status.ending = *ending;
}

void read_solved_step(CellStatus& status, const std::string& text) {
  status.solved_step = text.empty() ? std::nullopt : std::optional<std::int64_t>(to_integer(text));
}

void read_version(CellStatus& status, const std::string& text) {
  const std::int64_t version = to_integer(text);
  if (!std::in_range<int>(version)) throw IoError(fmt::format("numerics version {}", version));
  status.numerics_version = static_cast<int>(version);
}

/// The last line of a status: the digest of all lines above it.
std::string digest_line(std::string_view above) {
  return fmt::format("{}: \"{}\"\n", kDigest, hex(hash_text(above)));
}

/// None of an earlier version.
FileDigests read_files(const YamlValue* files) {
  FileDigests digests;
  if (files == nullptr) return digests;
  if (files->kind != YamlValue::Kind::kMap) throw IoError("its 'files' are no map");
  for (const YamlEntry& entry : files->entries) {
    if (entry.value.kind != YamlValue::Kind::kScalar) {
      throw IoError(fmt::format("the digest of '{}' is no text", printable(entry.key)));
    }
    digests[entry.key] = entry.value.text;
  }
  return digests;
}

}  // namespace

std::string name_of(Ending ending) {
  switch (ending) {
    case Ending::kFinished:
      return "finished";
    case Ending::kDiverged:
      return "diverged";
    case Ending::kFailed:
      return "failed";
  }
  return {};
}

std::optional<Ending> ending_of(std::string_view name) {
  const auto found = std::find_if(kEndings.begin(), kEndings.end(),
                                  [&](Ending ending) { return name_of(ending) == name; });
  return found == kEndings.end() ? std::nullopt : std::optional(*found);
}

CellStatus status_of_this_build() {
  CellStatus status;
  status.numerics_version = kNumericsVersion;
  status.code_version = code_version();
  status.compiler = compiler();
  status.build = build();
  return status;
}

const std::vector<Column<CellStatus>>& status_columns() {
  using Status = CellStatus;
  static const std::vector<Column<Status>> columns = {
      {kEnding, [](const Status& status) { return Value(name_of(status.ending)); }, read_ending},
      words("reason", &Status::reason),
      integer("steps", &Status::steps),
      {"solved_step", [](const Status& status) { return value_of(status.solved_step); },
       read_solved_step},
      integer("best_step", &Status::best_step),
      integer("parameters", &Status::parameters),
      {"training_flops", [](const Status& status) { return Value(status.training_flops); },
       [](Status& status, const std::string& text) { status.training_flops = to_real(text); }},
      integer("state_floats", &Status::state_floats),
      integer("state_floats_peak", &Status::state_floats_peak),
      {"numerics_version",
       [](const Status& status) { return Value(std::int64_t{status.numerics_version}); },
       read_version},
      words("code_version", &Status::code_version),
      words("compiler", &Status::compiler),
      words("build", &Status::build)};
  return columns;
}

std::string status_text(const CellStatus& status) {
  YAML::Emitter out;
  out << YAML::BeginMap;
  for (const Column<CellStatus>& column : status_columns()) {
    const Value value = column.value(status);
    out << YAML::Key << column.name << YAML::Value;
    if (std::holds_alternative<std::monostate>(value)) {
      out << YAML::Null;
    } else {
      if (std::holds_alternative<std::string>(value) && column.name != kEnding) {
        out << YAML::DoubleQuoted;
      }
      out << csv_text(value);
    }
  }
  if (!status.files.empty()) {
    out << YAML::Key << kFiles << YAML::Value << YAML::BeginMap;
    for (const auto& [name, digest] : status.files) {
      out << YAML::Key << name << YAML::Value << YAML::DoubleQuoted << digest;
    }
    out << YAML::EndMap;
  }
  out << YAML::EndMap;
  std::string text = out.c_str();
  text += '\n';
  // An earlier version's status has no digests, and none of itself.
  if (!status.files.empty()) text += digest_line(text);
  return text;
}

CellStatus parse_status(const std::string& yaml, const std::string& name) {
  try {
    const YamlValue root = parse_yaml(yaml, name);
    CellStatus status;
    for (const Column<CellStatus>& column : status_columns()) {
      const YamlValue* value = root.find(column.name);
      // Only a run that solved its task has that step.
      if (column.name == "solved_step" && value != nullptr &&
          value->kind == YamlValue::Kind::kNull) {
        continue;
      }
      if (value == nullptr || value->kind != YamlValue::Kind::kScalar) {
        throw IoError(fmt::format("it lacks '{}'", column.name));
      }
      // An empty text is no step, and to_integer() says so.
      if (column.name == "solved_step") (void)to_integer(value->text);
      column.read(status, value->text);
    }
    for (const YamlEntry& entry : root.entries) {
      const bool known = entry.key == kFiles || entry.key == kDigest ||
                         std::any_of(status_columns().begin(), status_columns().end(),
                                     [&](const auto& column) { return column.name == entry.key; });
      if (!known) throw IoError(fmt::format("unknown key '{}'", printable(entry.key)));
    }
    status.files = read_files(root.find(kFiles));
    if (root.find(kDigest) != nullptr) {
      const std::size_t end = yaml.rfind(fmt::format("\n{}:", kDigest));
      if (end == std::string::npos ||
          yaml.substr(end + 1) != digest_line(yaml.substr(0, end + 1))) {
        throw IoError("it was changed after it was written: its digest is another one");
      }
    }
    return status;
  } catch (const ConfigError& error) {  // it names the file and the line
    throw IoError(error.what());
  } catch (const std::exception& error) {
    throw IoError(fmt::format("{}: not a status file: {}", name, error.what()));
  }
}

}  // namespace recollect
