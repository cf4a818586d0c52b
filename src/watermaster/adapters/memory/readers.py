"""The reading ports without a group, in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from watermaster.adapters.memory.cluster import MemoryCluster
from watermaster.adapters.memory.columns import as_batch
from watermaster.adapters.memory.log import StoredRecord
from watermaster.runtime.audit import LogBounds, Scanned, TopicState
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


class MemoryHoldReader:
    """Implements `runtime.hold_states.HoldReader`; a step holds `step_max` records."""

    def __init__(self, cluster: MemoryCluster, step_max: int = 5) -> None:
        self._cluster = cluster
        self._step_max = step_max

    def cluster_id(self) -> str:
        """The id of the cluster."""
        return self._cluster.cluster_id

    def topics(self, names: Sequence[str]) -> Mapping[str, TopicState]:
        """The topics that exist among `names`."""
        with self._cluster.faults.call("holds.topics"):
            found = {name: self._cluster.topics[name] for name in names if name in self._cluster.topics}
            return {
                name: TopicState(topic.topic_id, len(topic.partitions), compacted=False)
                for name, topic in found.items()
            }

    def bounds(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, LogBounds]:
        """Log starts and last stable offsets."""
        with self._cluster.faults.call("holds.bounds"):
            logs = {partition: self._cluster.log(partition) for partition in partitions}
            return {partition: LogBounds(log.start, log.stable_end) for partition, log in logs.items()}

    def high_watermarks(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Where the logs end."""
        return {partition: self._cluster.log(partition).end for partition in partitions}

    def scan(self, partition: TopicPartition, start: int, end: int) -> Iterator[Scanned]:
        """Read `[start, end)` in order, at most up to the last stable offset."""
        log = self._cluster.log(partition)
        at, last = max(start, log.start), min(end, log.stable_end)
        while at < last:
            with self._cluster.faults.call("holds.scan"):
                found = list(log.committed(at, last))[: self._step_max]
            behind = found[-1][0] + 1 if len(found) == self._step_max else last
            yield Scanned(at, behind, as_batch(partition, found))
            at = behind

    def close(self) -> None:
        """Nothing to release."""


def _partitions(cluster: MemoryCluster, topic: str) -> list[TopicPartition]:
    if topic not in cluster.topics:
        raise UsageFault("WM-KAFKA-UNKNOWN-TOPIC", f"{topic} does not exist", hint="Check its name.")
    return [TopicPartition(topic, number) for number in range(len(cluster.topics[topic].partitions))]


def _as_log_record(partition: int, offset: int, record: StoredRecord) -> LogRecord:
    return LogRecord(partition, offset, record.key, record.value, record.timestamp_ms)
