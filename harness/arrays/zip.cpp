#include "harness/arrays/zip.hpp"

#include <fmt/format.h>
#include <zip.h>

#include <memory>
#include <new>
#include <stdexcept>

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

/// An archive in memory: `bytes` of them, or a new one. @returns none where it is no archive, with
/// the reason in `error`
Archive open_archive(zip_source_t* source, int flags, zip_error_t& error) {
  zip_source_keep(source);  // an archive that is opened takes one reference
  Archive archive(zip_open_from_source(source, flags, &error));
  if (!archive) zip_source_free(source);
  return archive;
}

/// What writing into memory cannot fail of, but for memory itself.
void expect(bool done) {
  if (!done) throw std::bad_alloc();
}

}  // namespace

std::string encode_zip(const std::deque<ZipEntry>& entries) {
  constexpr zip_uint16_t kFirstDay = (0U << 9U) | (1U << 5U) | 1U;  // 1980-01-01
  zip_error_t error;
  zip_error_init(&error);
  const Source source(zip_source_buffer_create(nullptr, 0, 0, &error));
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
                               std::uint64_t limit) {
  const auto reject = [&](const std::string& what) {
    return IoError(fmt::format("{}: not a valid .npz file: {}", path.string(), what));
  };
  if (file.empty()) throw reject("it is empty");  // an archive without entries, to libzip
  zip_error_t error;
  zip_error_init(&error);
  const Source source(zip_source_buffer_create(file.data(), file.size(), 0, &error));
  expect(source != nullptr);
  const Archive archive = open_archive(source.get(), ZIP_RDONLY, error);
  if (!archive) throw reject(zip_error_strerror(&error));

  std::deque<ZipEntry> entries;
  std::uint64_t total = 0;
  const zip_int64_t count = zip_get_num_entries(archive.get(), 0);
  for (zip_uint64_t i = 0; i < static_cast<zip_uint64_t>(count); ++i) {
    zip_stat_t stat;
    constexpr zip_uint64_t kNeeded = ZIP_STAT_NAME | ZIP_STAT_SIZE;
    if (zip_stat_index(archive.get(), i, 0, &stat) != 0 || (stat.valid & kNeeded) != kNeeded) {
      throw reject(zip_strerror(archive.get()));
    }
    const std::string shown = printable(stat.name);
    if (stat.size > limit - total) {
      throw IoError(fmt::format("{}: '{}' has {}, unpacked, more than the {} that are read",
                                path.string(), shown, memory_text(static_cast<double>(stat.size)),
                                memory_text(static_cast<double>(limit))));
    }
    total += stat.size;
    const EntryReader reader(zip_fopen_index(archive.get(), i, 0));
    if (!reader) throw reject(fmt::format("'{}': {}", shown, zip_strerror(archive.get())));
    ZipEntry& entry = entries.emplace_back();
    entry.name = stat.name;
    entry.bytes.resize(stat.size);
    // One byte more than there should be: only the end of an entry has its checksum looked at.
    char more = 0;
    if (zip_fread(reader.get(), entry.bytes.data(), stat.size) !=
            static_cast<zip_int64_t>(stat.size) ||
        zip_fread(reader.get(), &more, 1) != 0) {
      throw reject(fmt::format("'{}' is damaged", shown));
    }
  }
  return entries;
}

}  // namespace recollect
