"""The reading ports without a group, in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from watermaster.adapters.memory.cluster import MemoryCluster
from watermaster.adapters.memory.columns import as_batch
from watermaster.adapters.memory.log import StoredRecord
from watermaster.runtime.ports import LogRecord, ReadResult, TopicFacts
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import UsageFault


class MemoryClusterView:
    """Implements `runtime.ports.ClusterView`."""

    def __init__(self, cluster: MemoryCluster) -> None:
        self._cluster = cluster

    def cluster_id(self) -> str:
        """The id of the cluster."""
        with self._cluster.faults.call("view.cluster_id"):
            return self._cluster.cluster_id

    def topics(self, names: Sequence[str]) -> Mapping[str, TopicFacts]:
        """The topics that exist among `names`."""
        with self._cluster.faults.call("view.topics"):
            found = {name: self._cluster.topics[name] for name in names if name in self._cluster.topics}
            return {name: TopicFacts(topic.topic_id, len(topic.partitions)) for name, topic in found.items()}


class MemoryLogReader:
    """Implements `runtime.ports.LogReader`."""

    def __init__(self, cluster: MemoryCluster, topic: str) -> None:
        self._cluster = cluster
        self._topic = topic
        self._next: dict[int, int] = {}

    def read_to_end(self, timeout_s: float) -> list[LogRecord]:  # noqa: ARG002 - nothing is slow here
        """Everything from the last position on."""
        with self._cluster.faults.call("log.read_to_end"):
            return self._take()

    def poll(self) -> list[LogRecord]:
        """What has come since."""
        with self._cluster.faults.call("log.poll"):
            return self._take()

    def close(self) -> None:
        """Nothing to release."""

    def _take(self) -> list[LogRecord]:
        taken = []
        for source in _partitions(self._cluster, self._topic):
            log = self._cluster.log(source)
            for offset, record in log.committed(self._next.get(source.partition, 0)):
                taken.append(_as_log_record(source.partition, offset, record))
            self._next[source.partition] = log.stable_end
        return taken


class MemoryLedgerTail:
    """Implements `runtime.ports.LedgerTail`."""

    def __init__(self, cluster: MemoryCluster, topic: str) -> None:
        self._cluster = cluster
        self._topic = topic

    def last_records(self, sources: Sequence[TopicPartition]) -> Mapping[TopicPartition, Sequence[LogRecord]]:
        """The newest entry of each source partition and every note behind it."""
        with self._cluster.faults.call("ledger.last_records"):
            count = len(_partitions(self._cluster, self._topic))
            return {source: self._last(source, source.partition % count) for source in sources}

    def _last(self, source: TopicPartition, partition: int) -> list[LogRecord]:
        name = f"{source.topic}/{source.partition}".encode()
        found: list[LogRecord] = []
        for offset, record in self._cluster.log(TopicPartition(self._topic, partition)).committed(0):
            if record.key == name:
                found = [_as_log_record(partition, offset, record)]
            elif record.key is not None and record.key.endswith(b"/" + name):
                found.append(_as_log_record(partition, offset, record))
        return found


class MemoryTopicReader:
    """Implements `runtime.ports.TopicReader`."""

    def __init__(self, cluster: MemoryCluster) -> None:
        self._cluster = cluster
        self._positions: dict[TopicPartition, int] = {}

    def partitions(self, topic: str) -> Sequence[TopicPartition]:
        """The partitions of a topic."""
        return _partitions(self._cluster, topic)

    def bounds(self, source: TopicPartition) -> tuple[int, int]:
        """Log start and last stable offset."""
        log = self._cluster.log(source)
        return log.start, log.stable_end

    def begin(self, positions: Mapping[TopicPartition, int]) -> None:
        """Read from these positions and no others."""
        self._positions = dict(positions)

    def read(self, timeout_s: float) -> ReadResult:  # noqa: ARG002 - nothing is slow here
        """All that is there."""
        with self._cluster.faults.call("reader.read"):
            batches, ends = [], {}
            for source, position in self._positions.items():
                log = self._cluster.log(source)
                found = list(log.committed(position))
                if found:
                    batches.append(as_batch(source, found))
                self._positions[source] = ends[source] = log.stable_end
            return ReadResult(batches, ends=ends)

    def close(self) -> None:
        """Nothing to release."""


def _partitions(cluster: MemoryCluster, topic: str) -> list[TopicPartition]:
    if topic not in cluster.topics:
        raise UsageFault("WM-KAFKA-UNKNOWN-TOPIC", f"{topic} does not exist", hint="Check its name.")
    return [TopicPartition(topic, number) for number in range(len(cluster.topics[topic].partitions))]


def _as_log_record(partition: int, offset: int, record: StoredRecord) -> LogRecord:
    return LogRecord(partition, offset, record.key, record.value, record.timestamp_ms)
