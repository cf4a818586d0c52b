"""The audit of one gate: sorts facts to their source partitions and adds the reports up."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from watermaster.auditor.content import Stamped, fingerprint, source_headers, take_held, take_trusted
from watermaster.auditor.finding import FindingKind, Findings, Place, verdict_of
from watermaster.auditor.interval import Range
from watermaster.auditor.ledger import SUPERVISOR_NOTE, read_claim
from watermaster.auditor.origin import Home, Origin, read_origin
from watermaster.auditor.page import HELD, TRUSTED
from watermaster.auditor.partition import UNREADABLE, PartitionAudit
from watermaster.auditor.reference import reference_to
from watermaster.auditor.replay import read_claim as read_replay_claim
from watermaster.auditor.replay_content import Remedies
from watermaster.auditor.report import AuditReport, PartitionReport
from watermaster.auditor.sample import Sample
from watermaster.stream.batch import RecordBatch
from watermaster.stream.coordinates import TopicPartition


class OutputKind(Enum):
    """Which of a stream's two output topics."""

    TRUSTED = "trusted"
    QUARANTINE = "quarantine"


@dataclass(frozen=True, slots=True)
class StreamSubject:
    """One stream of the audited gate, with what the broker says of its landing topic now."""

    landing: str
    topic_id: str
    partitions: int
    trusted: str
    quarantine: str
    compacted: bool = False
    """The landing topic's cleanup policy contains `compact`."""
    trusted_compacted: bool = False

    def output_topic(self, kind: OutputKind) -> str:
        """The topic of one kind."""
        return self.trusted if kind is OutputKind.TRUSTED else self.quarantine


@dataclass(frozen=True, slots=True)
class GateSubject:
    """The gate to be audited."""

    gate: str
    cluster_id: str
    ledger: str
    streams: tuple[StreamSubject, ...]
    holds: str = ""
    """The topic of what became of held records; empty if the cluster has none."""

    @property
    def group_id(self) -> str:
        """The consumer group whose committed offsets bound what is judged."""
        return f"watermaster.{self.gate}"


class GateAudit:
    """All partitions of a gate. Facts are fed batch by batch; see the package for the order of a proof."""

    def __init__(self, subject: GateSubject, sample: Sample, remedies: Remedies | None = None) -> None:
        self.subject = subject
        self._remedies = remedies or {}
        self.sample = sample
        self.partitions: dict[TopicPartition, PartitionAudit] = {}
        self._findings = Findings()
        self._ends: dict[TopicPartition, int | None] = {}
        self._streams = {stream.landing: stream for stream in subject.streams}
        self._by_id = {stream.topic_id: stream for stream in subject.streams}
        self._earlier_ids: set[str] = set()
        self._owners: dict[str, str] = {}
        for stream in subject.streams:
            for kind in OutputKind:
                self._owners.setdefault(stream.output_topic(kind), stream.landing)
            for number in range(stream.partitions):
                source = TopicPartition(stream.landing, number)
                partition = self._partition(source)
                partition.compacted = stream.compacted
                partition.replay.is_cut = stream.trusted_compacted
                partition.replay.has_states = bool(subject.holds)

    # --- facts --------------------------------------------------------------------------------------------------

    def take_ledger(self, where: TopicPartition, offset: int, key: bytes | None, value: bytes | None) -> None:
        """One record of the ledger topic."""
        if key is not None and key.startswith(SUPERVISOR_NOTE):
            return
        claim = read_claim(key, value)
        if isinstance(claim, str):
            self._malformed(where, offset, claim)
            return
        source = TopicPartition(claim.topic, claim.partition)
        stream = self._streams.get(claim.topic)
        if (claim.gate, claim.cluster) != (self.subject.gate, self.subject.cluster_id) or stream is None:
            self._malformed(where, offset, "an entry of another gate, cluster or stream")
        elif claim.topic_id != stream.topic_id:
            self._earlier_ids.add(claim.topic_id)
            self._partition(source).find(FindingKind.EARLIER_TOPIC, Place(None, where, offset))
        else:
            self._partition(source).claim(claim)

    def take_state(self, key: bytes | None, value: bytes | None) -> None:
        """One record of the holds topic."""
        claim = read_replay_claim(key, value, self.subject.cluster_id, self.subject.gate)
        stream = self._by_id.get(claim.topic_id) if claim is not None else None
        if claim is not None and stream is not None:
            self._partition(TopicPartition(stream.landing, claim.partition)).replay.claim(claim)

    def outputs_due(self) -> None:
        """The outputs of all replays whose states are in by now will be read from here on."""
        for partition in self.partitions.values():
            partition.replay.mark_due()

    def repairs(self) -> list[str]:
        """The repair topics that states name: topics that the configuration does not know."""
        return sorted({topic for partition in self.partitions.values() for topic in partition.replay.repairs()})

    def take_repairs(self, batch: RecordBatch) -> None:
        """Records of a repair topic. It may belong to anybody, so only replays of this gate's records are looked at."""
        for index, headers in enumerate(batch.headers):
            stamped = take_trusted(headers)
            origin = read_origin(stamped.stamp, Home(self.subject.cluster_id, "", -1))
            stream = self._by_id.get(origin.topic_id) if origin is not None else None
            if origin is None or stream is None or origin.cluster_id != self.subject.cluster_id or not origin.attempt:
                continue
            if origin.partition < stream.partitions:
                partition = self._partition(TopicPartition(stream.landing, origin.partition))
                content = _content(batch, index, stamped) if partition.sample.wants(origin.offset) else None
                partition.repair(origin, batch.source, batch.offsets[index], content)

    def repair_cut(self, topic: str) -> None:
        """Records of a repair topic are gone: retention or compaction took them, or the topic is not there any more."""
        for partition in self.partitions.values():
            partition.replay.cut_repairs.add(topic)

    def take_outputs(self, kind: OutputKind, source: TopicPartition, batch: RecordBatch) -> Range | None:
        """Records of an output topic, read on behalf of `source`'s stream; others' in a shared topic are left out.

        Returns the span of `source`'s offsets that the batch speaks of; None if it says nothing of them.
        """
        take, mark = (take_trusted, TRUSTED) if kind is OutputKind.TRUSTED else (take_held, HELD)
        own = self._partition(source)
        home = Home(self.subject.cluster_id, self._streams[source.topic].topic_id, source.partition)
        lowest, reached = -1, 0
        for index, headers in enumerate(batch.headers):
            stamped = take(headers)
            origin = read_origin(stamped.stamp, home)
            is_own = origin is not None and home.is_of(origin)
            partition = own if is_own else self._of_stream(origin, source, batch, index)
            if partition is None or origin is None:
                continue
            if stamped.fault or origin.ordinal:
                self._ill_stamped(partition, origin, stamped, batch, index)
            content = mended = None
            if stamped.reference is not None:
                partition.refer(origin.offset, stamped.reference)
            elif partition.sample.wants(origin.offset):
                content = _content(batch, index, stamped)
                if mark == HELD and self._remedies:
                    mended = self._mended(partition, origin.offset, batch, index, stamped)
            partition.output(mark, origin, batch.source, batch.offsets[index], content, mended)
            if is_own and not origin.attempt:
                lowest = origin.offset if lowest < 0 else min(lowest, origin.offset)
                reached = max(reached, origin.offset + 1)
        return Range(lowest, reached) if reached else None

    def _mended(
        self, partition: PartitionAudit, offset: int, batch: RecordBatch, index: int, stamped: Stamped
    ) -> bytes | None:
        """The fingerprint of a held record after the fix that its state names, if that fix is at hand."""
        claim = partition.replay.claim_of(offset)
        remedy = self._remedies.get(claim.fix) if claim is not None else None
        mended = remedy(batch.keys[index], batch.values[index], stamped.originals) if remedy is not None else None
        if mended is None:
            return None
        return fingerprint(batch.timestamps_ms[index], mended.key, mended.value, mended.headers)

    def take_sources(self, source: TopicPartition, batch: RecordBatch) -> None:
        """Records of a landing partition, from which the bytes are compared where the sample wants them."""
        partition = self._partition(source)
        wants = partition.sample.wants
        for index, offset in enumerate(batch.offsets):
            content: bytes | None = None
            if not wants(offset):
                pass
            elif index in batch.uncarriable:
                content = UNREADABLE
            else:
                headers = source_headers(batch.headers[index])
                content = fingerprint(batch.timestamps_ms[index], batch.keys[index], batch.values[index], headers)
            partition.record(offset, content)

    def take_fetched(self, source: TopicPartition, start: int, end: int, batch: RecordBatch) -> None:
        """Landing was fetched from `start` to `end` because of what was unresolved there."""
        partition = self._partition(source)
        columns = zip(batch.offsets, batch.keys, batch.values, batch.timestamps_ms, batch.headers, strict=True)
        for offset, key, value, timestamp_ms, headers in columns:
            partition.check_reference(offset, reference_to(key, value, timestamp_ms, headers))
        partition.resolve(start, end, batch.offsets)

    # --- judgement ----------------------------------------------------------------------------------------------

    def finish(self, source: TopicPartition, committed: int | None, confirmed: int | None) -> None:
        """Everything below `committed` is in; see `PartitionAudit.finish`."""
        self._ends[source] = committed
        self._partition(source).finish(committed, confirmed)

    def report(self) -> AuditReport:
        """The findings so far. The worst one decides; an audit of nothing proves nothing."""
        partitions = tuple(self._report(partition) for _, partition in sorted(self.partitions.items()))
        tally = self._findings.copy()
        if not any(partition.is_begun for partition in self.partitions.values()):
            place = Place(None, detail="no offset of any partition is below a judged ledger entry's end")
            tally.add(FindingKind.NOTHING_JUDGED, place)
        findings = tally.all()
        everything = findings + tuple(finding for partition in partitions for finding in partition.findings)
        return AuditReport(
            gate=self.subject.gate,
            cluster_id=self.subject.cluster_id,
            mode=self.sample.mode,
            verdict=verdict_of(everything),
            partitions=partitions,
            findings=findings,
        )

    # --- inside -------------------------------------------------------------------------------------------------

    def _partition(self, source: TopicPartition) -> PartitionAudit:
        partition = self.partitions.get(source)
        if partition is None:  # the first time, or the topic has grown since
            partition = self.partitions[source] = PartitionAudit(source, self.sample.of(source.partition))
        return partition

    def _malformed(self, where: TopicPartition, offset: int, why: str) -> None:
        self._findings.add(FindingKind.LEDGER_MALFORMED, Place(None, where, offset, why))

    def _of_stream(
        self, origin: Origin | None, source: TopicPartition, batch: RecordBatch, index: int
    ) -> PartitionAudit | None:
        """The partition that an output speaks of; None if it is not one of the stream that is read for."""
        if origin is not None and origin.cluster_id == self.subject.cluster_id:
            stream = self._by_id.get(origin.topic_id)
            if stream is not None and origin.partition < stream.partitions:
                if stream.landing == source.topic:
                    return self._partition(TopicPartition(stream.landing, origin.partition))
                if batch.source.topic in (stream.trusted, stream.quarantine):
                    return None  # a topic that streams share: it is read once more on behalf of the other
        if self._owners[batch.source.topic] == source.topic:
            self._foreign(origin, source, batch, index)
        return None

    def _foreign(self, origin: Origin | None, source: TopicPartition, batch: RecordBatch, index: int) -> None:
        place = Place(None, batch.source, batch.offsets[index])
        if origin is None:
            detail = "no coordinates: written by somebody else"
        elif origin.topic_id in self._earlier_ids:
            self._partition(source).find(FindingKind.EARLIER_TOPIC, place)
            return
        elif origin.cluster_id != self.subject.cluster_id:
            detail = "coordinates of another cluster"
        elif origin.topic_id not in self._by_id:
            detail = "coordinates of another topic"
        else:
            detail = "coordinates of another stream, or of a partition that does not exist"
        self._partition(source).find(FindingKind.FOREIGN, Place(None, place.found_in, place.found_offset, detail))

    def _ill_stamped(
        self, partition: PartitionAudit, origin: Origin, stamped: Stamped, batch: RecordBatch, index: int
    ) -> None:
        detail = stamped.fault or f"ordinal {origin.ordinal}: a gate writes one output for a record"
        partition.find(FindingKind.STAMP, Place(origin.offset, batch.source, batch.offsets[index], detail))

    def _report(self, partition: PartitionAudit) -> PartitionReport:
        findings, totals = partition.findings(), partition.totals
        ends = partition.replay.ends(partition.begin or 0, partition.judged, totals.held)
        return PartitionReport(
            source=partition.source,
            verdict=verdict_of(findings),
            begin=partition.begin,
            end=self._ends.get(partition.source),
            entries=totals.entries,
            read=totals.read,
            passed=totals.passed,
            held=totals.held,
            dropped=totals.dropped,
            lost_max=totals.lost_max,
            gaps=tuple(partition.gaps),
            compared=totals.compared,
            replays=totals.replays,
            fixes=partition.contents.fixes,
            fixes_proved=partition.contents.fixes_proved,
            replayed=ends.replayed,
            discarded=ends.discarded,
            fixed=ends.fixed,
            expired=ends.expired,
            holes=totals.holes,
            findings=findings,
        )


def _content(batch: RecordBatch, index: int, stamped: Stamped) -> bytes:
    return fingerprint(batch.timestamps_ms[index], batch.keys[index], batch.values[index], stamped.originals)
