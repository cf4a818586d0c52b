"""Rows 4, 5 and 33 to 36 of the fault matrix: the network between gate and brokers misbehaves, frame by frame."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faults.rig import GateRig

from watermaster.testing.frame import ApiKey, Direction
from watermaster.testing.kafka import KafkaCluster

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def proxied() -> Iterator[KafkaCluster]:
    with KafkaCluster(proxied=True) as cluster:
        yield cluster


@pytest.fixture
def rig(proxied: KafkaCluster, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[GateRig]:
    rig = GateRig(proxied, tmp_path, request.node.name.removeprefix("test_").replace("[", "-").rstrip("]"))
    rig.activate()
    rig.configure(bootstrap=proxied.proxied_bootstrap)
    yield rig
    proxied.proxy.clear()
    if rig.process is not None and rig.process.poll() is None:
        rig.kill()


def test_killed_while_the_end_of_a_transaction_is_under_way(rig: GateRig) -> None:
    """Row 4: all or nothing."""
    rig.produce(3_000)
    held = rig.cluster.proxy.hold(ApiKey.END_TXN)
    rig.start()
    held.wait_until_hit()
    rig.kill()
    held.release()
    rig.start()
    _drained_and_proved(rig)


def test_a_late_end_of_a_transaction_does_not_end_the_next_one(rig: GateRig) -> None:
    """Row 5: the client believes its EndTxn lost and sends another; the first arrives in the next transaction."""
    rig.produce(3_000)
    rig.start()
    rig.wait_for(3_000)
    for _ in range(3):
        inits = rig.cluster.proxy.seen(ApiKey.INIT_PRODUCER_ID)
        held = rig.cluster.proxy.hold(ApiKey.END_TXN, count=1)
        rig.produce(500)
        held.wait_until_hit()
        held.cut_clients()
        rig.wait_until_drained()
        held.release()
        rig.produce(500)
        rig.wait_until_drained()
        assert rig.cluster.proxy.seen(ApiKey.INIT_PRODUCER_ID) > inits, "the producer was not replaced"
    _drained_and_proved(rig)


def test_latency_and_slow_slices(rig: GateRig) -> None:
    """Row 33: slow, and right."""
    rig.cluster.proxy.delay(0.3, direction=None, count=40)
    rig.cluster.proxy.slice(size=1, api=ApiKey.TXN_OFFSET_COMMIT)
    rig.produce(2_000)
    rig.start()
    _drained_and_proved(rig)


def test_a_black_hole_after_connecting(rig: GateRig) -> None:
    """Row 34: nothing comes back for longer than a transaction may take; then it heals."""
    rig.produce(2_000)
    rig.start()
    rig.wait_for(2_000)
    rig.produce(2_000)
    hole = rig.cluster.proxy.black_hole()
    rig.produce(1_000)
    time.sleep(14)
    hole.release()
    rig.cluster.proxy.clear()
    rig.cluster.proxy.cut_connections()
    _drained_and_proved(rig)


def test_resets_every_second(rig: GateRig) -> None:
    """Row 35: connections are reset at whatever frame is under way."""
    rig.produce(10_000)
    rig.start("--workers", "2")
    for _ in range(8):
        time.sleep(1)
        rig.cluster.proxy.cut_connections()
        rig.produce(500)
    _drained_and_proved(rig)


def test_answers_to_commits_are_lost(rig: GateRig) -> None:
    """Row 34, one way: the broker has committed, and the gate is never told."""
    rig.produce(3_000)
    rig.cluster.proxy.drop(ApiKey.END_TXN, direction=Direction.RESPONSE, count=2)
    rig.start()
    _drained_and_proved(rig)


@pytest.mark.soak
def test_cut_off_from_one_coordinator_alone(tmp_path: Path) -> None:
    """Row 36: for longer than a transaction may take; the other brokers answer all the while."""
    with KafkaCluster(3, proxied=True) as cluster:
        rig = GateRig(cluster, tmp_path, "alone")
        rig.activate()
        rig.configure(bootstrap=cluster.proxied_bootstrap, instance="one")
        rig.produce(1_000)
        rig.start()
        rig.wait_for(500)
        for node in {
            cluster.transaction_coordinator(f"{rig.name}.one.0"),
            cluster.group_coordinator(f"watermaster.{rig.name}"),
        }:
            cluster.proxy.isolate(node)
            rig.produce(500)
            time.sleep(14)
            cluster.proxy.heal(node)
            rig.wait_until_drained(180)
        _drained_and_proved(rig)


def _drained_and_proved(rig: GateRig) -> None:
    rig.produce(200)  # the gate must be up to move these
    rig.wait_until_drained(120)
    assert rig.stop() == 0, rig.log()[-2000:]
    rig.assert_proved()
