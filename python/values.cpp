#include "python/values.hpp"

#include <pybind11/stl.h>

#include <cstdint>
#include <optional>
#include <variant>

namespace recollect::python {
namespace {

namespace py = pybind11;

struct OfField {
  const Field& field;

  py::object operator()(const ChoiceRef& choice) const {
    return py::str(choice.names[static_cast<std::size_t>(choice.get())]);
  }
  template <class T>
  py::object operator()(std::optional<T>* value) const {
    if (*value) return py::cast(**value);
    return field.also.empty() ? py::object(py::none()) : py::object(py::str(field.also));
  }
  template <class T>
  py::object operator()(std::vector<T>* values) const {
    if (values->empty() && !field.also.empty()) return py::str(field.also);
    return py::cast(*values);
  }
  template <class T>
  py::object operator()(T* value) const {
    return py::cast(*value);
  }
};

struct OfValue {
  py::object operator()(std::monostate) const { return py::none(); }
  /// Its number, truth or list is written as JSON writes it.
  py::object operator()(const OptionText& option) const {
    if (option.text.empty()) return py::none();
    if (option.is_word) return py::str(option.text);
    const Json parsed = Json::parse(option.text, nullptr, /*allow_exceptions=*/false);
    return parsed.is_discarded() ? py::object(py::str(option.text)) : object_of(parsed);
  }
  py::object operator()(const SolveSteps& steps) const {
    py::list list;
    for (const SolveStep& step : steps) list.append(py::make_tuple(step.step, step.solved));
    return list;
  }
  template <class T>
  py::object operator()(const T& value) const {
    return py::cast(value);
  }
};

}  // namespace

py::object object_of(const Field& field) { return std::visit(OfField{field}, field.value); }

py::object object_of(const Value& value) { return std::visit(OfValue{}, value); }

py::object object_of(const Json& json) {
  switch (json.type()) {
    case Json::value_t::boolean:
      return py::bool_(json.get<bool>());
    case Json::value_t::number_integer:
      return py::int_(json.get<std::int64_t>());
    case Json::value_t::number_unsigned:
      return py::int_(json.get<std::uint64_t>());
    case Json::value_t::number_float:
      return py::float_(json.get<double>());
    case Json::value_t::string:
      return py::reinterpret_steal<py::object>(PyUnicode_DecodeUTF8(
          json.get_ref<const std::string&>().data(),
          static_cast<py::ssize_t>(json.get_ref<const std::string&>().size()), "replace"));
    case Json::value_t::array: {
      py::list list;
      for (const Json& element : json) list.append(object_of(element));
      return list;
    }
    case Json::value_t::object: {
      py::dict dict;
      for (const auto& [key, value] : json.items()) dict[py::str(key)] = object_of(value);
      return dict;
    }
    default:
      return py::none();
  }
}

}  // namespace recollect::python
