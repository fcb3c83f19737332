"""What a run leaves out, and that it says so."""

import pytest

from sequence.local.launch.install import ROOT

TESTS = """
import pytest

def test_short(by_length):
    print("size", by_length(1, 2, 3))

@pytest.mark.full
def test_full(): ...

@pytest.mark.long
def test_long(): ...

@pytest.mark.long
@pytest.mark.full
def test_both(): ...
"""
PLUGINS = ("-p", "tests.lengths", "-p", "no:django", "-p", "no:randomly", "-p", "no:cacheprovider", "-s")


class TestLength:
    @pytest.mark.parametrize(
        ("options", "size", "ran", "waiting"),
        [
            ([], 1, 1, ["1 test not run: waiting for --full.", "2 tests not run: waiting for --long."]),
            (["--full"], 2, 2, ["2 tests not run: waiting for --long."]),
            (["--long"], 3, 4, []),
            (["--long", "--full"], 3, 4, []),
        ],
    )
    def test_decides_what_runs_and_is_told(self, pytester, options, size, ran, waiting):
        pytester.makepyfile(TESTS)

        result = pytester.runpytest_inprocess(*PLUGINS, "-p", "no:xdist", *options)

        result.assert_outcomes(passed=ran, deselected=4 - ran)
        assert [line for line in result.outlines if "waiting for" in line] == waiting
        assert f"size {size}" in result.stdout.str()

    @pytest.mark.full
    def test_is_told_by_workers_too(self, pytester, monkeypatch):
        monkeypatch.setenv("PYTHONPATH", str(ROOT))
        pytester.makepyfile(TESTS)

        result = pytester.runpytest_subprocess(*PLUGINS, "-n", "1")

        result.assert_outcomes(passed=1)
        result.stdout.fnmatch_lines(["1 test not run: waiting for --full.", "2 tests not run: waiting for --long."])
