"""The bare replay: what reading held records and writing two for each costs in Python when nobody judges them.

    python -m bench.bare_replay BOOTSTRAP ID QUARANTINE TARGET HOLDS PARTITIONS

For each partition consume(500) → the headers → produce with one header → produce a state → commit_transaction, with the
client settings, sizes and lengths of `quarantine replay`, and none of its judging, states or recovery. The next
partition's reader and producer are started while this one is moved.
"""

from __future__ import annotations

import gc
import sys
import time
from contextlib import suppress

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from bench.transfer_settings import READ_MAX, consuming, producing

RECORDS_MAX = 50_000
COMMIT_INTERVAL_S = 0.5
POLL_S = 0.05
TIMEOUT_S = 30.0
STATE = (
    b'{"state":"replayed","attempt":0,"account":{"stream":"landing1","contract":"sha256:%b","activation":1},'
    b'"step":"replay","principal":"User:ANONYMOUS","system_user":"root","at_ms":1700000000000,"activation":2,"v":1}'
) % (b"0" * 64)


def main(bootstrap: str, name: str, quarantine: str, target: str, holds: str, partitions: int) -> None:
    gc.freeze()
    gc.disable()
    ready = _start(bootstrap, name, quarantine, 0)
    for partition in range(partitions):
        consumer, producer = ready
        producer.init_transactions(TIMEOUT_S)
        if partition + 1 < partitions:
            ready = _start(bootstrap, name, quarantine, partition + 1)
        _move(consumer, producer, target, holds, partition)
        consumer.close()


def _start(bootstrap: str, name: str, quarantine: str, partition: int) -> tuple[Consumer, Producer]:
    consumer = Consumer({**consuming(bootstrap, name), "fetch.wait.max.ms": 50})
    consumer.assign([TopicPartition(quarantine, partition, 0)])
    producer = Producer({**producing(bootstrap, f"{name}.{partition}"), "on_delivery": _refuse})
    with suppress(KafkaException):  # it goes on in the background
        producer.init_transactions(0.001)
    return consumer, producer


def _move(consumer: Consumer, producer: Producer, target: str, holds: str, partition: int) -> None:
    records, began_s, is_over = 0, 0.0, False
    while not is_over:
        for message in consumer.consume(READ_MAX, POLL_S):
            error = message.error()
            if error is not None:
                if error.code() != KafkaError._PARTITION_EOF:
                    raise KafkaException(error)
                is_over = True
                continue
            if not records:
                producer.begin_transaction()
                began_s = time.monotonic()
            stamp: bytes = message.headers()[-1][1]
            value, key, timestamp = message.value(), message.key(), message.timestamp()[1]
            producer.produce(target, value, key, partition, None, None, timestamp, [("__watermaster", stamp)])
            producer.produce(holds, STATE, stamp, partition)
            records += 1
        producer.poll(0)
        if records and (is_over or records >= RECORDS_MAX or time.monotonic() - began_s >= COMMIT_INTERVAL_S):
            producer.commit_transaction(TIMEOUT_S)
            records = 0


def _refuse(error: KafkaError | None, _message: object) -> None:
    if error is not None:
        raise KafkaException(error)


if __name__ == "__main__":
    main(*sys.argv[1:6], int(sys.argv[6]))
