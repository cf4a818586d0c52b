"""Keeps an index of held records up with the topics that it is made of. Reads Kafka; writes the database alone.

The ends of the states are taken first, then those of the quarantine, and facts are read before states. Whoever wrote a
state had read its record before, so every state that is read finds its record in the index, or the record is gone.

Invariant: a position in the index moves only in the transaction that puts what lies before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from watermaster.quarantine.fingerprint import ALGORITHM_VERSION
from watermaster.quarantine.held import Adoption, NotHeld, QuarantineRecord, read_held
from watermaster.quarantine.hold_key import HoldKey, decode_hold_key
from watermaster.quarantine.hold_record import decode_hold
from watermaster.quarantine.lifecycle import NEW_HOLD, Hold
from watermaster.quarantine.shared_facts import FORM
from watermaster.runtime.audit import LogBounds, Scanned
from watermaster.runtime.crash_points import CrashPoint, reach
from watermaster.runtime.hold_index_ports import (
    HeldBatch,
    HeldFact,
    HoldIndexStore,
    IndexMark,
    IndexSubject,
    StateBatch,
    index_moved,
)
from watermaster.runtime.hold_states import STABLE_PATIENCE_S, STABLE_PAUSE_S, HoldReader, unstable_states
from watermaster.stream.batch import RecordBatch
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import Fault

BATCH: Final = 2_000
"""Facts in one transaction: its end costs a write to the disk, and a kill costs reading so many again."""
TRIES: Final = 5
"""So often the index is made anew under our hands, or a topic is, before somebody is told."""


@dataclass(frozen=True, slots=True)
class IndexProgress:
    """How far a pass is, in offsets of all topics that it reads."""

    done: int
    todo: int


@dataclass(frozen=True, slots=True)
class IndexedTopics:
    """Which topics an index is made of, and how their records are read."""

    name: str
    """Of the gate or adopted quarantine."""
    topics: Sequence[str]
    holds: str
    adoption: Adoption


def _nobody(_: IndexProgress) -> None:
    """For who does not look."""


@dataclass(slots=True)
class HoldIndexer:
    """Follows the topics of one quarantine. One for a thread."""

    reader: HoldReader
    store: HoldIndexStore
    made_of: IndexedTopics
    sleep: Callable[[float], object]
    on_progress: Callable[[IndexProgress], None] = _nobody
    _done: int = field(default=0, init=False)
    _todo: int = field(default=0, init=False)

    def catch_up(self) -> IndexMark:
        """The index, up to what the topics hold now. Says in the mark if it had to be made anew, and why."""
        return self._catch_up(self.store.resume)

    def rebuild(self, because: str = "somebody has asked for it") -> IndexMark:
        """A new index, read from the beginnings of the topics; what the old one has left is removed."""
        mark = self._catch_up(lambda subject: self.store.renew(subject, because))
        while self.store.sweep():
            pass
        return mark

    # --- inside -------------------------------------------------------------------------------------------------

    def _catch_up(self, begin: Callable[[IndexSubject], IndexMark]) -> IndexMark:
        because = ""
        for _ in range(TRIES):
            subject = self._subject()
            try:
                mark = begin(subject)
                because = because or mark.because
                begin = self.store.resume
                cut_off = self._follow(mark)
            except Fault as fault:
                if fault.code != index_moved().code:
                    raise
                continue
            if cut_off:
                because = self.store.renew(subject, cut_off).because
            elif self._subject() == subject:
                self.store.sweep()
                return IndexMark(mark.number, mark.topics, because)
        raise index_moved()

    def _subject(self) -> IndexSubject:
        made_of = self.made_of
        found = self.reader.topics([*made_of.topics, made_of.holds])
        holds = found.get(made_of.holds)
        return IndexSubject(
            cluster_id=made_of.adoption.cluster_id,
            name=made_of.name,
            reading=_reading(made_of.adoption),
            topics={name: found[name].topic_id for name in made_of.topics if name in found},
            holds=None if holds is None else (made_of.holds, holds.topic_id),
        )

    def _follow(self, mark: IndexMark) -> str:
        """Read what is new. Why the index must be made anew, if a log ends before what was read of it."""
        found = self.reader.topics([*mark.topics, self.made_of.holds])
        places = [
            TopicPartition(topic, number)
            for topic, topic_id in mark.topics.items()
            if topic in found and found[topic].topic_id == topic_id
            for number in range(found[topic].partitions)
        ]
        holds = found.get(self.made_of.holds)
        state_places = [TopicPartition(self.made_of.holds, n) for n in range(holds.partitions if holds else 0)]
        state_ends = self.reader.high_watermarks(state_places)
        bounds = self.reader.bounds(places)
        positions = self.store.positions(mark)
        cut_off = self._cut_off(positions, bounds, state_ends)
        if cut_off:
            return cut_off
        self._done, self._todo = 0, _todo(positions, bounds, state_ends)
        for where in places:
            if bounds[where].start:
                self.store.cut(mark, where, bounds[where].start)
            self._follow_held(mark, where, positions.get(where), bounds[where])
        for where in state_places:
            self._follow_states(mark, where, positions.get(where, 0), state_ends[where])
        return ""

    def _cut_off(
        self,
        positions: Mapping[TopicPartition, int],
        bounds: Mapping[TopicPartition, LogBounds],
        state_ends: Mapping[TopicPartition, int],
    ) -> str:
        ahead = [where for where, (_, end) in bounds.items() if positions.get(where, 0) > end]
        ends = {**state_ends, **(self.reader.high_watermarks(ahead) if ahead else {})}
        for where, end in ends.items():
            if positions.get(where, 0) > end:
                return f"{where} ends before what was read of it"
        return ""

    def _follow_held(self, mark: IndexMark, where: TopicPartition, at: int | None, bounds: LogBounds) -> None:
        while at is None or at < bounds.end:
            begin = bounds.start if at is None else at
            if begin >= bounds.end and at is None:
                return
            for batch in self._held_batches(where, begin, bounds):
                if not self.store.put_held(mark, batch):
                    break
                self._advance(batch.end - batch.begin)
            else:
                return
            at = self.store.positions(mark).get(where)

    def _held_batches(self, where: TopicPartition, begin: int, bounds: LogBounds) -> Iterator[HeldBatch]:
        facts: list[HeldFact] = []
        unread: list[int] = []
        reached = begin
        for step in self.reader.scan(where, max(begin, bounds.start), bounds.end):
            reach(CrashPoint.AFTER_POLL)
            self._take(step.batch, facts, unread)
            reached = step.next
            if len(facts) + len(unread) >= BATCH:
                yield HeldBatch(where, begin, reached, facts, unread)
                begin, facts, unread = reached, [], []
        if reached > begin:
            yield HeldBatch(where, begin, reached, facts, unread)

    def _take(self, batch: RecordBatch, facts: list[HeldFact], unread: list[int]) -> None:
        columns = zip(batch.offsets, batch.timestamps_ms, batch.keys, batch.values, batch.headers, strict=True)
        for offset, timestamp_ms, key, value, headers in columns:
            record = QuarantineRecord(batch.source, offset, timestamp_ms, key, value, headers or [])
            read = read_held(record, self.made_of.adoption)
            if isinstance(read, NotHeld):
                unread.append(offset)
            else:
                facts.append(HeldFact(read, timestamp_ms))

    def _follow_states(self, mark: IndexMark, where: TopicPartition, at: int, end: int) -> None:
        waited_s = 0.0
        while at < end:
            before = at
            for batch in _state_batches(self.reader.scan(where, at, end), where, at):
                if not self.store.put_states(mark, batch):
                    at = self.store.positions(mark).get(where, 0)
                    break
                self._advance(batch.end - batch.begin)
                at = batch.end
            if at >= end:
                break
            if at == before and waited_s > STABLE_PATIENCE_S:
                raise unstable_states(where, at, waited_s)
            self.sleep(STABLE_PAUSE_S)
            waited_s = 0.0 if at > before else waited_s + STABLE_PAUSE_S

    def _advance(self, offsets: int) -> None:
        self._done += offsets
        self.on_progress(IndexProgress(self._done, self._todo))


def _state_batches(steps: Iterator[Scanned], where: TopicPartition, begin: int) -> Iterator[StateBatch]:
    """The newest state of each hold; other records of the topic, as requests, are passed over."""
    states: dict[HoldKey, Hold] = {}
    reached = begin
    for step in steps:
        reach(CrashPoint.AFTER_POLL)
        for written, value in zip(step.batch.keys, step.batch.values, strict=True):
            key = decode_hold_key(written)
            if key is not None:
                read = decode_hold(value)
                states[key] = NEW_HOLD if read is None else read[0]
        reached = step.next
        if len(states) >= BATCH:
            yield StateBatch(where, begin, reached, states)
            begin, states = reached, {}
    if reached > begin:
        yield StateBatch(where, begin, reached, states)


def _todo(
    positions: Mapping[TopicPartition, int],
    bounds: Mapping[TopicPartition, LogBounds],
    state_ends: Mapping[TopicPartition, int],
) -> int:
    held = sum(max(0, end - positions.get(where, start)) for where, (start, end) in bounds.items())
    return held + sum(max(0, end - positions.get(where, 0)) for where, end in state_ends.items())


def _reading(adoption: Adoption) -> str:
    """Differs where the same records would give other facts."""
    how = [FORM, ALGORITHM_VERSION, adoption.dialect, adoption.mapping]
    return msgspec.json.encode(how, order="deterministic").decode()
