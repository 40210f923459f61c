"""The lines of Python in README.md, run as they stand beside its experiment.

Usage: readme_test.py SOURCE_TREE
"""

import contextlib
import io
import os
import pathlib
import re
import sys
import unittest

from setting import FolderTest

README = (pathlib.Path(sys.argv.pop()) / "README.md").read_text()


class Readme(FolderTest):
    def test_the_lines_run(self):
        (code,) = re.findall(r"\n```python\n(.*?)```\n", README, re.DOTALL)
        self.assertLessEqual(len([line for line in code.splitlines() if line.strip()]), 10)
        (experiment,) = re.findall(r"\n```yaml\n(.*?)```\n", README, re.DOTALL)
        (self.folder / "my.yaml").write_text(experiment)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.folder)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, "README.md", "exec"), {})
        self.assertIn("(chance)", printed.getvalue())


if __name__ == "__main__":
    unittest.main(warnings="ignore")
