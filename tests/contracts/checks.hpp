#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "math/view.hpp"
#include "models/parameters.hpp"
#include "models/registry.hpp"
#include "tests/support/test_model.hpp"

namespace recollect {

/// Thrown by the first comparison of a contract that fails.
struct ContractFailure {
  std::string text;
};

/// What is compared, and what a message says of it.
struct Compared {
  std::string tensor;    ///< "y", "layers.0.q_proj.weight"
  const char* expected;  ///< where the expected values come from
  const char* actual;    ///< where the others come from
  const char* look_at;   ///< what is usually wrong
};

/// One contract on one variant: counts its comparisons, and makes the message of the first that
/// fails, with variant, option, tensor, row and column and both values.
class Checks {
 public:
  explicit Checks(const MixerEntry& entry);
  ~Checks();
  Checks(const Checks&) = delete;
  Checks& operator=(const Checks&) = delete;

  [[nodiscard]] const MixerEntry& entry() const noexcept { return entry_; }
  [[nodiscard]] std::string variant() const { return std::string(entry_.name); }
  [[nodiscard]] std::int64_t comparisons() const noexcept { return comparisons_; }
  /// The one that is running, for whoever has to say what went wrong elsewhere; or null.
  [[nodiscard]] static const Checks* current() noexcept;

  /// What is checked from now on: how a model differs from `plain`, and what is done with it.
  void with(const TestModel& model, const TestModel& plain, const std::string& doing = "");
  /// "adaptive-decay, heads = 2, chunkwise form"
  [[nodiscard]] std::string where() const;

  void that(bool holds, const std::string& otherwise);
  /// Every |actual - expected| <= tolerance * max(magnitude, largest |expected|).
  void close(ConstView<double> expected, ConstView<double> actual, double tolerance,
             const Compared& compared, double magnitude = 1.0);
  /// To the last bit; row by row of `expected`.
  void same(ConstView<double> expected, ConstView<double> actual, const Compared& compared);
  /// close() for each tensor of two buffers of gradients.
  void close_gradients(const ParameterLayout& layout, std::span<const double> expected,
                       std::span<const double> actual, double tolerance, const Compared& compared,
                       double magnitude = 1.0);
  /// |analytic - central difference| <= 1e-7 * max(1, |central difference|), for every element;
  /// `loss` reads `elements`.
  void gradient(const std::string& tensor, View<double> elements, ConstView<double> analytic,
                const std::function<double()>& loss);

 private:
  [[noreturn]] void fail(const std::string& what) const;
  [[noreturn]] void fail(const Compared& compared, ConstView<double> expected,
                         ConstView<double> actual, Index row, Index col) const;

  const MixerEntry& entry_;
  std::string option_;
  std::int64_t comparisons_ = 0;
};

/// The options of a model whose layers are small enough for central differences.
[[nodiscard]] TestModel small_model();

}  // namespace recollect
