"""Observation: a contract judged against live topics, read without a group; nothing is written and nothing committed.

The loop reads, `observe_stream` judges and counts, `observe_report` tells. What the reader cannot get is told too:
a gap, a partition without answer, a record that the client cannot decode; none of them ends in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from watermaster.gate.ledger import Gap
from watermaster.runtime.observe_stream import StreamObservation, Subject
from watermaster.runtime.observe_tally import PartitionCount
from watermaster.runtime.ports import Clock, ReadResult, TopicReader, Trouble, TroubleKind
from watermaster.stream.batch import RecordBatch
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import UsageFault

READ_TIMEOUT_S: Final = 0.25
"""One read: bounds the reaction to a stop and the age of the live display."""

SILENCE_S_MAX: Final = 30.0
"""A partition that must still be read and gives nothing for so long is reported as unread."""

PARTITIONS_INTERVAL_S: Final = 10.0
"""How often a lasting observation looks for new partitions."""

NOTES_MAX: Final = 50


@dataclass(frozen=True, slots=True)
class Start:
    """Where each partition is begun: `records_back` offsets before its end, at the end (0), or at its start (None)."""

    records_back: int | None

    def position(self, low: int, high: int) -> int:
        """The offset to begin at, for a log of `[low, high)`."""
        return low if self.records_back is None else max(low, high - self.records_back)


@dataclass(slots=True)
class Note:
    """Something that went wrong while reading, and how often."""

    code: str
    message: str
    times: int = 1


@dataclass(slots=True)
class Observation:
    """All streams under observation, and what could not be seen."""

    streams: dict[str, StreamObservation]
    notes: dict[tuple[str, str], Note] = field(default_factory=dict)
    unread: set[TopicPartition] = field(default_factory=set)
    """Partitions whose end was not reached although it should have been."""

    def note(self, code: str, message: str) -> None:
        """Keep a trouble once, with a count; bounded."""
        known = self.notes.get((code, message))
        if known is not None:
            known.times += 1
        elif len(self.notes) < NOTES_MAX:
            self.notes[code, message] = Note(code, message)


class Observing:
    """One run over one reader. `run` may be called once; raises a fault where a topic may not be read at all."""

    def __init__(
        self,
        reader: TopicReader,
        subjects: Sequence[Subject],
        start: Start,
        clock: Clock,
        *,
        to_end: bool,
        show_values: bool = False,
    ) -> None:
        self._reader = reader
        self._start = start
        self._clock = clock
        self._to_end = to_end
        streams = {subject.topic: StreamObservation(subject, show_values) for subject in subjects}
        self.observation = Observation(streams)
        self._positions: dict[TopicPartition, int] = {}
        self._ends: dict[TopicPartition, int] = {}
        self._heard_s = 0.0
        self._looked_s = 0.0

    def run(self, should_stop: Callable[[], bool], on_progress: Callable[[Observation], None]) -> Observation:
        """Read until told to stop, or, with `to_end`, until the ends as they were at the start."""
        for topic in self.observation.streams:
            self._add(self._reader.partitions(topic), self._start)
        self._reader.begin(self._positions)
        self._heard_s = self._looked_s = self._clock.monotonic_s()
        while not should_stop() and not self._is_done():
            self._take(self._reader.read(READ_TIMEOUT_S))
            on_progress(self.observation)
        self._close()
        return self.observation

    def _add(self, sources: Sequence[TopicPartition], start: Start) -> None:
        for source in sources:
            low, high = self._reader.bounds(source)
            position = start.position(low, high)
            self._positions[source] = position
            count = PartitionCount(source, position, position)
            self.observation.streams[source.topic].partitions[source.partition] = count
            if position < high:
                self._ends[source] = high

    def _is_done(self) -> bool:
        if not self._to_end:
            self._look_for_partitions()
            return False
        return not self._ends or self._clock.monotonic_s() - self._heard_s > SILENCE_S_MAX

    def _close(self) -> None:
        if not self._to_end:
            return
        self.observation.unread.update(self._ends)
        for source in sorted(self._ends):
            self.observation.note("WM-OBSERVE-UNREAD", f"{source} was not read to its end")

    def _take(self, result: ReadResult) -> None:
        now_ms = self._clock.now_ms()
        if result.batches or result.ends:
            self._heard_s = self._clock.monotonic_s()
        for batch in result.batches:
            self._judge(batch, now_ms)
        for source, end in result.ends.items():
            self._advance(source, end)
        for trouble in result.troubles:
            self._handle(trouble)

    def _judge(self, batch: RecordBatch, now_ms: int) -> None:
        if batch.source not in self._positions:
            return  # fetched before the partition was given up
        self.observation.streams[batch.source.topic].take(batch, now_ms)
        self._advance(batch.source, batch.offsets[-1] + 1)

    def _advance(self, source: TopicPartition, position: int) -> None:
        """The position moves over markers too, so that the counts tile the offsets as a ledger entry does."""
        if source not in self._positions:
            return
        self._positions[source] = max(self._positions[source], position)
        count = self._count(source)
        count.next = max(count.next, position)
        if position >= self._ends.get(source, 0):
            self._ends.pop(source, None)

    def _count(self, source: TopicPartition) -> PartitionCount:
        return self.observation.streams[source.topic].partitions[source.partition]

    # --- what goes wrong ----------------------------------------------------------------------------------------

    def _handle(self, trouble: Trouble) -> None:
        source = trouble.source
        self.observation.note(
            trouble.fault.code, f"{source}: {trouble.fault.message}" if source else str(trouble.fault)
        )
        match trouble.kind:
            case TroubleKind.DENIED:
                raise trouble.fault
            case TroubleKind.OUT_OF_RANGE | TroubleKind.TRUNCATED if source in self._positions and source is not None:
                self._pass_gap(source)
            case TroubleKind.UNREADABLE if source in self._positions and source is not None:
                self._give_up(source)
            case _:
                return  # the client tries again by itself; silence has its own bound

    def _pass_gap(self, source: TopicPartition) -> None:
        """The log moved away under us: say what nobody can read any more, and go on where it begins now."""
        low, high = self._reader.bounds(source)
        position = self._positions[source]
        if position < low:
            self._count(source).enter_gap(Gap(position, low, "retention", low - position))
            self._positions[source] = low
        elif position > high:
            self.observation.note("WM-READ-TRUNCATED", f"{source}: the log ends at {high}, before position {position}")
            self._give_up(source)
            return
        self._advance(source, self._positions[source])
        self._reader.begin(self._positions)

    def _give_up(self, source: TopicPartition) -> None:
        """This partition cannot be read on; the others go on."""
        self.observation.unread.add(source)
        self._positions.pop(source)
        self._ends.pop(source, None)
        self._reader.begin(self._positions)

    def _look_for_partitions(self) -> None:
        now_s = self._clock.monotonic_s()
        if now_s - self._looked_s < PARTITIONS_INTERVAL_S:
            return
        self._looked_s = now_s
        new: list[TopicPartition] = []
        for topic, stream in self.observation.streams.items():
            new += [tp for tp in self._reader.partitions(topic) if tp.partition not in stream.partitions]
        if new:
            self._add(new, Start(None))
            for source in new:
                self.observation.note("WM-TOPIC-PARTITIONS-ADDED", _added(source))
            self._reader.begin(self._positions)


def _added(source: TopicPartition) -> str:
    return f"{source} is new: records of one key may now lie in two partitions, and their order is not kept across them"


def parse_start(text: str) -> Start:
    """`beginning`, `end`, or `-N`: N records before the end of each partition. Raises UsageFault."""
    words: Mapping[str, Start] = {"beginning": Start(None), "end": Start(0)}
    if text in words:
        return words[text]
    number = text.removeprefix("-")
    if text.startswith("-") and number.isascii() and number.isdigit() and len(number) < 19:  # noqa: PLR2004 - int64
        return Start(int(number))
    raise UsageFault(
        "WM-OBSERVE-FROM",
        f"--from {text!r} is no place to begin",
        hint="Give beginning, end, or -N for the last N records of each partition.",
    )
