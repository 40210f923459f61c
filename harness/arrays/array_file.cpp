#include "harness/arrays/array_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <system_error>
#include <utility>
#include <variant>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/folder_replacement.hpp"
#include "base/memory.hpp"
#include "base/text.hpp"
#include "harness/arrays/npy.hpp"
#include "harness/arrays/safetensors_format.hpp"

namespace recollect {
namespace {

constexpr const char* kNpy = ".npy";
constexpr const char* kSettings = "settings";
constexpr const char* kSettingsFile = "settings.yaml";

enum class Form { kSafetensors, kNpz, kFolder };

Form form_of(const std::filesystem::path& path) {
  const std::filesystem::path suffix = path.extension();
  if (suffix == ".safetensors") return Form::kSafetensors;
  if (suffix == ".npz") return Form::kNpz;
  return Form::kFolder;
}

void add_npy(ArrayFile& file, const std::string& name, const std::string& where) {
  std::variant<ArrayView, std::string> parsed = parse_npy(file.held.back(), name, where);
  if (auto* array = std::get_if<ArrayView>(&parsed)) {
    file.arrays.push_back(std::move(*array));
  } else {
    file.texts[name] = std::move(std::get<std::string>(parsed));
  }
}

ArrayFile read_safetensors_file(const std::filesystem::path& path) {
  ArrayFile file;
  file.held.push_back(read_file(path));
  Safetensors parsed = parse_safetensors_bytes(file.held.back(), path, TensorTypes::kAll);
  file.arrays = std::move(parsed.tensors);
  file.texts = std::move(parsed.metadata);
  return file;
}

/// At most the size of the largest file, or the available memory where that is less.
UnpackLimit unpack_limit() {
  const AvailableMemory memory = available_memory();
  const auto largest = static_cast<double>(kLargestFile);
  if (memory.bytes >= largest) {
    return {kLargestFile, fmt::format("the {} of the largest file", memory_text(largest))};
  }
  return {static_cast<std::uint64_t>(std::max(memory.bytes, 0.0)),
          fmt::format("the {} of {}", memory_text(memory.bytes), memory.bound_by)};
}

ArrayFile read_npz(const std::filesystem::path& path) {
  const std::string bytes = read_file(path);
  return parse_npz(bytes, path, unpack_limit());
}

ArrayFile read_folder(const std::filesystem::path& path) {
  std::error_code error;
  std::vector<std::filesystem::path> files;
  for (std::filesystem::directory_iterator entry(path, error), end; entry != end && !error;
       entry.increment(error)) {
    if (entry->path().extension() == kNpy) files.push_back(entry->path());
  }
  if (error) throw IoError(fmt::format("cannot read {}: {}", path.string(), error.message()));
  std::sort(files.begin(), files.end());
  ArrayFile file;
  for (const std::filesystem::path& npy : files) {
    file.held.push_back(read_file(npy));
    add_npy(file, npy.stem().string(), npy.string());
  }
  if (file_exists(path / kSettingsFile)) {
    file.texts[kSettings] = read_file(path / kSettingsFile, kLargestText, "settings file");
  }
  return file;
}

/// Names that were read from a file may be any.
void check_file_name(const std::string& name, const std::filesystem::path& folder) {
  if (!name.empty() && name.find_first_of(std::string_view("/\0", 2)) == std::string::npos) return;
  throw IoError(fmt::format(
      "{}: '{}' cannot be the name of a file in a folder; write a .npz or .safetensors file",
      folder.string(), printable(name)));
}

void write_folder(const std::filesystem::path& path, const std::vector<ArrayView>& arrays,
                  const Metadata& texts) {
  for (const ArrayView& array : arrays) check_file_name(array.name, path);
  for (const auto& [name, text] : texts) check_file_name(name, path);
  FolderReplacement folder(path);
  for (const ArrayView& array : arrays) {
    write_file_atomically(folder.path() / (array.name + kNpy), encode_npy(array));
  }
  for (const auto& [name, text] : texts) {
    const bool settings = name == kSettings;
    write_file_atomically(folder.path() / (settings ? kSettingsFile : name + kNpy),
                          settings ? text : encode_npy_text(text));
  }
  folder.commit();
}

}  // namespace

const ArrayView* ArrayFile::find(std::string_view name) const noexcept {
  const auto found = std::find_if(arrays.begin(), arrays.end(),
                                  [&](const ArrayView& array) { return array.name == name; });
  return found == arrays.end() ? nullptr : &*found;
}

ArrayFile read_arrays(const std::filesystem::path& path) {
  std::error_code ignored;
  ArrayFile file;
  if (std::filesystem::is_directory(path, ignored)) {
    file = read_folder(path);
  } else if (form_of(path) == Form::kFolder && std::filesystem::exists(path, ignored)) {
    throw IoError(fmt::format("{} is neither .safetensors nor .npz nor a folder of .npy files",
                              path.string()));
  } else {
    file = form_of(path) == Form::kNpz ? read_npz(path) : read_safetensors_file(path);
  }
  std::sort(file.arrays.begin(), file.arrays.end(),
            [](const ArrayView& a, const ArrayView& b) { return a.name < b.name; });
  return file;
}

ArrayFile parse_npz(std::string_view bytes, const std::filesystem::path& path,
                    const UnpackLimit& limit) {
  ArrayFile file;
  std::set<std::string> names;
  for (ZipEntry& entry : parse_zip(bytes, path, limit)) {
    std::string name = entry.name;
    if (!name.ends_with(kNpy)) {
      throw IoError(fmt::format("{}: '{}' is no .npy file", path.string(), printable(name)));
    }
    name.resize(name.size() - std::string_view(kNpy).size());
    if (!names.insert(name).second) {
      throw IoError(fmt::format("{}: '{}' is there twice", path.string(), printable(name)));
    }
    file.held.push_back(std::move(entry.bytes));
    add_npy(file, name, fmt::format("{}: '{}'", path.string(), printable(name)));
  }
  return file;
}

void check_array_place(const std::filesystem::path& path) {
  const std::string name = path.string();
  std::error_code error;
  const bool folder = std::filesystem::is_directory(path, error);
  if (form_of(path) != Form::kFolder) {
    if (folder) throw IoError(fmt::format("{} is a folder; give the name of a file", name));
    check_folder(path.has_parent_path() ? path.parent_path() : ".");
    return;
  }
  if (path.extension() == kNpy) {
    throw IoError(
        fmt::format("{}: one .npy file holds one array; give a name that ends in .npz or "
                    ".safetensors, or a folder",
                    name));
  }
  if (!folder) {
    if (std::filesystem::exists(path, error)) {
      throw IoError(
          fmt::format("{} is a file, and no name of a .safetensors or .npz file; give "
                      "one of these, or a new folder",
                      name));
    }
    check_folder(path);
    return;
  }
  for (std::filesystem::directory_iterator entry(path, error), end; entry != end && !error;
       entry.increment(error)) {
    const std::filesystem::path other = entry->path();
    if (other.extension() == kNpy || other.filename() == kSettingsFile) continue;
    throw IoError(
        fmt::format("{} holds {}, which is no array, and would be replaced as a whole; "
                    "give another folder",
                    name, printable(other.filename().string())));
  }
  if (error) throw IoError(fmt::format("cannot read {}: {}", name, error.message()));
}

void write_arrays(const std::filesystem::path& path, const std::vector<ArrayView>& arrays,
                  const Metadata& texts) {
  check_array_place(path);
  if (path.has_parent_path()) make_folder(path.parent_path());
  if (form_of(path) == Form::kFolder) return write_folder(path, arrays, texts);
  if (form_of(path) == Form::kSafetensors) {
    return write_file_atomically(path, encode_safetensors_bytes(arrays, texts));
  }
  std::deque<ZipEntry> entries;
  for (const ArrayView& array : arrays) {
    entries.push_back({array.name + kNpy, encode_npy(array)});
  }
  for (const auto& [name, text] : texts) {
    entries.push_back({name + kNpy, encode_npy_text(text)});
  }
  write_file_atomically(path, encode_zip(entries));
}

}  // namespace recollect
