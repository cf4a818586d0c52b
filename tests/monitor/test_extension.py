"""How much longer a topic must keep records, case by case."""

from __future__ import annotations

import pytest

from watermaster.monitor.extension import ROUNDING_MS, Waiting, plan_extension
from watermaster.monitor.retention import KEPT_FOR_EVER, Retention
from watermaster.monitor.volume import Volume

HOUR = 3_600_000
DAY = 24 * HOUR
TIMED, SIZED, BOTH = Retention(DAY, None), Retention(None, 1000), Retention(DAY, 1000)
SLOW = Volume(unread_bytes=900, growth_bytes_s=0.1)

CASES: list[tuple[int, str, Retention, tuple[Waiting, ...], dict[str, int], bool, int | None]] = [
    (1, "the age of the oldest unread record, and the time that was asked for", TIMED,
     (Waiting(0, 20 * HOUR, SLOW), Waiting(1, HOUR, SLOW)), {"retention.ms": 30 * HOUR + ROUNDING_MS}, False,
     round(3 * 0.2 * (6 * HOUR + ROUNDING_MS) / 1000)),
    (2, "long enough already", TIMED, (Waiting(0, HOUR, SLOW),), {}, False, 0),
    (3, "overdue already: its age counts and not the retention", TIMED, (Waiting(0, 30 * HOUR, None),),
     {"retention.ms": 40 * HOUR + ROUNDING_MS}, False, None),
    (4, "an unknown age: all that is kept now is kept for longer", TIMED, (Waiting(0, None, SLOW),),
     {"retention.ms": DAY + 10 * HOUR + ROUNDING_MS}, True, round(3 * 0.1 * (10 * HOUR + ROUNDING_MS) / 1000)),
    (5, "nothing is unread", TIMED, (), {}, False, 0),
    (6, "nothing is ever deleted", KEPT_FOR_EVER, (Waiting(0, DAY, None),), {}, False, 0),
    (7, "size: what is unread and what will come, and a quarter more", SIZED, (Waiting(0, None, SLOW),),
     {"retention.bytes": 5625}, False, 3 * 4625),
    (8, "size, but nobody can say how much: doubled", SIZED, (Waiting(0, HOUR, None),), {"retention.bytes": 2000}, True,
     3000),
    (9, "both, the smaller room counts for the disk", BOTH, (Waiting(0, 20 * HOUR, SLOW),),
     {"retention.ms": 30 * HOUR + ROUNDING_MS, "retention.bytes": 5625}, False,
     round(3 * 0.1 * (6 * HOUR + ROUNDING_MS) / 1000)),
    (10, "two groups on one partition share its growth", TIMED, (Waiting(0, 20 * HOUR, SLOW), Waiting(0, HOUR, SLOW)),
     {"retention.ms": 30 * HOUR + ROUNDING_MS}, False, round(3 * 0.1 * (6 * HOUR + ROUNDING_MS) / 1000)),
]  # fmt: skip


@pytest.mark.parametrize("row", CASES, ids=[row[1] for row in CASES])
def test_cases(row: tuple[int, str, Retention, tuple[Waiting, ...], dict[str, int], bool, int | None]) -> None:
    number, why, before, waiting, settings, assumed, disk = row
    extension = plan_extension("orders", before, waiting, 10 * HOUR, 3)
    found = (dict(extension.settings), extension.assumed, extension.disk_bytes_max)
    assert found == (settings, assumed, disk), f"{number}: {why}"
