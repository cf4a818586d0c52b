"""Until when the bytes of held records are surely there: a quarantine topic's retention does not wait for anybody.

A segment is deleted by age once its largest timestamp is older than the retention, so no open record goes before its
own timestamp and the retention have passed. By size it may go at any time: that is said and not forecast.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from watermaster.monitor.retention import read_retention
from watermaster.quarantine.lifecycle import ENDS
from watermaster.runtime.hold_survey import Surveyed

WARN_BEFORE_MS: Final = 3 * 86_400_000
"""Over a weekend: who is warned on a Friday can still act on Monday."""


@dataclass(frozen=True, slots=True)
class HoldHorizon:
    """Nothing open in `topic` is deleted by age before `at_ms`; None: it never is, or (not `known`) nobody can say."""

    topic: str
    open: int
    at_ms: int | None
    by_size: bool = False
    """The topic has a bound in bytes, too."""
    known: bool = True

    def is_near(self, now_ms: int) -> bool:
        """Whether somebody should look now."""
        return not self.known or self.by_size or (self.at_ms is not None and self.at_ms - now_ms < WARN_BEFORE_MS)


@dataclass(slots=True)
class OldestOpen:
    """The oldest timestamp of what is still open, by quarantine topic; grows record by record."""

    oldest_ms: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def see(self, found: Surveyed) -> None:
        """Take one held record in."""
        if found.hold.state in ENDS:
            return
        topic, at_ms = found.record.source.topic, found.record.timestamp_ms
        self.counts[topic] = self.counts.get(topic, 0) + 1
        self.oldest_ms[topic] = min(at_ms, self.oldest_ms.get(topic, at_ms))

    def horizon(self, topic: str, settings: Mapping[str, str | None]) -> HoldHorizon:
        """By the topic's settings in force; empty ones could not be seen."""
        retention, oldest_ms = read_retention(settings), self.oldest_ms[topic]
        count = self.counts[topic]
        if retention is None or (retention.time_ms is not None and oldest_ms < 0):
            return HoldHorizon(topic, count, None, known=False)
        at_ms = None if retention.time_ms is None else oldest_ms + retention.time_ms
        return HoldHorizon(topic, count, at_ms, by_size=retention.size_bytes is not None)
