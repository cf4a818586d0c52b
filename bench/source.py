"""A source of records at a fixed rate, each with the moment of its sending as its key.

    python -m bench.source BOOTSTRAP TOPIC PARTITIONS RATE

Keys are nanoseconds of the system's monotonic clock, which every process of this machine shares. Runs until ended.
"""

from __future__ import annotations

import sys
import time

from confluent_kafka import Producer

from bench.decide import make_values

TICK_S = 0.005
"""Records are sent in small groups: a sleep for each would be longer than what lies between two."""
DISTINCT = 5_000


def main(bootstrap: str, topic: str, partitions: int, rate: float) -> None:
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 0, "acks": "all", "enable.idempotence": True})
    values = make_values(0.0, records=DISTINCT)
    began_s = time.monotonic()
    sent = 0
    while True:
        due = int((time.monotonic() - began_s) * rate)
        for number in range(sent, due):
            key = b"%d" % time.monotonic_ns()
            producer.produce(topic, values[number % DISTINCT], key, number % partitions)
        sent = max(sent, due)
        producer.poll(TICK_S)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
