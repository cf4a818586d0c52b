"""A pass over held records with their states: what the looking commands of `quarantine` are made of. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from watermaster.quarantine.held import Adoption, HeldRecord, NotHeld, OriginalRecord, QuarantineRecord, read_whole
from watermaster.quarantine.lifecycle import Hold
from watermaster.quarantine.selection import Selection
from watermaster.runtime.hold_states import HoldReader
from watermaster.runtime.letter_doubles import LetterDoubles, Sight
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
    """Letters of a hold that was seen before: who writes at least once may write one twice."""
    clashes: int = 0
    """Letters with the coordinates of one that was seen before, and other bytes: the source topic was made anew."""


class Survey:
    """Walks quarantine partitions from a position, in the order of the log."""

    def __init__(self, reader: HoldReader, adoption: Adoption, holds: str, sleep: Callable[[float], object]) -> None:
        self._reader = reader
        self._adoption = adoption
        self._holds = holds
        self._sleep = sleep
        self.counts = SurveyCounts()
        self._doubles = LetterDoubles()

    def walk(
        self, topic: str, partitions: Sequence[int], selection: Selection, starts: dict[int, int] | None = None
    ) -> Iterator[Surveyed]:
        """Held records of a topic that the selection means by their facts. `starts` are offsets to begin at."""
        for number in partitions:
            yield from self._walk(TopicPartition(topic, number), selection, (starts or {}).get(number, 0))

    def _walk(self, where: TopicPartition, selection: Selection, start: int) -> Iterator[Surveyed]:
        states = states_of(self._reader, self._holds, where, self._sleep)
        bounds = self._reader.bounds([where])[where]
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
                sight = self._doubles.see(held, record)
                if sight is not Sight.FIRST:
                    self.counts.doubles += sight is Sight.AGAIN
                    self.counts.clashes += sight is Sight.CLASH
                    continue
                hold = states.find(held.key)
                if selection.means_facts(held, hold):
                    yield Surveyed(held, hold, record, original)
