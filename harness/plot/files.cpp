#include "harness/plot/files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <set>
#include <string>
#include <thread>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "harness/plot/process.hpp"
#include "harness/plot/script.hpp"
#include "harness/plot/svg.hpp"

namespace recollect::plot {
namespace {

constexpr const char* kGnuplot = "gnuplot";
constexpr const char* kConverter = "rsvg-convert";
constexpr std::size_t kMostThreads = 8;

[[noreturn]] void miss_gnuplot() {
  throw IoError(
      "pictures are drawn by gnuplot, which is not installed; on Debian: "
      "apt-get install gnuplot-nox fonts-liberation librsvg2-bin");
}

/// The first line of a program's complaint that says something.
std::string first_line(const std::string& errors) {
  std::string fallback;
  for (std::size_t at = 0; at < errors.size();) {
    const std::size_t end = std::min(errors.find('\n', at), errors.size());
    const std::string line = errors.substr(at, end - at);
    at = end + 1;
    // In the locale C gnuplot always misses a degree sign, which no picture has.
    if (words(line).empty() || line.find("degree sign") != std::string::npos) continue;
    if (line.find("line ") != std::string::npos) return printable(line, 200);
    if (fallback.empty()) fallback = line;
  }
  return printable(fallback, 200);
}

std::string png_of(const std::string& svg, const std::string& name) {
  const ProcessResult result = run_process({kConverter, "-z", "2"}, svg);
  if (!result.found || result.status != 0) {
    throw IoError(fmt::format("{} failed on {}: {}", kConverter, name, first_line(result.errors)));
  }
  return result.output;
}

std::filesystem::path write_figure(const std::filesystem::path& folder, const Figure& figure,
                                   const Formats& formats) {
  const std::string svg = svg_of(figure);
  write_file_atomically(folder / (figure.name + ".csv"), to_csv(figure.data));
  if (formats.png) write_file_atomically(folder / (figure.name + ".png"), png_of(svg, figure.name));
  if (formats.dark_png) {
    write_file_atomically(folder / (figure.name + "-dark.png"), png_of(in_dark(svg), figure.name));
  }
  std::filesystem::path path = folder / (figure.name + ".svg");
  write_file_atomically(path, svg);
  return path;
}

}  // namespace

bool has_gnuplot() { return run_process({kGnuplot, "--version"}, "").found; }

void expect_gnuplot() {
  if (!has_gnuplot()) miss_gnuplot();
}

bool can_make_png() { return run_process({kConverter, "--version"}, "").found; }

std::string svg_of(const Figure& figure) {
  const ProcessResult result = run_process({kGnuplot, "-d"}, gnuplot_script(figure));
  if (!result.found) miss_gnuplot();
  if (result.status != 0) {
    throw IoError(fmt::format("gnuplot failed on {} with status {}: {}", figure.name, result.status,
                              first_line(result.errors)));
  }
  return finished_svg(figure, result.output);
}

std::vector<std::filesystem::path> write_figures(const std::filesystem::path& folder,
                                                 const std::vector<Figure>& figures,
                                                 const Formats& formats) {
  std::set<std::string> names;
  for (const Figure& figure : figures) {
    if (!names.insert(figure.name).second) {
      throw IoError(fmt::format(
          "two pictures are both called {}.svg; draw them apart, with --what or --experiment",
          figure.name));
    }
  }
  std::vector<std::filesystem::path> paths(figures.size());
  std::vector<std::exception_ptr> failures(figures.size());
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < figures.size(); i = next++) {
      try {
        paths[i] = write_figure(folder, figures[i], formats);
      } catch (...) {
        failures[i] = std::current_exception();
      }
    }
  };
  const std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
  {
    std::vector<std::jthread> threads;
    const std::size_t wanted = std::min({cores, kMostThreads, figures.size()});
    for (std::size_t i = 1; i < wanted; ++i) threads.emplace_back(work);
    work();
  }
  for (const std::exception_ptr& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
  return paths;
}

}  // namespace recollect::plot
