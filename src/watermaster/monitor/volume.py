"""How many bytes of a partition are unread and how fast they grow: estimates, for Kafka tells clients of offsets.

The size of a log on the disk is a request of its own (DescribeLogDirs) that the client library does not have. So the
first unread record and those that came with it are weighed as if uncompressed and each alone in a batch, which is the
most that they can take; records elsewhere in the log may be larger. Growth is the fastest that has been seen, between
two looks or on average since the first unread record was written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from watermaster.monitor.lag import EndSample
from watermaster.monitor.log import FirstUnread, PartitionLog, Probe

SPAN_MS_MIN: Final = 1_000
"""Two looks closer than this make a rate out of one burst."""


@dataclass(frozen=True, slots=True)
class Volume:
    """Bytes of a partition from the position on, and the fastest growth seen, in bytes a second."""

    unread_bytes: int
    growth_bytes_s: float


def estimate_volume(log: PartitionLog, probe: Probe | None, history: Sequence[EndSample], now_ms: int) -> Volume | None:
    """The volume from the first unread record on; None if it was not weighed, or nothing tells how fast it grows."""
    if not isinstance(probe, FirstUnread) or probe.stored_bytes is None:
        return None
    rates = [*_rates_between(log, history, now_ms), *_rate_since(log, probe, now_ms)]
    if not rates:
        return None
    return Volume((log.end - probe.offset) * probe.stored_bytes, max(rates) * probe.stored_bytes)


def _rates_between(log: PartitionLog, history: Sequence[EndSample], now_ms: int) -> list[float]:
    """Offsets a second between looks."""
    looks = [*history, EndSample(now_ms, log.stable)]
    return [
        1000 * max(0, after.stable - before.stable) / (after.taken_ms - before.taken_ms)
        for before, after in pairwise(looks)
        if after.taken_ms - before.taken_ms >= SPAN_MS_MIN
    ]


def _rate_since(log: PartitionLog, probe: FirstUnread, now_ms: int) -> list[float]:
    """Offsets a second since the first unread record, whose timestamp its producer may have made up."""
    span_ms = now_ms - probe.timestamp_ms
    if probe.timestamp_ms < 0 or span_ms < SPAN_MS_MIN:
        return []
    return [1000 * (log.end - probe.offset) / span_ms]
