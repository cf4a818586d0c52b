"""Hours as they are counted between looks: whole ones are kept, the others are unknown, and what is unusual is told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watermaster.incident.signal import SignalKind
from watermaster.monitor.log import PartitionLog
from watermaster.monitor.rhythm import HOUR_MS, KEPT_H, WEEK_H
from watermaster.runtime.configuration import Configuration
from watermaster.runtime.data_watch import DataTurn
from watermaster.runtime.fleet import ClusterLook
from watermaster.runtime.incident_settings import MonitorConfiguration
from watermaster.runtime.monitor import MonitorReport
from watermaster.runtime.observed import ObservedCluster
from watermaster.runtime.rhythms import HourCount, Rhythms
from watermaster.runtime.survey import Placement, Survey
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import WorldFault

BEGAN_H = 50 * WEEK_H
MINUTE_MS = 60_000


class Store:
    def __init__(self) -> None:
        self.hours: dict[tuple[str, int], float] = {}
        self.away = False

    def load_hours(self, cluster: str, since_hour: int) -> Sequence[HourCount]:
        assert cluster == "primary"
        return [HourCount(topic, hour, count) for (topic, hour), count in self.hours.items() if hour >= since_hour]

    def save_hours(self, cluster: str, hours: Sequence[HourCount], since_hour: int) -> None:
        assert cluster == "primary"
        if self.away:
            raise WorldFault("WM-DATABASE", "away", hint="wait")
        self.hours |= {(count.topic, count.hour): count.records for count in hours}
        self.hours = {key: count for key, count in self.hours.items() if key[1] >= since_hour}


class World:
    def __init__(self, *patterns: str) -> None:
        self.store, self.now, self.ends = Store(), BEGAN_H * HOUR_MS, [0, 0]
        self._settings = MonitorConfiguration(volume_topics=patterns or ("*",))
        self.restart()

    def restart(self) -> None:
        self.rhythms = Rhythms(
            Configuration(Path("watermaster.yaml"), {}, Path(), Path(), monitor=self._settings), self.store
        )

    def turn(self, *, answers: bool = True, partitions: int = 2) -> DataTurn:
        logs = {TopicPartition("orders", p): PartitionLog(0, end, end) for p, end in enumerate(self.ends[:partitions])}
        places = {TopicPartition("orders", p): Placement(1, (1,), (1,)) for p in range(2)}
        survey = Survey(self.now, ObservedCluster("id", (), None), places, logs, {}, (), None)
        report = MonitorReport(survey, ()) if answers else None
        return self.rhythms.turn((ClusterLook("primary", "production", report, ()),), self.now)

    def hour(self, records: int, every_min: int = 5) -> DataTurn:
        """One hour with looks, that begins and ends with one."""
        for _ in range(60 // every_min):
            self.turn()
            self.now += every_min * MINUTE_MS
            self.ends[0] += records * every_min // 60
        return self.turn()

    def counted(self) -> dict[int, float]:
        return {hour - BEGAN_H: round(count) for (_, hour), count in self.store.hours.items()}


def test_whole_hours_are_counted() -> None:
    world = World()
    for records in (600, 1_200, 0):
        world.hour(records)
    assert world.counted() == {0: 600, 1: 1_200, 2: 0}


@given(st.lists(st.tuples(st.integers(1, 9 * MINUTE_MS), st.integers(0, 1_000)), min_size=1, max_size=80))
def test_every_record_is_in_some_hour(looks: list[tuple[int, int]]) -> None:
    world = World()
    world.turn()
    for pause_ms, records in looks:
        world.now += pause_ms
        world.ends[1] += records
        world.turn()
    under_way = world.rhythms._topics["primary"]["orders"].records
    assert sum(world.store.hours.values()) + under_way == pytest.approx(world.ends[1])


def test_hours_that_were_not_seen_whole_are_unknown() -> None:
    world = World()
    world.hour(600)
    world.now += 11 * MINUTE_MS  # nobody looked
    world.ends[0] += 10_000
    world.turn()
    world.now += 9 * MINUTE_MS
    world.hour(600)
    world.now += 40 * MINUTE_MS
    world.hour(60)
    assert 0 in world.counted()
    assert 1 not in world.counted()
    assert max(world.counted().values()) <= 1_000, "what came while nobody looked is in no hour"


def test_a_topic_that_was_created_anew_or_is_half_seen_is_not_counted() -> None:
    world = World()
    world.hour(600)
    world.turn(partitions=1)
    world.now += 5 * MINUTE_MS
    world.turn()
    world.ends = [0, 0]
    world.now += 5 * MINUTE_MS
    world.turn()
    world.now += 5 * MINUTE_MS
    world.ends = [50, 0]
    world.turn()
    assert world.rhythms._topics["primary"]["orders"].records == 50


def test_a_silent_hour_and_a_flood_are_told_and_end() -> None:
    world = World()
    for _ in range(6 * 24):
        assert world.hour(600, 10).signals == ()
    assert world.hour(0, 10).signals == ()
    (low,) = world.hour(0, 10).signals
    assert (low.kind, low.subject.topic) == (SignalKind.VOLUME_LOW, "orders")
    assert "0 in the last whole hour; 600 are usual" in low.evidence[0]
    world.restart()
    assert [signal.kind for signal in world.turn().signals] == [SignalKind.VOLUME_LOW], "another monitor knows it too"
    assert world.hour(600, 10).signals == ()
    assert [signal.kind for signal in world.hour(6_000, 10).signals] == [SignalKind.VOLUME_HIGH]
    assert world.hour(600, 10).signals == ()
    assert min(hour for _, hour in world.store.hours) >= world.now // HOUR_MS - KEPT_H


def test_nobody_says_that_it_is_over_while_nothing_is_seen() -> None:
    world = World()
    assert world.turn().blind == {"primary/orders"}
    for _ in range(6 * 24):
        world.hour(600, 10)
    assert world.turn().blind == frozenset()
    for _ in range(6):
        world.turn(answers=False)
        world.now += 10 * MINUTE_MS
    assert world.turn().blind == {"primary/orders"}


def test_a_topic_that_cannot_be_seen_keeps_what_is_usual_and_what_is_wrong() -> None:
    world = World()
    for _ in range(6 * 24):
        world.hour(600, 10)
    world.hour(0, 10)
    assert [signal.kind for signal in world.hour(0, 10).signals] == [SignalKind.VOLUME_LOW]
    told = world.turn(partitions=0)
    assert [signal.kind for signal in told.signals] == [SignalKind.VOLUME_LOW], "nobody saw that it is over"
    for _ in range(6):
        world.now += 10 * MINUTE_MS
        told = world.turn(partitions=0)
    assert (told.signals, told.blind) == ((), {"primary/orders"})
    world.turn()
    world.hour(600, 10)
    assert world.hour(6_000, 10).signals != (), "its weeks are known as before"


def test_an_hour_that_could_not_be_stored_is_unknown() -> None:
    world = World()
    world.hour(600)
    world.store.away = True
    with pytest.raises(WorldFault):
        world.hour(600)
    world.store.away = False
    world.turn()
    world.now += 5 * MINUTE_MS
    world.hour(600)
    assert world.counted() == {0: 600, 2: 550}


def test_only_what_was_asked_for_is_counted() -> None:
    world = World("bills*")
    world.hour(600)
    assert world.counted() == {}
