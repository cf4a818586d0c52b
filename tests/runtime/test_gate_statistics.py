"""Counting in one worker, adding up over workers that come and go."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from watermaster.adapters.memory.clock import MemoryClock
from watermaster.gate.ledger import Gap, LedgerEntry
from watermaster.runtime.gate_statistics import (
    SEND_INTERVAL_S,
    GateStatistics,
    StatisticsObserver,
    StreamCounts,
    WorkerStatistics,
)
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import WorldFault


@dataclass
class Sink:
    sent: list[WorkerStatistics] = field(default_factory=list)

    def send(self, statistics: WorkerStatistics) -> None:
        self.sent.append(msgspec.json.decode(msgspec.json.encode(statistics), type=WorkerStatistics))


def entry(read: int, held: int, dropped: int, *, partition: int = 0, gaps: list[Gap] | None = None) -> LedgerEntry:
    return LedgerEntry(
        gate="g", cluster="c", topic="orders", topic_id="T", partition=partition, from_=0, to=read, activation=3,
        contract="x", now_ms=0, read=read, passed=read - held - dropped, held=held, dropped=dropped, gaps=gaps or [],
        rules={"r": held}, warnings={"w": 1},
    )  # fmt: skip


def fault(message: str = "m") -> WorldFault:
    return WorldFault("WM-X", message, hint="h")


def made() -> tuple[StatisticsObserver, Sink, MemoryClock]:
    clock, sink = MemoryClock(), Sink()
    return StatisticsObserver(2, clock, sink), sink, clock


def test_entries_are_added_up_by_topic() -> None:
    observer, _, clock = made()
    observer.committed([entry(10, 2, 1), entry(5, 0, 0, partition=1, gaps=[Gap(0, 9, "retention", 9)])], 0.5)
    observer.committed([entry(1, 1, 0)], 0.25)
    totals = observer.statistics
    assert totals.streams["orders"] == StreamCounts(
        read=16, passed=12, held=3, dropped=1, lost_max=9, gaps=1, activation=3, rules={"r": 3}, warnings={"w": 3}
    )
    assert (totals.transactions, totals.transaction_seconds, totals.last_commit_ms) == (2, 0.75, clock.now_ms())
    assert totals.positions == {"orders/0": 1, "orders/1": 5}


def test_snapshots_are_sent_now_and_then_and_conditions_at_once() -> None:
    observer, sink, clock = made()
    observer.committed([entry(1, 0, 0)], 0.1)
    observer.committed([entry(1, 0, 0)], 0.1)
    assert len(sink.sent) == 1
    clock.sleep(SEND_INTERVAL_S)
    observer.aborted(fault())
    assert [s.transactions for s in sink.sent] == [1, 2]
    observer.condition("failing", fault())
    assert len(sink.sent) == 3
    observer.condition("failing", fault())
    assert len(sink.sent) == 3, "the same again is no news"
    since_ms = sink.sent[-1].conditions["failing"].since_ms
    clock.sleep(1)
    observer.condition("failing", fault("other"))
    assert sink.sent[-1].conditions["failing"].since_ms > since_ms
    observer.condition("failing", None)
    assert sink.sent[-1].conditions == {}
    assert sink.sent[-1].aborts == {"WM-X": 1}


def test_a_gap_stays_a_condition() -> None:
    observer, sink, _ = made()
    observer.gap(TopicPartition("orders", 0), Gap(3, 9, "retention", 6))
    observer.condition("failing", None)
    (condition,) = sink.sent[-1].conditions.values()
    assert (condition.name, condition.code) == ("gap:orders[0]", "WM-READ-GAP")
    assert "3 to 9" in condition.message


def test_lags_are_by_topic() -> None:
    observer, _, _ = made()
    sources = [TopicPartition("orders", 0), TopicPartition("orders", 1), TopicPartition("fleet", 0)]
    observer.behind(dict(zip(sources, (1, 2, 5), strict=True)))
    assert observer.statistics.lags == {"orders": 3, "fleet": 5}
    observer.assigned(sources)
    assert observer.statistics.partitions == ["fleet[0]", "orders[0]", "orders[1]"]


def worker(slot: int, read: int, **more: object) -> WorkerStatistics:
    return WorkerStatistics(slot, {"orders": StreamCounts(read=read, activation=slot)}, transactions=1, **more)  # type: ignore[arg-type]


def test_counters_never_go_back_when_a_worker_ends() -> None:
    statistics = GateStatistics("g")
    statistics.take(worker(0, 5, aborts={"WM-X": 1}, last_commit_ms=7, lags={"orders": 2}))
    statistics.take(worker(1, 7, last_commit_ms=9, lags={"orders": 3}))
    statistics.take(worker(0, 6, aborts={"WM-X": 2}, last_commit_ms=8, lags={"orders": 1}))
    assert statistics.streams()["orders"].read == 13, "a snapshot replaces the one before"
    assert statistics.lags() == {"orders": 4}
    statistics.retire(0)
    statistics.retire(0)
    statistics.take(worker(0, 1))
    assert statistics.streams()["orders"].read == 14
    assert statistics.streams()["orders"].activation == 1
    assert sum(w.transactions for w in statistics.everyone()) == 3
    assert statistics.retired.aborts == {"WM-X": 2}
    assert statistics.last_commit_ms() == 9
    assert statistics.lags() == {"orders": 3}


def test_adding_up_changes_no_snapshot() -> None:
    statistics = GateStatistics("g")
    statistics.take(worker(0, 5))
    statistics.take(worker(1, 7))
    assert [statistics.streams()["orders"].read for _ in range(2)] == [12, 12]
