"""What a look says of an objective: bad, good, or not known; and what a restart or a lost database does to it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

import pytest

from watermaster.gate.ledger import LedgerEntry
from watermaster.incident.signal import SignalKind
from watermaster.monitor.budget import Amount, SlotKey
from watermaster.monitor.consumer import Condition
from watermaster.monitor.horizon import Horizon
from watermaster.monitor.lag import Evidence, Lag
from watermaster.monitor.log import PartitionLog
from watermaster.monitor.objective import Indicator, Objective
from watermaster.runtime.budgets import Budgets, BudgetTurn, LedgerNews, PromisedStream
from watermaster.runtime.configuration import Configuration, GateConfiguration, StreamConfiguration
from watermaster.runtime.fleet import ClusterLook
from watermaster.runtime.monitor import GroupReport, MonitorReport, PositionReport
from watermaster.runtime.observed import ObservedCluster
from watermaster.runtime.survey import Placement, Survey
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import WorldFault

MINUTE_MS = 60_000
NOW = 1_000 * 24 * 60 * MINUTE_MS
LANDING, LEDGER = TopicPartition("orders.landing", 0), TopicPartition("watermaster.ledger.orders", 0)
GATE = GateConfiguration("orders", "primary", (StreamConfiguration("orders.landing", "orders", "c"),))
OBJECTIVES = (
    Objective(Indicator.LATENCY, 0.01, MINUTE_MS),
    Objective(Indicator.AVAILABILITY, 0.01),
    Objective(Indicator.ERROR_RATE, 0.01),
    Objective(Indicator.FREQUENCY, 0.01, 10 * MINUTE_MS),
)
DARK = (ClusterLook("primary", "production", None, ()),)


def waiting(time_ms: int | None, error_ms: int = 0, evidence: Evidence = Evidence.PROBE, records: int = 5) -> Lag:
    return Lag(records, 0, time_ms, error_ms, evidence)


READ = Lag(0, 0, 0, 0, Evidence.OFFSETS)


def look(
    lag: Lag | None = READ,
    members: int | None = 1,
    condition: Condition = Condition.IDLE,
    end: int = 10,
    more: Mapping[TopicPartition, PartitionLog] = {},
    hidden: Collection[TopicPartition] = (),
    newest_ms: int | None = None,
    settings: Mapping[str, str] = {},
) -> tuple[ClusterLook, ...]:
    logs = {LANDING: PartitionLog(0, end, end), LEDGER: PartitionLog(0, 1, 1), **more}
    places = {source: Placement(1, (1,), (1,)) for source in (*logs, *hidden)}
    logs = {source: log for source, log in logs.items() if source not in hidden}
    position = PositionReport(LANDING, 5, logs.get(LANDING), lag, Horizon(()), condition=condition)
    about = {LANDING.topic: settings} if settings else {}
    newest = {} if newest_ms is None else {LANDING: newest_ms}
    survey = Survey(NOW, ObservedCluster("id", (), None), places, logs, about, (), None, newest=newest)
    report = MonitorReport(survey, (GroupReport(GATE.group_id, "STABLE", members, (position,)),))
    return (ClusterLook("primary", "production", report, ()),)


class Ledger:
    """A ledger that holds values, and remembers from where it was read."""

    def __init__(self) -> None:
        self.entries: list[LedgerEntry] = []
        self.whole = True
        self._read: int | None = None

    def write(self, at_ms: int, read: int, held: int) -> None:
        self.entries.append(
            LedgerEntry(
                gate="orders", cluster="id", topic=LANDING.topic, topic_id="t", partition=0, from_=0, to=read,
                activation=1, contract="c", now_ms=at_ms, read=read, passed=read - held, held=held, dropped=0,
                rules={"cheap-enough": held} if held else {},
            )
        )  # fmt: skip

    def follow(self, gate: GateConfiguration, since_ms: int, ends: Mapping[int, int]) -> LedgerNews:
        assert (gate, ends) == (GATE, {0: 1})
        begin = self._read if self._read is not None else self._first(since_ms)
        self._read = len(self.entries)
        return LedgerNews(self.entries[begin:], self.whole, "" if self.whole else "it is slow")

    def _first(self, since_ms: int) -> int:
        # A record is written after the moment in its entry, so one that is a little older may come along.
        old = [index for index, entry in enumerate(self.entries) if entry.now_ms < since_ms]
        return max(0, len(old) - 1)

    def forget(self) -> None:
        self._read = None


class Store:
    """Slots in memory; it can be away."""

    def __init__(self) -> None:
        self.slots: dict[str, dict[SlotKey, Amount]] = {}
        self.away = False

    def load(self, names: Iterable[str]) -> Mapping[str, Sequence[tuple[SlotKey, Amount]]]:
        return {name: list(self.slots[name].items()) for name in names if name in self.slots}

    def save(self, changes: Mapping[str, Mapping[SlotKey, Amount | None]]) -> None:
        if self.away:
            raise WorldFault("WM-DATABASE", "away", hint="wait")
        for name, slots in changes.items():
            mine = self.slots.setdefault(name, {})
            for key, amount in slots.items():
                mine.pop(key, None)
                if amount is not None:
                    mine[key] = amount


class World:
    def __init__(self, objectives: Sequence[Objective] = OBJECTIVES) -> None:
        self.ledger, self.store, self.now, self._objectives = Ledger(), Store(), NOW, tuple(objectives)
        self.worst: dict[str, int | None] = {LANDING.topic: None}
        self.restart()

    def restart(self) -> None:
        configuration = Configuration(Path("watermaster.yaml"), {}, Path(), Path(), gates={"orders": GATE})
        promised = [PromisedStream(GATE, LANDING.topic, self._objectives)]
        self.budgets = Budgets(configuration, promised, self.store, self.ledger, lambda _, topic: self.worst[topic])
        self.ledger.forget()

    def turn(self, seen: Sequence[ClusterLook], times: int = 1) -> BudgetTurn:
        for _ in range(times):
            told = self.budgets.turn(seen, self.now)
            self.now += 10_000
        return told


def bad(told: BudgetTurn, indicator: Indicator) -> bool | None:
    return next(report.bad for report in told.reports if report.objective.indicator is indicator)


def left(told: BudgetTurn, indicator: Indicator) -> float | None:
    return next(report.budget.left for report in told.reports if report.objective.indicator is indicator)


@pytest.mark.parametrize(
    ("lag", "expected"),
    [
        (READ, False),
        (None, None),
        (waiting(None), None),
        (waiting(MINUTE_MS), False),
        (waiting(MINUTE_MS + 1), True),
        (waiting(MINUTE_MS + 1, 10), None),
        (waiting(MINUTE_MS - 1, 10), None),
        (waiting(MINUTE_MS + 11, 10), True),
        (waiting(10, 10**9, Evidence.AT_LEAST), None),
        (waiting(MINUTE_MS + 1, 10**9, Evidence.AT_LEAST), True),
    ],
)
def test_a_latency_is_missed_or_kept_only_where_its_error_leaves_no_doubt(lag: Lag | None, expected: object) -> None:
    assert bad(World().turn(look(lag)), Indicator.LATENCY) is expected


SECOND, SECOND_LEDGER = TopicPartition(LANDING.topic, 1), TopicPartition(LEDGER.topic, 1)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (look(more={SECOND: PartitionLog(7, 7, 7)}), False),
        (look(more={SECOND: PartitionLog(0, 7, 7)}), None),
        (look(hidden=[SECOND]), None),
        (look(waiting(MINUTE_MS + 1), hidden=[SECOND]), True),
    ],
    ids=["nothing in it", "records and no position", "out of sight", "late elsewhere"],
)
def test_what_waits_where_the_gate_has_no_position_is_not_known(seen: Sequence[ClusterLook], expected: object) -> None:
    assert bad(World().turn(seen), Indicator.LATENCY) is expected


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (look(), False),
        (look(members=0), True),
        (look(members=None), None),
        (look(condition=Condition.STUCK), True),
        (look(condition=Condition.SLOW), False),
        (DARK, True),
    ],
)
def test_a_stream_is_available_while_somebody_carries_it(seen: Sequence[ClusterLook], expected: object) -> None:
    assert bad(World().turn(seen), Indicator.AVAILABILITY) is expected


def test_silence_is_known_once_the_log_was_seen_to_grow_or_the_bound_has_passed() -> None:
    world = World()
    assert bad(world.turn(look(end=10)), Indicator.FREQUENCY) is None
    assert bad(world.turn(look(end=11)), Indicator.FREQUENCY) is False
    assert bad(world.turn(look(end=11), 60), Indicator.FREQUENCY) is False
    assert bad(world.turn(look(end=11)), Indicator.FREQUENCY) is True
    world.restart()
    assert bad(world.turn(look(end=11)), Indicator.FREQUENCY) is None
    assert bad(world.turn(look(end=11), 61), Indicator.FREQUENCY) is True
    assert bad(world.turn(DARK), Indicator.FREQUENCY) is None


@pytest.mark.parametrize(("worst_ms", "expected"), [(None, False), (MINUTE_MS, False), (MINUTE_MS + 1, True)])
def test_what_was_late_between_two_looks_is_late(worst_ms: int | None, expected: bool) -> None:
    world = World()
    world.worst[LANDING.topic] = worst_ms
    assert bad(world.turn(look()), Indicator.LATENCY) is expected
    assert bad(world.turn(look(None)), Indicator.LATENCY) is (expected or None)


@pytest.mark.parametrize(
    ("age_min", "kind", "expected"),
    [(9, "CreateTime", False), (11, "CreateTime", None), (11, "LogAppendTime", True), (-1, "LogAppendTime", None)],
)
def test_the_newest_timestamp_tells_of_the_time_before_anybody_watched(
    age_min: int, kind: str, expected: bool | None
) -> None:
    seen = look(newest_ms=NOW - age_min * MINUTE_MS, settings={"message.timestamp.type": kind})
    assert bad(World().turn(seen), Indicator.FREQUENCY) is expected


def test_a_partition_that_comes_back_into_sight_is_no_record_that_came() -> None:
    world = World()
    both = {SECOND: PartitionLog(0, 50, 50)}
    assert bad(world.turn(look(more=both), 62), Indicator.FREQUENCY) is True
    assert bad(world.turn(look(more=both, hidden=[SECOND])), Indicator.FREQUENCY) is None
    assert bad(world.turn(look(more=both)), Indicator.FREQUENCY) is True
    assert bad(world.turn(look(more={SECOND: PartitionLog(0, 51, 51)})), Indicator.FREQUENCY) is False


def test_a_burning_budget_is_a_signal_that_cannot_end_while_nothing_is_seen() -> None:
    world = World()
    assert world.turn(look(), 10).signals == ()
    told = world.turn(look(waiting(10 * MINUTE_MS)), 60)
    assert [(signal.kind, signal.burn) for signal in told.signals] == [(SignalKind.BUDGET_BURN, 14.4)]
    assert told.signals[0].waiting_ms == 10 * MINUTE_MS
    assert told.blind == frozenset()
    assert world.turn(look(None)).blind == {"primary/watermaster.orders"}
    assert world.turn(DARK).signals == (), "that the cluster is away is told by itself"
    assert world.turn(look(), 40).signals == (), "the short window is over"
    assert world.turn(look(None)).blind == frozenset()


def test_what_burned_has_not_ended_for_as_long_as_it_cannot_be_seen() -> None:
    world = World(OBJECTIVES[:1])
    world.turn(look(waiting(10 * MINUTE_MS)), 60)
    dark = {"primary/watermaster.orders"}
    told = world.turn(look(None), 60)
    assert (told.signals, told.blind) == ((), dark), "the short window is over, and nobody saw anything of it"
    world.restart()
    assert world.turn(look(None), 3).blind == dark, "nor does another monitor"
    assert world.turn(look()).blind == frozenset()
    assert world.turn(look(None)).blind == frozenset()


def test_what_was_held_has_not_ended_while_the_ledger_cannot_be_read() -> None:
    world = World(OBJECTIVES[:1])
    world.ledger.write(NOW - 1_000, 200, 150)
    assert SignalKind.HELD_SHARE in {signal.kind for signal in world.turn(look()).signals}
    world.ledger.whole = False
    for _ in range(2):
        told = world.turn(look(), 90)
        assert (told.signals, told.blind) == ((), {"primary/watermaster.orders"})
        world.restart()
    world.ledger.whole = True
    assert world.turn(look()).blind == frozenset()


def test_half_of_a_ledger_is_not_stored() -> None:
    world = World()
    world.ledger.write(NOW - 20 * MINUTE_MS, 100, 1)
    world.turn(look())
    world.restart()
    world.ledger.write(NOW - 1_000, 100, 1)
    world.ledger.whole = False
    world.turn(look())
    # Killed here, with entries of minutes before still to come from another partition.
    world.restart()
    world.ledger.write(NOW - 10 * MINUTE_MS, 200, 4)
    world.ledger.whole = True
    assert left(world.turn(look()), Indicator.ERROR_RATE) == pytest.approx(1 - 6 / 400 / 0.01)


def test_a_gate_whose_clock_was_ahead_hides_nothing_after_a_restart() -> None:
    world = World()
    world.ledger.write(NOW + 60 * MINUTE_MS, 100, 0)
    world.turn(look())
    world.restart()
    world.ledger.write(NOW + 1_000, 100, 50)
    assert bad(world.turn(look(), 2), Indicator.ERROR_RATE) is True


def test_a_monitor_that_was_away_counts_the_ledger_and_not_the_time() -> None:
    world = World()
    world.ledger.write(NOW - 1_000, 100, 50)
    first = world.turn(look(), 3)
    assert left(first, Indicator.ERROR_RATE) == pytest.approx(1 - 0.5 / 0.01)
    assert {signal.kind for signal in first.signals} == {SignalKind.BUDGET_BURN, SignalKind.HELD_SHARE}
    assert any("cheap-enough (50)" in line for line in first.signals[-1].evidence)
    world.ledger.write(NOW + 30 * MINUTE_MS, 300, 0)
    world.now += 60 * MINUTE_MS
    for _ in range(3):
        world.restart()
        told = world.turn(look(), 2)
        assert left(told, Indicator.ERROR_RATE) == pytest.approx(1 - 50 / 400 / 0.01)
    time = next(r.budget for r in told.reports if r.objective.indicator is Indicator.LATENCY)
    assert time.seen == pytest.approx((20_000 + 3 * 10_000) / (30 * 24 * 60 * MINUTE_MS))


def test_what_could_not_be_stored_is_counted_again_and_not_twice() -> None:
    world = World()
    world.turn(look())
    world.ledger.write(world.now, 200, 20)
    world.store.away = True
    for _ in range(3):
        with pytest.raises(WorldFault):
            world.turn(look())
    world.store.away = False
    assert left(world.turn(look(), 2), Indicator.ERROR_RATE) == pytest.approx(1 - 0.1 / 0.01)


def test_a_ledger_that_is_half_seen_is_not_read_to_its_end() -> None:
    world = World()
    world.ledger.write(NOW - 1_000, 100, 0)
    told = world.turn(look(hidden=[SECOND_LEDGER]))
    assert told.unseen == (f"the ledger of orders: {LEDGER.topic} cannot be seen",)
    assert bad(told, Indicator.ERROR_RATE) is None
    assert bad(world.turn(look()), Indicator.ERROR_RATE) is False


def test_a_ledger_that_cannot_be_read_is_said() -> None:
    world = World()
    world.ledger.whole = False
    told = world.turn(look())
    assert told.unseen == ("the ledger of orders: it is slow",)
    assert bad(told, Indicator.ERROR_RATE) is None
