"""Honest histories of one gate as plain values, to be fed to the auditor after a fault was put into them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from watermaster.auditor.audit import GateAudit, GateSubject, OutputKind, StreamSubject
from watermaster.auditor.report import AuditMode, AuditReport
from watermaster.auditor.sample import Sample
from watermaster.stream.batch import RawHeaders, RecordBatch
from watermaster.stream.coordinates import TopicPartition

CLUSTER, TOPIC_ID, GATE = "cluster-1", "topic-id-1", "orders"
LANDING, TRUSTED, QUARANTINE, LEDGER = "landing", "trusted", "dlq.landing", "watermaster.ledger.orders"
PARTITIONS = 2
SUBJECT = GateSubject(GATE, CLUSTER, LEDGER, (StreamSubject(LANDING, TOPIC_ID, PARTITIONS, TRUSTED, QUARANTINE),))


@dataclass
class Row:
    """A record with everything that must survive."""

    key: bytes | None
    value: bytes | None
    timestamp_ms: int
    headers: RawHeaders


@dataclass
class Out(Row):
    """An output record with what its stamp says."""

    offset: int = 0
    activation: int = 1
    topic_id: str = TOPIC_ID
    cluster: str = CLUSTER
    attempt: int = 0
    partition: int = 0
    stamped: bool = True
    fix: str = ""
    extra: RawHeaders = field(default_factory=list)

    def all_headers(self) -> RawHeaders:
        stamp = (
            f"1 {self.cluster} {self.topic_id} {self.partition} {self.offset} {self.attempt} 0 {self.activation}"
            f"{self.fix and ' ' + self.fix}"
        ).encode()
        return [*self.headers, *self.extra, *([("__watermaster", stamp)] if self.stamped else [])]


@dataclass
class History:
    """One source partition's life; `trusted` may hold strays under other partition numbers."""

    sources: dict[int, Row] = field(default_factory=dict)
    trusted: dict[int, list[Out]] = field(default_factory=lambda: {0: [], 1: []})
    held: list[Out] = field(default_factory=list)
    ledger: list[dict[str, Any]] = field(default_factory=list)
    committed: int | None = 0
    readable_from: int = 0
    outputs_cut_at: int = 0

    def close(self, start: int, end: int, activation: int, dropped: list[int], gaps: list[dict[str, Any]]) -> None:
        inside = [o for o in self.sources if start <= o < end and not any(g["from"] <= o < g["to"] for g in gaps)]
        held = [o for o in self.held if start <= o.offset < end]
        self.ledger.append(
            {
                "v": 1, "gate": GATE, "cluster": CLUSTER, "topic": LANDING, "topic_id": TOPIC_ID, "partition": 0,
                "from": start, "to": end, "activation": activation, "contract": "sha256:0", "now_ms": 1,
                "in": len(inside), "held": len(held), "dropped": len(dropped),
                "passed": len(inside) - len(held) - len(dropped),
                "dropped_offsets": [[o, o] for o in dropped], "gaps": gaps, "rules": {}, "warnings": {},
            }
        )  # fmt: skip
        self.committed = end


def output_of(offset: int, row: Row, activation: int) -> Out:
    kept = [header for header in row.headers if header[0] != "__watermaster"]
    return Out(row.key, row.value, row.timestamp_ms, kept, offset=offset, activation=activation)


def hold(out: Out) -> Out:
    out.extra = [("__dlq.errors.message", b"why"), ("__watermaster.original_headers", b"%d" % len(out.headers))]
    return out


def honest(fates: list[str], entry_offsets: int = 7) -> History:
    """One offset for each fate: `p`ass, `h`old, `d`rop, `m`arker (no record), `g`ap (lost to retention)."""
    history, begin, activation = History(), 100, 1
    for at in range(0, len(fates), entry_offsets):
        start, dropped, gaps = begin + at, [], []
        for offset, fate in enumerate(fates[at : at + entry_offsets], start):
            row = Row(b"k%d" % offset, b"v%d" % offset, 1000 + offset, [("h", b"%d" % offset), ("h", None)])
            if offset % 3 == 0:
                row.headers.insert(0, ("__watermaster", b"forged"))
            if fate == "g":
                gaps.append({"from": offset, "to": offset + 1, "cause": "retention", "lost_max": 1})
            elif fate != "m":
                history.sources[offset] = row
            if fate == "p":
                history.trusted[0].append(output_of(offset, row, activation))
            elif fate == "h":
                history.held.append(hold(output_of(offset, row, activation)))
            elif fate == "d":
                dropped.append(offset)
        history.close(start, start + len(fates[at : at + entry_offsets]), activation, dropped, gaps)
        activation += 1
    return history


def batch_of(topic: str, partition: int, outs: list[Out]) -> RecordBatch:
    batch = RecordBatch(TopicPartition(topic, partition))
    for at, out in enumerate(outs):
        batch.offsets.append(at * 2)
        batch.timestamps_ms.append(out.timestamp_ms)
        batch.keys.append(out.key)
        batch.values.append(out.value)
        batch.headers.append(out.all_headers() or None)
    return batch


def source_batch(rows: dict[int, Row]) -> RecordBatch:
    batch = RecordBatch(TopicPartition(LANDING, 0))
    for offset, row in sorted(rows.items()):
        batch.offsets.append(offset)
        batch.timestamps_ms.append(row.timestamp_ms)
        batch.keys.append(row.key)
        batch.values.append(row.value)
        batch.headers.append(row.headers or None)
    return batch


def audit(history: History, mode: AuditMode = AuditMode.FULL, order: str = "ltqs", step: int = 0) -> AuditReport:
    """Feed a history in the given order of topics; `step` > 0 judges after each `step` offsets as a stream would."""
    gate = GateAudit(SUBJECT, Sample(mode, 0.5))
    source = TopicPartition(LANDING, 0)
    partition = gate.partitions[source]
    end = end_of(history)
    bounds = [0, *range(100 + step, end, step), 2**62] if step else [0, 2**62]
    for low, high in pairwise(bounds):
        for kind in order:
            _feed(gate, history, kind, low, high, mode)
        partition.judge(min(high, end))
    partition.outputs_cut(history.outputs_cut_at)
    gate.finish(source, history.committed, history.committed)
    gate.finish(TopicPartition(LANDING, 1), None, None)
    for start, stop in partition.unresolved():
        readable = max(start, history.readable_from)
        partition.unreadable(start, min(stop, readable))
        found = {o: row for o, row in history.sources.items() if readable <= o < stop}
        gate.take_fetched(source, readable, stop, source_batch(found))
    return gate.report()


def end_of(history: History) -> int:
    return history.committed if history.committed is not None else max((e["to"] for e in history.ledger), default=0)


def _feed(gate: GateAudit, history: History, kind: str, low: int, high: int, mode: AuditMode) -> None:
    source = TopicPartition(LANDING, 0)
    match kind:
        case "l":
            for at, entry in enumerate(history.ledger):
                if low <= entry["from"] < high:
                    key = f"{LANDING}/{entry['partition']}".encode()
                    gate.take_ledger(TopicPartition(LEDGER, 0), at, key, json.dumps(entry).encode())
        case "t":
            for number, outs in history.trusted.items():
                part = [out for out in outs if low <= out.offset < high]
                gate.take_outputs(OutputKind.TRUSTED, TopicPartition(LANDING, number), batch_of(TRUSTED, number, part))
        case "q":
            part = [out for out in history.held if low <= out.offset < high]
            gate.take_outputs(OutputKind.QUARANTINE, source, batch_of(QUARANTINE, 0, part))
        case _:
            start, end = max(low, history.readable_from), min(high, end_of(history) + 10)
            for first, last in gate.partitions[source].sample.ranges(start, end):
                rows = {o: row for o, row in history.sources.items() if first <= o < last}
                gate.take_sources(source, source_batch(rows))
                gate.partitions[source].cover(first, last)
