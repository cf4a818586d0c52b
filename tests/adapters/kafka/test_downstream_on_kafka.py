"""What the fake cannot show of the writing side: callbacks run inside of the client."""

from __future__ import annotations

import os

import pytest
from confluent_kafka import KafkaError
from tests.adapters.port_rigs import KafkaRig, fresh

from watermaster.adapters.kafka.downstream import KafkaDownstream
from watermaster.adapters.kafka.faults import translate_error
from watermaster.runtime.ports import Output
from watermaster.testing.kafka import KafkaCluster

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
