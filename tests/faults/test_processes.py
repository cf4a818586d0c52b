"""Rows 6 to 15 and 24 to 31 of the fault matrix, and what else has a named outcome: on real Kafka, real processes."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, Producer, TopicPartition
from tests.faults.rig import GateRig

from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.reading import read_topic
from watermaster.testing.waiting import wait_until

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]


@pytest.fixture
def rig(kafka: KafkaCluster, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[GateRig]:
    rig = GateRig(kafka, tmp_path, request.node.name.removeprefix("test_")[:60])
    rig.activate()
    yield rig
    if rig.process is not None and rig.process.poll() is None:
        rig.kill()


def drained_and_proved(rig: GateRig, mode: str = "full") -> None:
    """`counts` where sources were deleted on purpose: their bytes cannot be compared any more."""
    rig.produce(200)  # the gate must be up to move these
    rig.wait_until_drained()
    assert rig.stop() == 0, rig.log()[-2000:]
    rig.assert_proved(mode)


def ended_with(rig: GateRig, code: str) -> None:
    assert rig.process is not None
    assert rig.process.wait(60) != 0
    assert code in rig.log(), rig.log()[-2000:]
    assert "Traceback" not in rig.log()


def test_zombie_beyond_session_and_transaction_timeout(rig: GateRig) -> None:
    """Rows 6 and 7: stopped for longer than both timeouts, while another instance takes over; then it wakes up."""
    rig.produce(3_000)
    rig.start("--workers", "1")
    rig.wait_for(3_000)
    (sleeper,) = rig.worker_pids()
    rig.produce(3_000)
    os.kill(sleeper, signal.SIGSTOP)
    other = GateRig.second(rig)
    other.start()
    rig.produce(1_000)
    other.wait_for(rig.produced)
    os.kill(sleeper, signal.SIGCONT)
    rig.produce(1_000)
    time.sleep(3)
    rig.wait_until_drained()
    assert other.stop() == 0
    drained_and_proved(rig)


def test_two_processes_with_one_transactional_id(rig: GateRig) -> None:
    """Row 8: the older is fenced and exits; the younger goes on."""
    rig.configure(instance="same")
    rig.produce(2_000)
    rig.start()
    rig.wait_for(2_000)
    other = GateRig.second(rig, instance="same")
    other.start()
    wait_until(other.worker_pids, "the second gate starts", timeout_s=30)
    older = rig.process
    for _ in range(40):
        rig.produce(200)
        time.sleep(0.5)
        if older is not None and older.poll() is not None:
            break
    ended_with(rig, "WM-GATE-FENCED")
    other.wait_for(rig.produced)
    assert other.stop() == 0
    rig.assert_proved()


def test_a_taken_instance_name_is_refused_on_one_machine(rig: GateRig) -> None:
    rig.configure(instance="same")
    rig.produce(100)
    rig.start()
    rig.wait_for(100)
    first = rig.process
    rig.start()
    ended_with(rig, "WM-INSTANCE-TAKEN")
    rig.process = first


@pytest.mark.soak
def test_an_endless_rule_is_held_after_three_tries(rig: GateRig) -> None:
    """Rows 10 and 16: longer than a member of the group may be silent; the record ends in quarantine."""
    rig.produce(1_500, bad_share=0)
    rig.produce_one(b'{"id":1,"customer":"c-1","price":1,"pad":"ENDLESS"}')
    rig.produce(500, bad_share=0)
    rig.start(WATERMASTER_HANG_ON_VALUE="ENDLESS")
    rig.wait_until_drained(280)
    assert rig.stop() == 0
    rig.assert_proved()
    (held,) = rig.held()
    assert b"operational.timeout" in dict(held.headers() or [])["__watermaster.rules"]


@pytest.mark.soak
def test_another_cluster_behind_the_same_address(rig: GateRig) -> None:
    """Row 37: a copy with the same topics, ledger included; going on there would be at offsets of other records."""
    rig.produce(1_000)
    rig.start()
    rig.wait_until_drained()
    assert rig.stop() == 0
    with KafkaCluster() as elsewhere:
        copy = GateRig(elsewhere, rig.directory / "copy", rig.name, partitions=rig.partitions)
        copy.activate()
        producer = Producer(elsewhere.client_config())
        for record in read_topic(rig.cluster.client_config(), rig.ledger):
            producer.produce(copy.ledger, record.value(), record.key(), partition=record.partition() or 0)
        assert producer.flush(30) == 0
        copy.produce(1_000)
        copy.start()
        ended_with(copy, "WM-TOPIC-RECREATED")


def test_a_native_crash_is_held_after_three_deaths(rig: GateRig) -> None:
    """Rows 14 and 15: one record kills whoever judges it; it ends in quarantine and the stream goes on."""
    rig.produce(1_500, bad_share=0)
    rig.produce_one(b'{"id":1,"customer":"c-1","price":1,"pad":"DEADLY"}')
    rig.produce(500, bad_share=0)
    rig.start(WATERMASTER_CRASH_ON_VALUE="DEADLY")
    rig.wait_until_drained()
    assert rig.stop() == 0
    rig.assert_proved()
    held = rig.held()
    assert len(held) == 1
    assert b"operational.native_crash" in dict(held[0].headers() or [])["__watermaster.rules"]
    assert dict(held[0].headers() or [])["__watermaster.operational"] == b"true"


def test_too_large_for_the_trusted_topic_is_held_by_reference(rig: GateRig) -> None:
    """Row 12: one record cannot be produced; the transaction is aborted, narrowed, and the record alone is held."""
    rig.cluster.set_topic_configs(rig.trusted, {"max.message.bytes": 20_000})
    rig.produce(700, bad_share=0)
    rig.produce_one(b'{"id":1,"customer":"c-1","price":1,"pad":"%s"}' % os.urandom(30_000).hex().encode())
    rig.produce(700, bad_share=0)
    rig.start()
    rig.wait_until_drained()
    assert rig.stop() == 0
    rig.assert_proved()
    (held,) = rig.held()
    assert b"refuses the record" in dict(held.headers() or [])["__watermaster.reference"]


def test_retention_overtakes_the_reader(rig: GateRig) -> None:
    """Row 30: the gap is in the ledger with its bounds, and the gate goes on."""
    rig.produce(900)
    rig.start()
    rig.wait_until_drained()
    assert rig.stop() == 0
    rig.produce(900)
    rig.cluster.delete_records(rig.landing, 0, 500)
    rig.start()
    drained_and_proved(rig, mode="counts")
    assert "WM-READ-GAP" in rig.log()
    assert [(gap["from"], gap["to"], gap["cause"]) for gap in rig.gaps()] == [(300, 500, "retention")]


def test_retention_overtakes_a_running_reader(rig: GateRig) -> None:
    """Row 30, while the gate is stopped in the middle of its life."""
    rig.produce(900)
    rig.start()
    rig.wait_until_drained()
    (worker,) = rig.worker_pids()
    os.kill(worker, signal.SIGSTOP)
    rig.produce(900)
    rig.cluster.delete_records(rig.landing, 1, 450)
    os.kill(worker, signal.SIGCONT)
    rig.wait_until_drained()
    drained_and_proved(rig, mode="counts")


def test_a_recreated_topic_stops_the_gate(rig: GateRig) -> None:
    """Row 28: same name, other topic; nothing of it is read."""
    rig.produce(300)
    rig.start()
    rig.wait_until_drained()
    assert rig.stop() == 0
    rig.cluster.delete_topic(rig.landing)
    rig.cluster.create_topic(rig.landing, rig.partitions)
    rig.start()
    ended_with(rig, "WM-TOPIC-RECREATED")


def test_expired_group_offsets_stop_the_gate_and_the_ledger_knows(rig: GateRig) -> None:
    """Row 31: no reset to the start or the end; on request it goes on where the ledger ends."""
    rig.produce(300)
    rig.start()
    rig.wait_until_drained()
    assert rig.stop() == 0
    rig.delete_group()
    rig.start()
    ended_with(rig, "WM-OFFSET-EXPIRED")
    rig.start("--accept-position")
    drained_and_proved(rig)


def test_a_moved_group_offset_stops_the_gate(rig: GateRig) -> None:
    rig.produce(300)
    rig.start()
    rig.wait_until_drained()
    assert rig.stop() == 0
    rig.wait_until_group_is_empty()
    moved = ConsumerGroupTopicPartitions(f"watermaster.{rig.name}", [TopicPartition(rig.landing, 0, 10)])
    client = rig.cluster.admin()
    client.alter_consumer_group_offsets([moved])[moved.group_id].result()
    rig.start()
    ended_with(rig, "WM-OFFSET-MOVED")


def test_new_partitions_are_read_from_their_start(rig: GateRig) -> None:
    """Row 29: trusted and quarantine first; what is written before the gate notices is not skipped."""
    rig.produce(300)
    rig.start()
    rig.wait_until_drained()
    for topic in (rig.trusted, rig.quarantine, rig.landing):
        rig.cluster.add_partitions(topic, 5)
    rig.partitions = 5
    rig.produce(500)
    rig.wait_until_drained(90)
    drained_and_proved(rig)


def test_a_wrong_contract_opens_the_breaker_and_another_one_closes_it(rig: GateRig) -> None:
    """A wrong contract must not quarantine a stream: nothing of the paused stream is committed."""
    rig.produce(3_000)
    rig.start()
    rig.wait_until_drained()
    rig.write_contract("2.0.0", price_max=1, budget=0.2)
    rig.activate()
    time.sleep(2)
    before = sum(rig.committed().values())
    rig.produce(3_000)
    wait_until(lambda: "WM-BREAKER-OPEN" in rig.log(), "the breaker opens", timeout_s=30)
    time.sleep(1)
    assert sum(rig.committed().values()) <= before + 1_000
    rig.write_contract("2.0.1")
    rig.activate()
    drained_and_proved(rig)


def test_latest_offsets_are_where_a_first_start_begins_if_asked(rig: GateRig) -> None:
    rig.configure(start="latest")
    rig.produce(300)
    rig.start()
    wait_until(rig.worker_pids, "the gate starts")
    time.sleep(5)
    rig.produce(300)
    rig.wait_until_drained()
    assert rig.stop() == 0
    assert sum(entry["in"] for entry in rig.entries()) == 300
