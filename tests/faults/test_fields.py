"""Fields of a stream on real Kafka: another unit and a missing field are an incident, and the old ones end it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from watermaster.adapters.database.engine import open_database
from watermaster.adapters.database.incidents import DatabaseIncidents
from watermaster.adapters.database.profiles import DatabaseProfiles
from watermaster.incident.signal import SignalKind
from watermaster.monitor.profile import Profile
from watermaster.monitor.rhythm import DAY_H, HOUR_MS
from watermaster.runtime.configuration import (
    ClusterConfiguration,
    Configuration,
    GateConfiguration,
    StreamConfiguration,
)
from watermaster.runtime.fleet import Fleet
from watermaster.runtime.incident_ports import Senders
from watermaster.runtime.incident_settings import MonitorConfiguration
from watermaster.runtime.incident_watch import IncidentWatch
from watermaster.runtime.profiles import HourProfile
from watermaster.testing.clock import ManualClock
from watermaster.testing.kafka import KafkaCluster
from watermaster.wiring.data_watches import data_watches
from watermaster.wiring.monitoring import surveyor_of

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

LOOK_MIN = 10
CONTRACT = """
apiVersion: v3.2.0
kind: DataContract
id: orders
version: 1.0.0
status: active
schema:
  - name: orders
    logicalType: object
    properties:
      - {name: id, logicalType: integer}
      - {name: shelf, logicalType: string, classification: restricted}
"""


def usual(number: int) -> dict[str, Any]:
    shelf = ("a-1", "b-2")[number % 2]
    return {"id": number, "euros": 10 + number % 90, "currency": ("EUR", "CHF")[number % 2], "shelf": shelf}


class World:
    """A monitor of one landing topic that has seen five days of it."""

    def __init__(self, kafka: KafkaCluster, topic: str, directory: Path) -> None:
        (directory / "orders.odcs.yaml").write_text(CONTRACT)
        gate = GateConfiguration("orders", "primary", (StreamConfiguration(topic, "orders", "orders.odcs.yaml"),))
        settings = Configuration(
            directory / "watermaster.yaml",
            {"primary": ClusterConfiguration("primary", kafka.bootstrap)},
            directory,
            directory,
            gates={"orders": gate},
            monitor=MonitorConfiguration(volume_topics=(), raise_after_ms=0, clear_after_ms=0),
        )
        # Brokers refuse timestamps that are ahead of their own clock, and the test lets hours pass.
        clock = ManualClock(time.time_ns() // 1_000_000 // HOUR_MS * HOUR_MS - 12 * HOUR_MS)
        self.topic, self.clock, self._numbers = topic, clock, iter(range(10**9))
        self._engine = open_database("", directory)
        self.profiles, self.store = DatabaseProfiles(self._engine), DatabaseIncidents(self._engine)
        self._settings, self._producer = settings, Producer(kafka.client_config())
        self.begin_h = self.clock.now_ms() // HOUR_MS
        known = [
            HourProfile(topic, self.begin_h - ago, changed=False, profile=self._profile())
            for ago in range(1, 5 * DAY_H)
        ]
        self.profiles.save_profiles("primary", known, 0)
        self.restart()

    def _profile(self) -> Profile:
        profile = Profile()
        for _ in range(60):
            profile.add(json.dumps(usual(next(self._numbers))).encode())
        return profile

    def restart(self) -> None:
        fleet = Fleet(self._settings, ["primary"], surveyor_of)
        watches = data_watches(self._settings, self._engine)
        self.watch = IncidentWatch(
            self._settings, fleet.look, self.store, Senders(), self.clock, "one", {}, data=watches
        )

    def hour(self, change: Callable[[int], dict[str, Any]] = lambda _: {}) -> Iterator[tuple[SignalKind, str]]:
        for _ in range(60 // LOOK_MIN):
            for number in (next(self._numbers) for _ in range(20)):
                value = json.dumps({**usual(number), **change(number)})
                self._producer.produce(self.topic, value, partition=number % 2, timestamp=self.clock.now_ms())
            assert self._producer.flush(30) == 0
            self.watch.turn()
            self.clock.advance(LOOK_MIN * 60)
        self.watch.turn()
        # Other tests share the cluster, and leave groups that lose records.
        for incident in self.store.listed(resolved=False, limit=1_000):
            for signal in incident.signals if incident.key.endswith(self.topic) else ():
                yield signal.kind, " ".join(signal.evidence)


def test_another_unit_and_a_missing_field_are_an_incident(
    kafka: KafkaCluster, fresh_name: Callable[[str], str], tmp_path: Path
) -> None:
    topic = fresh_name("orders.landing")
    kafka.create_topic(topic, 2)
    world = World(kafka, topic, tmp_path)
    assert list(world.hour()) == []
    ((kind, told),) = world.hour(lambda n: {"euros": 100 * (10 + n % 90), "currency": None})
    assert kind is SignalKind.FIELDS_CHANGED
    assert f"Fields of {topic} are not what they were in the last week: euros, currency." in told
    assert "euros is about 3,200 in its middle, and was 32." in told
    world.restart()
    ((kind, _),) = world.hour(lambda n: {"euros": 100 * (10 + n % 90), "currency": None})
    assert kind is SignalKind.FIELDS_CHANGED, "an hour of it does not make it usual"
    assert list(world.hour()) == []
    ((kind, told),) = world.hour(lambda n: {"iban": f"DE{n}"})
    assert kind is SignalKind.FIELDS_NEW
    assert "iban has a value in 100% of the records, and had in 0%." in told
    kept = world.profiles.load_profiles("primary", (topic,), world.begin_h)
    assert [found.changed for found in kept] == [False, True, True, False, True]
    # What came before the first look of a monitor may be of any hour, and is not counted.
    assert [found.profile.records for found in kept] == [100, 120, 100, 120, 120]
    fields = kept[-1].profile.fields
    assert len(fields["currency"].texts) == 2
    assert fields["shelf"].texts == fields["iban"].texts == {}, "closed fields are not even hashed"
