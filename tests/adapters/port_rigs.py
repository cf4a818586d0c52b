"""The same questions to a cluster in memory and to real Kafka."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from confluent_kafka import ConsumerGroupTopicPartitions, Producer
from confluent_kafka import TopicPartition as KafkaTopicPartition

from watermaster.adapters.kafka.cluster_view import KafkaClusterView
from watermaster.adapters.kafka.downstream import KafkaDownstream
from watermaster.adapters.kafka.faults import translate_error
from watermaster.adapters.kafka.log_reader import KafkaLedgerTail, KafkaLogReader
from watermaster.adapters.kafka.note_writer import KafkaNoteWriter
from watermaster.adapters.kafka.topic_reader import KafkaTopicReader
from watermaster.adapters.kafka.upstream import KafkaUpstream
from watermaster.adapters.memory.cluster import MemoryCluster
from watermaster.adapters.memory.readers import (
    MemoryClusterView,
    MemoryLedgerTail,
    MemoryLogReader,
    MemoryTopicReader,
)
from watermaster.adapters.memory.upstream import MemoryUpstream
from watermaster.adapters.memory.writers import MemoryDownstream, MemoryNoteWriter
from watermaster.runtime.ports import (
    ClusterView,
    CommittedPosition,
    Downstream,
    LedgerTail,
    LogReader,
    NoteWriter,
    ReadResult,
    TopicReader,
    Upstream,
)
from watermaster.stream.batch import RawHeaders
from watermaster.stream.coordinates import TopicPartition
from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.reading import read_topic

Seen = tuple[int, bytes | None, bytes | None, int, RawHeaders]
"""Offset, key, value, timestamp, headers."""

PATIENCE_S = 30.0


class Rig(Protocol):
    def topic(self, partitions: int = 1, bytes_max: int = 1_000_000) -> str: ...
    def produce(self, topic: str, partition: int = 0, **record: Any) -> None: ...
    def produce_aborted(self, topic: str) -> None: ...
    def delete_before(self, topic: str, offset: int) -> None: ...
    def seen(self, topic: str, partition: int = 0) -> list[Seen]: ...
    def reset_offset(self, group: str, source: TopicPartition, offset: int) -> None: ...
    def upstream(self, group: str) -> Upstream: ...
    def downstream(self, transactional_id: str) -> Downstream: ...
    def view(self) -> ClusterView: ...
    def log_reader(self, topic: str) -> LogReader: ...
    def ledger_tail(self, topic: str) -> LedgerTail: ...
    def topic_reader(self) -> TopicReader: ...
    def note_writer(self) -> NoteWriter: ...
    def close(self) -> None: ...


class MemoryRig:
    def __init__(self) -> None:
        self.cluster = MemoryCluster()

    def topic(self, partitions: int = 1, bytes_max: int = 1_000_000) -> str:
        return self.cluster.create_topic(fresh("topic"), partitions, bytes_max)

    def produce(self, topic: str, partition: int = 0, **record: Any) -> None:
        self.cluster.produce(topic, partition, **record)

    def produce_aborted(self, topic: str) -> None:
        self.cluster.produce_aborted(topic)

    def delete_before(self, topic: str, offset: int) -> None:
        self.cluster.log(TopicPartition(topic, 0)).delete_before(offset)

    def seen(self, topic: str, partition: int = 0) -> list[Seen]:
        found = self.cluster.read(topic, partition)
        return [(offset, r.key, r.value, r.timestamp_ms, list(r.headers or [])) for offset, r in found]

    def reset_offset(self, group: str, source: TopicPartition, offset: int) -> None:
        self.cluster.group(group).offsets[source] = CommittedPosition(offset)

    def upstream(self, group: str) -> Upstream:
        return MemoryUpstream(self.cluster, group)

    def downstream(self, transactional_id: str) -> Downstream:
        return MemoryDownstream(self.cluster, transactional_id)

    def view(self) -> ClusterView:
        return MemoryClusterView(self.cluster)

    def log_reader(self, topic: str) -> LogReader:
        return MemoryLogReader(self.cluster, topic)

    def ledger_tail(self, topic: str) -> LedgerTail:
        return MemoryLedgerTail(self.cluster, topic)

    def topic_reader(self) -> TopicReader:
        return MemoryTopicReader(self.cluster)

    def note_writer(self) -> NoteWriter:
        return MemoryNoteWriter(self.cluster)

    def close(self) -> None:
        """Nothing to close."""


class KafkaRig:
    def __init__(self, kafka: KafkaCluster) -> None:
        self.kafka = kafka
        self.settings = {**kafka.client_config(), "log_level": 0}
        self._opened: list[Any] = []

    def topic(self, partitions: int = 1, bytes_max: int = 1_000_000) -> str:
        return self.kafka.create_topic(
            fresh("topic"), partitions, configs={"max.message.bytes": bytes_max, "retention.ms": -1}
        )

    def produce(self, topic: str, partition: int = 0, **record: Any) -> None:
        producer = Producer({**self.settings, "acks": "all"})
        self._send(producer, topic, partition, **record)
        assert producer.flush(PATIENCE_S) == 0

    @staticmethod
    def _send(
        producer: Producer,
        topic: str,
        partition: int,
        key: bytes | None = None,
        value: bytes | None = b"v",
        timestamp_ms: int = 0,
        headers: RawHeaders | None = None,
    ) -> None:
        producer.produce(topic, value, key, partition, None, None, timestamp_ms, headers)

    def produce_aborted(self, topic: str) -> None:
        producer = Producer({**self.settings, "transactional.id": fresh("aborted")})
        producer.init_transactions(PATIENCE_S)
        producer.begin_transaction()
        producer.produce(topic, b"aborted", partition=0)
        assert producer.flush(PATIENCE_S) == 0
        producer.abort_transaction(PATIENCE_S)

    def delete_before(self, topic: str, offset: int) -> None:
        self.kafka.delete_records(topic, 0, offset)

    def seen(self, topic: str, partition: int = 0) -> list[Seen]:
        return [
            (m.offset() or 0, m.key(), m.value(), m.timestamp()[1], list(m.headers() or []))  # type: ignore[misc]
            for m in read_topic(self.settings, topic)
            if m.partition() == partition
        ]

    def reset_offset(self, group: str, source: TopicPartition, offset: int) -> None:
        target = KafkaTopicPartition(source.topic, source.partition, offset)
        request = ConsumerGroupTopicPartitions(group, [target])
        self.kafka.admin().alter_consumer_group_offsets([request])[group].result(PATIENCE_S)

    def upstream(self, group: str) -> Upstream:
        return self._opening(KafkaUpstream(self.settings, group, translate_error))

    def downstream(self, transactional_id: str) -> Downstream:
        return KafkaDownstream(self.settings, transactional_id, translate_error, transaction_timeout_s=15)

    def view(self) -> ClusterView:
        return KafkaClusterView(self.settings, translate_error)

    def log_reader(self, topic: str) -> LogReader:
        return self._opening(KafkaLogReader(self.settings, topic, translate_error))

    def ledger_tail(self, topic: str) -> LedgerTail:
        return KafkaLedgerTail(self.settings, topic, translate_error)

    def topic_reader(self) -> TopicReader:
        return self._opening(KafkaTopicReader(self.settings, translate_error))

    def note_writer(self) -> NoteWriter:
        return KafkaNoteWriter(self.settings, translate_error)

    def close(self) -> None:
        for opened in self._opened:
            opened.close()

    def _opening(self, opened: Any) -> Any:
        self._opened.append(opened)
        return opened


@dataclass
class Follower:
    """An `AssignmentListener` that begins where it is told and remembers what happened."""

    upstream: Upstream
    starts: Mapping[TopicPartition, int] = field(default_factory=dict)
    events: list[str] = field(default_factory=list)
    assigned: list[TopicPartition] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)

    def on_assign(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        self.events.append("assign")
        if self.failures:
            raise self.failures.pop()
        self.assigned = list(partitions)
        return {source: self.starts.get(source, 0) for source in partitions}

    def on_revoke(self, partitions: Sequence[TopicPartition]) -> None:
        self.events.append("revoke")

    def on_lost(self, partitions: Sequence[TopicPartition]) -> None:
        self.events.append("lost")

    def read_until(self, done: Callable[[Results], bool]) -> Results:
        """Read until `done` says so. Fails after a long while."""
        results = Results()
        until_s = time.monotonic() + PATIENCE_S
        while not done(results):
            assert time.monotonic() < until_s, results
            results.add(self.upstream.read(100, 0.05))
        return results

    def read(self, records: int) -> list[tuple[int, bytes | None]]:
        return self.read_until(lambda results: len(results.records) >= records).records


@dataclass
class Results:
    """What several reads gave, put together."""

    records: list[tuple[int, bytes | None]] = field(default_factory=list)
    by_source: dict[TopicPartition, list[int]] = field(default_factory=dict)
    batches: list[Any] = field(default_factory=list)
    troubles: list[Any] = field(default_factory=list)
    ends: dict[TopicPartition, int] = field(default_factory=dict)

    def add(self, result: ReadResult) -> None:
        for batch in result.batches:
            self.batches.append(batch)
            self.records += zip(batch.offsets, batch.values, strict=True)
            self.by_source.setdefault(batch.source, []).extend(batch.offsets)
        self.troubles += result.troubles
        self.ends.update(result.ends)


def follow(
    rig: Rig, topic: str, group: str | None = None, starts: Mapping[TopicPartition, int] | None = None
) -> Follower:
    upstream = rig.upstream(group or fresh("group"))
    follower = Follower(upstream, starts or {})
    upstream.subscribe([topic], follower)
    return follower


def fresh(stem: str) -> str:
    return f"{stem}-{uuid.uuid4().hex[:10]}"
