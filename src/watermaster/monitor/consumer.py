"""What the readers of a partition are doing: keeping up, catching up, slow, stuck, idle or gone; and how it will end.

Each rule looks at the progress over the last looks. Offsets are committed every few seconds, so one look without
progress means nothing: a reader is stuck only if something was unread for the whole of the patience and it has not
moved. Commits come in steps, so lags are compared half against half and not look against look.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import takewhile
from typing import Final, NamedTuple

from watermaster.monitor.horizon import Cause, Horizon
from watermaster.monitor.lag import Lag

LOOKS_MIN: Final = 4
"""Two in each half: fewer make no trend."""


class Condition(Enum):
    """What readers are doing, the worst first."""

    GONE = "gone"
    """Something is unread and nobody is there to read it."""
    STUCK = "stuck"
    """A reader is there, something is unread, and it does not move."""
    SLOW = "slow"
    """It reads, and falls back all the same."""
    UNKNOWN = "unknown"
    """It could not be seen, or not for long enough yet."""
    CATCHING_UP = "catching up"
    KEEPING_UP = "keeping up"
    IDLE = "idle"
    """Everything is read."""


class Progress(NamedTuple):
    """A position and the end that its reader could reach, at one look."""

    taken_ms: int
    position: int
    end: int

    @property
    def lag(self) -> int:
        """Offsets between them."""
        return max(0, self.end - self.position)


@dataclass(frozen=True, slots=True)
class Readers:
    """Who may read a partition. `members` is None if that could not be seen.

    `simple` readers belong to no group that Kafka knows of; `assigned` is None where it cannot be told who reads it.
    """

    members: int | None
    assigned: bool | None
    simple: bool = False


@dataclass(frozen=True, slots=True)
class Pace:
    """Offsets a second that were read and written over the looks."""

    read: float
    written: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """How it ends if everything goes on as over the last looks.

    None: it never catches up; nothing is lost by age or size. Both rest on even rates and evenly written records.
    """

    caught_up_ms: int | None
    lost_ms: int | None

    @property
    def safe(self) -> bool:
        """Whether everything is read before it is lost."""
        if self.lost_ms is None:
            return True
        return self.caught_up_ms is not None and self.caught_up_ms <= self.lost_ms


def judge_consumer(lag: Lag | None, readers: Readers, looks: Sequence[Progress], patience_ms: int) -> Condition:
    """The condition of a position. `looks` are oldest first and include this one."""
    if lag is None:
        return Condition.UNKNOWN
    if lag.records == 0:
        return Condition.IDLE
    if not readers.simple and (readers.members == 0 or readers.assigned is False):
        return Condition.GONE
    if not looks or (readers.members is None and not readers.simple):
        return Condition.UNKNOWN
    if _has_stood(looks, patience_ms):
        return Condition.STUCK
    return _trend(looks, patience_ms)


def _has_stood(looks: Sequence[Progress], patience_ms: int) -> bool:
    """Whether something was unread all the time since it last moved, for longer than the patience."""
    last = looks[-1]
    standing = list(takewhile(lambda look: look.position == last.position and look.lag > 0, reversed(looks)))
    return bool(standing) and last.taken_ms - standing[-1].taken_ms >= patience_ms


def _trend(looks: Sequence[Progress], patience_ms: int) -> Condition:
    recent = _recent(looks, patience_ms)
    if len(recent) < LOOKS_MIN or recent[-1].taken_ms - recent[0].taken_ms < patience_ms:
        return Condition.UNKNOWN
    middle = len(recent) // 2
    older, newer = [look.lag for look in recent[:middle]], [look.lag for look in recent[middle:]]
    if min(newer) > max(older):
        return Condition.SLOW
    if max(newer) < min(older):
        return Condition.CATCHING_UP
    return Condition.KEEPING_UP


def _recent(looks: Sequence[Progress], patience_ms: int) -> Sequence[Progress]:
    """Those of twice the patience; where looks are taken more seldom than that allows, as few as make a trend."""
    recent = [look for look in looks if looks[-1].taken_ms - look.taken_ms <= 2 * patience_ms]
    return recent if len(recent) >= LOOKS_MIN else looks[-LOOKS_MIN:]


def measure_pace(looks: Sequence[Progress], patience_ms: int) -> Pace | None:
    """The pace over the newest `looks`; None for fewer than two, or if the group was moved back meanwhile."""
    recent = _recent(looks, patience_ms)
    if len(recent) < 2:  # noqa: PLR2004 -- a rate needs two
        return None
    first, last = recent[0], recent[-1]
    span_s = (last.taken_ms - first.taken_ms) / 1000
    if span_s <= 0 or last.position < first.position:
        return None
    return Pace((last.position - first.position) / span_s, max(0, last.end - first.end) / span_s)


def forecast(lag: Lag | None, horizon: Horizon, pace: Pace | None, now_ms: int) -> Forecast | None:
    """When a reader has caught up, and when it loses something; None if nobody can say.

    The unread records span the age of the first one. A reader goes through that span at `read * age / records`; what is
    deleted by age follows it at the speed of the clock, from as far behind as the horizon is away. By size the room
    shrinks by what is written more than read.
    """
    if lag is None or pace is None or not horizon.known:
        return None
    if lag.records == 0:
        return Forecast(now_ms, None)
    gain = pace.read - pace.written
    caught_up_ms = now_ms + round(1000 * lag.records / gain) if gain > 0 else None
    losses = []
    for bound in horizon.bounds:
        if bound.at_ms is None or bound.cause is Cause.EXPIRY:
            continue
        speed = _speed_in_time(lag, pace) if bound.cause is Cause.TIME else _speed_in_size(pace)
        if bound.cause is Cause.LOST or speed is None:
            losses.append(bound.at_ms)
        elif speed < 1:
            losses.append(now_ms + round((bound.at_ms - now_ms) / (1 - speed)))
    return Forecast(caught_up_ms, min(losses, default=None))


def _speed_in_time(lag: Lag, pace: Pace) -> float | None:
    """Seconds of record time that are read in a second; None (as if it stood still) without a known age."""
    return None if lag.time_ms is None else pace.read * lag.time_ms / 1000 / lag.records


def _speed_in_size(pace: Pace) -> float:
    return pace.read / pace.written if pace.written > 0 else 1.0
