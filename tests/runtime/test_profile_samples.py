"""Samples of fields between looks: what cannot be sampled hinders nothing else, and is taken up where it was left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from watermaster.monitor.log import PartitionLog
from watermaster.monitor.profile import RECORDS_MIN
from watermaster.monitor.rhythm import HOUR_MS
from watermaster.runtime.configuration import Configuration, GateConfiguration, StreamConfiguration
from watermaster.runtime.data_watch import DataTurn
from watermaster.runtime.fleet import ClusterLook
from watermaster.runtime.monitor import MonitorReport
from watermaster.runtime.observed import ObservedCluster, ObservedTopic, SampledRecord, TopicSample
from watermaster.runtime.profiles import SAMPLE_MS, HourProfile, Profiles
from watermaster.runtime.survey import Survey
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import WorldFault

LANDING = "orders.landing"
GATE = GateConfiguration("orders", "primary", (StreamConfiguration(LANDING, "orders", "c"),))


class Store:
    def __init__(self) -> None:
        self.kept: list[HourProfile] = []

    def load_profiles(self, cluster: str, topics: Sequence[str], since_hour: int) -> Sequence[HourProfile]:
        assert (cluster, tuple(topics)) == ("primary", (LANDING,))
        return [kept for kept in self.kept if kept.hour >= since_hour]

    def save_profiles(self, cluster: str, profiles: Sequence[HourProfile], since_hour: int) -> None:
        self.kept += profiles


class World:
    def __init__(self) -> None:
        self.store, self.now, self.end, self.away = Store(), 500_000 * HOUR_MS, 0, False
        configuration = Configuration(Path("watermaster.yaml"), {}, Path(), Path(), gates={"orders": GATE})
        self.profiles = Profiles(configuration, self.store, self._sample, {})

    def _sample(self, cluster: str, topics: Sequence[ObservedTopic]) -> Mapping[str, TopicSample]:
        if self.away:
            raise WorldFault("WM-KAFKA-TIMEOUT", "no broker answers in time", hint="wait")
        (part,) = topics[0].partitions
        records = tuple(
            SampledRecord(0, offset, self.now, None, b'{"id":1}', None, 8)
            for offset in range(part.start or 0, part.end or 0)
        )
        return {LANDING: TopicSample(LANDING, records)}

    def turn(self, records: int) -> DataTurn:
        self.end += records
        log = {TopicPartition(LANDING, 0): PartitionLog(0, self.end, self.end)}
        survey = Survey(self.now, ObservedCluster("id", (), None), {}, log, {}, (), None)
        look = ClusterLook("primary", "production", MonitorReport(survey, ()), ())
        told = self.profiles.turn((look,), self.now)
        self.now += SAMPLE_MS
        return told


def test_a_topic_that_cannot_be_sampled_is_said_and_taken_up_again() -> None:
    world = World()
    world.turn(5)
    assert world.turn(RECORDS_MIN).unseen == ()
    world.away = True
    assert world.turn(3).unseen == (f"fields of {LANDING}: no broker answers in time",)
    world.away = False
    assert world.turn(4).unseen == ()
    world.now += HOUR_MS
    world.turn(0)
    assert [kept.profile.records for kept in world.store.kept] == [RECORDS_MIN + 3 + 4]
