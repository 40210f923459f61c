"""What the tests of the module share: a tiny experiment, the program beside the module, folders compared."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAM = os.environ["RECOLLECT_PROGRAM"]
SKIPPED = 77  # CTest is told so

TINY = """
experiment: tiny
task: {name: mqar, length: 16, pairs: 2, vocab: 16}
model: {width: 16, lambda_hidden: 8, chunk: 16}
variants: [adaptive-decay, full-quadratic]
train: {examples: 100, validation_examples: 20, batch: 8, steps: 30, eval_every: 10}
eval: {lengths: [16, 32], examples: 40}
seeds: [0]
"""


class FolderTest(unittest.TestCase):
    """Each test has a folder of its own, with the tiny experiment in it."""

    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)
        self.config = self.folder / "tiny.yaml"
        self.config.write_text(TINY)

    def program(self, *arguments, status=0):
        done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, cwd=self.folder)
        self.assertEqual(done.returncode, status, done.stderr)
        return done

    def assert_same_bytes(self, one, other, least=10):
        """All files but those that say how long a run took, and which processor it had."""
        files = {self.files_of(folder) for folder in (one, other)}
        self.assertEqual(len(files), 1, files)
        self.assertGreater(len(self.files_of(one)), least)
        for name in self.files_of(one):
            self.assertEqual((one / name).read_bytes(), (other / name).read_bytes(), name)

    @staticmethod
    def files_of(folder):
        every = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
        return tuple(sorted(path for path in every if path.name != "provenance.yaml" and path.parts[0] != "claims"))


def skip_all(reason):
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)
