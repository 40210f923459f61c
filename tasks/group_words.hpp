#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "tasks/task.hpp"

namespace recollect {

/// Which group; the order of its elements is their id.
enum class Group { kZ2, kZ60, kS3, kS4, kS5, kA5 };

/// Group words, also called state tracking: what is the product of all elements so far?
///   position   0    1     2     ...  T-1
///   ids        a    b     c     ...  z        uniform and independent, V = |G|
///   labels     a    ab    abc   ...  a b ... z
/// R = T: every position is scored; the answer is due AT the element that completes the product.
/// Ids: of z_n the residues modulo n, added up; of s_n (all permutations of n things) and a_n (the
/// even ones) the lexicographic order of one-line notation, and ab is first a, then b. Id 0 is the
/// neutral element. z2 is parity; a5 and s5 are not solvable, which makes their words hard for
/// models whose states are multiplied by diagonal matrices alone (arXiv 2404.08819, 2411.12537).
/// Kinds of tokens: element, neutral element.
/// Tag: `position`. No rules, for nothing is bound.
/// Chance: 1/V. Where T is short, splits share examples (|G|^T of them exist).
/// Errors: any option outside its range.
class GroupWordsSettings final : public TaskSettings {
 public:
  Group group = Group::kZ2;

  GroupWordsSettings() { length = 128; }

  [[nodiscard]] std::string_view name() const noexcept override { return "group-words"; }
  [[nodiscard]] Names tags() const noexcept override;
  [[nodiscard]] TokenKinds kinds() const noexcept override;
  [[nodiscard]] Fields fields() override;
  void validate() const override;
  [[nodiscard]] std::unique_ptr<TaskSettings> clone() const override;
  [[nodiscard]] std::unique_ptr<Task> make() const override;
};

}  // namespace recollect
