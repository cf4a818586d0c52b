"""Groups of held records: a person sees twelve problems, not forty thousand records.

A tally grows record by record and stays small whatever comes: times fall into a bounded number of buckets that
coarsen, facet values beyond a bound are counted together. Tallies of parts can be merged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from watermaster.quarantine.fingerprint import fingerprint, group_title
from watermaster.quarantine.held import HeldRecord, Payload

BUCKETS_MAX: Final = 240
"""Of one group. Four to a column of a wide terminal's plot; more could not be seen."""
BUCKET_MS_MIN: Final = 60_000
FACET_VALUES_MAX: Final = 50
"""Different values of one facet that are counted apart. Producers are dozens; host names of pods are thousands."""
OTHER: Final = "(other)"
"""Counts the values beyond those."""

_BARS: Final = "▁▂▃▄▅▆▇█"


@dataclass(slots=True)
class Timeline:
    """Counts in buckets of equal width, in milliseconds; the width doubles when there would be too many."""

    width_ms: int = BUCKET_MS_MIN
    counts: dict[int, int] = field(default_factory=dict)
    """Start of the bucket, in milliseconds since the epoch, to its count."""

    @classmethod
    def of(cls, counts: Mapping[int, int]) -> Timeline:
        """As if each of these times had been added with its count, in one go."""
        made = cls()
        if counts:
            first, last = min(counts), max(counts)
            while last // made.width_ms - first // made.width_ms >= BUCKETS_MAX:
                made.width_ms *= 2
            made.counts = dict(counts)
            made._widen(made.width_ms)
        return made

    def add(self, at_ms: int, count: int = 1) -> None:
        """Count `count` records at one time."""
        start = at_ms - at_ms % self.width_ms
        self.counts[start] = self.counts.get(start, 0) + count
        while self._spread() > BUCKETS_MAX:
            self._widen(self.width_ms * 2)

    def merge(self, other: Timeline) -> None:
        """Add another one's counts."""
        if other.width_ms > self.width_ms:
            self._widen(other.width_ms)
        for start, count in other.counts.items():
            self.add(start, count)

    def columns(self, number: int) -> list[int]:
        """The counts over the whole span in this many equal columns."""
        if not self.counts:
            return [0] * number
        first, span = min(self.counts), self._spread() * self.width_ms
        found = [0] * number
        for start, count in self.counts.items():
            found[(start - first) * number // span] += count
        return found

    def _spread(self) -> int:
        return (max(self.counts) - min(self.counts)) // self.width_ms + 1

    def _widen(self, width_ms: int) -> None:
        counts, self.counts, self.width_ms = self.counts, {}, width_ms
        for start, count in counts.items():
            wide = start - start % width_ms
            self.counts[wide] = self.counts.get(wide, 0) + count


def plot(counts: list[int]) -> str:
    """A line of bars, one for each count; blank where there is nothing."""
    top = max(counts, default=0)
    return "".join(_BARS[(count * len(_BARS) - 1) // top] if count else " " for count in counts)


@dataclass(slots=True)
class FacetCounts:
    """How often each value of a facet occurs, the first `FACET_VALUES_MAX` apart and the others together."""

    counts: dict[str, int] = field(default_factory=dict)

    def add(self, value: str, count: int = 1) -> None:
        """Count a value; an empty one is not known and not counted."""
        if not value:
            return
        if value not in self.counts and len(self.counts) >= FACET_VALUES_MAX:
            value = OTHER
        self.counts[value] = self.counts.get(value, 0) + count

    def merge(self, other: FacetCounts) -> None:
        """Add another one's counts."""
        for value, count in other.counts.items():
            self.add(value, count)

    def top(self, number: int) -> list[tuple[str, int]]:
        """The most frequent values with their counts."""
        return sorted(self.counts.items(), key=lambda pair: (-pair[1], pair[0]))[:number]


FACETS: Final = ("producer", "schema_id", "version", "partition", "host", "contract")


@dataclass(slots=True)
class GroupTally:
    """One group as it grows. `typical` is the smallest whole record: the easiest to read. -1 times are not known."""

    fingerprint: str
    title: str
    stream: str
    count: int = 0
    first_ms: int = -1
    last_ms: int = -1
    timeline: Timeline = field(default_factory=Timeline)
    facets: dict[str, FacetCounts] = field(default_factory=lambda: {name: FacetCounts() for name in FACETS})
    typical: HeldRecord | None = None

    def add(self, held: HeldRecord) -> None:
        """Count one record of the group."""
        self.count += 1
        self._see(held.landed_ms, held.landed_ms)
        if held.landed_ms >= 0:
            self.timeline.add(held.landed_ms)
        for name, value in facet_values(held).items():
            self.facets[name].add(value)
        self._offer(held)

    def merge(self, other: GroupTally) -> None:
        """Add what another tally of the same group has counted."""
        self.count += other.count
        self._see(other.first_ms, other.last_ms)
        self.timeline.merge(other.timeline)
        for name, counts in other.facets.items():
            self.facets[name].merge(counts)
        if other.typical is not None:
            self._offer(other.typical)

    def _see(self, first_ms: int, last_ms: int) -> None:
        if first_ms < 0:
            return
        self.first_ms = first_ms if self.first_ms < 0 else min(self.first_ms, first_ms)
        self.last_ms = max(self.last_ms, last_ms)

    def _offer(self, held: HeldRecord) -> None:
        if self.typical is None or _readable(held) < _readable(self.typical):
            self.typical = held


def _readable(held: HeldRecord) -> tuple[bool, int, str, int, int]:
    place = held.place
    return held.payload is not Payload.WHOLE, held.value_bytes, place.topic, place.partition, held.place_offset


def facet_values(held: HeldRecord) -> Mapping[str, str]:
    """A held record's value of each facet; empty where it is not known."""
    facets = held.facets
    partition = held.origin.partition if held.origin is not None else held.place.partition
    return {
        "producer": facets.producer,
        "schema_id": facets.schema_id,
        "version": facets.version,
        "partition": str(partition),
        "host": facets.host,
        "contract": held.contract or "",
    }


class Groups:
    """Tallies by stream and fingerprint, for one pass over held records."""

    def __init__(self) -> None:
        self.tallies: dict[tuple[str, str], GroupTally] = {}

    def add(self, held: HeldRecord) -> GroupTally:
        """Count a record in its group; the group is made if it is the first."""
        key = held.stream, fingerprint(held)
        tally = self.tallies.get(key)
        if tally is None:
            tally = self.tallies[key] = GroupTally(key[1], group_title(held), held.stream)
        tally.add(held)
        return tally

    def largest(self) -> list[GroupTally]:
        """All groups, the largest first."""
        return sorted(self.tallies.values(), key=lambda tally: (-tally.count, tally.stream, tally.fingerprint))
