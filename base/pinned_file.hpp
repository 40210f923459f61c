#pragma once

#include <string>

namespace recollect {

/// A file in a configuration: PATH, or PATH@DIGEST, which says what content it must have. The
/// digest alone decides what is computed; the loader adds it where it is not given.
struct PinnedFile {
  std::string path;
  std::string digest;  ///< 32 hexadecimal digits; "": any content
};
[[nodiscard]] PinnedFile pinned_file(const std::string& text);

/// "PATH@DIGEST"
[[nodiscard]] std::string text_of(const PinnedFile& file);

/// What stands for it in identities and tables: "xxh3-DIGEST", which nobody takes for a number; the
/// text itself where there is no digest.
[[nodiscard]] std::string identity_of_pinned(const std::string& text);

}  // namespace recollect
