#include "harness/arrays/zip.hpp"

#include <fmt/format.h>
#include <zip.h>

#include <algorithm>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <utility>

#include "base/error.hpp"
#include "base/memory.hpp"
#include "base/text.hpp"

namespace recollect {
namespace {

struct Discard {
  void operator()(zip_t* archive) const { zip_discard(archive); }
  void operator()(zip_file_t* file) const { zip_fclose(file); }
  void operator()(zip_source_t* source) const { zip_source_free(source); }
};
using Archive = std::unique_ptr<zip_t, Discard>;
using EntryReader = std::unique_ptr<zip_file_t, Discard>;
using Source = std::unique_ptr<zip_source_t, Discard>;

/// What libzip says of a failure; the text is its own.
class ZipError {
 public:
  ZipError() noexcept { zip_error_init(&error_); }
  ZipError(const ZipError&) = delete;
  ZipError& operator=(const ZipError&) = delete;
  ~ZipError() { zip_error_fini(&error_); }
  [[nodiscard]] zip_error_t* get() noexcept { return &error_; }
  [[nodiscard]] std::string text() { return zip_error_strerror(&error_); }

 private:
  zip_error_t error_{};
};

/// An archive in memory: `bytes` of them, or a new one. @returns none where it is no archive, with
/// the reason in `error`
Archive open_archive(zip_source_t* source, int flags, ZipError& error) {
  zip_source_keep(source);  // an archive that is opened takes one reference
  Archive archive(zip_open_from_source(source, flags, error.get()));
  if (!archive) zip_source_free(source);
  return archive;
}

/// What writing into memory cannot fail of, but for memory itself.
void expect(bool done) {
  if (!done) throw std::bad_alloc();
}

/// All of an entry that is to have `size` bytes; none where it has fewer or more, or is damaged.
/// Room is made as they come, since a directory may promise what is not there.
/// @param likely  how many there may well be
std::optional<std::string> unpacked(zip_file_t* entry, std::uint64_t size, std::uint64_t likely) {
  constexpr std::uint64_t kFirst = std::uint64_t{1} << 20;
  std::string bytes;
  bytes.reserve(std::min(size, likely));
  while (bytes.size() < size) {
    const std::uint64_t before = bytes.size();
    bytes.resize(std::min(size, std::max(kFirst, 2 * before)));
    const zip_int64_t count = zip_fread(entry, bytes.data() + before, bytes.size() - before);
    if (count <= 0) return std::nullopt;
    bytes.resize(before + static_cast<std::uint64_t>(count));
  }
  // One byte more than there should be: only the end of an entry has its checksum looked at.
  char more = 0;
  if (zip_fread(entry, &more, 1) != 0) return std::nullopt;
  return bytes;
}

}  // namespace

std::string encode_zip(const std::deque<ZipEntry>& entries) {
  constexpr zip_uint16_t kFirstDay = (0U << 9U) | (1U << 5U) | 1U;  // 1980-01-01
  ZipError error;
  const Source source(zip_source_buffer_create(nullptr, 0, 0, error.get()));
  expect(source != nullptr);
  Archive archive = open_archive(source.get(), ZIP_TRUNCATE, error);
  expect(archive != nullptr);
  for (const ZipEntry& entry : entries) {
    zip_source_t* data =
        zip_source_buffer(archive.get(), entry.bytes.data(), entry.bytes.size(), 0);
    expect(data != nullptr);
    const zip_int64_t index =
        zip_file_add(archive.get(), entry.name.c_str(), data, ZIP_FL_ENC_UTF_8);
    if (index < 0) zip_source_free(data);
    expect(index >= 0);
    const auto at = static_cast<zip_uint64_t>(index);
    expect(zip_set_file_compression(archive.get(), at, ZIP_CM_STORE, 0) == 0);
    expect(zip_file_set_dostime(archive.get(), at, 0, kFirstDay, 0) == 0);
  }
  expect(zip_close(archive.get()) == 0);
  (void)archive.release();  // closing has freed it

  expect(zip_source_open(source.get()) == 0);
  expect(zip_source_seek(source.get(), 0, SEEK_END) == 0);
  std::string bytes(static_cast<std::size_t>(zip_source_tell(source.get())), '\0');
  expect(zip_source_seek(source.get(), 0, SEEK_SET) == 0);
  expect(zip_source_read(source.get(), bytes.data(), bytes.size()) ==
         static_cast<zip_int64_t>(bytes.size()));
  zip_source_close(source.get());
  return bytes;
}

std::deque<ZipEntry> parse_zip(std::string_view file, const std::filesystem::path& path,
                               const UnpackLimit& limit) {
  const auto reject = [&](const std::string& what) {
    return IoError(fmt::format("{}: not a valid .npz file: {}", path.string(), what));
  };
  if (file.empty()) throw reject("it is empty");  // an archive without entries, to libzip
  ZipError error;
  const Source source(zip_source_buffer_create(file.data(), file.size(), 0, error.get()));
  expect(source != nullptr);
  const Archive archive = open_archive(source.get(), ZIP_RDONLY, error);
  if (!archive) throw reject(error.text());

  std::deque<ZipEntry> entries;
  std::uint64_t total = 0;
  const zip_int64_t count = zip_get_num_entries(archive.get(), 0);
  for (zip_uint64_t i = 0; i < static_cast<zip_uint64_t>(count); ++i) {
    zip_stat_t stat;
    constexpr zip_uint64_t kNeeded = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_METHOD;
    if (zip_stat_index(archive.get(), i, 0, &stat) != 0 || (stat.valid & kNeeded) != kNeeded) {
      throw reject(zip_strerror(archive.get()));
    }
    const std::string shown = printable(stat.name);
    if (stat.size > limit.bytes - total) {
      const double all = static_cast<double>(total) + static_cast<double>(stat.size);
      throw IoError(fmt::format("{}: with '{}' it has {}, unpacked, more than {}", path.string(),
                                shown, memory_text(all), limit.says));
    }
    // NumPy writes no others, some of which make gigabytes of a few bytes.
    if (stat.comp_method != ZIP_CM_STORE && stat.comp_method != ZIP_CM_DEFLATE) {
      throw IoError(
          fmt::format("{}: '{}' is packed by method {}; only what is stored or deflated "
                      "can be read: write it by numpy.savez or numpy.savez_compressed",
                      path.string(), shown, stat.comp_method));
    }
    total += stat.size;
    const EntryReader reader(zip_fopen_index(archive.get(), i, 0));
    if (!reader) throw reject(fmt::format("'{}': {}", shown, zip_strerror(archive.get())));
    std::optional<std::string> bytes = unpacked(reader.get(), stat.size, file.size());
    if (!bytes) throw reject(fmt::format("'{}' is damaged", shown));
    entries.push_back({stat.name, std::move(*bytes)});
  }
  return entries;
}

}  // namespace recollect
