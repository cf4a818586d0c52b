"""What only real Kafka can show of the reading side."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Mapping, Sequence

import pytest
from confluent_kafka import TopicPartition as KafkaTopicPartition

from watermaster.adapters.kafka.downstream import KafkaDownstream
from watermaster.adapters.kafka.faults import translate_error
from watermaster.adapters.kafka.upstream import KafkaUpstream
from watermaster.runtime.ports import AbortRequired, CommittedPosition
from watermaster.stream.coordinates import TopicPartition
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.pytest_plugin import FreshTopic
from watermaster.testing.waiting import wait_until

pytestmark = pytest.mark.kafka

LEAVE_GROUP = 13


class FromTheStart:
    def on_assign(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        return dict.fromkeys(partitions, 0)

    def on_revoke(self, partitions: Sequence[TopicPartition]) -> None:
        """Nothing to give back."""

    on_lost = on_revoke


def throw_out(kafka: KafkaCluster, group: str) -> None:
    """Take the membership of a group's only member away behind its back, as its coordinator does after silence."""
    described = kafka.admin().describe_consumer_groups([group])[group].result(20)
    (member,) = described.members
    host, _, port = kafka.bootstrap.split(",")[0].rpartition(":")
    fields = b"".join(struct.pack(">h", len(text)) + text for text in (group.encode(), member.member_id.encode()))
    request = struct.pack(">hhih", LEAVE_GROUP, 1, 1, -1) + fields
    with socket.create_connection((host, int(port)), 10) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        assert connection.recv(100)[-2:] == b"\x00\x00"


def test_who_was_thrown_out_cannot_commit_although_nobody_told_him(
    kafka: KafkaCluster, fresh_topic: FreshTopic, fresh_name: Callable[[str], str]
) -> None:
    """A thrown-out client forgets its generation, and the broker does not check a commit without one."""
    topic, group = fresh_topic(kafka), fresh_name("group")
    settings = {**kafka.client_config(), "log_level": 0}
    upstream = KafkaUpstream(settings, group, translate_error)
    downstream = KafkaDownstream(settings, fresh_name("id"), translate_error, transaction_timeout_s=15)
    upstream.subscribe([topic], FromTheStart())
    while not upstream.read(1, 0.1).ends:
        pass
    source = TopicPartition(topic, 0)
    upstream.seek({source: 0})
    before = upstream._consumer.consumer_group_metadata()
    throw_out(kafka, group)
    wait_until(
        lambda: upstream._consumer.consumer_group_metadata() != before, "the client knows that it was thrown out"
    )
    assert upstream.generation() == before
    downstream.open()
    downstream.begin()
    with pytest.raises(AbortRequired):
        downstream.commit({source: CommittedPosition(7, 1, "T", ours=True)}, upstream.generation())
    downstream.abort()
    assert kafka.committed(group, topic) == {}
    assert upstream._consumer.committed([KafkaTopicPartition(topic, 0)])[0].offset < 0
    upstream.close()
    downstream.close()
