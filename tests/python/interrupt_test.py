"""Ctrl-C in the middle of a long call: KeyboardInterrupt soon, and the module works as before."""

import os
import signal
import sys
import threading
import time
import unittest

import numpy as np
import recollect

from setting import TINY, FolderTest

LARGE = """
experiment: large
task: {name: mqar, length: 1024, pairs: 8}
model: {width: 128, layers: 4}
variants: [adaptive-decay]
"""
SOON = 3.0  # seconds; the calls take many


class Interrupted(FolderTest):
    def setUp(self):
        super().setUp()
        # A shell may have it ignored in what it starts in the background.
        self.addCleanup(signal.signal, signal.SIGINT, signal.signal(signal.SIGINT, signal.default_int_handler))

    def interrupt(self, call):
        """SIGINT while the call computes. Returns how many seconds later KeyboardInterrupt was there."""
        begin, sent = threading.Event(), []

        def interrupt():
            begin.wait()
            sent.append(time.monotonic())
            os.kill(os.getpid(), signal.SIGINT)

        # Nobody takes the interpreter's lock away: the other thread goes on once the call gives it up.
        self.addCleanup(sys.setswitchinterval, sys.getswitchinterval())
        sys.setswitchinterval(100)
        other = threading.Thread(target=interrupt)
        other.start()
        with self.assertRaises(KeyboardInterrupt):
            begin.set()
            call()
        seconds = time.monotonic() - sent[0]
        other.join()
        return seconds

    def test_logits_predictions_and_scores_of_a_model(self):
        (cell,) = recollect.parse(LARGE).cells
        model = cell.initial_model()
        ids = np.random.default_rng(0).integers(0, cell.vocab, (4000, 1024))
        before = model.logits(ids[:2], [5, 1023])
        for name, call in (
            ("logits", lambda: model.logits(ids, [1023], threads=2)),
            ("predict", lambda: model.predict(ids, [1023], threads=2)),
            ("score", lambda: model.score(examples=4000, threads=2)),
        ):
            with self.subTest(name):
                self.assertLess(self.interrupt(call), SOON)
                np.testing.assert_array_equal(model.logits(ids[:2], [5, 1023]), before)
        self.assertEqual(model.score(examples=10)["examples"], 10)

    def test_examples_and_scores_of_answers(self):
        (cell,) = recollect.parse(TINY, {"variants": ["adaptive-decay"], "eval.examples": 1_000_000}).cells
        started = time.monotonic()
        examples = cell.examples("test", threads=1)
        whole = time.monotonic() - started
        self.assertLess(self.interrupt(lambda: cell.examples("test", threads=1)), whole / 2)
        out = self.folder / "runs"
        self.interrupt(lambda: recollect.score(cell, examples, examples.labels, label="theirs", out=out, threads=1))
        self.assertFalse(out.exists())
        few = cell.examples("test", count=100)
        figures = recollect.score(cell, few, few.labels, label="theirs", out=out)
        self.assertEqual((figures["examples"], figures["accuracy"]), (100, 1.0))

    def test_a_handler_that_does_not_raise_interrupts_nothing(self):
        (cell,) = recollect.parse(LARGE).cells
        model = cell.initial_model()
        ids = np.random.default_rng(0).integers(0, cell.vocab, (200, 1024))
        handled = []
        signal.signal(signal.SIGINT, lambda *_: handled.append(time.monotonic()))
        timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        all_of_them = model.logits(ids, [1023], threads=1)
        ended = time.monotonic()
        timer.join()
        self.assertEqual(len(handled), 1)
        self.assertLess(handled[0], ended)
        np.testing.assert_array_equal(all_of_them[7], model.logits(ids[7], [1023]))

    def test_other_threads_compute_as_well(self):
        (cell,) = recollect.parse(TINY, {"variants": ["adaptive-decay"]}).cells
        model = cell.initial_model()
        scores = []
        other = threading.Thread(target=lambda: scores.append(model.score(examples=50)))
        other.start()
        other.join()
        self.assertEqual(scores, [model.score(examples=50)])


if __name__ == "__main__":
    unittest.main(warnings="ignore")
