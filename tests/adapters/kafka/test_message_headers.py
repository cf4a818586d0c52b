"""Headers of many messages at once: the ones that cannot be shown cost their neighbours nothing."""

from __future__ import annotations

import pytest
from tests.adapters.port_rigs import KafkaRig
from tests.faults.raw_produce import produce_raw

from watermaster.adapters.kafka.audit_reader import KafkaAuditReader
from watermaster.adapters.kafka.message_headers import HEADER_UNREADABLE
from watermaster.stream.coordinates import TopicPartition
from watermaster.testing.kafka import KafkaCluster

pytestmark = pytest.mark.kafka

SENT = [(), ((b"a", b"1"), (b"\xff", b"x")), ((b"b", None),), ((b"\xfe\xff", b""),), ((b"c", b"3"), (b"c", b""))]
SEEN = [None, None, [("b", None)], None, [("c", b"3"), ("c", b"")]]


def test_headers_that_are_not_utf8_are_named_and_the_others_are_read(kafka: KafkaCluster) -> None:
    rig = KafkaRig(kafka)
    topic = rig.topic()
    for number, headers in enumerate(SENT):
        assert produce_raw(kafka, topic, b"%d" % number, headers=headers, timestamp_ms=1_700_000_000_000) == 0
    reader = KafkaAuditReader(rig.settings)
    batches = [step.batch for step in reader.scan(TopicPartition(topic, 0), 0, len(SENT))]
    read = [
        (value, headers, batch.uncarriable.get(index, ""))
        for batch in batches
        for index, (value, headers) in enumerate(zip(batch.values, batch.headers, strict=True))
    ]
    unreadable = {1: HEADER_UNREADABLE, 3: HEADER_UNREADABLE}
    assert read == [(b"%d" % number, headers, unreadable.get(number, "")) for number, headers in enumerate(SEEN)]
    reader.close()
    rig.close()
