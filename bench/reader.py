"""A read_committed reader of a topic whose keys are sending times: how long records took, and when none came.

    python -m bench.reader BOOTSTRAP TOPIC PARTITIONS

Prints one line of JSON when it is sent SIGTERM: `{"arrived_ns": […], "late_ns": […]}`, for every record that came.
"""

from __future__ import annotations

import array
import json
import signal
import sys
import time

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition


def main(bootstrap: str, topic: str, partitions: int) -> None:
    stop: list[int] = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
    settings = {"bootstrap.servers": bootstrap, "group.id": "reader", "isolation.level": "read_committed"}
    consumer = Consumer({**settings, "enable.auto.commit": False, "fetch.wait.max.ms": 100, "check.crcs": True})
    consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in range(partitions)])
    arrived, late = array.array("q"), array.array("q")
    while not stop:
        message = consumer.poll(0.1)  # one at a time: consume(n) waits until there are n
        if message is None:
            continue
        if message.error() is not None:
            raise KafkaException(message.error())
        now_ns = time.monotonic_ns()
        arrived.append(now_ns)
        late.append(now_ns - int(message.key()))
    consumer.close()
    print(json.dumps({"arrived_ns": arrived.tolist(), "late_ns": late.tolist()}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
