"""Log directories, case by case: offline, nearly full, on the way there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watermaster.monitor.health import Signal
from watermaster.monitor.log_directory import (
    PACE_MS_MIN,
    DiskSample,
    LogDirectory,
    forecast_full,
    judge_directories,
)

NOW = 10**12
HALF = LogDirectory(1, "/data", 400, 1_000, 500)
HOUR_AGO = NOW - PACE_MS_MIN


def with_left(usable: int) -> LogDirectory:
    return HALF._replace(usable=usable)


def before(usable: int, taken_ms: int = HOUR_AGO) -> list[DiskSample]:
    return [DiskSample(taken_ms, usable)]


CASES: list[tuple[int, str, LogDirectory, list[DiskSample], Signal | None]] = [
    (1, "half of it is left", HALF, [], None),
    (2, "offline", HALF._replace(stored=None), [], Signal.DIRECTORY_OFFLINE),
    (3, "an old broker that does not tell of its disk", HALF._replace(total=None, usable=None), [], None),
    (4, "a volume without a size", HALF._replace(total=0, usable=0), [], None),
    (5, "below a twentieth", with_left(49), [], Signal.DISK_FULL),
    (6, "just a twentieth", with_left(50), [], Signal.DISK_FILLING),
    (7, "below three twentieths", with_left(149), [], Signal.DISK_FILLING),
    (8, "just three twentieths", with_left(150), [], None),
    (9, "full in fewer than 24 h", with_left(480), before(501), Signal.DISK_FILLING),
    (10, "full in just 24 h", with_left(480), before(500), None),
    (11, "more than half of it is left", with_left(500), before(1_000), None),
    (12, "not looked at for long enough", with_left(480), before(900, HOUR_AGO + 1), None),
    (13, "it empties", with_left(480), before(400), None),
    (14, "it neither fills nor empties", with_left(480), before(480), None),
    (15, "nothing is left", with_left(0), before(10), Signal.DISK_FULL),
]


@pytest.mark.parametrize("row", CASES, ids=[row[1] for row in CASES])
def test_cases(row: tuple[int, str, LogDirectory, list[DiskSample], Signal | None]) -> None:
    number, why, directory, samples, expected = row
    found = judge_directories([directory], {directory.subject: samples}, NOW)
    assert [problem.signal for problem in found] == ([] if expected is None else [expected]), f"{number}: {why}"


def test_what_is_left_is_told_in_units() -> None:
    (problem,) = judge_directories([HALF._replace(total=300 * 2**30, usable=2**30)], {}, NOW)
    assert problem.subject == "broker 1 /data"
    assert problem.text == "0.3% of 300 GiB are left; a broker whose disk is full stops"


@given(usable=st.integers(1, 10**13), taken=st.integers(1, 10**13), later_ms=st.integers(PACE_MS_MIN, 3 * PACE_MS_MIN))
def test_at_its_pace_nothing_is_left_then(usable: int, taken: int, later_ms: int) -> None:
    left_ms = forecast_full(usable, before(usable + taken, NOW - later_ms), NOW)
    assert left_ms is not None
    assert usable - taken * left_ms / later_ms < taken / later_ms + 1e-6 * usable
