"""The open transaction of a transfer: what is in it so far."""

from __future__ import annotations

from watermaster.gate.ledger import PartitionTally, add_counts
from watermaster.runtime.stage import Decisions
from watermaster.stream.batch import RecordBatch
from watermaster.stream.coordinates import TopicPartition


class Transaction:
    """Counts for each source partition, records and bytes."""

    def __init__(self) -> None:
        self.tallies: dict[TopicPartition, PartitionTally] = {}
        self.generation: object = None
        """The group's, when the first record was taken: the offsets are committed under it."""
        self.began_s = 0.0
        self.now_ms = 0
        self.records = 0
        self.bytes = 0

    @property
    def is_open(self) -> bool:
        """Whether anything is in it."""
        return bool(self.tallies)

    def begin(self, generation: object, began_s: float, now_ms: int) -> None:
        """Note under which generation, since when, and what `now` is for all of its records."""
        self.generation = generation
        self.began_s = began_s
        self.now_ms = now_ms

    def tally(self, source: TopicPartition, start: int) -> PartitionTally:
        """The counts of one source partition, which is at `start` if this is the first that is heard of it."""
        tally = self.tallies.get(source)
        if tally is None:
            tally = self.tallies[source] = PartitionTally(source, start, start)
        return tally

    def count(self, tally: PartitionTally, batch: RecordBatch, decisions: Decisions) -> None:
        """Enter what was decided of a batch."""
        tally.next = batch.offsets[-1] + 1
        tally.leader_epoch = batch.leader_epoch
        tally.read += len(batch)
        tally.held += decisions.held
        tally.dropped += decisions.dropped
        add_counts(tally.rules, decisions.rules)
        add_counts(tally.warnings, decisions.warnings)
        self.records += len(batch)
        self.bytes += batch.bytes

    def ends(self) -> dict[TopicPartition, int]:
        """The position of each source partition once this is committed."""
        return {source: tally.next for source, tally in self.tallies.items()}

    def clear(self) -> None:
        """It is committed, or given back."""
        self.tallies.clear()
        self.records = 0
        self.bytes = 0
