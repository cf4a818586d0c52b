"""Lag, case by case; each row says why."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watermaster.monitor.lag import EndSample, Evidence, Lag, measure_lag
from watermaster.monitor.log import FirstUnread, NothingUnread, PartitionLog, Probe

NOW = 1_000_000
LOG = PartitionLog(start=100, stable=200, end=210)
LOOKS = (EndSample(NOW - 20_000, 120), EndSample(NOW - 10_000, 180))

CASES: list[tuple[int, str, int, Probe | None, tuple[EndSample, ...], Lag]] = [
    (1, "at the end", 200, None, (), Lag(0, 0, 0, 0, Evidence.OFFSETS)),
    (2, "beyond the stable end: what an open transaction holds back is no lag", 205, None, (),
     Lag(0, 0, 0, 0, Evidence.OFFSETS)),
    (3, "only a marker is left: settled by the probe", 199, NothingUnread(200), (), Lag(0, 0, 0, 0, Evidence.PROBE)),
    (4, "one record surely, the rest may be markers", 150, FirstUnread(160, NOW - 5_000), (),
     Lag(40, 39, 5_000, 0, Evidence.PROBE)),
    (5, "a timestamp of tomorrow is no negative age", 150, FirstUnread(150, NOW + 9_000), (),
     Lag(50, 49, 0, 0, Evidence.PROBE)),
    (6, "a record without a timestamp has an unknown age", 150, FirstUnread(150, -1), (),
     Lag(50, 49, None, 0, Evidence.PROBE)),
    (7, "no probe, one look: offsets alone", 150, None, (), Lag(50, 50, None, 0, Evidence.DIFFERENCE)),
    (8, "between two looks: interpolated, the error reaches to the farther look", 150, None, LOOKS,
     Lag(50, 50, 15_000, 5_000, Evidence.INTERPOLATION)),
    (9, "between the last look and now", 190, None, LOOKS, Lag(10, 10, 5_000, 5_000, Evidence.INTERPOLATION)),
    (10, "older than the oldest look: at least that old", 110, None, LOOKS, Lag(90, 90, 20_000, 0, Evidence.AT_LEAST)),
    (11, "below the log start: what is lost is no longer unread", 50, FirstUnread(100, NOW - 60_000), (),
     Lag(100, 99, 60_000, 0, Evidence.PROBE)),
    (12, "an old probe that saw nothing: counted from where it ended", 150, NothingUnread(180), LOOKS,
     Lag(20, 20, 10_000, 10_000, Evidence.INTERPOLATION)),
    (13, "a probe of a place that the log has lost says nothing", 50, FirstUnread(60, NOW), (),
     Lag(100, 100, None, 0, Evidence.DIFFERENCE)),
]  # fmt: skip


@pytest.mark.parametrize(("number", "why", "position", "probe", "looks", "lag"), CASES, ids=[c[1] for c in CASES])
def test_cases(
    number: int, why: str, position: int, probe: Probe | None, looks: tuple[EndSample, ...], lag: Lag
) -> None:
    assert measure_lag(position, LOG, probe, looks, NOW) == lag, f"{number}: {why}"


@given(
    writes=st.lists(st.integers(0, 1000), min_size=2, max_size=40),
    every=st.integers(1, 7),
    position=st.integers(0, 40),
)
def test_the_true_age_lies_within_the_error(writes: list[int], every: int, position: int) -> None:
    """Records written at known moments, looked at now and then: the interpolated age is right within its error."""
    moments = []
    now = 0
    for pause in writes:
        now += pause
        moments.append(now)
    looks = [EndSample(at, sum(m <= at for m in moments)) for at in range(0, now, max(1, now * every // 20))]
    position = min(position, len(moments) - 1)
    lag = measure_lag(position, PartitionLog(0, len(moments), len(moments)), None, looks, now)
    truth = now - moments[position]
    if lag.evidence is Evidence.INTERPOLATION:
        assert lag.time_ms is not None
        assert abs(lag.time_ms - truth) <= lag.time_error_ms + 1
    elif lag.evidence is Evidence.AT_LEAST:
        assert lag.time_ms is not None
        assert lag.time_ms <= truth
