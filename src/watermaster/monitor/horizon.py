"""The loss horizon: until when nothing that a group has not read yet is lost. A lower bound, with its causes.

A segment is deleted by age once the largest timestamp in it is older than `retention.ms`. The segment that holds the
first unread record has a largest timestamp that is no smaller than that record's, and segments go from the oldest on.
So nothing unread is deleted before *timestamp of the first unread record + retention.ms*, whatever the timestamps
behind it are. A client cannot see the segment, so the truth lies up to one segment and one check of the broker later.

By size the broker drops the oldest segment while what would remain is at least `retention.bytes`: nothing unread goes
before the bytes from the position on have grown to `retention.bytes`. How many there are and how fast they grow is
estimated (`volume.py`), so this is a forecast and no bound.

A group that is empty loses its committed positions `offsets.retention.minutes` later. When it fell empty cannot be
asked for; it was alive when the newest record that it has read was written.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from watermaster.monitor.log import FirstUnread, NothingUnread, PartitionLog, Probe
from watermaster.monitor.retention import Retention
from watermaster.monitor.volume import Volume


class Cause(Enum):
    """Why something that is unread may be lost."""

    LOST = "lost"
    """The log starts behind the position: it has happened."""
    TIME = "time"
    SIZE = "size"
    EXPIRY = "expiry"
    """The group's committed position is forgotten, and it starts again elsewhere."""


class Doubt(Enum):
    """What could not be seen and leaves a horizon unknown."""

    LOG = "log"
    SETTINGS = "settings"
    RECORD = "record"
    """The first unread record could not be read."""
    VOLUME = "volume"
    """How much is unread in bytes, or how fast it grows."""
    EXPIRY = "expiry"
    """When the group was last alive, or how long positions are kept."""


@dataclass(frozen=True, slots=True)
class Bound:
    """Nothing is lost by this cause before `at_ms` (since the epoch); None: it threatens, and nobody can say when.

    `forecast` marks what rests on an assumption about the future and is no proven bound.
    """

    cause: Cause
    at_ms: int | None
    forecast: bool = False


@dataclass(frozen=True, slots=True)
class Horizon:
    """All that threatens one position, and what could not be seen that a judgement needs."""

    bounds: tuple[Bound, ...]
    doubts: tuple[Doubt, ...] = ()
    lost_max: int = 0
    """Records that are gone unread, at most: markers and holes are counted in."""

    @property
    def known(self) -> bool:
        """Whether everything could be seen that a judgement needs."""
        return not self.doubts

    @property
    def nearest(self) -> Bound | None:
        """A loss that has happened, else a bound that nobody can date, else the first one. None: nothing threatens."""
        return min(self.bounds, key=_nearness, default=None)

    @property
    def at_ms(self) -> int | None:
        """The moment before which nothing is lost; None if nothing threatens or nobody can say (see `known`)."""
        nearest = self.nearest
        return None if nearest is None or not self.known else nearest.at_ms

    @property
    def threatened(self) -> bool:
        """Whether anything may ever be lost, as far as is known."""
        return bool(self.bounds) or not self.known


def measure_horizon(
    position: int,
    log: PartitionLog | None,
    probe: Probe | None,
    retention: Retention | None,
    volume: Volume | None,
    expiry: Bound | None,
    now_ms: int,
) -> Horizon:
    """The horizon of a committed `position`. None for `log`, `retention`, `probe` or `volume` is: could not be seen.

    A record without a timestamp is deleted by the age of its file, which cannot be seen: its bound is `now_ms`.
    """
    more = () if expiry is None else (expiry,)
    if log is None:
        return Horizon(more, (Doubt.LOG, *_doubts(more)))
    if position < log.start:
        return Horizon((Bound(Cause.LOST, now_ms), *more), lost_max=log.start - position)
    if _nothing_unread(position, log, probe) or (retention is not None and not retention.deletes):
        return Horizon(more, _doubts(more))
    if retention is None:
        return Horizon(more, (Doubt.SETTINGS, *_doubts(more)))
    bounds = (*_by_time(probe, position, log, retention, now_ms), *_by_size(retention, volume, now_ms), *more)
    return Horizon(bounds, _doubts(bounds))


def _nearness(bound: Bound) -> tuple[int, int]:
    if bound.cause is Cause.LOST:
        return (0, 0)
    return (1, 0) if bound.at_ms is None else (2, bound.at_ms)


_DOUBT_OF: Final = {Cause.TIME: Doubt.RECORD, Cause.SIZE: Doubt.VOLUME, Cause.EXPIRY: Doubt.EXPIRY}


def _doubts(bounds: tuple[Bound, ...]) -> tuple[Doubt, ...]:
    return tuple(_DOUBT_OF[bound.cause] for bound in bounds if bound.at_ms is None)


def _nothing_unread(position: int, log: PartitionLog, probe: Probe | None) -> bool:
    return position >= log.stable or (isinstance(probe, NothingUnread) and probe.up_to >= log.stable)


def _by_time(
    probe: Probe | None, position: int, log: PartitionLog, retention: Retention, now_ms: int
) -> tuple[Bound, ...]:
    if retention.time_ms is None:
        return ()
    if not isinstance(probe, FirstUnread) or not position <= probe.offset or probe.offset < log.start:
        return (Bound(Cause.TIME, None),)
    if probe.timestamp_ms < 0:
        return (Bound(Cause.TIME, now_ms),)
    return (Bound(Cause.TIME, max(now_ms, probe.timestamp_ms + retention.time_ms)),)


def _by_size(retention: Retention, volume: Volume | None, now_ms: int) -> tuple[Bound, ...]:
    if retention.size_bytes is None:
        return ()
    if volume is None:
        return (Bound(Cause.SIZE, None, forecast=True),)
    room = retention.size_bytes - volume.unread_bytes
    if room <= 0:
        return (Bound(Cause.SIZE, now_ms, forecast=True),)
    if volume.growth_bytes_s <= 0:
        return ()
    return (Bound(Cause.SIZE, now_ms + round(1000 * room / volume.growth_bytes_s), forecast=True),)


def bound_expiry(*, empty: bool | None, alive_ms: int | None, kept_ms: int | None, now_ms: int) -> Bound | None:
    """When an empty group's position is forgotten, at the earliest; None for a group that has members.

    `alive_ms` is the newest moment at which the group is known to have lived (a member seen, or the timestamp of the
    newest record that it has read), `kept_ms` is `offsets.retention.minutes`; None: unknown.
    """
    if empty is False:
        return None
    if empty is None or alive_ms is None or kept_ms is None:
        return Bound(Cause.EXPIRY, None)
    return Bound(Cause.EXPIRY, max(now_ms, min(alive_ms, now_ms) + kept_ms))
