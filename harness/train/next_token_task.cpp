#include "harness/train/next_token_task.hpp"

#include <cstddef>
#include <utility>

namespace recollect {

NextTokenTask::NextTokenTask(std::unique_ptr<Task> task) : task_(std::move(task)) {}

void NextTokenTask::example(const Draw& draw, Example& out, GeneratorScratch& scratch) const {
  task_->example(draw, out, scratch);
  out.tags.clear();
  const std::size_t tokens = out.ids.size();
  std::size_t scored = out.positions.size();
  const bool ends_with_answer = static_cast<std::size_t>(out.positions.back()) + 1 == tokens;
  const std::size_t labelled = ends_with_answer ? tokens : tokens - 1;
  out.positions.resize(labelled);
  out.labels.resize(labelled);
  // From the end, in place: positions ascend, so what is still to be read stands further in front.
  for (std::size_t t = labelled; t-- > 0;) {
    const bool is_scored = scored > 0 && static_cast<std::size_t>(out.positions[scored - 1]) == t;
    out.labels[t] = is_scored ? out.labels[scored - 1] : out.ids[t + 1];
    out.positions[t] = static_cast<std::int32_t>(t);
    if (is_scored) --scored;
  }
}

}  // namespace recollect
