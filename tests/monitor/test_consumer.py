"""What readers are doing, case by case; each row says why."""

from __future__ import annotations

import pytest

from watermaster.monitor.consumer import (
    Condition,
    Forecast,
    Pace,
    Progress,
    Readers,
    forecast,
    judge_consumer,
    measure_pace,
)
from watermaster.monitor.horizon import Bound, Cause, Doubt, Horizon
from watermaster.monitor.lag import Evidence, Lag

NOW = 1_000_000
PATIENCE = 60_000
ONE = Readers(members=1, assigned=True)
BEHIND = Lag(100, 99, 50_000, 0, Evidence.PROBE)
NOTHING = Lag(0, 0, 0, 0, Evidence.PROBE)


def looks(*pairs: tuple[int, int], step_ms: int = 20_000) -> list[Progress]:
    """(position, end) at even intervals; the last one is now."""
    first = NOW - step_ms * (len(pairs) - 1)
    return [Progress(first + number * step_ms, *pair) for number, pair in enumerate(pairs)]


STANDING = looks((5, 10), (5, 20), (5, 30), (5, 40))
CASES: list[tuple[int, str, Lag | None, Readers, list[Progress], Condition]] = [
    (1, "the log could not be seen", None, ONE, STANDING, Condition.UNKNOWN),
    (2, "everything is read", NOTHING, ONE, looks((5, 5)), Condition.IDLE),
    (3, "only markers are behind it: nothing to read, however long it stands", NOTHING, ONE, STANDING, Condition.IDLE),
    (4, "everything is read and nobody is there: no harm", NOTHING, Readers(0, None), looks((5, 5)), Condition.IDLE),
    (5, "nobody is there; one look is enough", BEHIND, Readers(0, None), looks((5, 10)), Condition.GONE),
    (6, "somebody is there, but not for this partition", BEHIND, Readers(3, assigned=False), STANDING, Condition.GONE),
    (7, "in a rebalance nobody owns anything yet", BEHIND, Readers(3, None), looks((5, 10)), Condition.UNKNOWN),
    (8, "members could not be seen", BEHIND, Readers(None, None), STANDING, Condition.UNKNOWN),
    (9, "it stands with something unread all the time", BEHIND, ONE, STANDING, Condition.STUCK),
    (10, "it stands, but not for long enough", BEHIND, ONE, STANDING[-3:], Condition.UNKNOWN),
    (11, "it stands, but there has been something to read for a moment only", BEHIND, ONE,
     looks((5, 5), (5, 5), (5, 5), (5, 40)), Condition.KEEPING_UP),
    (12, "it moved in the last look after a long stand", BEHIND, ONE, looks((5, 10), (5, 20), (5, 30), (39, 40)),
     Condition.KEEPING_UP),
    (13, "it reads and falls back", BEHIND, ONE, looks((0, 10), (2, 20), (4, 40), (6, 60)), Condition.SLOW),
    (14, "commits in steps are no trend", BEHIND, ONE, looks((0, 10), (0, 20), (20, 30), (20, 40)),
     Condition.KEEPING_UP),
    (15, "it catches up", BEHIND, ONE, looks((0, 100), (30, 110), (60, 120), (90, 130)), Condition.CATCHING_UP),
    (16, "three looks make no trend", BEHIND, ONE, looks((0, 10), (2, 20), (4, 40), step_ms=40_000), Condition.UNKNOWN),
    (17, "readers without a group, which never have members, stand", BEHIND, Readers(0, None, simple=True), STANDING,
     Condition.STUCK),
    (18, "old looks do not count: it was slow an hour ago", BEHIND, ONE,
     [Progress(NOW - 3_600_000, 0, 10), *looks((90, 95), (100, 105), (110, 115), (120, 125))], Condition.KEEPING_UP),
    (20, "looks more seldom than the patience make a trend too", BEHIND, ONE,
     looks((0, 10), (2, 20), (4, 40), (6, 60), step_ms=100_000), Condition.SLOW),
    (19, "the group was moved back: it has moved", BEHIND, ONE, looks((50, 60), (50, 60), (50, 60), (10, 60)),
     Condition.KEEPING_UP),
]  # fmt: skip


@pytest.mark.parametrize("row", CASES, ids=[row[1] for row in CASES])
def test_conditions(row: tuple[int, str, Lag | None, Readers, list[Progress], Condition]) -> None:
    number, why, lag, readers, progress, condition = row
    assert judge_consumer(lag, readers, progress, PATIENCE) is condition, f"{number}: {why}"


def by(cause: Cause, in_ms: int) -> Horizon:
    return Horizon((Bound(cause, NOW + in_ms),))


HUNDRED = Lag(100, 0, 100_000, 0, Evidence.PROBE)
"""One record in each of the last 100 seconds."""
ENDINGS: list[tuple[int, str, Lag | None, Horizon, Pace | None, Forecast | None, bool]] = [
    (1, "one look: no pace", HUNDRED, by(Cause.TIME, 50_000), None, None, True),
    (2, "the horizon is unknown", HUNDRED, Horizon((), (Doubt.LOG,)), Pace(5, 1), None, True),
    (3, "everything is read", NOTHING, Horizon(()), Pace(1, 1), Forecast(NOW, None), True),
    (4, "it stands: what the horizon says happens", HUNDRED, by(Cause.TIME, 50_000), Pace(0, 1),
     Forecast(None, NOW + 50_000), False),
    (5, "it gains four in a second, and runs from what is deleted", HUNDRED, by(Cause.TIME, 50_000), Pace(5, 1),
     Forecast(NOW + 25_000, None), True),
    (6, "half as fast as records were written: deleted twice as late", HUNDRED, by(Cause.TIME, 50_000), Pace(0.5, 1),
     Forecast(None, NOW + 100_000), False),
    (7, "nothing is written any more, but what is deleted comes first", HUNDRED, by(Cause.TIME, 10_000), Pace(0.5, 0),
     Forecast(NOW + 200_000, NOW + 20_000), False),
    (8, "nothing is written any more, and it is done before", HUNDRED, by(Cause.TIME, 150_000), Pace(0.5, 0),
     Forecast(NOW + 200_000, NOW + 300_000), True),
    (9, "a backlog that was written densely is read too slowly, though the rate is above that of now",
     Lag(1000, 0, 10_000, 0, Evidence.PROBE), by(Cause.TIME, 1_000), Pace(2, 1),
     Forecast(NOW + 1_000_000, NOW + 1_020), False),
    (10, "size: the room shrinks half as fast", HUNDRED, by(Cause.SIZE, 50_000), Pace(1, 2),
     Forecast(None, NOW + 100_000), False),
    (11, "size: nothing is written, nothing is deleted", HUNDRED, by(Cause.SIZE, 50_000), Pace(1, 0),
     Forecast(NOW + 100_000, None), True),
    (12, "lost already", HUNDRED, by(Cause.LOST, 0), Pace(5, 1), Forecast(NOW + 25_000, NOW), False),
    (13, "an unknown age: as if it stood still", Lag(100, 0, None, 0, Evidence.DIFFERENCE), by(Cause.TIME, 50_000),
     Pace(5, 1), Forecast(NOW + 25_000, NOW + 50_000), True),
    (14, "a position that expires is no matter of speed", HUNDRED, by(Cause.EXPIRY, 10), Pace(5, 1),
     Forecast(NOW + 25_000, None), True),
]  # fmt: skip


@pytest.mark.parametrize("row", ENDINGS, ids=[row[1] for row in ENDINGS])
def test_endings(
    row: tuple[int, str, Lag | None, Horizon, Pace | None, Forecast | None, bool],
) -> None:
    number, why, lag, horizon, pace, ending, safe = row
    found = forecast(lag, horizon, pace, NOW)
    assert found == ending, f"{number}: {why}"
    assert found is None or found.safe == safe, f"{number}: {why}"


def test_pace() -> None:
    assert measure_pace(looks((0, 10), (50, 30), step_ms=10_000), PATIENCE) == Pace(5, 2)
    assert measure_pace(looks((0, 10)), PATIENCE) is None
    assert measure_pace(looks((50, 60), (10, 60)), PATIENCE) is None, "it was moved back"
