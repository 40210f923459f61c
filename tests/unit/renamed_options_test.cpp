#include "harness/store/renamed_options.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <vector>

#include "harness/config/load.hpp"

namespace recollect {
namespace {

std::string copying(const std::string& dialect) {
  return fmt::format(
      "experiment: copying\n"
      "task: {{name: selective-copying, length: 20, tokens: 4, dialect: {}}}\n"
      "variants: [full-quadratic]\n",
      dialect);
}

std::string hash_of(const std::string& dialect) {
  return parse_experiment(copying(dialect), "x.yaml").cells.at(0).hash();
}

std::string dialect_of(const Experiment& experiment) {
  const auto settings = experiment.cells.at(0).task->clone();
  for (const Field& field : settings->fields()) {
    if (field.name == "dialect") return field.text();
  }
  return "";
}

}  // namespace

TEST_CASE("renamed options: mad-uniform is the cell that mad was, mad is another one") {
  const auto identity = [](const std::string& dialect) {
    return parse_experiment(copying(dialect), "x.yaml").cells.at(0).identity();
  };
  CHECK(identity("mad-uniform").find("task.dialect: mad\n") != std::string::npos);
  CHECK(identity("mad").find("task.dialect: mad-multinomial\n") != std::string::npos);
  CHECK(identity("mamba").find("task.dialect: mamba\n") != std::string::npos);
  CHECK(hash_of("mad") != hash_of("mad-uniform"));
}

TEST_CASE("renamed options: a recorded configuration means what its hashes say") {
  const auto read = [](const std::string& dialect, const std::string& hash) {
    return dialect_of(parse_recorded(copying(dialect), "kept.yaml", {hash}));
  };
  CHECK(read("mad", hash_of("mad-uniform")) == "mad-uniform");  // of an earlier version
  CHECK(read("mad", hash_of("mad")) == "mad");
  CHECK(read("mad-uniform", hash_of("mad-uniform")) == "mad-uniform");
  CHECK(read("mamba", hash_of("mamba")) == "mamba");
  CHECK(read("mad", "0123456789abcdef") == "mad");  // of neither

  const std::string crossed =
      "task: {name: selective-copying, length: 20, tokens: 4}\n"
      "variants: [full-quadratic]\n"
      "grid: {task.dialect: [adaptive, mad]}\n";
  CHECK(parse_recorded(crossed, "x.yaml", {hash_of("mad-uniform")}).cells.at(1).hash() ==
        hash_of("mad-uniform"));
}

TEST_CASE("renamed options: the former names of a text, on lines that give a dialect alone") {
  CHECK(with_former_names("experiment: mad-uniform\n  dialect: mad-uniform\n") ==
        "experiment: mad-uniform\n  dialect: mad\n");
  CHECK(with_former_names("{dialect: mad-uniform, tokens: 4}") == "{dialect: mad, tokens: 4}");
  CHECK(with_former_names("dialect: mad-uniformly") == "dialect: mad-uniformly");
  CHECK(with_former_names("") == "");
}

}  // namespace recollect
