// Variants and tasks that a program outside the tree adds to the lists.
#include "models/register.hpp"

#include <doctest/doctest.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/growing_registry.hpp"
#include "models/mixers/full_quadratic.hpp"
#include "tasks/mqar.hpp"
#include "tasks/register.hpp"
#include "tasks/task_settings_of.hpp"

namespace recollect {
namespace {

struct Nothing {};
std::unique_ptr<Nothing> nothing() { return std::make_unique<Nothing>(); }

struct Plain;
/// An option with bounds and one without; the bounds alone are checked.
struct PlainSettings final : TaskSettingsOf<PlainSettings, Plain> {
  std::int64_t free = 0;
  PlainSettings() { length = 8; }
  [[nodiscard]] std::string_view name() const noexcept override { return "plain"; }
  [[nodiscard]] Fields fields() override {
    return {field("length", length, "T").range(2, 10), field("free", free, "any number")};
  }
};
struct Plain final : Task {
  explicit Plain(const PlainSettings& settings) : tokens(settings.length) {}
  std::int64_t tokens;
  [[nodiscard]] std::int64_t length() const noexcept override { return tokens; }
  [[nodiscard]] std::int64_t vocab() const noexcept override { return 2; }
  [[nodiscard]] std::int64_t max_scored() const noexcept override { return 1; }
  [[nodiscard]] double chance() const noexcept override { return 0.5; }
  void example(const Draw&, Example&, GeneratorScratch&) const override {}
};

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("register: what is added stands behind the table, and a name is taken once") {
  constexpr std::array kTable{RegistryEntry<Nothing>{"first", "", &nothing}};
  GrowingRegistry<Nothing> registry(kTable);
  CHECK(registry.add({"second", "of somebody else", &nothing}));
  CHECK_FALSE(registry.add({"first", "", &nothing}));
  CHECK_FALSE(registry.add({"second", "", &nothing}));
  CHECK(registry.all().names() == std::vector<std::string>{"first", "second"});
  REQUIRE(registry.all().find("second") != nullptr);
  CHECK(registry.all().find("second")->description == "of somebody else");
}

TEST_CASE("register: a variant or task with a name of ours is refused, and the lists stay") {
  const std::vector<std::string> variants = mixers().names();
  const std::vector<std::string> all_tasks = tasks().names();
  CHECK(message_of([] { register_mixer<FullQuadraticSettings>("full-quadratic", ""); }) ==
        "variant 'full-quadratic' is registered twice; give yours another name");
  CHECK(message_of([] { register_task<MqarSettings>("mqar", ""); }) ==
        "task 'mqar' is registered twice; give yours another name");
  CHECK(mixers().names() == variants);
  CHECK(tasks().names() == all_tasks);
}

TEST_CASE("register: TaskSettingsOf checks the bounds of every field, copies and makes") {
  PlainSettings settings;
  settings.free = -5;
  settings.length = 10;
  CHECK_NOTHROW(settings.validate());
  CHECK(settings.clone()->length == 10);
  CHECK(settings.make()->length() == 10);
  settings.length = 11;
  CHECK_THROWS_AS(settings.validate(), FieldError);
  CHECK_THROWS_AS((void)settings.make(), FieldError);
}

}  // namespace recollect
