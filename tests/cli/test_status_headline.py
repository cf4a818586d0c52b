"""The first sentence of a status, for readers and for records that a gate holds."""

from __future__ import annotations

import pytest

from watermaster.cli.status_monitor import headline
from watermaster.monitor.horizon import Cause
from watermaster.runtime.lag_summary import HorizonLine
from watermaster.runtime.monitor import HELD_RECORDS

HOUR_MS = 3_600_000


def line(group: str, *, lost_max: int = 0, known: bool = True, left_ms: int | None = HOUR_MS) -> HorizonLine:
    at_ms = None if left_ms is None else 1_700_000_000_000 + left_ms
    because = "" if known else "its offsets could not be seen"
    return HorizonLine(
        group, "dlq.orders", 1, 3, known, Cause.TIME, at_ms, left_ms, forecast=False, lost_max=lost_max, because=because
    )


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (line("billing"), "next loss in 60 min (at the earliest): dlq.orders[1] for billing, by age (retention.ms)"),
        (line(HELD_RECORDS),
         "next loss in 60 min (at the earliest): open holds in dlq.orders[1], by age (retention.ms)"),
        (line("billing", lost_max=7), "up to 7 records are gone that billing has not read from dlq.orders"),
        (line(HELD_RECORDS, lost_max=7), "up to 7 open holds are gone from dlq.orders"),
        (line("billing", known=False, left_ms=None),
         "unknown for dlq.orders[1] for billing, because its offsets could not be seen"),
        (line(HELD_RECORDS, known=False, left_ms=None),
         "unknown for open holds in dlq.orders[1], because its offsets could not be seen"),
    ],
)  # fmt: skip
def test_it_says_whose_records_they_are(found: HorizonLine, sentence: str) -> None:
    assert headline([found]) == sentence
