"""What the newest timestamp of a topic proves, case by case."""

from __future__ import annotations

import pytest

from watermaster.monitor.freshness import Freshness, measure_freshness

NOW, BOUND = 10**12, 1_000
CREATED, APPENDED = {"message.timestamp.type": "CreateTime"}, {"message.timestamp.type": "LogAppendTime"}

CASES: list[tuple[int, str, Freshness, bool | None]] = [
    (1, "made just now, so it came just now", measure_freshness({0: NOW}, {0}, CREATED), False),
    (2, "just within the bound", measure_freshness({0: NOW - BOUND}, {0}, CREATED), False),
    (3, "made long ago: it may have come since", measure_freshness({0: NOW - BOUND - 1}, {0}, CREATED), None),
    (4, "appended long ago", measure_freshness({0: NOW - BOUND - 1}, {0}, APPENDED), True),
    (5, "the newest of all partitions counts", measure_freshness({0: 0, 1: NOW}, {0, 1}, APPENDED), False),
    (6, "a partition did not tell", measure_freshness({0: 0}, {0, 1}, APPENDED), None),
    (7, "a partition did not tell, and another one proves it", measure_freshness({0: NOW}, {0, 1}, APPENDED), False),
    (8, "an empty partition has nothing to tell", measure_freshness({0: 0}, {0}, APPENDED), True),
    (9, "a clock ahead proves nothing", measure_freshness({0: NOW + 1}, {0}, CREATED), None),
    (10, "nothing is there", measure_freshness({}, set(), APPENDED), None),
    (11, "who wrote the timestamps could not be seen", measure_freshness({0: 0}, {0}, None), None),
]


@pytest.mark.parametrize("row", CASES, ids=[row[1] for row in CASES])
def test_cases(row: tuple[int, str, Freshness, bool | None]) -> None:
    number, why, fresh, silent = row
    assert fresh.is_silent(BOUND, NOW) is silent, f"{number}: {why}"
