"""Tables as pandas frames, with the types that pandas gives the program's CSV."""

import io
import sys
import unittest

from setting import FolderTest, skip_all

try:
    import pandas
except ImportError:
    skip_all("pandas is not installed (python3-pandas)")

import recollect


class Frames(FolderTest):
    def test_a_frame_is_what_pandas_reads_from_the_program(self):
        recollect.run(recollect.load(self.config), self.folder / "runs")
        for rows, score in (("cells", "accuracy"), ("groups", "accuracy_mean"), ("history", "validation_accuracy")):
            frame = recollect.table(self.folder / "runs", rows)
            text = self.program("table", "runs", "--rows", rows).stdout
            read = pandas.read_csv(io.StringIO(text), float_precision="round_trip")
            self.assertEqual(list(frame.columns), list(read.columns))
            self.assertEqual(len(frame), len(read))
            for name in frame.columns:
                if pandas.api.types.is_numeric_dtype(frame[name]) and pandas.api.types.is_numeric_dtype(read[name]):
                    pandas.testing.assert_series_equal(
                        frame[name].astype(float), read[name].astype(float), check_exact=True)
            self.assertTrue(pandas.api.types.is_numeric_dtype(frame[score]))

    def test_without_pandas_the_error_names_the_remedy(self):
        recollect.run(recollect.load(self.config), self.folder / "runs")
        sys.modules["pandas"] = None  # as if it were not there
        self.addCleanup(sys.modules.__setitem__, "pandas", pandas)
        with self.assertRaisesRegex(ImportError, r"python3-pandas.*recollect.rows\(\)"):
            recollect.table(self.folder / "runs")


if __name__ == "__main__":
    unittest.main(warnings="ignore")
