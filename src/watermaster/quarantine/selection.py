"""Which held records a command means. Everything that is given must hold; what is not given holds for all. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from watermaster.quarantine.fingerprint import fingerprint
from watermaster.quarantine.held import HeldRecord, OriginalRecord
from watermaster.quarantine.lifecycle import Hold, State
from watermaster.stream.coordinates import TopicPartition

Predicate = Callable[[OriginalRecord], bool]


@dataclass(frozen=True, slots=True)
class Selection:
    """Conditions on the facts of a held record. Times are of the source record, in milliseconds, half-open.

    `groups` are beginnings of fingerprints. `predicate` is asked last, since it decodes the record; a record whose
    bytes do not lie here is not meant by any.
    """

    streams: tuple[str, ...] = ()
    """Source topics. Several streams may share one quarantine topic."""
    groups: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    partitions: tuple[int, ...] = ()
    offsets: tuple[int, ...] = ()
    """Of the source records."""
    contract: str = ""
    since_ms: int | None = None
    until_ms: int | None = None
    states: tuple[State, ...] = ()
    below: Mapping[str, Sequence[int]] | None = None
    """Quarantine topic to an offset for each partition: what lies from there on is not meant. None: all is."""
    predicate: Predicate | None = None

    @property
    def is_everything(self) -> bool:
        """Whether no condition is given."""
        return self == Selection()

    @property
    def asks_each(self) -> bool:
        """Whether it asks for what records of one kind do not share (see `quarantine.kind`), `below` left aside."""
        return bool(self.offsets) or self.predicate is not None or (self.since_ms, self.until_ms) != (None, None)

    def means_kind(self, held: HeldRecord, hold: Hold) -> bool:
        """Whether it means the records of a kind, which `held` is one of; `below` is left aside."""
        return replace(self, below=None).means_facts(held, hold)

    def end_of(self, place: TopicPartition) -> int | None:
        """Where `below` ends in a partition of a quarantine topic; None if it does not."""
        if self.below is None:
            return None
        ends = self.below.get(place.topic, ())
        return ends[place.partition] if place.partition < len(ends) else 0

    def means(self, held: HeldRecord, hold: Hold, original: OriginalRecord | None) -> bool:
        """Whether this held record is meant."""
        return self.means_facts(held, hold) and (
            self.predicate is None or (original is not None and self.predicate(original))
        )

    def means_facts(self, held: HeldRecord, hold: Hold) -> bool:
        """The same without the predicate."""
        partition = held.origin.partition if held.origin is not None else held.place.partition
        return (
            self._is_below(held)
            and (not self.streams or held.stream in self.streams)
            and (not self.states or hold.state in self.states)
            and (not self.partitions or partition in self.partitions)
            and (not self.offsets or held.key.offset in self.offsets)
            and (not self.rules or any(rule.rule in self.rules for rule in held.broken))
            and (not self.contract or (held.contract or "").startswith(self.contract))
            and (self.since_ms is None or held.landed_ms >= self.since_ms)
            and (self.until_ms is None or 0 <= held.landed_ms < self.until_ms)
            and (not self.groups or fingerprint(held).startswith(self.groups))
        )

    def _is_below(self, held: HeldRecord) -> bool:
        end = self.end_of(held.place)
        return end is None or held.place_offset < end
