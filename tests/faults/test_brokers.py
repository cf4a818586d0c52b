"""Rows 9 and 21 of the fault matrix: workers come and go under load, and a leading broker stands still."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faults.rig import GateRig

from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.waiting import wait_until

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(400)]


def _ended(rig: GateRig) -> None:
    if rig.process is not None and rig.process.poll() is None:
        rig.kill()


@pytest.fixture
def rig(kafka_three: KafkaCluster, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[GateRig]:
    name = re.sub(r"\W+", ".", request.node.name.removeprefix("test_")).strip(".")
    rig = GateRig(kafka_three, tmp_path, name, partitions=4)
    rig.activate()
    rig.configure(instance="one")
    yield rig
    _ended(rig)
    for broker in kafka_three.brokers:
        if not broker.is_running:
            broker.start()
    kafka_three.wait_until_ready()


def _drained_and_proved(rig: GateRig) -> None:
    rig.produce(200)  # the gate must be up to move these
    rig.wait_until_drained(180)
    assert rig.stop() == 0, rig.log()[-2000:]
    rig.assert_proved()


def test_a_leader_stands_still(rig: GateRig) -> None:
    """Row 21: longer than brokers wait for each other; then it wakes up and believes that it leads."""
    rig.produce(2_000)
    rig.start()
    rig.wait_for(500)
    node = rig.cluster.leader(rig.trusted, 0)
    assert node is not None
    rig.cluster.broker(node).pause()
    try:
        wait_until(lambda: rig.cluster.leader(rig.trusted, 0) != node, "another broker leads", timeout_s=90)
        rig.produce(1_000)
        rig.wait_until_drained(180)
    finally:
        rig.cluster.broker(node).resume()
    _drained_and_proved(rig)


@pytest.mark.parametrize("pause_s", [15, pytest.param(45, marks=pytest.mark.soak)])
def test_the_coordinator_of_the_group_stands_still(rig: GateRig, pause_s: int) -> None:
    """Row 21, the other role of a broker: the members join anew elsewhere, and it wakes up to their old requests."""
    rig.produce(2_000)
    rig.start()
    rig.wait_for(500)
    node = rig.cluster.group_coordinator(f"watermaster.{rig.name}")
    assert node is not None
    rig.cluster.broker(node).pause()
    try:
        until_s = time.monotonic() + pause_s
        while time.monotonic() < until_s:
            rig.produce(50)
            time.sleep(1)
    finally:
        rig.cluster.broker(node).resume()
    _drained_and_proved(rig)


@pytest.mark.soak
@pytest.mark.parametrize("how", ["clean", "hard"])
def test_a_rolling_restart_under_load(rig: GateRig, how: str) -> None:
    """Row 22: one broker after the other, by the book and by the plug."""
    rig.produce(1_000)
    rig.start()
    for broker in rig.cluster.brokers:
        if how == "hard":
            broker.kill()
        else:
            broker.stop()
        rig.produce(300)
        broker.start()
        rig.produce(300)
    rig.wait_until_drained(180)
    _drained_and_proved(rig)


@pytest.mark.soak
def test_the_hosts_of_the_coordinators_are_killed(rig: GateRig) -> None:
    """Row 23: of the group's, then of the transactions'."""
    rig.produce(1_000)
    rig.start()
    rig.wait_for(500)
    for find, name in (
        (rig.cluster.group_coordinator, f"watermaster.{rig.name}"),
        (rig.cluster.transaction_coordinator, f"{rig.name}.one.0"),
    ):
        node = find(name)
        assert node is not None
        rig.cluster.broker(node).kill()
        rig.produce(500)
        rig.wait_until_drained(180)
        rig.cluster.broker(node).start()
    _drained_and_proved(rig)


def test_workers_come_and_go_under_load(rig: GateRig) -> None:
    """Row 9: one worker, four on two machines, two; by range, the only assignment that a gate uses."""
    rig.produce(1_000)
    rig.start("--workers", "1")
    rig.wait_for(500)
    other = GateRig.second(rig, instance="two")
    other.start("--workers", "3")
    for _ in range(4):
        rig.produce(1_000)
    rig.wait_until_drained(180)
    assert rig.stop() == 0
    other.produced = rig.produced
    other.produce(1_000)
    other.wait_until_drained(180)
    assert other.stop() == 0
    rig.produced = other.produced
    rig.start("--workers", "2")
    _drained_and_proved(rig)
