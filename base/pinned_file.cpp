#include "base/pinned_file.hpp"

namespace recollect {

PinnedFile pinned_file(const std::string& text) {
  constexpr std::size_t kDigits = 32;
  const std::size_t at = text.rfind('@');
  if (at == std::string::npos || text.size() - at - 1 != kDigits ||
      text.find_first_not_of("0123456789abcdef", at + 1) != std::string::npos) {
    return {text, ""};
  }
  return {text.substr(0, at), text.substr(at + 1)};
}

std::string text_of(const PinnedFile& file) { return file.path + "@" + file.digest; }

std::string identity_of_pinned(const std::string& text) {
  const std::string digest = pinned_file(text).digest;
  return digest.empty() ? text : "xxh3-" + digest;
}

}  // namespace recollect
