"""Every public name has a docstring and a stub with the same parameters; mypy's stubtest where there is mypy."""

import ast
import inspect
import pathlib
import re
import tempfile
import unittest

import recollect

STUBS = pathlib.Path(recollect.__file__).with_name("__init__.pyi")


def parameters(function):
    """The names of a function of the stubs."""
    arguments = function.args
    return [one.arg for one in arguments.posonlyargs + arguments.args + arguments.kwonlyargs]


def real_parameters(member):
    """Of a function of Python, or of one of pybind11, whose docstring begins with its signature."""
    try:
        return list(inspect.signature(member).parameters)
    except ValueError:
        inside = member.__doc__.split("\n")[0].split("(", 1)[1].rsplit(") ->", 1)[0]
        return re.findall(r"(?:^|, )(\w+)(?=:|$|,)", re.sub(r"\[[^]]*\]", "", re.sub(r"\[[^[\]]*\]", "", inside)))


class Stubs(unittest.TestCase):
    def setUp(self):
        tree = ast.parse(STUBS.read_text())
        self.functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
        self.classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}

    def test_public_names_are_in_the_stubs_and_have_docstrings(self):
        public = set(recollect.__all__) - {"__version__"}
        self.assertEqual(public, self.functions.keys() | self.classes.keys())
        self.assertTrue(STUBS.with_name("py.typed").exists())
        for name in public:
            self.assertTrue(getattr(recollect, name).__doc__, name)

    def test_functions_have_the_parameters_of_their_stubs(self):
        for name, node in self.functions.items():
            self.assertEqual(real_parameters(getattr(recollect, name)), parameters(node), name)

    def test_members_are_in_the_stubs_and_have_docstrings(self):
        for name, node in self.classes.items():
            real = getattr(recollect, name)
            if issubclass(real, Exception):
                continue
            stubs = {member.name: member for member in node.body}
            there = {member for member in vars(real) if not member.startswith("_")}
            self.assertEqual(there, {member for member in stubs if not member.startswith("_")}, name)
            for member in there:
                self.assertTrue(getattr(real, member).__doc__, f"{name}.{member}")
                if not isinstance(getattr(real, member), property):
                    self.assertEqual(real_parameters(getattr(real, member)), parameters(stubs[member]), f"{name}.{member}")

    def test_stubtest_of_mypy(self):
        try:
            from mypy import stubtest
        except ImportError:
            self.skipTest("mypy is not installed")
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as allowed:
            # Classes that pybind11 makes have a metaclass, and an __init__ that takes nothing.
            classes = "|".join(name for name in self.classes if not issubclass(getattr(recollect, name), Exception))
            allowed.write(rf"recollect\.({classes})(\.__init__)?")
            allowed.flush()
            options = stubtest.parse_options(["recollect", "--ignore-missing-stub", "--allowlist", allowed.name])
            self.assertEqual(stubtest.test_stubs(options), 0)


if __name__ == "__main__":
    unittest.main(warnings="ignore")
