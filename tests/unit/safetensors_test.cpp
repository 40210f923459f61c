#include "harness/store/safetensors.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstring>
#include <limits>
#include <string>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"
#include "tests/support/temporary_folder.hpp"

namespace recollect {
namespace {

ParameterLayout small_layout() {
  ParameterLayout layout;
  (void)layout.add_matrix("b.weight", 2, 3, Fill::kNormal, 1.0);
  (void)layout.add_vector("a.bias", 2, Fill::kConstant, 0.0);
  return layout;
}

std::string file_of(const std::string& header, std::size_t data_bytes) {
  const std::uint64_t size = header.size();
  std::string bytes(sizeof size, '\0');
  std::memcpy(bytes.data(), &size, sizeof size);
  bytes += header;
  bytes.append(data_bytes, '\0');
  return bytes;
}

/// The message with which a file of these bytes is refused; "" if it is read.
std::string refusal(const TemporaryFolder& folder, const std::string& bytes) {
  const std::filesystem::path path = folder / "x.safetensors";
  write_file_atomically(path, bytes);
  try {
    (void)read_safetensors(path);
  } catch (const IoError& error) {
    const std::string what = error.what();
    CHECK(what.find(path.string()) != std::string::npos);
    return what;
  }
  return {};
}

bool holds(const std::string& text, const std::string& part) {
  INFO("text: ", text, "  wanted: ", part);
  CHECK(text.find(part) != std::string::npos);
  return text.find(part) != std::string::npos;
}

TEST_CASE("safetensors: weights come back bit for bit, with shapes and metadata") {
  const TemporaryFolder folder;
  const ParameterLayout layout = small_layout();
  const std::vector<float> weights = {1.0F,  -2.5F, 1e-42F, std::numeric_limits<float>::infinity(),
                                      -0.0F, 3.0F,  7.0F,   8.0F};
  save_weights(folder / "w.safetensors", layout, weights, {{"cell", "00ff"}, {"step", "20"}});

  const std::vector<float> loaded = load_weights(folder / "w.safetensors", layout);
  REQUIRE(loaded.size() == weights.size());
  CHECK(std::memcmp(loaded.data(), weights.data(), sizeof(float) * weights.size()) == 0);

  const WeightsFile file = read_safetensors(folder / "w.safetensors");
  CHECK(file.metadata.size() == 3);
  CHECK(file.metadata.at("cell") == "00ff");
  CHECK(file.metadata.at("step") == "20");
  CHECK(file.metadata.at("checksum").size() == 16);
  REQUIRE(file.tensors.size() == 2);
  CHECK(file.tensors[0].name == "b.weight");
  CHECK(file.tensors[0].shape == std::vector<std::int64_t>{2, 3});
  CHECK(file.tensors[1].name == "a.bias");
  CHECK(file.tensors[1].shape == std::vector<std::int64_t>{2});

  // Any bit of any number counts.
  const std::string bytes = read_file(folder / "w.safetensors");
  for (std::size_t i = 1; i <= weights.size() * sizeof(float); ++i) {
    std::string flipped = bytes;
    flipped[flipped.size() - i] ^= 1;
    write_file_atomically(folder / "w.safetensors", flipped);
    CHECK_THROWS_WITH_AS((void)load_weights(folder / "w.safetensors", layout),
                         doctest::Contains("its checksum does not fit its weights"), IoError);
  }
}

TEST_CASE("safetensors: the bytes of a file are those of the format") {
  const TemporaryFolder folder;
  ParameterLayout layout;
  (void)layout.add_vector("a", 1, Fill::kConstant, 0.0);
  save_weights(folder / "w.safetensors", layout, std::vector<float>{1.0F}, {{"k", "v"}});
  const std::string data("\x00\x00\x80\x3f", 4);
  const std::string header = R"({"__metadata__":{"checksum":")" + hex(hash_text(data)) +
                             R"(","k":"v"},"a":{"data_offsets":[0,4],"dtype":"F32","shape":[1]}})";
  std::string expected = file_of(header + std::string((8 - header.size() % 8) % 8, ' '), 0);
  expected += data;
  CHECK(read_file(folder / "w.safetensors") == expected);
}

TEST_CASE("safetensors: a file that is not whole and sound is refused") {
  const TemporaryFolder folder;
  const std::string good = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  CHECK(refusal(folder, file_of(good, 8)).empty());

  holds(refusal(folder, ""), "truncated");
  holds(refusal(folder, "1234567"), "truncated");
  holds(refusal(folder, file_of(good, 8).substr(0, 20)), "truncated: a header of");
  holds(refusal(folder, std::string(8, '\xff')), "truncated: a header of");
  holds(refusal(folder, file_of(good, 7)), "truncated: 'a' ends at byte 8");
  holds(refusal(folder, file_of(good, 9)), "1 bytes follow the last tensor");
  holds(refusal(folder, file_of("[]", 0)), "not a JSON object");
  holds(refusal(folder, file_of("{", 0)), "not a JSON object");
  holds(refusal(folder, file_of(R"({"a":1})", 0)), "not an object");
  holds(refusal(folder, file_of(R"({"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}})", 4)),
        "only \"F32\"");
  holds(refusal(folder, file_of(R"({"a":{"shape":[2],"data_offsets":[0,8]}})", 8)),
        "dtype of 'a' is missing");
  holds(refusal(folder, file_of(R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", 8)),
        "shape of 'a'");
  holds(refusal(folder, file_of(R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", 8)),
        "needs 12");
  holds(refusal(folder, file_of(R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],)"
                                R"("data_offsets":[0,8]}})",
                                8)),
        "more than there can be");
  holds(refusal(folder, file_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", 8)),
        "data_offsets");
  holds(refusal(folder, file_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})", 12)),
        "leaves a gap");
  holds(refusal(folder, file_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                                R"("b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})",
                                12)),
        "inside the tensor");
  holds(refusal(folder, file_of(R"({"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},)"
                                R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
                                8)),
        "'a' is there twice");
  holds(refusal(folder, file_of(R"({"__metadata__":{"k":1}})", 0)), "metadata 'k'");
}

TEST_CASE("safetensors: hostile headers are refused before they cost memory or stack") {
  const TemporaryFolder folder;
  const auto entry = [](const std::string& shape, const std::string& offsets) {
    return fmt::format(R"({{"a":{{"dtype":"F32","shape":{},"data_offsets":{}}}}})", shape, offsets);
  };
  CHECK(refusal(folder, file_of(entry("[2]", "[0,8]"), 8)).empty());
  // Lengths of headers that overflow when they are added to something.
  for (const std::uint64_t size : {std::uint64_t{1} << 63, ~std::uint64_t{0}, ~std::uint64_t{7}}) {
    std::string bytes(8 + 64, '\0');
    std::memcpy(bytes.data(), &size, sizeof size);
    holds(refusal(folder, bytes), "truncated: a header of");
  }
  const std::filesystem::path sparse = folder / "sparse.safetensors";
  std::string head(8, '\0');
  const std::uint64_t size = std::uint64_t{100} << 20;
  std::memcpy(head.data(), &size, sizeof size);
  write_file_atomically(sparse, head);
  std::filesystem::resize_file(sparse, size + 8);
  CHECK_THROWS_WITH_AS((void)read_safetensors(sparse),
                       doctest::Contains("a header of 104857600 bytes; none has more than"),
                       IoError);

  const std::string deep(1000000, '[');
  holds(refusal(folder, file_of(deep, 0)), "nested more than three deep");
  holds(refusal(folder, file_of(R"({"a":{"dtype":)" + deep, 0)), "nested more than three deep");
  holds(refusal(folder, file_of(entry("[[2]]", "[0,8]"), 8)), "nested more than three deep");
  holds(refusal(folder, file_of(R"({"__metadata__":{"a":)" + deep, 0)), "three deep");
  holds(refusal(folder, file_of(R"({"a":{"dtype":"F32","dtype":"F32","shape":[0],)"
                                R"("data_offsets":[0,0]}})",
                                0)),
        "key 'dtype' is there twice");
  holds(refusal(folder, file_of(R"({"__metadata__":{"k":"1","k":"2"}})", 0)), "'k' is there twice");
  holds(refusal(folder,
                file_of(R"({"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0],"x":1}})", 0)),
        "unknown key 'x'");
  for (const char* shape : {"[-1]", "[2.0]", "[2e0]", "[null]", "2", "[18446744073709551616]",
                            "[9223372036854775808]", "[-0]", "[\"2\"]"}) {
    CAPTURE(shape);
    holds(refusal(folder, file_of(entry(shape, "[0,8]"), 8)), "shape of 'a'");
  }
  for (const char* offsets :
       {"[0]", "[0,4,8]", "[-8,0]", "[8,0]", "[0,9223372036854775808]", "8"}) {
    CAPTURE(offsets);
    holds(refusal(folder, file_of(entry("[2]", offsets), 8)), "data_offsets of 'a'");
  }
  holds(refusal(folder, file_of(entry("[2]", "[0,9223372036854775807]"), 8)),
        "truncated: 'a' ends");
  holds(refusal(folder, file_of(entry("[4611686018427387904,4,0]", "[0,0]"), 0)),
        "more than there");
  holds(refusal(folder, file_of(R"({"\u001b[31m":1})", 0)), R"('\x1B[31m')");
  std::string list = "[1";
  for (int i = 0; i < 100000; ++i) list += ",1";
  CHECK(refusal(folder, file_of(entry(list + "]", "[0,8]"), 8)).size() < 500);
}

TEST_CASE("safetensors: weights of another model are refused by name") {
  const TemporaryFolder folder;
  const ParameterLayout layout = small_layout();
  const std::filesystem::path path = folder / "w.safetensors";
  save_weights(path, layout, std::vector<float>(8), {});
  const auto refused = [&](const ParameterLayout& other, const std::string& part) {
    try {
      (void)load_weights(path, other);
      FAIL("not refused");
    } catch (const IoError& error) {
      holds(error.what(), part);
    }
  };
  ParameterLayout fewer;
  (void)fewer.add_matrix("b.weight", 2, 3, Fill::kNormal, 1.0);
  refused(fewer, "'a.bias' is not one of this model's");
  ParameterLayout reshaped;
  (void)reshaped.add_matrix("b.weight", 3, 2, Fill::kNormal, 1.0);
  (void)reshaped.add_vector("a.bias", 2, Fill::kConstant, 0.0);
  refused(reshaped, "'b.weight' has shape [2, 3], but the model needs [3, 2]");
  ParameterLayout more = small_layout();
  (void)more.add_vector("c", 2, Fill::kConstant, 0.0);
  refused(more, "'c' is missing");
}

TEST_CASE("file: what is no file is written to, not replaced, and a link stays one") {
  const TemporaryFolder folder;
  write_file_atomically(folder / "target", "old");
  std::filesystem::create_symlink("target", folder / "link");
  write_file_atomically(folder / "link", "new");
  CHECK(std::filesystem::is_symlink(folder / "link"));
  CHECK(read_file(folder / "target") == "new");
  std::filesystem::create_symlink("/dev/null", folder / "nowhere");
  write_file_atomically(folder / "nowhere", "new");
  CHECK(std::filesystem::is_symlink(folder / "nowhere"));
  CHECK(std::filesystem::is_character_file("/dev/null"));
  std::filesystem::create_symlink("/dev/full", folder / "full");
  CHECK_THROWS_WITH_AS(write_file_atomically(folder / "full", "new"),
                       doctest::Contains("No space left on device"), IoError);
}

TEST_CASE("file: writing replaces a file whole, and leaves nothing else behind") {
  const TemporaryFolder folder;
  write_file_atomically(folder / "a.txt", "one");
  write_file_atomically(folder / "a.txt", "two");
  CHECK(read_file(folder / "a.txt") == "two");
  CHECK_THROWS_AS(write_file_atomically(folder / "missing" / "a.txt", "x"), IoError);
  std::filesystem::create_directory(folder / "b.txt");  // a file cannot replace a folder
  CHECK_THROWS_AS(write_file_atomically(folder / "b.txt", "x"), IoError);
  std::size_t entries = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    ++entries;
  }
  CHECK(entries == 2);
  CHECK_THROWS_WITH_AS((void)read_file(folder / "c.txt"),
                       doctest::Contains("c.txt: No such file or directory"), IoError);
  CHECK_THROWS_AS(make_folder(folder / "a.txt" / "sub"), IoError);
}

}  // namespace
}  // namespace recollect
