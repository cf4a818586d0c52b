"""Promise B7 for an adopted quarantine: letters that stand twice, killed replays, and two operators at once."""

from __future__ import annotations

import json
import signal
from collections import Counter
from pathlib import Path

import pytest
import yaml
from confluent_kafka import Producer
from tests.faults.rig import GateRig
from tests.faults.test_replay_kills import quarantine, two_operators

from watermaster.runtime.crash_points import VARIABLE, CrashPoint
from watermaster.stream.coordinates import decode_coordinates
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.reading import read_topic

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(600)]

LETTERS = 300
PARTITIONS = 3


class Sink:
    """An application that reads a gate's trusted topic, gives up on its records, and writes each letter twice."""

    def __init__(self, rig: GateRig) -> None:
        self.rig = rig
        self.letters, self.repair, self.name = f"{rig.name}.letters", f"{rig.name}.sink.retry", f"{rig.name}-sink"
        for topic in (self.letters, self.repair):
            rig.cluster.create_topic(topic, PARTITIONS)
        rig.cluster.create_topic(f"watermaster.holds.{self.name}", 1, configs={"cleanup.policy": "compact"})
        document = yaml.safe_load(rig.config.read_text())
        source = {"topic": rig.trusted, "target": self.repair}
        adopted = {"cluster": "test", "topic": self.letters, "sources": [source]}
        document["quarantines"] = {self.name: adopted}
        rig.config.write_text(yaml.safe_dump(document))

    def give_up(self) -> set[tuple[int, int]]:
        """Its consumer was moved by a rebalance: each record fails twice, and nothing keeps letters in a partition."""
        producer = Producer(self.rig.cluster.client_config())
        records = read_topic(self.rig.cluster.client_config(), self.rig.trusted)[:LETTERS]
        places = [(message.partition() or 0, message.offset() or 0) for message in records]
        for copy in range(2):
            for number, (message, (partition, offset)) in enumerate(zip(records, places, strict=True)):
                headers = [
                    *(message.headers() or []),
                    ("__connect.errors.topic", self.rig.trusted.encode()),
                    ("__connect.errors.partition", b"%d" % partition),
                    ("__connect.errors.offset", b"%d" % offset),
                    ("__connect.errors.connector.name", b"sink"),
                    ("__connect.errors.stage", b"TASK_PUT"),
                    ("__connect.errors.exception.class.name", b"java.net.ConnectException"),
                ]
                where = (number + copy) % PARTITIONS
                producer.produce(self.letters, message.value(), message.key(), where, headers=headers)
        assert producer.flush(30) == 0
        return set(places)

    def repaired(self) -> Counter[tuple[int, int]]:
        found: Counter[tuple[int, int]] = Counter()
        for message in read_topic(self.rig.cluster.client_config(), self.repair):
            stamp = decode_coordinates((message.headers() or [])[-1][1])
            assert stamp is not None
            assert [name for name, _ in message.headers() or []].count("__watermaster") == 1
            assert (stamp.topic_id, stamp.attempt) == (f"name:{self.rig.trusted}", 1)
            assert message.partition() == stamp.partition
            found[stamp.partition, stamp.offset] += 1
        return found


def test_each_record_is_replayed_once_although_its_letter_stands_twice_and_replays_die(
    kafka: KafkaCluster, tmp_path: Path
) -> None:
    rig = GateRig(kafka, tmp_path, "adoptedkills", partitions=PARTITIONS)
    rig.activate()
    rig.produce(2 * LETTERS, bad_share=0.0)
    rig.start()
    rig.wait_until_drained()
    assert rig.stop() == 0
    sink = Sink(rig)
    places = sink.give_up()
    here = ("--quarantine", sink.name)
    plan = json.loads(quarantine(rig, "replay", "--all", *here).stdout)["plans"][0]
    assert (plan["activation"], plan["fates"]) == (1, {"passes": LETTERS}), "by the contract in force at the gate"
    for point in (CrashPoint.IN_ASSIGN, CrashPoint.AFTER_PRODUCE, CrashPoint.BEFORE_COMMIT, CrashPoint.AFTER_COMMIT):
        died = quarantine(rig, "replay", "--all", "--yes", "--rate", "200", *here, **{VARIABLE: f"{point.value}:1"})
        assert died.returncode == -signal.SIGKILL, (point, died.stderr)
    assert 0 in two_operators(rig, "--rate", "150", *here)
    again = quarantine(rig, "replay", "--all", "--yes", *here)
    assert json.loads(again.stdout)["done"]["fates"] == {}, "running it twice adds nothing"
    assert sink.repaired() == dict.fromkeys(places, 1)
    ledger = json.loads(quarantine(rig, "ledger", *here).stdout)
    assert (ledger["letters"], ledger["doubles"], ledger["troubles"]) == (LETTERS, LETTERS, [])
    assert ledger["rows"][0]["replayed"] == LETTERS
    # What retention deletes later was replayed before; the other way about it has expired.
    for partition in range(PARTITIONS):
        rig.cluster.delete_records(sink.letters, partition, rig.cluster.log_ends(sink.letters, partition)[1])
    ledger = json.loads(quarantine(rig, "ledger", *here).stdout)
    assert (ledger["records"], ledger["deleted_max"], ledger["gone"]) == (0, 2 * LETTERS, {"replayed": LETTERS})
    rig.assert_proved()
