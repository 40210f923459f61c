"""The programs of examples/pytorch run, shortened: each ends well and says what it should.

Usage: examples_test.py SOURCE_TREE
"""

import os
import pathlib
import re
import subprocess
import sys
import unittest

from setting import FolderTest, skip_all

try:
    import torch  # noqa: F401
except ImportError:
    skip_all("PyTorch is not installed (python3-torch)")

EXAMPLES = pathlib.Path(sys.argv.pop()) / "examples"
MOST_LINES = 120


class Examples(FolderTest):
    def run_example(self, name, *arguments):
        command = [sys.executable, EXAMPLES / name, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.folder, env=os.environ)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_each_is_short(self):
        for example in (EXAMPLES / "pytorch").glob("*.py"):
            self.assertLess(len(example.read_text().splitlines()), MOST_LINES, example)

    def test_our_weights_give_the_same_logits(self):
        printed = self.run_example("pytorch/load_our_weights.py", "--steps", 60, "--out", "runs")
        (difference,) = re.findall(r"largest difference of the logits: (\S+) of", printed)
        print(printed)
        self.assertLess(float(difference), 1e-5)

    def test_a_model_is_trained_on_our_batches_and_scored_beside_ours(self):
        printed = self.run_example("pytorch/train_on_our_examples.py", "--steps", 20)
        (counted,) = re.findall(r"accuracy on 1000 test examples, as PyTorch counts: (0\.\d+)", printed)
        printed = self.run_example("pytorch/score_beside_ours.py", "--steps", 20, "--out", "runs")
        self.assertIn(f"PyTorch model: accuracy {counted}, chance", printed)
        for label in ("adaptive-decay", "attention\\+conv", "PyTorch model"):
            self.assertRegex(printed, rf"\n{label} +0\.\d{{4}} ")


if __name__ == "__main__":
    unittest.main(warnings="ignore")
