"""The volume of a topic on real Kafka against what is usual at the hour: silence is an incident, its end ends it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka import Producer

from watermaster.adapters.database.engine import open_database
from watermaster.adapters.database.hours import DatabaseHours
from watermaster.adapters.database.incidents import DatabaseIncidents
from watermaster.incident.signal import SignalKind
from watermaster.monitor.rhythm import DAY_H, HOUR_MS, Volume
from watermaster.runtime.configuration import ClusterConfiguration, Configuration
from watermaster.runtime.fleet import Fleet
from watermaster.runtime.incident_ports import Senders
from watermaster.runtime.incident_settings import MonitorConfiguration
from watermaster.runtime.incident_watch import IncidentWatch
from watermaster.runtime.rhythms import HourCount, Rhythms, volumes
from watermaster.testing.clock import ManualClock
from watermaster.testing.kafka import KafkaCluster
from watermaster.wiring.monitoring import surveyor_of

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

USUAL = 60
LOOK_MIN = 10


def test_silence_at_a_busy_hour_is_an_incident(
    kafka: KafkaCluster, fresh_name: Callable[[str], str], tmp_path: Path
) -> None:
    topic = fresh_name("orders")
    kafka.create_topic(topic, 2)
    settings = Configuration(
        tmp_path / "watermaster.yaml",
        {"primary": ClusterConfiguration("primary", kafka.bootstrap)},
        tmp_path,
        tmp_path,
        monitor=MonitorConfiguration(volume_topics=(topic,), raise_after_ms=0, clear_after_ms=0),
    )
    clock = ManualClock()
    now_h = clock.now_ms() // HOUR_MS
    engine = open_database("", tmp_path)
    hours = DatabaseHours(engine)
    hours.save_hours("primary", [HourCount(topic, now_h - ago, USUAL) for ago in range(1, 6 * DAY_H)], 0)
    store = DatabaseIncidents(engine)
    fleet = Fleet(settings, ["primary"], surveyor_of)
    watch = IncidentWatch(
        settings, fleet.look, store, Senders(), clock, "one", {}, data=[Rhythms(settings, hours)]
    )  # fmt: skip
    producer = Producer(kafka.client_config())

    def hour(records: int) -> list[SignalKind]:
        for _ in range(60 // LOOK_MIN):
            for number in range(records * LOOK_MIN // 60):
                producer.produce(topic, b"{}", partition=number % 2)
            assert producer.flush(30) == 0
            clock.advance(LOOK_MIN * 60)
            watch.turn()
        return [
            signal.kind
            for i in store.listed(resolved=False, limit=1_000)
            for signal in i.signals
            if i.key.endswith(topic)
        ]

    watch.turn()
    assert hour(USUAL) == []
    assert hour(0) == []
    assert hour(0) == [SignalKind.VOLUME_LOW]
    assert hour(USUAL) == []
    assert hour(USUAL * 5) == [SignalKind.VOLUME_HIGH]
    assert hour(USUAL) == []
    assert [(seen.topic, seen.judged) for seen in volumes(hours, "primary", clock.now_ms() // HOUR_MS - 1)] == [
        (topic, Volume.USUAL)
    ]
    assert [count.records for count in hours.load_hours("primary", now_h)] == [60, 0, 0, 60, 300, 60]
