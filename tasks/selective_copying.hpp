#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "tasks/task.hpp"

namespace recollect {

/// Which published variant of the task.
enum class CopyingDialect {
  kAdaptive,    ///< arXiv 2605.06946
  kMad,         ///< arXiv 2403.17844
  kMamba,       ///< arXiv 2312.00752
  kMadUniform,  ///< the ids of mad, every choice of places equally likely
};

/// Selective copying: repeat n data tokens, strewn among noise, in the order of their appearance.
/// `.` is noise, a b c are data (n = 3). Every choice of places for the data is equally likely, but
/// for dialect mad.
///
///   dialect adaptive, T 12, V 128
///     position   0  1  2  3  4  5  6  7 |  8   |  9 10 11
///     ids        .  a  .  .  b  c  .  . | SEP  |  -  -  -     SEP = 1, '-' = BLANK = 2
///     labels                            |  a   |  b  c        SEP answers the first, the last
///                                                             BLANK is not scored
///     data: n DIFFERENT ids of 3..65; noise: uniform in 67..127. Ids 0 and 66 do not occur.
///
///   dialect mad, T 12, V 16 by default
///     position   0  1  2  3  4  5  6  7 |  8   |  9 10 11
///     ids        .  a  .  .  b  c  .  . | COPY |  .  .  .     COPY = V-1, '.' = V-2
///     labels                            |      |  a  b  c
///     data: 0..V-3 with repetition; each of the T - 2n - 1 blanks stands before one of the n
///     data, any of them equally likely and independently of the others (the law of MAD's code), so
///     that the last token stands directly before COPY and gaps are multinomial
///
///   dialect mad-uniform: as mad, with every choice of places equally likely. This is what the name
///     mad stood for in version 0.1 before it followed MAD's law, and such cells keep their hashes
///
///   dialect mamba, T 12, V 16 by default
///     position   0  1  2  3  4  5  6  7  8 |  9 10 11
///     ids        .  a  .  .  b  c  .  .  . |  M  M  M         M = V-1, '.' = 0
///     labels                               |  a  b  c
///     data: 1..V-2 with repetition
///
/// R = n positions are scored; the answer is due AT them.
/// Kinds of tokens: data, noise, copy token (SEP, COPY, every M), blank (what follows SEP or COPY).
/// Tags: `lag` (scored position minus source token) and `level` (between the two), and `pair`, the
/// place among the data (0 for a). More tags: `levels_beyond`, how many levels `level` lies beyond
/// those of the trained length; `sixteenth` of the sequence in which the source token stands. Data
/// do not contradict each other, so there is no `bound_again` as in mqar.
/// Chance: adaptive 1/n (a guess among the data of the example), all others 1/(V-2).
/// Rules: `first` and `recent` are always right; the data never contradict themselves.
/// Errors: adaptive with n > 63, or with a vocab other than 128; 2n + 1 > T (mamba: 2n > T); any
/// option outside its range.
/// Not given, `length` is 256 (mamba: 4096) and `vocab` is 16 (adaptive: 128).
class SelectiveCopyingSettings final : public TaskSettings {
 public:
  CopyingDialect dialect = CopyingDialect::kAdaptive;
  std::int64_t tokens = 16;           ///< n
  std::optional<std::int64_t> vocab;  ///< V; `length` 0 and an absent vocab mean "not given"

  [[nodiscard]] std::string_view name() const noexcept override { return "selective-copying"; }
  [[nodiscard]] Names tags() const noexcept override;
  [[nodiscard]] Names more_tags() const noexcept override;
  [[nodiscard]] Names rules() const noexcept override;
  [[nodiscard]] TokenKinds kinds() const noexcept override;
  [[nodiscard]] Fields fields() override;
  void resolve() override;
  void validate() const override;
  [[nodiscard]] std::unique_ptr<TaskSettings> clone() const override;
  [[nodiscard]] std::unique_ptr<Task> make() const override;
};

}  // namespace recollect
