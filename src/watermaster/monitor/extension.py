"""Keeping records longer, so that readers that are behind lose nothing: how much more, and what it costs on the disk.

Nothing unread is deleted for `wanted_ms` from now if each record is kept for its present age and `wanted_ms` more. So
the retention by time must reach the age of the oldest unread record, and that by size the bytes that will by then lie
behind a position.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from watermaster.monitor.retention import Retention
from watermaster.monitor.volume import Volume

RETENTION_MS: Final = "retention.ms"
RETENTION_BYTES: Final = "retention.bytes"

SIZE_MARGIN: Final = 1.25
"""Bytes are estimated and rates change."""

ROUNDING_MS: Final = 1_000
"""The time from this look until the brokers know of the change must not be missing at the end."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One position with something unread: the age of its first unread record (None: unknown) and its volume."""

    partition: int
    age_ms: int | None
    volume: Volume | None


@dataclass(frozen=True, slots=True)
class Extension:
    """The settings of a topic that keep unread records for longer; none if it keeps them long enough already."""

    topic: str
    settings: Mapping[str, int]
    before: Retention
    assumed: bool
    """Something could not be seen, so what is kept grows by the whole time that was asked for."""
    disk_bytes_max: int | None
    """How much more all copies together may take in the end; None: the rate is unknown."""


def plan_extension(topic: str, before: Retention, waiting: Sequence[Waiting], wanted_ms: int, copies: int) -> Extension:
    """What `topic` needs so that nothing of what is `waiting` is lost for `wanted_ms`, with `copies` of its partitions.

    Settings are only ever raised.
    """
    settings: dict[str, int] = {}
    time_ms, size_bytes = _time_needed(before, waiting, wanted_ms), _size_needed(before, waiting, wanted_ms)
    if time_ms is not None:
        settings[RETENTION_MS] = time_ms
    if size_bytes is not None:
        settings[RETENTION_BYTES] = size_bytes
    assumed = any(
        (before.time_ms is not None and each.age_ms is None) or (before.size_bytes is not None and each.volume is None)
        for each in waiting
    )
    return Extension(topic, settings, before, assumed, _disk(before, settings, waiting, copies))


def _time_needed(before: Retention, waiting: Sequence[Waiting], wanted_ms: int) -> int | None:
    if before.time_ms is None:
        return None
    needed = [(before.time_ms if each.age_ms is None else each.age_ms) + wanted_ms + ROUNDING_MS for each in waiting]
    return _raised(before.time_ms, needed)


def _size_needed(before: Retention, waiting: Sequence[Waiting], wanted_ms: int) -> int | None:
    if before.size_bytes is None:
        return None
    needed = [
        2 * before.size_bytes
        if each.volume is None
        else round(SIZE_MARGIN * (each.volume.unread_bytes + each.volume.growth_bytes_s * wanted_ms / 1000))
        for each in waiting
    ]
    return _raised(before.size_bytes, needed)


def _raised(before: int, needed: Sequence[int]) -> int | None:
    most = max(needed, default=before)
    return most if most > before else None


def _disk(before: Retention, settings: Mapping[str, int], waiting: Sequence[Waiting], copies: int) -> int | None:
    """Bytes: growth over the time that is added, or the room that is added by size, whichever is smaller."""
    rates: dict[int, float] = {}
    for each in waiting:
        if each.volume is not None:
            rates[each.partition] = max(rates.get(each.partition, 0.0), each.volume.growth_bytes_s)
    partitions = {each.partition for each in waiting}
    by_time = by_size = None
    if before.time_ms is not None and RETENTION_MS in settings and rates.keys() == partitions:
        by_time = round(copies * sum(rates.values()) * (settings[RETENTION_MS] - before.time_ms) / 1000)
    if before.size_bytes is not None:
        by_size = copies * len(partitions) * (settings.get(RETENTION_BYTES, before.size_bytes) - before.size_bytes)
    known = [each for each in (by_time, by_size) if each is not None]
    return min(known, default=None) if settings else 0
