"""What a gate counts: per worker while it runs, added up by the supervisor, shown as metrics, health and progress."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

import msgspec

from watermaster.gate.ledger import Gap, LedgerEntry, add_counts
from watermaster.runtime.ports import Clock
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import Fault

RULES_MAX = 200
"""Distinct rules counted by name in metrics; the ledger has all."""


class StreamCounts(msgspec.Struct):
    """Totals of one landing topic since the worker began."""

    read: int = 0
    passed: int = 0
    held: int = 0
    dropped: int = 0
    lost_max: int = 0
    gaps: int = 0
    activation: int = 0
    rules: dict[str, int] = {}
    warnings: dict[str, int] = {}

    def add(self, other: StreamCounts) -> None:
        """Add another worker's totals."""
        self.read += other.read
        self.passed += other.passed
        self.held += other.held
        self.dropped += other.dropped
        self.lost_max += other.lost_max
        self.gaps += other.gaps
        self.activation = max(self.activation, other.activation)
        add_counts(self.rules, other.rules)
        add_counts(self.warnings, other.warnings)


class Condition(msgspec.Struct, frozen=True):
    """Something lasting that a person should know."""

    name: str
    code: str
    message: str
    hint: str
    since_ms: int


class WorkerStatistics(msgspec.Struct):
    """One worker's totals; sent to the supervisor as a whole each time, so that a lost message does no harm."""

    slot: int
    streams: dict[str, StreamCounts] = {}
    transactions: int = 0
    aborts: dict[str, int] = {}
    """Aborted transactions by fault code."""
    transaction_seconds: float = 0.0
    last_commit_ms: int = 0
    partitions: list[str] = []
    conditions: dict[str, Condition] = {}
    positions: dict[str, int] = {}
    lags: dict[str, int] = {}
    """Records not yet judged, by landing topic."""


class StatisticsSink(Protocol):
    """Where a worker's totals go."""

    def send(self, statistics: WorkerStatistics) -> None:
        """Take a snapshot; must not block for long."""
        ...


SEND_INTERVAL_S = 0.25


class StatisticsObserver:
    """Implements `transfer.TransferObserver`: counts, and sends a snapshot now and then."""

    def __init__(self, slot: int, clock: Clock, sink: StatisticsSink) -> None:
        self.statistics = WorkerStatistics(slot)
        self._clock = clock
        self._sink = sink
        self._sent_s = 0.0

    def committed(self, entries: Sequence[LedgerEntry], seconds: float) -> None:
        """Count one transaction."""
        totals = self.statistics
        totals.transactions += 1
        totals.transaction_seconds += seconds
        totals.last_commit_ms = self._clock.now_ms()
        for entry in entries:
            counts = totals.streams.setdefault(entry.topic, StreamCounts())
            counts.add(
                StreamCounts(
                    read=entry.read,
                    passed=entry.passed,
                    held=entry.held,
                    dropped=entry.dropped,
                    lost_max=sum(gap.lost_max for gap in entry.gaps),
                    gaps=len(entry.gaps),
                    activation=entry.activation,
                    rules=entry.rules,
                    warnings=entry.warnings,
                )
            )
            totals.positions[f"{entry.topic}/{entry.partition}"] = entry.to
        self._send_sometimes()

    def aborted(self, fault: Fault) -> None:
        """Count an abort by its cause."""
        aborts = self.statistics.aborts
        aborts[fault.code] = aborts.get(fault.code, 0) + 1
        self._send_sometimes()

    def condition(self, name: str, fault: Fault | None) -> None:
        """Raise or clear a condition; sent at once."""
        conditions = self.statistics.conditions
        if fault is None:
            conditions.pop(name, None)
        elif name not in conditions or conditions[name].message != fault.message:
            conditions[name] = Condition(name, fault.code, fault.message, fault.hint, self._clock.now_ms())
        else:
            return
        self.send()

    def gap(self, source: TopicPartition, gap: Gap) -> None:
        """A gap is a lasting condition: it is never cleared while the worker lives."""
        name = f"gap:{source}"
        self.statistics.conditions[name] = Condition(
            name,
            "WM-READ-GAP",
            f"{source}: offsets {gap.from_} to {gap.to} are gone ({gap.cause}), at most {gap.lost_max} records",
            "The source's retention is shorter than the gate's absence; the ledger names the gap.",
            self._clock.now_ms(),
        )
        self.send()

    def assigned(self, partitions: Collection[TopicPartition]) -> None:
        """The partitions that this worker holds now."""
        self.statistics.partitions = sorted(map(str, partitions))
        self.send()

    def behind(self, records: Mapping[TopicPartition, int]) -> None:
        """Lag by topic."""
        lags: dict[str, int] = {}
        for source, count in records.items():
            lags[source.topic] = lags.get(source.topic, 0) + count
        self.statistics.lags = lags
        self._send_sometimes()

    def _send_sometimes(self) -> None:
        if self._clock.monotonic_s() - self._sent_s >= SEND_INTERVAL_S:
            self.send()

    def send(self) -> None:
        """Send a snapshot now."""
        self._sent_s = self._clock.monotonic_s()
        self._sink.send(self.statistics)


class GateStatistics(msgspec.Struct):
    """All workers together."""

    gate: str
    workers: dict[int, WorkerStatistics] = {}
    retired: WorkerStatistics = msgspec.field(default_factory=lambda: WorkerStatistics(-1))
    """Totals of workers that have ended, so that counters never go back."""
    restarts: int = 0
    fences: int = 0
    last_words: str = ""
    """Type and place of the exception that ended a worker last, if it was one."""
    started_ms: int = 0

    def take(self, statistics: WorkerStatistics) -> None:
        """Take a worker's newest snapshot."""
        self.workers[statistics.slot] = statistics

    def retire(self, slot: int) -> None:
        """A worker has ended: keep its totals."""
        ended = self.workers.pop(slot, None)
        if ended is None:
            return
        for topic, counts in ended.streams.items():
            self.retired.streams.setdefault(topic, StreamCounts()).add(counts)
        self.retired.transactions += ended.transactions
        add_counts(self.retired.aborts, ended.aborts)
        self.retired.last_commit_ms = max(self.retired.last_commit_ms, ended.last_commit_ms)

    def everyone(self) -> list[WorkerStatistics]:
        """Living workers and what the ended ones left."""
        return [self.retired, *self.workers.values()]

    def streams(self) -> dict[str, StreamCounts]:
        """Totals by landing topic over all workers."""
        totals: dict[str, StreamCounts] = {}
        for worker in self.everyone():
            for topic, counts in worker.streams.items():
                totals.setdefault(topic, StreamCounts()).add(counts)
        return totals

    def lags(self) -> dict[str, int]:
        """Records not yet judged, by landing topic, over the living workers."""
        lags: dict[str, int] = {}
        for worker in list(self.workers.values()):  # scrapes read this from another thread
            add_counts(lags, worker.lags)
        return lags

    def conditions(self) -> list[Condition]:
        """What is wrong now, in any worker."""
        return [condition for worker in list(self.workers.values()) for condition in worker.conditions.values()]

    def last_commit_ms(self) -> int:
        """The newest commit of any worker; 0 before the first."""
        return max(worker.last_commit_ms for worker in self.everyone())
