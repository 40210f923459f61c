#pragma once

namespace recollect::cli {

/// As long as it lives, Ctrl-Z (SIGTSTP) does not stop the program by itself: whoever draws on the
/// terminal is asked first, and stops the program once the terminal is clean. Where SIGTSTP was
/// ignored it stays so. One at a time.
class JobControl {
 public:
  JobControl();
  ~JobControl();
  JobControl(const JobControl&) = delete;
  JobControl& operator=(const JobControl&) = delete;

  /// True once after Ctrl-Z.
  [[nodiscard]] static bool stop_is_wanted();
  /// Stops the program as Ctrl-Z does. Returns when it goes on, with `fg` or `bg`.
  void stop();
  /// True once after the program was made to go on, however it had been stopped.
  [[nodiscard]] static bool was_continued();

 private:
  void listen();
  bool ignored_ = false;
};

}  // namespace recollect::cli
