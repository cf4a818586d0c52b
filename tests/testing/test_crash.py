"""Runs that die at a named point, on the real crash points."""

import signal
import sys
from pathlib import Path

import pytest

from watermaster.runtime.crash_points import CrashPoint
from watermaster.stream.fault import WorldFault
from watermaster.testing.crash import CrashRuns, run_with_crashes

PROGRAM = """
from watermaster.runtime.crash_points import CrashPoint, reach
for _ in range(3):
    reach(CrashPoint.AFTER_POLL)
print("done")
raise SystemExit(7)
"""
COMMAND = [sys.executable, "-c", PROGRAM]


@pytest.mark.parametrize(("nth", "crashes", "expected"), [(1, 1, 1), (3, 2, 2), (4, 2, 0), (1, 0, 0)])
def test_it_dies_as_often_as_asked_and_then_ends_by_itself(
    tmp_path: Path, nth: int, crashes: int, expected: int
) -> None:
    runs = run_with_crashes(COMMAND, CrashPoint.AFTER_POLL, tmp_path / "log", nth=nth, crashes=crashes)
    assert runs == CrashRuns(expected, 7, "done\n")


def test_a_death_that_nobody_asked_for_is_not_repeated(tmp_path: Path) -> None:
    suicide = [sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"]
    assert run_with_crashes(suicide, "after_poll", tmp_path / "log", crashes=0).exit_code == -signal.SIGKILL


def test_a_run_that_hangs_is_ended_and_told(tmp_path: Path) -> None:
    hangs = [sys.executable, "-c", "import time; print('stuck here', flush=True); time.sleep(600)"]
    with pytest.raises(WorldFault, match="stuck here"):
        run_with_crashes(hangs, "after_poll", tmp_path / "log", timeout_s=2)
