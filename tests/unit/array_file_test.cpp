// Arrays in files: the same come back from all three forms, and what is damaged is refused.
#include "harness/arrays/array_file.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "harness/arrays/example_file.hpp"
#include "harness/arrays/npy.hpp"
#include "harness/arrays/zip.hpp"
#include "tests/support/config_errors.hpp"
#include "tests/support/places.hpp"
#include "tests/support/temporary_folder.hpp"

namespace recollect {
namespace {

const std::vector<std::int32_t> kIds = {1, 2, 3, 4, 5, 6};
const std::vector<float> kNumbers = {0.5F, -1.0F, 3.0F};

std::vector<ArrayView> some_arrays() {
  return {{"ids", NumberType::kInt32, {2, 3}, bytes_of(std::span(kIds))},
          {"x", NumberType::kFloat32, {3}, bytes_of(std::span(kNumbers))}};
}

std::string refusal(const std::filesystem::path& path) {
  try {
    (void)read_arrays(path);
  } catch (const IoError& error) {
    const std::string what = error.what();
    CHECK(what.find('\n') == std::string::npos);
    CHECK(contains(what, path.string()));
    return what;
  }
  return "";
}

TEST_CASE("array file: arrays and texts come back from each form, in the same bytes each time") {
  const TemporaryFolder folder;
  const Metadata texts = {{"digest", "00ff"}, {"settings", "a: \"\xc3\xa4\xf0\x9f\x90\x88\"\n"}};
  for (const char* name : {"a.safetensors", "a.npz", "a"}) {
    CAPTURE(name);
    const std::filesystem::path path = folder / "new" / name;
    write_arrays(path, some_arrays(), texts);
    const ArrayFile file = read_arrays(path);
    CHECK(file.texts == texts);
    REQUIRE(file.arrays.size() == 2);
    CHECK(numbers_of<std::int32_t>(*file.find("ids")) == kIds);
    CHECK(file.find("ids")->shape == std::vector<std::int64_t>{2, 3});
    CHECK(numbers_of<float>(*file.find("x")) == kNumbers);
    CHECK(file.find("x")->type == NumberType::kFloat32);
    if (std::string(name) == "a") {
      CHECK(read_file(path / "settings.yaml") == texts.at("settings"));
      write_arrays(path, some_arrays(), texts);  // in place of the same
      continue;
    }
    const std::string bytes = read_file(path);
    write_arrays(path, some_arrays(), texts);
    CHECK(read_file(path) == bytes);
    // Cut anywhere, it is refused.
    for (std::size_t size = 0; size < bytes.size(); size += 7) {
      write_file_atomically(folder / ("cut" + path.extension().string()), bytes.substr(0, size));
      CHECK(refusal(folder / ("cut" + path.extension().string())) != "");
    }
  }
}

TEST_CASE("array file: a changed bit of a .npz is found by its checksum") {
  const TemporaryFolder folder;
  write_arrays(folder / "a.npz", some_arrays(), {});
  std::string bytes = read_file(folder / "a.npz");
  const std::size_t at = bytes.find(bytes_of(std::span(kIds)));
  REQUIRE(at != std::string::npos);
  bytes[at] ^= 1;
  write_file_atomically(folder / "a.npz", bytes);
  CHECK(contains(refusal(folder / "a.npz"), "'ids.npy' is damaged"));
}

// What a directory of a zip archive says of an entry, and where.
constexpr std::size_t kMethod = 10;
constexpr std::size_t kPackedSize = 20;
constexpr std::size_t kSize = 24;

/// An archive of two arrays, "ids" and "idt".
std::string some_zip() {
  const std::string npy = encode_npy(some_arrays().front());
  return encode_zip({{"ids.npy", npy}, {"idt.npy", npy}});
}

/// The place of the first entry of the directory.
std::size_t directory_of(const std::string& zip) { return zip.find("PK\x01\x02"); }

template <class Number>
void put(std::string& bytes, std::size_t at, Number number) {
  std::memcpy(bytes.data() + at, &number, sizeof number);
}

std::string npz_refusal(const std::string& bytes, const UnpackLimit& limit = {1U << 30U, "1 GiB"}) {
  try {
    (void)parse_npz(bytes, "a.npz", limit);
  } catch (const IoError& error) {
    CHECK(std::string(error.what()).starts_with("a.npz: "));
    return error.what();
  }
  return "";
}

long peak_of_memory_in_mib() {
  rusage usage{};
  REQUIRE(::getrusage(RUSAGE_SELF, &usage) == 0);
  return usage.ru_maxrss / 1024;
}

TEST_CASE("npz: a directory that promises more than there is takes no memory") {
  constexpr std::uint32_t kPromised = 1U << 30U;
  const std::string good = some_zip();
  REQUIRE(npz_refusal(good) == "");
  const std::vector<std::vector<std::size_t>> lies = {{kSize}, {kPackedSize, kSize}, {kPackedSize}};
  for (const std::vector<std::size_t>& fields : lies) {
    CAPTURE(fields.size());
    std::string bad = good;
    for (const std::size_t field : fields) put(bad, directory_of(bad) + field, kPromised);
    const long before = peak_of_memory_in_mib();
    CHECK(npz_refusal(bad) != "");
    CHECK(peak_of_memory_in_mib() - before < 256);
  }
}

TEST_CASE("npz: no more is unpacked than the limit, over all entries") {
  const std::uint64_t each = encode_npy(some_arrays().front()).size();
  CHECK(npz_refusal(some_zip(), {2 * each, "all"}) == "");
  const std::string line = npz_refusal(some_zip(), {2 * each - 1, "the memory of this test"});
  CHECK(contains(line, "with 'idt.npy' it has"));
  CHECK(contains(line, "unpacked, more than the memory of this test"));
  CHECK(contains(npz_refusal(some_zip(), {each - 1, "x"}), "with 'ids.npy' it has"));
}

TEST_CASE("npz: other packings are refused, and a name that is there twice") {
  std::string bad = some_zip();
  put(bad, directory_of(bad) + kMethod, std::uint16_t{12});
  CHECK(contains(npz_refusal(bad), "'ids.npy' is packed by method 12; only what is stored"));
  bad = some_zip();
  for (std::size_t at = bad.find("idt"); at != bad.npos; at = bad.find("idt", at))
    bad[at + 2] = 's';
  CHECK(contains(npz_refusal(bad), "'ids' is there twice"));
}

TEST_CASE(
    "array file: names that lead out of a folder are names, and no folder is written by them") {
  const TemporaryFolder folder;
  for (const std::string& name :
       {std::string("../out"), std::string("a/b"), std::string(), std::string("a\0b", 3)}) {
    CAPTURE(name);
    std::vector<ArrayView> arrays = some_arrays();
    arrays.front().name = name;
    CHECK_THROWS_WITH_AS(write_arrays(folder / "new", arrays, {}),
                         doctest::Contains("cannot be the name of a file"), IoError);
    CHECK_THROWS_WITH_AS(write_arrays(folder / "new", {}, {{name, "text"}}),
                         doctest::Contains("cannot be the name of a file"), IoError);
  }
  CHECK(std::filesystem::is_empty(folder.path()));
  std::vector<ArrayView> arrays = some_arrays();
  arrays.front().name = "../out";
  write_arrays(folder / "a.npz", arrays, {});
  CHECK(read_arrays(folder / "a.npz").find("../out") != nullptr);
  CHECK_FALSE(std::filesystem::exists(folder / "out.npy"));
}

TEST_CASE("array file: a folder with other files is not replaced") {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "data");
  write_file_atomically(folder / "data" / "thesis.tex", "x");
  CHECK_THROWS_WITH_AS(write_arrays(folder / "data", some_arrays(), {}),
                       doctest::Contains("holds thesis.tex"), IoError);
  CHECK(read_file(folder / "data" / "thesis.tex") == "x");
  CHECK_THROWS_WITH_AS(write_arrays(folder / "data" / "thesis.tex", some_arrays(), {}),
                       doctest::Contains("is a file"), IoError);
  CHECK_THROWS_WITH_AS(write_arrays(folder / "ids.npy", some_arrays(), {}),
                       doctest::Contains("one .npy file holds one array"), IoError);
}

/// The message with which a .npy file of this header is refused; "" if it is read.
std::string npy_refusal(const std::string& header, const std::string& data) {
  std::string file = "\x93NUMPY";
  file += {'\x01', '\x00', static_cast<char>(header.size()), '\x00'};
  file += header + data;
  try {
    (void)parse_npy(file, "a", "a.npy");
  } catch (const IoError& error) {
    return error.what();
  }
  return "";
}

TEST_CASE("npy: headers as NumPy writes them, and what they may not say") {
  const std::string data(24, '\0');
  const std::string good = "{'descr': '<i4', 'fortran_order': False, 'shape': (2, 3), }";
  CHECK(npy_refusal(good, data) == "");
  CHECK(npy_refusal("{\"shape\": (2,3,), \"fortran_order\":False,\"descr\": \"<f4\"}\n", data) ==
        "");
  CHECK(npy_refusal("{'descr': '<i4', 'fortran_order': True, 'shape': (6,), }", data) == "");
  CHECK(contains(npy_refusal("{'descr': '<i4', 'fortran_order': True, 'shape': (2, 3), }", data),
                 "Fortran order"));
  CHECK(contains(npy_refusal("{'descr': '<i8', 'fortran_order': False, 'shape': (3,), }", data),
                 "of type <i8"));
  CHECK(contains(npy_refusal(good, data + "x"), "25 bytes of data"));
  CHECK(contains(npy_refusal(good, data.substr(1)), "23 bytes of data"));
  for (const char* bad :
       {"", "{}", "{'descr': '<i4', 'fortran_order': False}", "{'descr': '<i4', 'shape': (6,), }",
        "{'descr': '<i4', 'fortran_order': False, 'shape': (-6,), }",
        "{'descr': '<i4', 'fortran_order': False, 'shape': (6,), 'x': 1}",
        "{'descr': '<i4', 'fortran_order': False, 'shape': (6,), } x",
        "{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': (6,), }", "{'descr': '<i4",
        "{'descr': '<i4', 'fortran_order': False, 'shape': (6"}) {
    CAPTURE(bad);
    CHECK(contains(npy_refusal(bad, data), "not a valid .npy file"));
  }
  const std::string huge =
      "{'descr': '<i4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }";
  CHECK(contains(npy_refusal(huge, data), "more than there can be"));
}

TEST_CASE("npy: a header says each thing once, is short and has few dimensions") {
  const std::string data(24, '\0');
  for (const char* twice :
       {"{'descr': '<i4', 'fortran_order': False, 'shape': (2,), 'shape': (3,), }",
        "{'descr': '<i4', 'descr': '<i4', 'fortran_order': False, 'shape': (6,), }",
        "{'descr': '<i4', 'fortran_order': False, 'fortran_order': False, 'shape': (6,), }"}) {
    CAPTURE(twice);
    CHECK(contains(npy_refusal(twice, data), "its header is"));
  }
  const auto of_dimensions = [](int count) {
    std::string header = "{'descr': '<i4', 'fortran_order': False, 'shape': (6";
    for (int i = 1; i < count; ++i) header += ",1";
    return header + ")}";
  };
  const auto version_2 = [&](const std::string& header) {
    const auto size = static_cast<std::uint32_t>(header.size());
    std::string file = std::string("\x93NUMPY\x02\x00\x00\x00\x00\x00", 12) + header + data;
    put(file, 8, size);
    try {
      (void)parse_npy(file, "a", "a.npy");
    } catch (const IoError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(version_2(of_dimensions(64)) == "");
  CHECK(contains(version_2(of_dimensions(65)), "its header is"));
  CHECK(version_2(of_dimensions(1) + std::string(60000, ' ')) == "");
  CHECK(contains(version_2(of_dimensions(1) + std::string(70000, ' ')),
                 "bytes; none has more than 65536"));
}

TEST_CASE("npy: a text is of characters") {
  const auto text_of = [](const std::string& type, const std::string& data) {
    return npy_refusal("{'descr': '" + type + "', 'fortran_order': False, 'shape': (), }", data);
  };
  const auto points = [](const std::vector<std::uint32_t>& all) {
    std::string bytes;
    for (const std::uint32_t point : all) bytes.append(reinterpret_cast<const char*>(&point), 4);
    return bytes;
  };
  CHECK(text_of("<U3", points({'a', 0x10FFFF, 0})) == "");
  CHECK(text_of("|S4", "\xc3\xa4" + std::string(2, '\0')) == "");
  for (const std::uint32_t point : {0xD800U, 0xDFFFU, 0x110000U, 0xFFFFFFFFU, 0U}) {
    CAPTURE(point);
    CHECK(contains(text_of("<U2", points({point, 'a'})),
                   "its text has an invalid Unicode character"));
  }
  CHECK(contains(text_of("|S2",
                         "\xff"
                         "a"),
                 "its text has an invalid Unicode character"));
  CHECK(
      contains(text_of("|S2", std::string("\0a", 2)), "its text has an invalid Unicode character"));
}

TEST_CASE("arrays: files of NumPy's, and what was made of them, say what is wrong with them") {
  const std::filesystem::path folder = source_folder() / "tests" / "fuzz" / "seeds" / "arrays";
  const auto refusal_of = [&](const std::string& name) -> std::string {
    const std::string bytes = read_file(folder / name);
    try {
      if (name.ends_with(".npz")) {
        (void)parse_npz(bytes, name, {1U << 20U, "1 MiB"});
      } else {
        (void)parse_npy(bytes, "a", name);
      }
    } catch (const IoError& error) {
      return error.what();
    }
    return "";
  };
  const std::vector<std::pair<const char*, const char*>> expected = {
      {"big-endian.npy", "of type >i4"},
      {"fortran-order.npy", "Fortran order"},
      {"half-character.npy", "its text has an invalid Unicode character"},
      {"huge-shape.npy", "needs more than there can be"},
      {"int64.npy", "of type <i8"},
      {"negative-dimensions.npy", "its header is"},
      {"object.npy", "of type |O"},
      {"shape-that-overflows-to-the-right-size.npy", "needs more than there can be"},
      {"structured.npy", "its header is"},
      {"truncated.npy", "bytes of data"},
      {"wrong-shape.npy", "24 bytes of data, but its shape (7,) needs 28"},
      {"bomb.npz", "unpacked, more than 1 MiB"},
      {"bzip2.npz", "packed by method 12"},
      {"directory-lies-of-both-sizes.npz", ""},
      {"directory-lies-of-offset.npz", ""},
      {"directory-lies-of-size.npz", ""},
      {"no-npy.npz", "'readme.txt' is no .npy file"},
      {"truncated.npz", "not a valid .npz file"},
      {"twice.npz", "'ids' is there twice"},
  };
  for (const auto& seed : expected) {
    CAPTURE(seed.first);
    const std::string line = refusal_of(seed.first);
    CHECK(line != "");
    CHECK(contains(line, seed.second));
  }
  const auto array_of = [&](const char* name, const std::string& bytes) {
    return std::get<ArrayView>(parse_npy(bytes, "a", name));
  };
  const std::string whole = read_file(folder / "good-int32.npy");
  CHECK(array_of("good-int32.npy", whole).shape == std::vector<std::int64_t>{2, 3});
  CHECK(numbers_of<std::int32_t>(array_of("good-int32.npy", whole)) == kIds);
  const std::string real = read_file(folder / "good-float32.npy");
  CHECK(numbers_of<float>(array_of("good-float32.npy", real)) == kNumbers);
  for (const char* name : {"good-text.npy", "good-bytes.npy"}) {
    CHECK(std::get<std::string>(parse_npy(read_file(folder / name), "a", name)) ==
          "\xc3\xa4\xf0\x9f\x90\x88 text");
  }
  for (const char* name : {"good-savez.npz", "good-savez-compressed.npz"}) {
    CAPTURE(name);
    const ArrayFile file = read_arrays(folder / name);
    const ExampleArrays examples = examples_in(file, name);
    CHECK(examples.ids == std::vector<std::int32_t>{1, 2, 3, 0, 4, 5, 6, 7});
    CHECK(examples.tags.size() == 1);
    CHECK(file.texts.at("note") == "text");
  }
}

ExampleArrays some_examples() {
  ExampleArrays examples;
  examples.examples = 2;
  examples.length = 4;
  examples.scored = 2;
  examples.ids = {1, 2, 3, 0, 4, 5, 6, 7};
  examples.positions = {1, 3, 2, kPadding};
  examples.labels = {2, 0, 6, kPadding};
  examples.tags = {{"lag", {1, 2, 3, kPadding}}};
  return examples;
}

std::string example_refusal(const ExampleArrays& examples, const Metadata& texts = {}) {
  ArrayFile file;
  file.arrays = arrays_of(examples);
  file.texts = texts;
  try {
    (void)examples_in(file, "x.npz");
  } catch (const IoError& error) {
    CHECK(std::string(error.what()).starts_with("x.npz: "));
    return error.what();
  }
  return "";
}

TEST_CASE("examples in a file: rules of rows, shapes, types and the digest") {
  const ExampleArrays good = some_examples();
  CHECK(example_refusal(good) == "");
  CHECK(example_refusal(good, {{"digest", digest_of(good)}}) == "");
  CHECK(contains(example_refusal(good, {{"digest", "0123"}}), "its digest is 0123, but"));
  const auto refused = [&](auto&& change) {
    ExampleArrays bad = some_examples();
    change(bad);
    return example_refusal(bad);
  };
  CHECK(contains(refused([](auto& e) { e.ids[5] = -1; }), "example 1: id -1 is below 0"));
  CHECK(contains(refused([](auto& e) { e.positions[1] = 4; }), "position 4 is not in 0..3"));
  CHECK(contains(refused([](auto& e) { e.positions[1] = 1; }), "do not ascend"));
  CHECK(contains(refused([](auto& e) { e.positions[2] = -1; }), "has no scored position"));
  CHECK(contains(refused([](auto& e) { e.positions = {-1, 3, 2, -1}; }), "no scored position"));
  CHECK(contains(refused([](auto& e) { e.labels[0] = -2; }), "label -2 is below 0"));
  for (const std::string& name : {std::string(), std::string("La g"), std::string(101, 'a')}) {
    CHECK(contains(refused([&](auto& e) { e.tags[0].name = name; }), "is not a word of small"));
  }
  CHECK(refused([](auto& e) { e.tags[0].name.assign(100, 'a'); }) == "");

  ArrayFile file;
  file.arrays = arrays_of(good);
  std::swap(file.arrays[1].shape[0], file.arrays[1].shape[1]);
  file.arrays[1].shape = {4, 1};
  CHECK_THROWS_WITH_AS((void)examples_in(file, "x"), doctest::Contains("shape (4, 1)"), IoError);
  file.arrays = arrays_of(good);
  file.arrays[0].type = NumberType::kFloat32;
  CHECK_THROWS_WITH_AS((void)examples_in(file, "x"),
                       doctest::Contains("'ids' is float32, but must be int32"), IoError);
  file.arrays = arrays_of(good);
  file.arrays.erase(file.arrays.begin() + 2);
  CHECK_THROWS_WITH_AS((void)examples_in(file, "x"), doctest::Contains("'labels' is missing"),
                       IoError);

  // More than a configuration can ask for; a shape of many dimensions is not written out.
  file.arrays = arrays_of(good);
  for (ArrayView& array : file.arrays) array.shape = {kMostExamples + 1, 1};
  CHECK_THROWS_WITH_AS((void)examples_in(file, "x"),
                       doctest::Contains("16777217 examples are more than the 16777216"), IoError);
  file.arrays[0].shape.assign(10000, 1);
  CHECK(std::string(shape_text(file.arrays[0].shape)).size() < 100);
}

}  // namespace
}  // namespace recollect
