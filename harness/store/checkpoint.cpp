#include "harness/store/checkpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <span>
#include <system_error>

#include "base/build_info.hpp"
#include "base/error.hpp"
#include "base/fields.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/text.hpp"
#include "harness/config/settings.hpp"
#include "harness/store/safetensors.hpp"

namespace recollect {
namespace {

// The checksum is taken with its own digits at 0, and put in their place then.
constexpr std::string_view kChecksumKey = "\"checksum\":\"";
constexpr std::string_view kNoChecksum = "0000000000000000";

[[noreturn]] void reject(const std::filesystem::path& path, const std::string& what) {
  throw IoError(fmt::format("{}: not a valid training state: {}", path.string(), what));
}

/// Where the digits of the checksum are; npos where there is no room for any.
std::size_t place_of_checksum(std::string_view file) {
  const std::size_t key = file.find(kChecksumKey);
  if (key == std::string_view::npos) return key;
  const std::size_t place = key + kChecksumKey.size();
  return file.size() - place < kNoChecksum.size() ? std::string_view::npos : place;
}

void check_checksum(std::string_view file, const std::filesystem::path& path) {
  const std::size_t place = place_of_checksum(file);
  if (place == std::string_view::npos) reject(path, "it has no checksum; truncated or damaged");
  std::string without(file);
  without.replace(place, kNoChecksum.size(), kNoChecksum);
  if (hex(hash_text(without)) != file.substr(place, kNoChecksum.size())) {
    reject(path, "its checksum does not fit its bytes; truncated or damaged");
  }
}

std::string history_text(const std::vector<HistoryRow>& history) {
  std::string text;
  for (const HistoryRow& row : history) {
    text += fmt::format("{} {} {} {} {} {}", row.step, shortest(row.loss),
                        shortest(row.gradient_norm), shortest(row.learning_rate),
                        shortest(row.validation_accuracy), shortest(row.validation_exact_match));
    if (row.validation_loss) text += fmt::format(" {}", shortest(*row.validation_loss));
    for (const double accuracy : row.component_accuracies) {
      text += fmt::format(",{}", shortest(accuracy));
    }
    text += '\n';
  }
  return text;
}

/// Reads the metadata of a state; the file's checksum has been found right.
class MetadataReader {
 public:
  MetadataReader(const Metadata& metadata, const std::filesystem::path& path)
      : metadata_(metadata), path_(path) {}

  [[nodiscard]] const std::string& text(const std::string& key) const {
    const auto found = metadata_.find(key);
    if (found == metadata_.end()) reject(path_, fmt::format("metadata '{}' is missing", key));
    return found->second;
  }

  template <class Number>
  [[nodiscard]] Number number(const std::string& key) const {
    std::string_view rest = text(key);
    const auto value = take<Number>(rest, key);
    if (!rest.empty()) reject_number(key);
    return value;
  }

  [[nodiscard]] std::vector<HistoryRow> history() const {
    const std::string key = "history";
    std::vector<HistoryRow> rows;
    for (std::string_view rest = text(key); !rest.empty();) {
      HistoryRow& row = rows.emplace_back();
      row.step = take<std::int64_t>(rest, key);
      for (double* value : {&row.loss, &row.gradient_norm, &row.learning_rate,
                            &row.validation_accuracy, &row.validation_exact_match}) {
        skip(rest, ' ', key);
        *value = take<double>(rest, key);
      }
      if (rest.starts_with(' ')) {  // selected by loss
        skip(rest, ' ', key);
        row.validation_loss = take<double>(rest, key);
      }
      while (rest.starts_with(',')) {  // of a mixture
        skip(rest, ',', key);
        row.component_accuracies.push_back(take<double>(rest, key));
      }
      skip(rest, '\n', key);
    }
    return rows;
  }

 private:
  [[noreturn]] void reject_number(const std::string& key) const {
    reject(path_, fmt::format("metadata '{}' does not hold what it should", key));
  }

  template <class Number>
  Number take(std::string_view& rest, const std::string& key) const {
    Number value{};
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    if (error != std::errc{}) reject_number(key);
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    return value;
  }

  void skip(std::string_view& rest, char expected, const std::string& key) const {
    if (!rest.starts_with(expected)) reject_number(key);
    rest.remove_prefix(1);
  }

  const Metadata& metadata_;
  const std::filesystem::path& path_;
};

struct Part {
  std::string_view prefix;
  std::span<const float> numbers;
};

std::vector<TensorView> tensors_of(const ParameterLayout& layout, std::span<const Part> parts) {
  std::vector<TensorView> tensors;
  for (const Part& part : parts) {
    if (part.numbers.empty()) continue;  // no best weights yet
    for (const ParameterInfo& info : layout.all()) {
      tensors.push_back({fmt::format("{}/{}", part.prefix, info.name), shape_of(info),
                         part.numbers.subspan(static_cast<std::size_t>(info.tensor.offset),
                                              static_cast<std::size_t>(info.tensor.size()))});
    }
  }
  return tensors;
}

/// Puts the tensors of `file` where they belong. Names are unique within a file.
void fill_arrays(const WeightsFile& file, const std::filesystem::path& path,
                 const ParameterLayout& layout, TrainState& state, bool with_best) {
  const std::pair<std::string_view, std::vector<float>*> parts[] = {
      {"weights", &state.weights},
      {"first_moment", &state.first_moment},
      {"second_moment", &state.second_moment},
      {"best", &state.progress.best_weights}};
  std::size_t expected = 0;
  for (const auto& [prefix, numbers] : parts) {
    if (numbers == &state.progress.best_weights && !with_best) continue;
    numbers->resize(static_cast<std::size_t>(layout.size()));
    expected += layout.all().size();
  }
  if (file.tensors.size() != expected) {
    reject(path,
           fmt::format("it has {} tensors, but this cell needs {}", file.tensors.size(), expected));
  }
  for (const NamedTensor& tensor : file.tensors) {
    const std::size_t slash = std::min(tensor.name.find('/'), tensor.name.size() - 1);
    const auto part = std::find_if(std::begin(parts), std::end(parts), [&](const auto& each) {
      return each.first == tensor.name.substr(0, slash);
    });
    const ParameterInfo* info = layout.find(tensor.name.substr(slash + 1));
    if (part == std::end(parts) || part->second->empty() || info == nullptr ||
        shape_of(*info) != tensor.shape) {
      reject(path, fmt::format("tensor '{}' is not one of this cell's", printable(tensor.name)));
    }
    std::copy(tensor.data.begin(), tensor.data.end(), part->second->begin() + info->tensor.offset);
  }
}

}  // namespace

StateIdentity identity_of_this_build(const std::string& cell_hash) {
  return {cell_hash, kNumericsVersion, std::string(code_version()), std::string(compiler()),
          std::string(build())};
}

std::string encode_state(const TrainStateView& state, const StateIdentity& identity,
                         const ParameterLayout& layout) {
  const TrainProgress& progress = state.progress;
  const Metadata metadata = {
      {"format_version", std::to_string(kStateFormatVersion)},
      {"cell", identity.cell},
      {"numerics_version", std::to_string(identity.numerics_version)},
      {"code_version", identity.code_version},
      {"compiler", identity.compiler},
      {"build", identity.build},
      {"step", std::to_string(progress.step)},
      {"gradient_norm", shortest(progress.gradient_norm)},
      {"loss_since", shortest(progress.loss_since)},
      {"steps_since", std::to_string(progress.steps_since)},
      {"best_value", shortest(progress.best_value)},
      {"best_step", std::to_string(progress.best_step)},
      {"solved_step", progress.solved_step ? std::to_string(*progress.solved_step) : "none"},
      {"history", history_text(progress.history)},
      {"checksum", std::string(kNoChecksum)}};
  const Part parts[] = {{"weights", state.weights},
                        {"first_moment", state.first_moment},
                        {"second_moment", state.second_moment},
                        {"best", progress.best_weights}};
  std::string file = encode_safetensors(tensors_of(layout, parts), metadata);
  const std::string checksum = hex(hash_text(file));
  file.replace(place_of_checksum(file), checksum.size(), checksum);
  return file;
}

TrainState decode_state(std::string_view file, const std::filesystem::path& path,
                        const std::string& cell, const ParameterLayout& layout,
                        StateIdentity& written_by) {
  check_checksum(file, path);
  const WeightsFile parsed = parse_safetensors(file, path);
  const MetadataReader read(parsed.metadata, path);
  if (const auto version = read.number<int>("format_version"); version != kStateFormatVersion) {
    reject(path, fmt::format("format version {}, but this program reads {}", version,
                             kStateFormatVersion));
  }
  written_by = {read.text("cell"), read.number<int>("numerics_version"), read.text("code_version"),
                read.text("compiler"), read.text("build")};
  if (written_by.cell != cell) {
    reject(path, fmt::format("it is of cell {}, not of {}", printable(written_by.cell), cell));
  }
  TrainState state;
  TrainProgress& progress = state.progress;
  progress.step = read.number<std::int64_t>("step");
  progress.gradient_norm = read.number<double>("gradient_norm");
  progress.loss_since = read.number<double>("loss_since");
  progress.steps_since = read.number<std::int64_t>("steps_since");
  progress.best_value = read.number<double>("best_value");
  progress.best_step = read.number<std::int64_t>("best_step");
  if (read.text("solved_step") != "none") {
    progress.solved_step = read.number<std::int64_t>("solved_step");
  }
  progress.history = read.history();
  fill_arrays(parsed, path, layout, state, progress.best_step > 0);
  return state;
}

Checkpoints::Checkpoints(std::filesystem::path folder, StateIdentity identity,
                         CheckpointInterval interval)
    : newest_(folder / "state.safetensors"),
      previous_(folder / "state.previous.safetensors"),
      identity_(std::move(identity)),
      interval_(interval) {}

Checkpoints::Found Checkpoints::load(const ParameterLayout& layout) {
  Found found;
  for (const std::filesystem::path* path : {&newest_, &previous_}) {
    if (!file_exists(*path)) continue;  // e.g. killed between the two steps of save()
    try {
      StateIdentity by;
      TrainState state = decode_state(read_file(*path), *path, identity_.cell, layout, by);
      if (by.code_version != identity_.code_version || by.compiler != identity_.compiler ||
          by.build != identity_.build || by.numerics_version != identity_.numerics_version) {
        found.notes.push_back(fmt::format(
            "{}: step {} of another build: {} ({}, {}); training the cell from the start",
            path->string(), state.progress.step, by.code_version, by.compiler, by.build));
        return found;
      }
      if (!found.notes.empty()) {
        found.notes.back() += fmt::format("; going on from {}, step {}",
                                          previous_.filename().string(), state.progress.step);
      }
      found.state = std::move(state);
      return found;
    } catch (const IoError& error) {
      found.notes.push_back(one_line(error.what()));
      if (path == &newest_) newest_is_damaged_ = true;
    }
  }
  if (!found.notes.empty()) found.notes.back() += "; training the cell from the start";
  return found;
}

bool Checkpoints::due(std::int64_t step) const {
  if (interval_.steps > 0 && step % interval_.steps == 0) return true;
  return interval_.seconds > 0.0 &&
         Clock::now() - last_save_ >= std::chrono::duration<double>(interval_.seconds);
}

void Checkpoints::save(const TrainStateView& state, const ParameterLayout& layout) {
  if (!newest_is_damaged_ && file_exists(newest_)) {
    std::error_code error;
    std::filesystem::rename(newest_, previous_, error);
    if (error) {
      throw IoError(fmt::format("cannot rename {}: {}", newest_.string(), error.message()));
    }
  }
  write_file_atomically(newest_, encode_state(state, identity_, layout));
  newest_is_damaged_ = false;
  last_save_ = Clock::now();
}

void Checkpoints::remove() const {
  // The previous one last: a state without its successor is what a kill inside save() leaves.
  remove_file(newest_);
  remove_file(previous_);
}

}  // namespace recollect
