#include "tests/contracts/contracts.hpp"

#include <exception>

namespace recollect {
namespace {

constexpr Contract kContracts[] = {
    {"registered", "has one name, a description, and options that are written and read back",
     &check_registered, true},
    {"tensors", "its tensors have names of their own, and the same shapes in float and double",
     &check_tensors, true},
    {"shapes", "reads and writes nothing beyond its tensors, its output and its gradients",
     &check_shapes, true},
    {"causal", "changing a token changes no output before it, in every form and option",
     &check_causal},
    {"prefixes", "a shorter sequence gives what the longer one gives at the same tokens",
     &check_prefixes},
    {"gradients", "gradients of weights match central differences, with every option",
     &check_gradients},
    {"input gradients", "and so do those of the mixer's input, at all tokens and at a few",
     &check_input_gradients},
    {"few queries", "at a few tokens the output and the gradients are those of all tokens",
     &check_few_queries},
    {"forms", "the dense, chunkwise and recurrent forms agree", &check_forms},
    {"strong decay", "a decay by e^-200 a chunk gives finite numbers in float",
     &check_strong_decay},
    {"float", "float gives what double gives, to its precision", &check_float},
    {"segments", "segments of a sequence give what the whole of it gives", &check_segments},
    {"model segments", "so do those of a model, with a table of the first layer and without",
     &check_model_segments},
    {"stream", "a stream gives the logits of the whole sequence", &check_stream},
    {"stream memory", "a stream takes no more memory than its states", &check_stream_memory},
    {"threads", "the same bits for any number of threads", &check_threads},
    {"allocation", "no allocation after the first step", &check_allocation},
    {"state", "the state that it declares is one of decoding", &check_state},
    {"workspace", "cost() bounds the memory that is used, within 1.5", &check_workspace},
};

}  // namespace

std::span<const Contract> contracts() { return kContracts; }

std::string failure_of(const Contract& contract, const MixerEntry& entry,
                       std::int64_t& comparisons) {
  Checks checks(entry);
  std::string failure;
  try {
    contract.check(checks);
  } catch (const ContractFailure& found) {
    failure = found.text;
  } catch (const std::exception& error) {
    failure = checks.where() + ": " + error.what();
  }
  comparisons += checks.comparisons();
  return failure;
}

}  // namespace recollect
