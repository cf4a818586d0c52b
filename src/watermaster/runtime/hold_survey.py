"""A pass over held records with their states: what the looking commands of `quarantine` are made of. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from watermaster.quarantine.held import Adoption, HeldRecord, NotHeld, OriginalRecord, QuarantineRecord, read_whole
from watermaster.quarantine.hold_key import HoldKey
from watermaster.quarantine.letter import Dialect
from watermaster.quarantine.lifecycle import Hold
from watermaster.quarantine.selection import Selection
from watermaster.runtime.hold_states import HoldReader
from watermaster.runtime.replay_plan import states_of
from watermaster.stream.coordinates import TopicPartition


@dataclass(frozen=True, slots=True)
class Surveyed:
    """One held record: its facts, its state, the record as it lies there, and as its source wrote it (if it does)."""

    held: HeldRecord
    hold: Hold
    record: QuarantineRecord
    original: OriginalRecord | None


@dataclass(slots=True)
class SurveyCounts:
    """What a survey came upon beside held records."""

    records: int = 0
    unread: int = 0
    """Records whose headers follow no known convention."""
    doubles: int = 0
    """Letters of a hold that was seen before: share groups may write one twice."""


class Survey:
    """Walks quarantine partitions from a position, in the order of the log."""

    def __init__(self, reader: HoldReader, adoption: Adoption, holds: str, sleep: Callable[[float], object]) -> None:
        self._reader = reader
        self._adoption = adoption
        self._holds = holds
        self._sleep = sleep
        self.counts = SurveyCounts()

    def walk(
        self, topic: str, partitions: Sequence[int], selection: Selection, starts: dict[int, int] | None = None
    ) -> Iterator[Surveyed]:
        """Held records of a topic that the selection means by their facts. `starts` are offsets to begin at."""
        for number in partitions:
            yield from self._walk(TopicPartition(topic, number), selection, (starts or {}).get(number, 0))

    def _walk(self, where: TopicPartition, selection: Selection, start: int) -> Iterator[Surveyed]:
        states = states_of(self._reader, self._holds, where, self._sleep)
        bounds = self._reader.bounds([where])[where]
        seen: set[HoldKey] = set()
        for step in self._reader.scan(where, max(start, bounds.start), bounds.end):
            batch = step.batch
            columns = zip(batch.offsets, batch.timestamps_ms, batch.keys, batch.values, batch.headers, strict=True)
            for offset, timestamp_ms, key, value, headers in columns:
                self.counts.records += 1
                record = QuarantineRecord(where, offset, timestamp_ms, key, value, headers or [])
                read = read_whole(record, self._adoption)
                if isinstance(read, NotHeld):
                    self.counts.unread += 1
                    continue
                held, original = read
                if held.dialect is Dialect.SHARE_GROUP:
                    if held.key in seen:
                        self.counts.doubles += 1
                        continue
                    seen.add(held.key)
                hold = states.find(held.key)
                if selection.means_facts(held, hold):
                    yield Surveyed(held, hold, record, original)
