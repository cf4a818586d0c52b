"""How long records take through a real gate, measured from outside: a stop makes it long, and what comes later not."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.faults.rig import GateRig

from watermaster.adapters.database.engine import open_database
from watermaster.adapters.database.profiles import DatabaseProfiles
from watermaster.adapters.files.configuration_file import load_configuration
from watermaster.monitor.carriage import quantile_ms
from watermaster.monitor.rhythm import HOUR_MS
from watermaster.runtime.fleet import Fleet
from watermaster.runtime.profiles import SAMPLE_MS, latencies_of
from watermaster.testing.kafka import KafkaCluster
from watermaster.wiring.data_watches import carriage_of, data_watches
from watermaster.wiring.monitoring import surveyor_of

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

STOPPED_S = 3.0


def test_a_stop_is_measured_and_ends(kafka: KafkaCluster, fresh_name: Callable[[str], str], tmp_path: Path) -> None:
    rig = GateRig(kafka, tmp_path, fresh_name("latency"), partitions=1)
    # The rig's records claim to be ten minutes old; what counts here is when they came.
    kafka.set_topic_configs(rig.landing, {"message.timestamp.type": "LogAppendTime"})
    rig.activate()
    configuration = load_configuration(rig.config)
    engine = open_database(configuration.database, configuration.state_directory)
    carriage = carriage_of(configuration)
    (_, profiles, _) = data_watches(configuration, engine, carriage)
    fleet = Fleet(configuration, ["test"], surveyor_of)
    now_ms = time.time_ns() // 1_000_000 // HOUR_MS * HOUR_MS + HOUR_MS // 2

    def turn() -> None:
        nonlocal now_ms
        now_ms += SAMPLE_MS
        assert profiles.turn(fleet.look(), now_ms).unseen == ()

    turn()
    rig.produce(50)
    time.sleep(STOPPED_S)
    rig.start()
    rig.wait_until_drained()
    turn()
    worst_ms = carriage.take_worst("test", rig.landing)
    assert worst_ms is not None
    assert worst_ms >= STOPPED_S * 1000
    rig.produce(50)
    rig.wait_until_drained()
    turn()
    again_ms = carriage.take_worst("test", rig.landing)
    assert again_ms is not None
    assert again_ms < worst_ms
    (told,) = carriage.lately(now_ms)
    assert (told.gate, told.topic, told.appended) == (rig.name, rig.landing, True)
    assert quantile_ms(told.waits, 1) >= worst_ms  # type: ignore[operator]

    now_ms += HOUR_MS
    profiles.turn(fleet.look(), now_ms)
    (kept,) = latencies_of(DatabaseProfiles(engine), "test", [rig.landing], now_ms)
    (waits,) = kept.hours.values()
    assert waits == told.waits
    assert rig.stop() == 0
