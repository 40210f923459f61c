#pragma once

#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace recollect {

/// What the program's exit status says. `recollect --help` and the README list the same numbers.
enum class ExitStatus : int {
  kDone = 0,
  kRegression = 1,     ///< results that must be the same are not
  kCannotCompare = 2,  ///< whether they are the same cannot be decided
  kConfiguration = 3,  ///< the configuration is wrong; nothing was written
  kCellsFailed = 4,    ///< the sweep ended, and some of its cells are rows with a reason
  kInputOutput = 5,    ///< files, space, permissions, or memory for the program itself
  kUndecided = 6,      ///< nothing is shown to be worse, and something may well be
  kUsage = 64,         ///< the command line is wrong
  kProcessor = 69,     ///< built for another processor (base/processor.hpp)
  kInterrupted = 130,  ///< stopped by SIGINT; the same command goes on
  kTerminated = 143,   ///< stopped by SIGTERM; the same command goes on; 128 + n by signal n
};

/// The root of every error that the program reports: one clear line, and the exit status it leads
/// to. What is not printable in the message, which may quote any bytes of a file, is escaped.
class Error : public std::runtime_error {
 public:
  Error(ExitStatus status, const std::string& message);
  [[nodiscard]] ExitStatus status() const noexcept { return status_; }

 private:
  ExitStatus status_;
};

/// A configuration that cannot be run. The line names file, line, key, value, bound and remedy.
class ConfigError : public Error {
 public:
  explicit ConfigError(const std::string& message) : Error(ExitStatus::kConfiguration, message) {}
};

/// A file that cannot be read or written. The line names the path and the system's reason.
class IoError : public Error {
 public:
  /// @param code  the system's, an errno; 0 where the system has said nothing
  explicit IoError(const std::string& message, int code = 0)
      : Error(ExitStatus::kInputOutput, message), code_(code) {}
  [[nodiscard]] int code() const noexcept { return code_; }

 private:
  int code_;
};

/// A rule between options that does not hold, e.g. more pairs than a sequence has room for. It
/// names the option by its key relative to its own section ("pairs"); whoever read the file adds
/// file, line and section. `message` goes on after the key: "= 40 needs 160 tokens, but length is
/// 128; ...".
class FieldError : public ConfigError {
 public:
  FieldError(std::string key, std::string message)
      : ConfigError(key + " " + message), key_(std::move(key)), detail_(std::move(message)) {}
  [[nodiscard]] const std::string& key() const noexcept { return key_; }
  [[nodiscard]] const std::string& detail() const noexcept { return detail_; }

 private:
  std::string key_;
  std::string detail_;
};

/// The text of an error for a place that has room for one line: line breaks become blanks.
[[nodiscard]] std::string one_line(std::string text);

/// True where memory could not be had. A container that cannot even count its elements lacks memory
/// as well.
[[nodiscard]] bool is_out_of_memory(const std::exception& error);

/// The known name closest to `name` by edit distance, or "" if none is near enough to be a typo
/// (more than a third of its letters, and more than two, would have to change).
[[nodiscard]] std::string nearest_name(std::string_view name,
                                       const std::vector<std::string>& known);

}  // namespace recollect
