"""What the fake cannot show of the writing side: callbacks run inside of the client."""

from __future__ import annotations

import os

import pytest
from confluent_kafka import KafkaError
from tests.adapters.port_rigs import KafkaRig, fresh

from watermaster.adapters.kafka.audit_reader import KafkaAuditReader
from watermaster.adapters.kafka.downstream import KafkaDownstream
from watermaster.adapters.kafka.faults import translate_error
from watermaster.runtime.ports import Fenced, Output
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import WorldFault
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.waiting import wait_until

pytestmark = pytest.mark.kafka

BYTES_MAX = 1_000


class _Broken(KafkaDownstream):
    """Its delivery callback has a defect."""

    def _on_delivery(self, error: KafkaError | None, _message: object) -> None:
        raise LookupError(str(error))


def test_an_exception_in_a_delivery_callback_commits_nothing(kafka: KafkaCluster) -> None:
    """Row 13 of the fault matrix: what failed is not forgotten because the one that should note it fails too."""
    rig = KafkaRig(kafka)
    topic, name = rig.topic(bytes_max=BYTES_MAX), fresh("writer")
    broken = _Broken(rig.settings, name, translate_error, transaction_timeout_s=15)
    broken.open()
    broken.begin()
    outputs = [Output(topic, 0, None, value, 1, []) for value in (b"small", os.urandom(2 * BYTES_MAX))]

    def end() -> None:  # whichever of the calls serves the callback
        broken.write(outputs)
        broken.commit({}, None)

    with pytest.raises(LookupError):
        end()
    successor = rig.downstream(name)
    successor.open()
    successor.begin()
    successor.write([Output(topic, 0, None, b"of the successor", 3, [])])
    successor.commit({}, None)
    assert [value for _, _, value, _, _ in rig.seen(topic)] == [b"of the successor"]
    rig.close()


def write(downstream: KafkaDownstream, topic: str, value: bytes) -> None:
    downstream.begin()
    downstream.write([Output(topic, 0, None, value, 1, [])])
    downstream.commit({}, None)


def test_an_announced_id_is_taken_before_it_is_opened(kafka: KafkaCluster) -> None:
    """It fences older owners and ends what they left open; whoever takes it meanwhile fences it."""
    rig = KafkaRig(kafka)
    topic, name = rig.topic(), fresh("writer")
    older = KafkaDownstream(rig.settings, name, translate_error, transaction_timeout_s=15)
    older.open()
    older.begin()
    older.write([Output(topic, 0, None, b"left open", 1, [])])
    reader, where = KafkaAuditReader(rig.settings), TopicPartition(topic, 0)
    wait_until(lambda: reader.high_watermarks([where])[where] == 1, "the record of the open transaction")
    assert reader.bounds([where])[where].end == 0
    announced = KafkaDownstream(rig.settings, name, translate_error, transaction_timeout_s=15)
    announced.announce()

    wait_until(lambda: reader.bounds([where])[where].end == 2, "the end of what the older owner left open")
    with pytest.raises(WorldFault):
        older.commit({}, None)
    announced.open()
    write(announced, topic, b"announced")
    newest = KafkaDownstream(rig.settings, name, translate_error, transaction_timeout_s=15)
    newest.announce()
    newest.open()
    with pytest.raises(Fenced):
        write(announced, topic, b"never")
    write(newest, topic, b"newest")
    seen = [value for _, _, value, _, _ in rig.seen(topic)]
    assert seen[-2:] == [b"announced", b"newest"]
    assert b"never" not in seen
    for closed in (older, announced, newest, reader):
        closed.close()
    rig.close()


def test_what_was_announced_and_never_opened_is_closed(kafka: KafkaCluster) -> None:
    rig = KafkaRig(kafka)
    topic, name = rig.topic(), fresh("writer")
    for _ in range(2):
        forgotten = KafkaDownstream(rig.settings, name, translate_error, transaction_timeout_s=15)
        forgotten.announce()
        forgotten.close()
    successor = rig.downstream(name)
    successor.open()
    successor.begin()
    successor.write([Output(topic, 0, None, b"of the successor", 3, [])])
    successor.commit({}, None)
    assert [value for _, _, value, _, _ in rig.seen(topic)] == [b"of the successor"]
    rig.close()
