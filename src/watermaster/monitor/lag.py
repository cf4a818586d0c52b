"""How far a group is behind on one partition, in records and in time, each with its error.

A difference of offsets is no lag yet: each transaction leaves a marker that is never read, so on a transactional topic
the difference never reaches zero. One read from the position settles it; without one, time is interpolated between
looks and says how far off it may be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from typing import NamedTuple, assert_never

from watermaster.monitor.log import FirstUnread, NothingUnread, PartitionLog, Probe


class Evidence(Enum):
    """What a lag rests on."""

    OFFSETS = "offsets"
    """Position and end are equal: nothing needs to be read."""
    PROBE = "probe"
    """The first unread record was read, or it was seen that there is none."""
    INTERPOLATION = "interpolation"
    """Between two looks: when was the log as long as the position is now?"""
    AT_LEAST = "at_least"
    """The position is older than the oldest look: the time is a lower bound."""
    DIFFERENCE = "difference"
    """Offsets alone; nothing is known of time."""


@dataclass(frozen=True, slots=True)
class Lag:
    """Unread records lie in `records - records_error … records`; age in `time_ms ± time_error_ms`.

    `time_ms` is how long the first unread record has been waiting, None if unknown. With evidence AT_LEAST it is a
    lower bound, and the error means nothing.
    """

    records: int
    records_error: int
    time_ms: int | None
    time_error_ms: int
    evidence: Evidence


class EndSample(NamedTuple):
    """The end that read_committed readers could reach at one look."""

    taken_ms: int
    stable: int


def measure_lag(
    position: int, log: PartitionLog, probe: Probe | None, history: Sequence[EndSample], now_ms: int
) -> Lag:
    """The lag of a committed `position`; `history` is older looks, oldest first.

    A position below the log start counts from the log start: what lies before is lost and no longer unread.
    """
    reached = max(position, log.start)
    difference = max(0, log.stable - reached)
    if difference == 0:
        return Lag(0, 0, 0, 0, Evidence.OFFSETS)
    match probe:
        case NothingUnread(up_to) if up_to >= log.stable:
            return Lag(0, 0, 0, 0, Evidence.PROBE)
        case NothingUnread(up_to):
            # Records may have come since the probe; what it saw is known to be empty.
            return _from_history(max(reached, up_to), log, history, now_ms)
        case FirstUnread(offset, timestamp_ms) if reached <= offset < log.stable:
            records = log.stable - offset
            age_ms = max(0, now_ms - timestamp_ms) if timestamp_ms >= 0 else None
            return Lag(records, records - 1, age_ms, 0, Evidence.PROBE)
        case FirstUnread() | None:
            return _from_history(reached, log, history, now_ms)
        case _:
            assert_never(probe)


def _from_history(reached: int, log: PartitionLog, history: Sequence[EndSample], now_ms: int) -> Lag:
    difference = max(0, log.stable - reached)
    if difference == 0:
        return Lag(0, 0, 0, 0, Evidence.OFFSETS)
    looks = [*history, EndSample(now_ms, log.stable)]
    if len(looks) > 1 and reached < looks[0].stable:
        return Lag(difference, difference, now_ms - looks[0].taken_ms, 0, Evidence.AT_LEAST)
    for before, after in pairwise(looks):
        if before.stable <= reached < after.stable:
            span_ms = after.taken_ms - before.taken_ms
            part = (reached - before.stable) / (after.stable - before.stable)
            written_ms = before.taken_ms + part * span_ms
            error_ms = max(written_ms - before.taken_ms, after.taken_ms - written_ms)
            return Lag(difference, difference, round(now_ms - written_ms), round(error_ms), Evidence.INTERPOLATION)
    return Lag(difference, difference, None, 0, Evidence.DIFFERENCE)
