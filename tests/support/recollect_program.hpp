#pragma once

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <stdio.h>
#include <sys/wait.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "base/file.hpp"
#include "tests/support/places.hpp"
#include "tests/support/temporary_folder.hpp"

namespace recollect {

/// What a program that has ended left behind.
struct ProgramResult {
  int status = -1;
  std::string out;
  std::string err;
};

/// Runs the real program. Arguments are those of a shell; `before` is a command of the shell.
inline ProgramResult recollect_program(const std::string& arguments,
                                       const std::string& before = "") {
  const TemporaryFolder folder;
  const std::string errors = (folder / "stderr").string();
  std::string command = before;
  command += fmt::format("'{}' ", program().string());
  command += arguments + " 2>'" + errors + "'";
  FILE* pipe = ::popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  ProgramResult result;
  char block[4096];
  for (std::size_t count = 0; (count = ::fread(block, 1, sizeof block, pipe)) > 0;) {
    result.out.append(block, count);
  }
  const int code = ::pclose(pipe);
  result.status = WIFEXITED(code) ? WEXITSTATUS(code) : -1;
  result.err = read_file(errors);
  return result;
}

inline bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

inline std::size_t line_count(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

/// A path as one argument of the shell. (g++ 12 has a false warning about "'" + path.)
inline std::string quoted(const std::filesystem::path& path) {
  std::string text = "'";
  text += path.string();
  text += "'";
  return text;
}

/// Writes a configuration that trains in a moment; returns its path, quoted.
inline std::string tiny_config(const TemporaryFolder& folder) {
  const std::filesystem::path path = folder / "tiny.yaml";
  write_file_atomically(path, R"(# A cell that trains in a moment.
experiment: tiny
task: {name: mqar, length: 16, pairs: 2, vocab: 16}
model: {width: 8, layers: 1, chunk: 8}
variants: [fixed-decay, full-quadratic]
train: {examples: 40, validation_examples: 20, batch: 4, steps: 20, eval_every: 10}
eval: {lengths: [16], examples: 20}
)");
  return quoted(path);
}

inline void expect_usage_error(const std::string& arguments, const std::string& message) {
  const ProgramResult result = recollect_program(arguments);
  CAPTURE(arguments);
  CAPTURE(result.err);
  CHECK(result.status == 64);
  CHECK(result.out.empty());
  CHECK(line_count(result.err) == 1);
  CHECK(holds(result.err, message));
  CHECK(holds(result.err, "ee recollect --help"));
}

}  // namespace recollect
