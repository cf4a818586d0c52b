"""Where contestants meet: one warm broker of real Apache Kafka, and landing topics that they all read."""

from __future__ import annotations

import shutil
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from confluent_kafka import Producer

from bench.decide import make_values
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.settings import KAFKA_VERSION

PARTITIONS = 3
DISTINCT = 20_000
"""Different values in a landing topic; they repeat far beyond the reach of any compression window."""
HEAP_MB = 1024


class Arena:
    """A context manager. Topics are made as they are asked for; everything is gone at its end."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._cluster: KafkaCluster | None = None
        self._landings: dict[tuple[float, int], str] = {}
        self._names = 0
        self.kafka_version = KAFKA_VERSION
        self.directory = Path(tempfile.mkdtemp(prefix="watermaster-bench-"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    @property
    def cluster(self) -> KafkaCluster:
        """Started by the first who asks; the optimising Java compiler is on."""
        if self._cluster is None:
            settings = {"offsets.topic.num.partitions": "4", "log.retention.ms": "-1"}
            self._cluster = KafkaCluster(1, java_options=(), heap_mb=HEAP_MB, overrides=settings)
            self._stack.enter_context(self._cluster)
        return self._cluster

    @property
    def bootstrap(self) -> str:
        return self.cluster.bootstrap

    def name(self, prefix: str) -> str:
        """A name that was not used before."""
        self._names += 1
        return f"{prefix}{self._names}"

    def topic(self, name: str, partitions: int = PARTITIONS, **configs: str) -> str:
        """Create a topic."""
        return self.cluster.create_topic(name, partitions, configs={k.replace("_", "."): v for k, v in configs.items()})

    def forget(self, *topics: str) -> None:
        """Delete topics whose records nobody needs any more, so that the disk and the page cache stay small."""
        for topic in topics:
            self.cluster.delete_topic(topic)

    def landing(self, records: int, bad_share: float = 0.0) -> str:
        """A topic that holds `records` records, the same for everybody who asks for the same."""
        found = self._landings.get((bad_share, records))
        if found is None:
            found = self._landings[bad_share, records] = self.topic(self.name("landing"))
            values = make_values(bad_share, records=min(DISTINCT, records))
            self._fill(found, values, records)
        return found

    def _fill(self, topic: str, values: list[bytes], records: int) -> None:
        settings = {
            "enable.idempotence": True,
            "compression.type": "lz4",
            "linger.ms": 20,
            "batch.num.messages": 10_000,
        }
        producer = Producer(self.cluster.client_config(**settings))
        now_ms = time.time_ns() // 1_000_000
        for number in range(records):
            value, key = values[number % len(values)], b"k-%d" % (number % 4096)
            while True:
                try:
                    producer.produce(topic, value, key, number % PARTITIONS, timestamp=now_ms)
                    break
                except BufferError:
                    producer.poll(0.05)
            if number % 1000 == 0:
                producer.poll(0)
        if producer.flush(60):
            raise TimeoutError("the landing topic could not be filled within a minute")
