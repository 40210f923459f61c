// What ends the program of the contracts where a shape is wrong: a view that is left, an assertion,
// a signal. Each says which variant, option and tensor it was.
#include "tests/contracts/shape_errors.hpp"

#include <cxxabi.h>
#include <dlfcn.h>
#include <execinfo.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <string>

#include "math/shape_check.hpp"
#include "tests/contracts/checks.hpp"
#include "tests/support/tensor_names.hpp"

namespace recollect {
namespace {

constexpr int kShapeStatus = 1;

/// "MlpLevelWeights<double>::forward", the innermost function that is neither a view nor a kernel.
std::string function_in_use() {
  std::array<void*, 64> frames{};
  const int count = backtrace(frames.data(), static_cast<int>(frames.size()));
  for (int i = 0; i < count; ++i) {
    Dl_info info{};
    if (dladdr(frames[static_cast<std::size_t>(i)], &info) == 0 || info.dli_sname == nullptr) {
      continue;
    }
    int status = 0;
    const std::unique_ptr<char, void (*)(void*)> name(
        abi::__cxa_demangle(info.dli_sname, nullptr, nullptr, &status), &std::free);
    if (status != 0) continue;
    std::string text(name.get());
    for (const char* prefix : {"void ", "recollect::"}) {
      if (text.starts_with(prefix)) text.erase(0, std::string(prefix).size());
    }
    bool is_ours = std::string_view(name.get()).find("recollect::") != std::string_view::npos;
    for (const char* below :
         {"shape_error", "Linear::", "PackedLinear<", "product_", "View<", "rows<", "columns<",
          "(anonymous", "Checks", "function_in_use", "Eigen::"}) {
      if (text.starts_with(below)) is_ours = false;
    }
    if (!is_ours) continue;
    return text.substr(0, text.find('('));
  }
  return "";
}

[[noreturn]] void end(const std::string& what) {
  const Checks* checks = Checks::current();
  const std::string function = function_in_use();
  const std::string text =
      fmt::format("FAILED: {}: {}{}\n", checks == nullptr ? "before any check" : checks->where(),
                  what, function.empty() ? "" : "\n  look at " + function + "()");
  (void)!write(STDERR_FILENO, text.data(), text.size());
  _exit(kShapeStatus);
}

void on_signal(int number) {
  std::signal(number, SIG_DFL);
  end(fmt::format(
      "{} while it was checked",
      number == SIGFPE ? "an arithmetic error" : "memory that is not its own is read or written"));
}

}  // namespace

#ifdef RECOLLECT_SHAPE_ERRORS

namespace {

std::string text_of(const CheckedView& view) {
  const std::string tensor = tensor_at(view.data);
  return tensor.empty() ? fmt::format("a view ({}, {})", view.rows, view.cols)
                        : fmt::format("a view ({}, {}) of {}", view.rows, view.cols, tensor);
}

}  // namespace

void shape_error(const char* condition, std::initializer_list<CheckedView> views) {
  std::string all;
  for (const CheckedView& view : views) {
    if (!all.empty()) all += ", ";
    all += text_of(view);
  }
  end(views.size() == 1 ? fmt::format("{} is left; {} does not hold", all, condition)
                        : fmt::format("{} do not fit; {} does not hold", all, condition));
}

#endif

void report_signals() {
  // A stack of its own: the one in use may be what has overflowed.
  static std::array<char, 1 << 16> stack;
  stack_t place{};
  place.ss_sp = stack.data();
  place.ss_size = stack.size();
  sigaltstack(&place, nullptr);
  for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) {
    struct sigaction action {};
    action.sa_handler = &on_signal;
    action.sa_flags = SA_ONSTACK;
    sigaction(number, &action, nullptr);
  }
}

}  // namespace recollect

// What assert() calls, also that of Eigen; here with the names.
extern "C" void __assert_fail(  // NOLINT(bugprone-reserved-identifier)
    const char* condition, const char* file, unsigned line, const char*) noexcept {
  recollect::end(fmt::format("{}:{}: {} does not hold", file, line, condition));
}
