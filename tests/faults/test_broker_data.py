"""Rows 24 to 27 of the fault matrix: what a broker holds is damaged, cut off, or cannot be reached any more."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.faults.rig import GateRig

from watermaster.adapters.kafka.connect_check import connect
from watermaster.adapters.kafka.surveyor import KafkaSurveyor
from watermaster.monitor.health import Signal
from watermaster.runtime.configuration import ClusterConfiguration
from watermaster.runtime.monitor import Monitor
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


def test_a_broker_that_cannot_write_stops_nothing_for_good(rig: GateRig, cluster: KafkaCluster) -> None:
    """Row 24: to a broker a full disk is a write that fails, and a limit on the size of its files is that too."""
    rig.produce(400)
    rig.start()
    rig.wait_until_drained()
    broker = cluster.broker(1)
    resource.prlimit(broker.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
    with suppress(AssertionError):  # the record may be refused
        rig.produce_one(b'{"id":1,"customer":"c-1","price":1}')
    wait_until(lambda: not broker.is_running, "the broker gives up its only directory", timeout_s=60)
    wait_until(lambda: "WM-KAFKA-" in rig.log(), "the gate says that the cluster is away", timeout_s=60)
    assert rig.process is not None
    assert rig.process.poll() is None
    broker.start()
    rig.produced = sum(end for _, end in (cluster.log_ends(rig.landing, p) for p in range(rig.partitions)))
    rig.produce(200)
    rig.wait_until_drained(180)
    assert rig.stop() == 0
    rig.assert_proved()


def test_idle_for_longer_than_a_transactional_id_is_kept(tmp_path: Path) -> None:
    """Row 11: the broker has forgotten the id by the next record."""
    overrides = {
        "transactional.id.expiration.ms": 3000,
        "transaction.remove.expired.transaction.cleanup.interval.ms": 1000,
        "producer.id.expiration.ms": 3000,
        "producer.id.expiration.check.interval.ms": 1000,
    }
    with KafkaCluster(overrides=overrides) as cluster:
        rig = GateRig(cluster, tmp_path, "idle", partitions=2)
        rig.activate()
        rig.configure(instance="one")
        rig.start()
        for _ in range(2):
            rig.produce(300)
            rig.wait_until_drained()
            time.sleep(8)  # the fault itself: idle for longer than the broker keeps the id
        rig.produce(300)
        rig.wait_until_drained()
        assert rig.stop() == 0
        rig.assert_proved()


class Unclean:
    """Three brokers, and a landing topic of one partition on two of them, of which one falls behind."""

    def __init__(self, directory: Path) -> None:
        overrides = {"unclean.leader.election.enable": "true", "replica.lag.time.max.ms": 3000}
        self.cluster = KafkaCluster(3, overrides=overrides)
        self.cluster.start()
        self.rig = GateRig(self.cluster, directory, "unclean", partitions=1)
        self.cluster.delete_topic(self.rig.landing)
        self.cluster.create_topic(self.rig.landing, 1, 2, configs={"min.insync.replicas": 1})
        self.rig.activate()
        self.rig.configure(instance="one")

    def cut_off(self) -> None:
        """300 records on both, 100 more on one alone, which the gate moves before that one dies."""
        self.rig.produce(300)
        self.rig.start()
        self.rig.wait_until_drained()
        node = self.cluster.leader(self.rig.landing, 0)
        assert node is not None
        (behind,) = set(self.cluster.in_sync(self.rig.landing, 0)) - {node}
        self.cluster.broker(behind).pause()
        wait_until(lambda: self.cluster.in_sync(self.rig.landing, 0) == [node], "one is behind", timeout_s=60)
        self.rig.produce(100)
        self.rig.wait_until_drained()
        self.lost = self.cluster.broker(node)
        self.behind = self.cluster.broker(behind)

    def elect(self) -> None:
        """Let the one that was behind take the lead."""
        self.lost.kill()
        self.behind.resume()
        wait_until(lambda: self.cluster.leader(self.rig.landing, 0) == self.behind.node, "it leads", timeout_s=60)
        self.rig.produced = 300


@pytest.fixture
def unclean(tmp_path: Path) -> Iterator[Unclean]:
    unclean = Unclean(tmp_path)
    yield unclean
    if unclean.rig.process is not None and unclean.rig.process.poll() is None:
        unclean.rig.kill()
    unclean.cluster.stop()


def _stopped_as_truncated(rig: GateRig) -> None:
    assert rig.process is not None
    assert rig.process.wait(120) == 3, rig.log()[-2000:]
    assert "WM-READ-TRUNCATED" in rig.log()


@pytest.mark.soak
def test_an_unclean_election_stops_a_running_gate(unclean: Unclean) -> None:
    """Row 26: offsets that the gate has read will be used a second time."""
    unclean.cut_off()
    unclean.elect()
    _stopped_as_truncated(unclean.rig)


def test_an_unclean_election_stops_a_gate_that_was_away(unclean: Unclean) -> None:
    """Row 26: the log has grown past the gate's position again, and only the epoch tells that it is another one."""
    unclean.cut_off()
    assert unclean.rig.stop() == 0
    unclean.elect()
    unclean.rig.produce(200)
    unclean.rig.start()
    _stopped_as_truncated(unclean.rig)


def test_a_disk_that_goes_away_is_seen_and_nothing_is_lost(tmp_path: Path) -> None:
    """Row 25: one of two disks cannot be read or written any more; what lies there alone has no leader until it is."""
    disks = [tmp_path / "disk-1", tmp_path / "disk-2"]
    overrides = {"log.flush.offset.checkpoint.interval.ms": 1000}  # how soon a broker touches an idle disk
    with KafkaCluster(log_directories={1: disks}, overrides=overrides) as cluster:
        rig = GateRig(cluster, tmp_path, "disk", partitions=2)
        rig.activate()
        rig.produce(400)
        rig.start()
        rig.wait_until_drained()
        surveyor = KafkaSurveyor(connect(ClusterConfiguration("test", cluster.bootstrap)), settings_age_s=0)
        monitor = Monitor(surveyor)
        (disk,) = [disk for disk in disks if (disk / f"{rig.landing}-1").is_dir()]
        offline = {
            (Signal.OFFLINE, f"{rig.landing}[1]"),
            (Signal.DIRECTORY_OFFLINE, f"broker 1 {disk}"),
        }

        def signals() -> set[tuple[Signal, str]]:
            return {(problem.signal, problem.subject) for problem in monitor.look(group_ids=()).problems}

        assert not offline & signals()
        away = disk.rename(tmp_path / "away")
        wait_until(lambda: offline <= signals(), "the disk and the partition without a leader are seen", timeout_s=90)
        assert rig.process is not None
        assert rig.process.poll() is None
        cluster.broker(1).stop()
        away.rename(disk)
        cluster.broker(1).start()
        wait_until(lambda: not offline & signals(), "it is served again", timeout_s=90)
        rig.produce(200)
        rig.wait_until_drained(180)
        assert rig.stop() == 0
        rig.assert_proved()
