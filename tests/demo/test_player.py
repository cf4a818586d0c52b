"""Playing records: the pace, the distance to the gate, and a gate that stands still."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from watermaster.runtime.demo import (
    BACKLOG_RECORDS_MAX,
    STALL_S,
    HeldRecord,
    Moment,
    Phase,
    Player,
    Snapshot,
    SourceRecord,
    take_snapshot,
)
from watermaster.runtime.gate_statistics import Condition, GateStatistics, StreamCounts, WorkerStatistics
from watermaster.stream.fault import WorldFault


class World:
    """A source, a gate that judges so many records a second, and a clock that only sleeping moves."""

    def __init__(self, total: int, judged_per_second: float) -> None:
        self.now_s = 100.0
        self.sent: list[SourceRecord] = []
        self.flushed = False
        self.moments: list[Moment] = []
        self._speed = judged_per_second
        self._judged = 0.0
        records = (SourceRecord(b"%d" % number, b"{}") for number in range(10**9))
        self.player = Player(records, total, self, self.look, self, self.sleep, self.moments.append, self.newest_held)

    def now_ms(self) -> int:
        return int(self.now_s * 1000)

    def monotonic_s(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        self._judged = min(len(self.sent), self._judged + self._speed * seconds)

    def send(self, records: Sequence[SourceRecord]) -> None:
        self.sent += records

    def flush(self) -> None:
        self.flushed = True

    def look(self) -> Snapshot:
        return Snapshot(judged=int(self._judged), passed=int(self._judged), troubles=("the gate is paused",))

    def newest_held(self) -> HeldRecord | None:
        return None


def test_slowly_is_a_steady_rate() -> None:
    world = World(10_000, judged_per_second=1_000)
    world.player.play_slowly(100, seconds=5)
    assert 490 <= len(world.sent) <= 500
    in_each_tick = [after.sent - before.sent for before, after in zip(world.moments, world.moments[1:], strict=False)]
    assert max(in_each_tick) <= 6
    assert {moment.phase for moment in world.moments} == {Phase.SLOW}


def test_each_record_is_sent_once_and_in_order() -> None:
    world = World(25_500, judged_per_second=20_000)
    world.player.play_slowly(1_000, seconds=1)
    world.player.play_fast()
    final = world.player.drain()
    assert [record.key for record in world.sent] == [b"%d" % number for number in range(25_500)]
    assert final.judged == 25_500
    assert world.flushed


def test_fewer_records_than_the_slow_phase_would_send() -> None:
    world = World(50, judged_per_second=1_000)
    world.player.play_slowly(100, seconds=15)
    world.player.play_fast()
    assert world.player.drain().judged == 50
    assert world.now_s < 105


def test_the_source_never_runs_far_ahead() -> None:
    world = World(100_000, judged_per_second=5_000)
    world.player.play_fast()
    assert max(moment.waiting for moment in world.moments) <= BACKLOG_RECORDS_MAX


def test_a_gate_that_stands_still_is_said_with_its_own_words() -> None:
    world = World(100_000, judged_per_second=0)
    with pytest.raises(WorldFault, match="WM-DEMO-STALLED") as caught:
        world.player.play_fast()
    assert "the gate is paused" in caught.value.hint
    assert STALL_S <= world.now_s - 100 < STALL_S + 1


def test_a_slow_gate_is_no_stall() -> None:
    world = World(2_000, judged_per_second=5)
    world.player.play_fast()
    assert world.player.drain().judged == 2_000


def test_a_snapshot_adds_up_all_workers_and_does_not_change() -> None:
    counts = StreamCounts(read=3, passed=2, held=1, activation=1, rules={"r": 1})
    statistics = GateStatistics("g")
    paused = Condition("c", "WM-X", "It is paused", "Look.", 0)
    statistics.take(WorkerStatistics(0, streams={"landing": counts, "other": counts}, conditions={"c": paused}))
    statistics.take(WorkerStatistics(1, streams={"landing": StreamCounts(read=1, passed=1)}))
    snapshot = take_snapshot(statistics, "landing")
    counts.rules["r"] = 99
    assert (snapshot.judged, snapshot.passed, snapshot.held, dict(snapshot.rules)) == (4, 3, 1, {"r": 1})
    assert snapshot.held_share == 0.25
    assert snapshot.troubles == ("It is paused. Look.",)
    assert take_snapshot(statistics, "nobody's") == Snapshot(troubles=snapshot.troubles)
