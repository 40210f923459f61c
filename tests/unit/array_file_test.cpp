// Arrays in files: the same come back from all three forms, and what is damaged is refused.
#include "harness/arrays/array_file.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "harness/arrays/example_file.hpp"
#include "harness/arrays/npy.hpp"
#include "harness/arrays/zip.hpp"
#include "tests/support/config_errors.hpp"
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
}

}  // namespace
}  // namespace recollect
