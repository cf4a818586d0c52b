"""Drives the auditor over a cluster: once (`gate verify`), or round by round beside a running gate.

One round, in this order, because offsets may show before the outputs that they stand for:

1. ask for the committed offsets (stable ones), and read the states of held records;
2. wait the settling time: everything below those offsets becomes visible meanwhile;
3. take the ends of ledger, outputs and landing, and read up to them;
4. read the newer states, and ask for the committed offsets again: what was read and lies beyond them has no commit;
5. fetch the holes from landing, and report.

Memory: source partitions are read one after the other; within one, the output stream that is behind is read first, and
landing follows the slower of the two, so that fingerprints wait only for the width of a few batches. The ledger is
read first and kept as numbers, 64 bytes an entry. A second round goes on where the first one ended.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Protocol

from watermaster.auditor.audit import GateAudit, GateSubject, OutputKind, StreamSubject
from watermaster.auditor.interval import Range
from watermaster.auditor.partition import PartitionAudit
from watermaster.auditor.replay_content import Remedies
from watermaster.auditor.report import AuditCost, AuditReport
from watermaster.auditor.sample import Sample
from watermaster.runtime.audit_replays import ReplayTraces
from watermaster.runtime.configuration import GateConfiguration
from watermaster.stream.batch import RecordBatch
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import UsageFault

SETTLE_S_DEFAULT = 5.0
"""Markers of a transaction land partition by partition, within milliseconds on healthy brokers; this allows for a
leader that is being elected."""

JUDGE_STEP_OFFSETS = 65_536
"""Offsets between two judgements of one partition: four pages of marks."""

FETCH_JOIN_OFFSETS = 500
"""Holes that lie nearer than this are fetched in one go: a new fetch costs more than reading so many records."""

_EVERYTHING = 2**63 - 1


class TopicState(NamedTuple):
    """What the broker says of a topic now."""

    topic_id: str
    partitions: int
    compacted: bool


class LogBounds(NamedTuple):
    """Log start offset and last stable offset of a partition."""

    start: int
    end: int


class Scanned(NamedTuple):
    """One step of reading: the committed records of `[start, next)`; offsets without a record hold none.

    `start` is above the last step's `next` (or the offset asked for) if the log began only there.
    """

    start: int
    next: int
    batch: RecordBatch


class AuditReader(Protocol):
    """Reads a cluster without joining a group or writing anything; read_committed throughout."""

    def cluster_id(self) -> str:
        """The id of the cluster."""
        ...

    def topics(self, names: Sequence[str]) -> Mapping[str, TopicState]:
        """The topics that exist among `names`."""
        ...

    def committed(self, group: str, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int | None]:
        """Stable committed offsets of a group; None where there is none."""
        ...

    def bounds(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, LogBounds]:
        """Where the logs begin and end now."""
        ...

    def scan(self, partition: TopicPartition, start: int, end: int) -> Iterator[Scanned]:
        """Read `[start, end)` in order. Ends early only if the log does. Several scans may be open at a time."""
        ...

    def close(self) -> None:
        """Release the connections."""
        ...


@dataclass(frozen=True, slots=True)
class AuditProgress:
    """How far a round is. `partition` is what is being read; `records` and `payload_bytes` count all topics."""

    partition: TopicPartition
    records: int
    payload_bytes: int


def describe_gate(reader: AuditReader, gate: GateConfiguration) -> GateSubject:
    """The gate as the cluster knows it. Raises `UsageFault` WM-AUDIT-TOPICS if one of its topics is not there."""
    names = {gate.ledger}
    for stream in gate.streams:
        names |= {stream.landing, stream.trusted, stream.quarantine}
    states = reader.topics(sorted({*names, gate.holds}))
    missing = sorted(names - set(states))
    if missing:
        raise UsageFault(
            "WM-AUDIT-TOPICS",
            f"Gate {gate.name} cannot be audited: {', '.join(missing)} cannot be seen.",
            hint="Check the topic names, and that this login may DESCRIBE and READ them; "
            "`watermaster gate topics` prints what a gate needs.",
        )
    streams = tuple(
        StreamSubject(
            landing=stream.landing,
            topic_id=states[stream.landing].topic_id,
            partitions=states[stream.landing].partitions,
            trusted=stream.trusted,
            quarantine=stream.quarantine,
            compacted=states[stream.landing].compacted,
            trusted_compacted=states[stream.trusted].compacted,
        )
        for stream in gate.streams
    )
    holds = gate.holds if gate.holds in states else ""
    return GateSubject(gate.name, reader.cluster_id(), gate.ledger, streams, holds)


@dataclass(slots=True)
class _Outputs:
    """One output partition being read for one source partition."""

    kind: OutputKind
    where: TopicPartition
    scan: Iterator[Scanned]
    next: int
    reached: int
    """Source offsets below it are accounted for, if the topic is in order."""
    is_cut: bool = False


@dataclass(slots=True)
class _Landing:
    """The source side of one partition: the ranges that are still to be read, in order."""

    ranges: Iterator[Range]
    current: Range | None = None
    scan: Iterator[Scanned] = field(default_factory=lambda: iter(()))
    next: int = 0


class Auditor:
    """Audits one gate; each `round` extends the proof to the offsets that are committed when it begins."""

    def __init__(
        self,
        reader: AuditReader,
        subject: GateSubject,
        sample: Sample,
        *,
        remedies: Remedies | None = None,
        settle_s: float = SETTLE_S_DEFAULT,
        sleep: Callable[[float], object] = time.sleep,
        progress: Callable[[AuditProgress], None] = lambda _: None,
    ) -> None:
        self._reader = reader
        self._subject = subject
        self._audit = GateAudit(subject, sample, remedies)
        self._replays = ReplayTraces(reader, self._audit, self._note)
        self._settle_s = settle_s
        self._sleep = sleep
        self._progress = progress
        self._next: dict[tuple[TopicPartition, str], int] = {}
        """Where to read on, by partition and the landing topic that it is read for."""
        self._sourced: dict[TopicPartition, int] = {}
        self._cost = AuditCost()

    def round(self) -> AuditReport:
        """One round; the report covers everything since the first. Raises the reader's faults."""
        began_s, began_cpu_s = time.monotonic(), time.process_time()
        sources = sorted(self._audit.partitions)
        committed = self._reader.committed(self._subject.group_id, sources)
        self._replays.begin()
        self._sleep(self._settle_s)
        self._read_ledger()
        for stream in self._subject.streams:
            self._read_stream(stream, committed)
        self._replays.finish(lambda: self._sleep(self._settle_s))
        confirmed = self._reader.committed(self._subject.group_id, sources)
        for source in sources:
            self._audit.finish(source, committed[source], confirmed[source])
            self._fetch_holes(self._audit.partitions[source])
        self._cost = replace(
            self._cost,
            seconds=self._cost.seconds + time.monotonic() - began_s,
            cpu_seconds=self._cost.cpu_seconds + time.process_time() - began_cpu_s,
        )
        return replace(self._audit.report(), cost=self._cost)

    # --- ledger -------------------------------------------------------------------------------------------------

    def _read_ledger(self) -> None:
        for where, bounds in self._bounds_of(self._subject.ledger).items():
            start = self._next.get((where, ""), 0)
            for step in self._reader.scan(where, max(start, bounds.start), bounds.end):
                self._note(where, step)
                columns = zip(step.batch.offsets, step.batch.keys, step.batch.values, strict=True)
                for offset, key, value in columns:
                    self._audit.take_ledger(where, offset, key, value)
            if bounds.start > start:
                for partition in self._audit.partitions.values():
                    partition.ledger_cut = True
            self._next[where, ""] = max(start, bounds.end)

    def _bounds_of(self, topic: str) -> Mapping[TopicPartition, LogBounds]:
        count = self._reader.topics([topic])[topic].partitions
        return self._reader.bounds([TopicPartition(topic, number) for number in range(count)])

    # --- outputs and sources ------------------------------------------------------------------------------------

    def _read_stream(self, stream: StreamSubject, committed: Mapping[TopicPartition, int | None]) -> None:
        ends = {kind: self._bounds_of(stream.output_topic(kind)) for kind in OutputKind}
        landing = self._bounds_of(stream.landing)
        for number in range(stream.partitions):
            source = TopicPartition(stream.landing, number)
            upto = committed[source]
            if upto is None:
                upto = self._audit.partitions[source].last_claim() or 0
            self._read_partition(source, self._outputs_of(stream, source, ends), landing[source], upto)
        self._read_surplus(stream, ends)

    def _outputs_of(
        self,
        stream: StreamSubject,
        source: TopicPartition,
        ends: Mapping[OutputKind, Mapping[TopicPartition, LogBounds]],
    ) -> list[_Outputs]:
        opened = []
        for kind in OutputKind:
            where = TopicPartition(stream.output_topic(kind), source.partition)
            if where in ends[kind]:
                start = self._next.get((where, stream.landing), 0)
                if kind is OutputKind.QUARANTINE:
                    replay = self._audit.partitions[source].replay
                    replay.held_start = max(replay.held_start, ends[kind][where].start)
                scan = self._reader.scan(where, start, ends[kind][where].end)
                opened.append(_Outputs(kind, where, scan, start, self._audit.partitions[source].judged))
        return opened

    def _read_partition(self, source: TopicPartition, opened: list[_Outputs], log: LogBounds, upto: int) -> None:
        partition = self._audit.partitions[source]
        first = partition.first_claim()
        start = max(self._sourced.get(source, first or 0), log.start)
        landing = _Landing(partition.sample.ranges(start, upto) if first is not None else iter(()), next=start)
        while opened:
            behind = min(opened, key=lambda outputs: outputs.reached)
            if not self._read_outputs(source, behind):
                opened.remove(behind)
                continue
            safe = min([upto, *(outputs.reached for outputs in opened)])
            if safe - partition.judged >= JUDGE_STEP_OFFSETS or safe - landing.next >= FETCH_JOIN_OFFSETS:
                self._read_landing(source, landing, safe)
                partition.judge(safe)
        self._read_landing(source, landing, upto)
        partition.judge(upto)
        self._sourced[source] = max(upto, start)

    def _read_outputs(self, source: TopicPartition, outputs: _Outputs) -> bool:
        """Read one step; False at the end."""
        step = next(outputs.scan, None)
        partition = self._audit.partitions[source]
        if step is None:
            if outputs.is_cut:
                partition.outputs_cut(_EVERYTHING)
            return False
        self._note(outputs.where, step)
        if step.start > outputs.next:
            outputs.is_cut = True
            if outputs.kind is OutputKind.TRUSTED:
                partition.replay.is_cut = True
            else:
                partition.replay.held_is_cut = True
                partition.replay.held_start = max(partition.replay.held_start, step.start)
        outputs.next = self._next[outputs.where, source.topic] = step.next
        span = self._audit.take_outputs(outputs.kind, source, step.batch)
        if span is not None:
            outputs.reached = max(outputs.reached, span.end)
            if outputs.is_cut:
                partition.outputs_cut(span.start)
                outputs.is_cut = False
        return True

    def _read_surplus(
        self, stream: StreamSubject, ends: Mapping[OutputKind, Mapping[TopicPartition, LogBounds]]
    ) -> None:
        """Output partitions without a source partition of their number: whatever stands there has strayed."""
        for kind in OutputKind:
            for where, bounds in ends[kind].items():
                if where.partition >= stream.partitions:
                    start = self._next.get((where, stream.landing), 0)
                    for step in self._reader.scan(where, start, bounds.end):
                        self._note(where, step)
                        self._audit.take_outputs(kind, TopicPartition(stream.landing, 0), step.batch)
                        self._next[where, stream.landing] = step.next

    def _read_landing(self, source: TopicPartition, landing: _Landing, upto: int) -> None:
        """Read what the sample wants of landing below `upto`; a step may reach beyond it."""
        while landing.next < upto:
            step = next(landing.scan, None)
            if step is not None:
                self._note(source, step)
                self._audit.take_sources(source, step.batch)
                self._audit.partitions[source].cover(step.start, step.next)
                landing.next = step.next
                continue
            if landing.current is None:
                landing.current = next(landing.ranges, None)
            if landing.current is None or landing.current.start >= upto:
                return
            landing.scan = self._reader.scan(source, *landing.current)
            landing.current = None

    # --- holes --------------------------------------------------------------------------------------------------

    def _fetch_holes(self, partition: PartitionAudit) -> None:
        holes = partition.unresolved()
        if not holes:
            return
        source = partition.source
        log = self._reader.bounds([source])[source]
        for start, end in _joined(holes):
            at = start
            for step in self._reader.scan(source, max(start, log.start), end) if end > log.start else ():
                self._note(source, step)
                partition.unreadable(at, step.start)
                self._audit.take_fetched(source, step.start, step.next, step.batch)
                at = step.next
            partition.unreadable(at, end)

    def _note(self, where: TopicPartition, step: Scanned) -> None:
        self._cost = replace(
            self._cost,
            records=self._cost.records + len(step.batch),
            payload_bytes=self._cost.payload_bytes + step.batch.bytes,
        )
        self._progress(AuditProgress(where, self._cost.records, self._cost.payload_bytes))


def _joined(holes: Sequence[Range]) -> Iterator[Range]:
    """Neighbouring holes as one range to fetch."""
    start, end = holes[0]
    for low, high in holes[1:]:
        if low - end > FETCH_JOIN_OFFSETS:
            yield Range(start, end)
            start = low
        end = high
    yield Range(start, end)


def follow(
    auditor: Auditor,
    *,
    interval_s: float,
    should_stop: Callable[[], bool],
    on_report: Callable[[AuditReport], None],
    sleep: Callable[[float], object] = time.sleep,
) -> None:
    """Audit beside a running gate, round after round; each round waits its settling time before it judges."""
    while not should_stop():
        on_report(auditor.round())
        sleep(interval_s)
