"""The loss horizon, case by case, and against a model of how a broker deletes segments."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watermaster.monitor.horizon import Bound, Cause, Doubt, Horizon, bound_expiry, measure_horizon
from watermaster.monitor.lag import EndSample
from watermaster.monitor.log import FirstUnread, NothingUnread, PartitionLog, Probe
from watermaster.monitor.retention import KEPT_FOR_EVER, Retention, read_retention
from watermaster.monitor.volume import Volume, estimate_volume

NOW = 10_000_000
LOG = PartitionLog(start=100, stable=200, end=200)
HOUR = Retention(3_600_000, None)
SIZED = Retention(None, 1000)
EXPIRY = Bound(Cause.EXPIRY, NOW + 5)
TIME_UNKNOWN = (Bound(Cause.TIME, None),)

Row = tuple[
    int, str, int, PartitionLog | None, Probe | None, Retention | None, Volume | None, Bound | None, Horizon
]  # fmt: skip
CASES: list[Row] = [
    (1, "age of the first unread record", 150, LOG, FirstUnread(151, NOW - 1000), HOUR, None, None,
     Horizon((Bound(Cause.TIME, NOW + 3_599_000),))),
    (2, "already older than the retention: any moment now", 150, LOG, FirstUnread(150, 0), HOUR, None, None,
     Horizon((Bound(Cause.TIME, NOW),))),
    (3, "a timestamp of 2099 keeps its segment until then", 150, LOG, FirstUnread(150, 4_100_000_000_000), HOUR, None,
     None, Horizon((Bound(Cause.TIME, 4_100_003_600_000),))),
    (4, "no timestamp: the age of the file counts, which nobody sees", 150, LOG, FirstUnread(150, -1), HOUR, None, None,
     Horizon((Bound(Cause.TIME, NOW),))),
    (5, "deleted unread", 90, LOG, None, HOUR, None, None, Horizon((Bound(Cause.LOST, NOW),), lost_max=10)),
    (6, "deleted unread, and the position will expire too", 90, LOG, None, HOUR, None, EXPIRY,
     Horizon((Bound(Cause.LOST, NOW), EXPIRY), lost_max=10)),
    (7, "at the end: nothing threatens", 200, LOG, None, HOUR, None, None, Horizon(())),
    (8, "only markers are left", 199, LOG, NothingUnread(200), HOUR, None, None, Horizon(())),
    (9, "at the end, but empty: the position expires", 200, LOG, None, HOUR, None, EXPIRY, Horizon((EXPIRY,))),
    (10, "never deleted", 150, LOG, FirstUnread(150, 0), KEPT_FOR_EVER, None, None, Horizon(())),
    (11, "the log could not be seen", 150, None, None, HOUR, None, None, Horizon((), (Doubt.LOG,))),
    (12, "the settings could not be seen", 150, LOG, FirstUnread(150, NOW), None, None, None,
     Horizon((), (Doubt.SETTINGS,))),
    (13, "the record could not be read", 150, LOG, None, HOUR, None, None, Horizon(TIME_UNKNOWN, (Doubt.RECORD,))),
    (14, "what was read there is gone since", 100, LOG, FirstUnread(99, NOW), HOUR, None, None,
     Horizon(TIME_UNKNOWN, (Doubt.RECORD,))),
    (15, "size: room left over the fastest growth, a forecast", 150, LOG, FirstUnread(150, NOW), SIZED,
     Volume(400, 100.0), None, Horizon((Bound(Cause.SIZE, NOW + 6000, forecast=True),))),
    (16, "size: full already", 150, LOG, FirstUnread(150, NOW), SIZED, Volume(1000, 0.0), None,
     Horizon((Bound(Cause.SIZE, NOW, forecast=True),))),
    (17, "size: nothing grows, nothing is deleted", 150, LOG, FirstUnread(150, NOW), SIZED, Volume(400, 0.0), None,
     Horizon(())),
    (18, "size: the disk could not be seen", 150, LOG, FirstUnread(150, NOW), SIZED, None, None,
     Horizon((Bound(Cause.SIZE, None, forecast=True),), (Doubt.VOLUME,))),
    (19, "an expiry that nobody can date leaves the whole unknown", 150, LOG, FirstUnread(150, NOW), HOUR, None,
     Bound(Cause.EXPIRY, None),
     Horizon((Bound(Cause.TIME, NOW + 3_600_000), Bound(Cause.EXPIRY, None)), (Doubt.EXPIRY,))),
    (20, "records are there but the probe saw none: it is older than they are", 150, LOG, NothingUnread(180), HOUR,
     None, None, Horizon(TIME_UNKNOWN, (Doubt.RECORD,))),
]  # fmt: skip


@pytest.mark.parametrize("row", CASES, ids=[row[1] for row in CASES])
def test_cases(row: Row) -> None:
    number, why, position, log, probe, retention, volume, expiry, horizon = row
    assert measure_horizon(position, log, probe, retention, volume, expiry, NOW) == horizon, f"{number}: {why}"


EXPIRIES = [
    (1, "it has members", False, NOW, 100, None),
    (2, "it was alive at the newest record that it has read", True, NOW - 40, 100, Bound(Cause.EXPIRY, NOW + 60)),
    (3, "a future timestamp proves no future life", True, NOW + 500, 100, Bound(Cause.EXPIRY, NOW + 100)),
    (4, "older than the keeping time: any moment", True, NOW - 400, 100, Bound(Cause.EXPIRY, NOW)),
    (5, "nothing that it read is left", True, None, 100, Bound(Cause.EXPIRY, None)),
    (6, "its members could not be seen", None, NOW, 100, Bound(Cause.EXPIRY, None)),
    (7, "the broker's setting could not be seen", True, NOW, None, Bound(Cause.EXPIRY, None)),
]


@pytest.mark.parametrize(("number", "why", "empty", "alive", "kept", "bound"), EXPIRIES, ids=[c[1] for c in EXPIRIES])
def test_expiry(
    number: int, why: str, empty: bool | None, alive: int | None, kept: int | None, bound: Bound | None
) -> None:
    assert bound_expiry(empty=empty, alive_ms=alive, kept_ms=kept, now_ms=NOW) == bound, f"{number}: {why}"


@given(
    segments=st.lists(st.lists(st.integers(0, 10_000), min_size=1, max_size=5), min_size=1, max_size=6),
    position=st.integers(0, 29),
    retention_ms=st.integers(0, 5_000),
    now=st.integers(0, 20_000),
)
def test_no_broker_deletes_an_unread_record_before_the_horizon(
    segments: list[list[int]], position: int, retention_ms: int, now: int
) -> None:
    """Any timestamps in any order: the first unread record goes with its whole segment, and never before the bound."""
    timestamps = [timestamp for segment in segments for timestamp in segment]
    position = min(position, len(timestamps) - 1)
    log = PartitionLog(0, len(timestamps), len(timestamps))
    probe = FirstUnread(position, timestamps[position])
    horizon = measure_horizon(position, log, probe, Retention(retention_ms, None), None, None, now)
    assert horizon.at_ms is not None
    base, deleted_ms = 0, 0
    for segment in segments:
        deleted_ms = max(deleted_ms, max(segment) + retention_ms, now)
        base += len(segment)
        if base > position:
            break
    assert horizon.at_ms <= deleted_ms


@pytest.mark.parametrize(
    ("settings", "retention"),
    [
        ({"cleanup.policy": "delete", "retention.ms": "5", "retention.bytes": "-1"}, Retention(5, None)),
        ({"cleanup.policy": "compact,delete", "retention.ms": "-1", "retention.bytes": "7"}, Retention(None, 7)),
        ({"cleanup.policy": "compact", "retention.ms": "5", "retention.bytes": "7"}, KEPT_FOR_EVER),
        ({}, None),
        ({"cleanup.policy": "delete", "retention.ms": "5"}, None),
    ],
)
def test_retention(settings: dict[str, str], retention: Retention | None) -> None:
    assert read_retention(settings) == retention


WEIGHED = FirstUnread(150, NOW - 10_000, stored_bytes=100)
VOLUMES = [
    (1, "on average since the first unread record", LOG, WEIGHED, (), Volume(5000, 500.0)),
    (2, "the fastest between looks wins", LOG, WEIGHED, (EndSample(NOW - 9_000, 100), EndSample(NOW - 8_000, 190)),
     Volume(5000, 9000.0)),
    (3, "looks that are too close make no rate", LOG, WEIGHED, (EndSample(NOW - 10, 100),), Volume(5000, 500.0)),
    (4, "what an open transaction has written lies on the disk too", PartitionLog(100, 200, 250), WEIGHED, (),
     Volume(10_000, 1000.0)),
    (5, "a timestamp from the future tells no rate", LOG, FirstUnread(150, NOW + 5_000, 100), (), None),
    (6, "no timestamp, but looks", LOG, FirstUnread(150, -1, 100), (EndSample(NOW - 5_000, 150),),
     Volume(5000, 1000.0)),
    (7, "not weighed", LOG, FirstUnread(150, NOW - 10_000), (), None),
    (8, "nothing was read", LOG, None, (), None),
    (9, "nothing grows", LOG, FirstUnread(150, -1, 100), (EndSample(NOW - 5_000, 200),), Volume(5000, 0.0)),
]  # fmt: skip


@pytest.mark.parametrize(("number", "why", "log", "probe", "looks", "volume"), VOLUMES, ids=[v[1] for v in VOLUMES])
def test_volume(
    number: int, why: str, log: PartitionLog, probe: Probe | None, looks: tuple[EndSample, ...], volume: Volume | None
) -> None:
    assert estimate_volume(log, probe, looks, NOW) == volume, f"{number}: {why}"
