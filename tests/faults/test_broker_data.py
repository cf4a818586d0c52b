"""Rows 24, 26 and 27 of the fault matrix: what a broker holds is damaged, cut off, or cannot be written any more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faults.rig import GateRig

from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.waiting import wait_until

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(400)]


@pytest.fixture
def cluster() -> Iterator[KafkaCluster]:
    """One of its own, as harm is done to it."""
    with KafkaCluster() as cluster:
        yield cluster


@pytest.fixture
def rig(cluster: KafkaCluster, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[GateRig]:
    rig = GateRig(cluster, tmp_path, request.node.name.removeprefix("test_"), partitions=2)
    rig.activate()
    rig.configure(instance="one")
    yield rig
    if rig.process is not None and rig.process.poll() is None:
        rig.kill()


def _segment(cluster: KafkaCluster, topic: str, partition: int) -> Path:
    (found,) = cluster.directory.glob(f"broker-1/records/{topic}-{partition}/*.log")
    return found


def _flip_byte(path: Path, at: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 0x40]))


def test_a_batch_with_a_wrong_byte_is_never_passed_over(rig: GateRig, cluster: KafkaCluster) -> None:
    """Row 27: the client reads on behind it and says so once; the position must stay before it."""
    rig.produce(200)
    damaged = _segment(cluster, rig.landing, 0)
    at = damaged.stat().st_size + 200
    rig.produce(200)
    rig.produce(200)
    cluster.broker(1).stop()
    _flip_byte(damaged, at)
    cluster.broker(1).start()
    rig.start()
    wait_until(lambda: rig.committed()[1] == 300, "the other partition is read to its end", timeout_s=60)
    wait_until(lambda: "WM-READ-UNREADABLE" in rig.log(), "it is said", timeout_s=30)
    assert rig.committed() == {0: 100, 1: 300}
    cluster.broker(1).stop()
    _flip_byte(damaged, at)
    cluster.broker(1).start()
    rig.wait_until_drained()
    assert rig.stop() == 0
    rig.assert_proved()
