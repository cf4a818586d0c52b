"""Volumes against the rhythm of the week: no false alarm over a year of real flights, and planted faults are found."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.runtime.inference_world import flights

from watermaster.monitor.rhythm import DAY_H, HOUR_MS, WEEK_H, Volume, judge_hour, usual_band


@cache
def year() -> Mapping[int, float]:
    """Flights by the hour of their schedule, UTC: with weekends, holidays, and both changes of the clock."""
    counts: Counter[int] = Counter()
    for value in flights():
        moment = datetime.fromisoformat(json.loads(value or b"")["time_hour"].replace("Z", "+00:00"))
        counts[int(moment.timestamp() * 1000) // HOUR_MS] += 1
    return {hour: float(counts[hour]) for hour in range(min(counts), max(counts) + 1)}


def test_a_year_of_flights_raises_nothing() -> None:
    judged = Counter(judge_hour(year(), hour) for hour in year())
    assert judged[Volume.LOW] == judged[Volume.HIGH] == 0
    assert judged[Volume.UNKNOWN] <= 6 * DAY_H, "after five days something is known"


@pytest.mark.parametrize(("factor", "expected"), [(0.0, Volume.LOW), (0.1, Volume.LOW), (10.0, Volume.HIGH)])
def test_planted_faults_are_found(factor: float, expected: Volume) -> None:
    hours = sorted(year())
    # At the edge of the night the hour beside it bears a quiet one out.
    busy = [h for h in hours[3 * WEEK_H : -6] if min(year()[h + later] for later in range(-1, 5)) >= 30]
    chosen = random.Random(7).sample(busy, 200)
    missed = [
        hour
        for hour in chosen
        for planted in [{**year(), **{hour + later: year()[hour + later] * factor for later in range(4)}}]
        if not any(judge_hour(planted, hour + later) is expected for later in range(4))
    ]
    # In the weeks after a change of the clock the hours before it and after it are both usual.
    assert len(missed) <= 2


HOUR = 100 * WEEK_H
STEADY = {HOUR - before: 1_000.0 for before in range(6 * WEEK_H)}


@pytest.mark.parametrize(
    ("case", "changed", "expected"),
    [
        ("1 as ever", {}, Volume.USUAL),
        ("2 one quiet hour may be an accident", {HOUR: 0.0}, Volume.USUAL),
        ("3 two are not", {HOUR: 0.0, HOUR - 1: 0.0}, Volume.LOW),
        ("4 a third of it is a holiday", {HOUR: 340.0, HOUR - 1: 340.0}, Volume.USUAL),
        ("5 a quarter is none", {HOUR: 250.0, HOUR - 1: 250.0}, Volume.LOW),
        ("6 three times as much", {HOUR: 3_000.0}, Volume.USUAL),
        ("7 more than that", {HOUR: 3_001.0}, Volume.HIGH),
        ("8 odd weeks do not count", {HOUR - WEEK_H: 0.0, HOUR - 2 * WEEK_H: 90_000.0}, Volume.USUAL),
        ("9 and hide nothing", {HOUR - WEEK_H: 0.0, HOUR: 0.0, HOUR - 1: 0.0}, Volume.LOW),
    ],
)
def test_hours(case: str, changed: Mapping[int, float], expected: Volume) -> None:
    assert judge_hour({**STEADY, **changed}, HOUR) is expected, case


def test_what_was_not_seen_is_unknown() -> None:
    assert judge_hour({k: v for k, v in STEADY.items() if k != HOUR}, HOUR) is Volume.UNKNOWN
    assert judge_hour({k: v for k, v in STEADY.items() if k > HOUR - 4 * DAY_H}, HOUR) is Volume.UNKNOWN
    unseen_before = {k: v for k, v in STEADY.items() if k != HOUR - 1}
    assert judge_hour({**unseen_before, HOUR: 0.0}, HOUR) is Volume.USUAL, "of the hour before nothing is known"


@given(st.dictionaries(st.integers(HOUR - 6 * WEEK_H, HOUR), st.floats(0, 1e12), max_size=400))
def test_a_band_holds_what_is_usual(counts: Mapping[int, float]) -> None:
    band = usual_band(counts, HOUR)
    assert band is None or 0 <= band.low <= band.usual <= band.high


def test_next_to_nothing_is_no_rhythm() -> None:
    quiet = dict.fromkeys(STEADY, 3.0)
    assert judge_hour({**quiet, HOUR: 0.0, HOUR - 1: 0.0}, HOUR) is Volume.USUAL
    assert judge_hour({**quiet, HOUR: 1e6}, HOUR) is Volume.USUAL
