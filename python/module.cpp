#include <string>

#include "base/build_info.hpp"
#include "python/bindings.hpp"

PYBIND11_MODULE(_recollect, module) {
  using namespace recollect;
  module.doc() = "The compiled part of recollect.";
  module.attr("__version__") = RECOLLECT_VERSION;
  module.def(
      "build_info",
      [] {
        pybind11::dict info;
        info["version"] = RECOLLECT_VERSION;
        info["code_version"] = std::string(code_version());
        info["compiler"] = std::string(compiler());
        info["build"] = std::string(build());
        return info;
      },
      "What `recollect --version` prints: version, code_version, compiler, build.");
  python::bind_errors(module);
  python::bind_configuration(module);
  python::bind_examples(module);
  python::bind_model(module);
  python::bind_score(module);
  python::bind_run(module);
  python::bind_tables(module);
}
