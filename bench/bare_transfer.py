"""The bare transfer: what moving records in transactions costs in Python when nobody judges them.

    python -m bench.bare_transfer BOOTSTRAP GROUP SOURCE TARGET

consume(500) → produce with one header → send_offsets_to_transaction → commit_transaction: the same client settings,
header, sizes and commit interval as the gate, and none of its checks, recovery or ledger. Runs until it is ended.
"""

from __future__ import annotations

import sys
import time

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from bench.transfer_settings import COMMIT_INTERVAL_S, READ_MAX, RECORDS_MAX, consuming, producing

IDLE_READ_S = 0.2
TIMEOUT_S = 30.0
HEAD, TAIL = b"1 AAAAAAAAAAAAAAAAAAAAAA BBBBBBBBBBBBBBBBBBBBBB ", b" 0 0 1"
"""The same length as the gate's coordinates."""


def main(bootstrap: str, group: str, source: str, target: str) -> None:
    consumer = Consumer(consuming(bootstrap, group))
    producer = Producer({**producing(bootstrap, group), "on_delivery": _refuse})
    producer.init_transactions(TIMEOUT_S)
    consumer.subscribe([source])
    ends: dict[int, int] = {}
    records, began_s = 0, 0.0
    while True:
        patience_s = max(0.0, COMMIT_INTERVAL_S - (time.monotonic() - began_s)) if ends else IDLE_READ_S
        messages = consumer.consume(READ_MAX, patience_s)
        for message in messages:
            error = message.error()
            if error is not None:
                if error.code() == KafkaError._PARTITION_EOF:
                    continue
                raise KafkaException(error)
            if not ends:
                producer.begin_transaction()
                records, began_s = 0, time.monotonic()
            partition, offset = message.partition(), message.offset()
            header = [("__watermaster", b"%b%d %d%b" % (HEAD, partition, offset, TAIL))]
            value, key, timestamp = message.value(), message.key(), message.timestamp()[1]
            producer.produce(target, value, key, partition, None, None, timestamp, header)
            ends[partition] = offset + 1
            records += 1
        producer.poll(0)
        if ends and (records >= RECORDS_MAX or time.monotonic() - began_s >= COMMIT_INTERVAL_S):
            offsets = [TopicPartition(source, partition, end) for partition, end in ends.items()]
            producer.send_offsets_to_transaction(offsets, consumer.consumer_group_metadata(), TIMEOUT_S)
            producer.commit_transaction(TIMEOUT_S)
            ends.clear()


def _refuse(error: KafkaError | None, _message: object) -> None:
    if error is not None:
        raise KafkaException(error)


if __name__ == "__main__":
    main(*sys.argv[1:])
