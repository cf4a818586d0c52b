"""Topics, transactional ids and transactions in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from watermaster.adapters.memory.clock import MemoryClock
from watermaster.adapters.memory.faults import FaultPlan, abort_required, fenced
from watermaster.adapters.memory.group import Generation, MemoryGroup
from watermaster.adapters.memory.log import Fate, PartitionLog, StoredRecord, Transaction
from watermaster.runtime.ports import CommittedPosition
from watermaster.stream.batch import RawHeaders
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import UsageFault

LATE_BY_MS = 3_000


@dataclass(slots=True)
class MemoryTopic:
    """A topic that exists now. `record_bytes_max` refuses larger records (key, value and header values)."""

    topic_id: str
    partitions: list[PartitionLog]
    record_bytes_max: int = 1_000_000_000


@dataclass(slots=True)
class OpenTransaction:
    """What the coordinator knows of a transactional id's transaction."""

    transaction: Transaction
    touched: set[TopicPartition] = field(default_factory=set)
    offsets: dict[str, dict[TopicPartition, CommittedPosition]] = field(default_factory=dict)


class MemoryCluster:
    """The one world of a test. Methods without `_` are what an administrator or a foreign client may do."""

    def __init__(self, clock: MemoryClock | None = None, faults: FaultPlan | None = None) -> None:
        self.clock = clock or MemoryClock()
        self.faults = faults or FaultPlan()
        self.cluster_id = "memory-cluster"
        self.topics: dict[str, MemoryTopic] = {}
        self.groups: dict[str, MemoryGroup] = {}
        self.late_markers: set[str] = set()
        """Topics whose transaction markers come only after a while: committed offsets show first."""
        self._late: list[tuple[int, TopicPartition, Transaction]] = []
        self._epochs: dict[str, int] = {}
        self._open: dict[str, OpenTransaction] = {}
        self._topics_made = 0

    # --- administration -----------------------------------------------------------------------------------------

    def create_topic(self, name: str, partitions: int = 1, record_bytes_max: int = 1_000_000_000) -> str:
        """Create a topic; the name."""
        self._topics_made += 1
        logs = [PartitionLog() for _ in range(partitions)]
        self.topics[name] = MemoryTopic(f"id-{self._topics_made}", logs, record_bytes_max)
        return name

    def add_partitions(self, name: str, total: int) -> None:
        """Grow a topic; its readers hear of it by a rebalance."""
        logs = self.topics[name].partitions
        logs.extend(PartitionLog() for _ in range(total - len(logs)))
        for group in self.groups.values():
            group.rebalance()

    def delete_topic(self, name: str) -> None:
        """Delete a topic with its records; groups keep what they committed, as a broker does for a while."""
        del self.topics[name]

    def log(self, source: TopicPartition) -> PartitionLog:
        """One partition. Raises UsageFault if there is none."""
        self.write_late_markers(self.clock.now_ms())
        topic = self.topics.get(source.topic)
        if topic is None or source.partition >= len(topic.partitions):
            raise UsageFault("WM-KAFKA-UNKNOWN-TOPIC", f"{source} does not exist", hint="Check its name.")
        return topic.partitions[source.partition]

    def group(self, name: str) -> MemoryGroup:
        """A consumer group, made when first asked for."""
        return self.groups.setdefault(name, MemoryGroup(name, self._partition_count))

    def produce(
        self,
        topic: str,
        partition: int = 0,
        *,
        key: bytes | None = None,
        value: bytes | None = b"v",
        timestamp_ms: int | None = None,
        headers: RawHeaders | None = None,
        uncarriable: str = "",
    ) -> int:
        """Write one record outside of any transaction, as a source does; its offset."""
        at_ms = self.clock.now_ms() if timestamp_ms is None else timestamp_ms
        record = StoredRecord(key, value, at_ms, headers, uncarriable=uncarriable)
        return self.log(TopicPartition(topic, partition)).append(record)

    def produce_aborted(self, topic: str, partition: int = 0) -> None:
        """A foreign transaction that leaves a record that nobody sees, and a marker."""
        log, transaction = self.log(TopicPartition(topic, partition)), Transaction()
        log.append(StoredRecord(None, b"aborted", 0, None, transaction))
        transaction.fate = Fate.ABORTED
        log.mark(transaction)

    def read(self, topic: str, partition: int) -> list[tuple[int, StoredRecord]]:
        """What read_committed shows of a partition."""
        return list(self.log(TopicPartition(topic, partition)).committed(0))

    # --- transactions -------------------------------------------------------------------------------------------

    def take_id(self, transactional_id: str) -> int:
        """A producer takes an id: older ones are fenced, what they left open is aborted, what they ended is marked."""
        left = self._open.pop(transactional_id, None)
        if left is not None:
            self._end(left, Fate.ABORTED)
        self.write_late_markers()
        self._epochs[transactional_id] = self._epochs.get(transactional_id, 0) + 1
        return self._epochs[transactional_id]

    def begin(self, transactional_id: str, epoch: int) -> None:
        """Start a transaction."""
        self._check(transactional_id, epoch)
        assert transactional_id not in self._open, "a transaction is open"  # noqa: S101 - the client refuses it too
        self._open[transactional_id] = OpenTransaction(Transaction())

    def write(self, transactional_id: str, epoch: int, at: TopicPartition, record: StoredRecord) -> None:
        """Write in the open transaction."""
        self._check(transactional_id, epoch)
        if _size(record) > self.topics[at.topic].record_bytes_max:
            raise abort_required(record_at_fault=True)
        opened = self._open[transactional_id]
        opened.touched.add(at)
        record.transaction = opened.transaction
        self.log(at).append(record)

    def commit(
        self,
        transactional_id: str,
        epoch: int,
        positions: Mapping[TopicPartition, CommittedPosition],
        generation: Generation | None,
    ) -> None:
        """Offsets and outputs together; refused for a generation that is over. Without one there are only outputs."""
        self._check(transactional_id, epoch)
        if generation is not None and not self.groups[generation.group].is_current(generation):
            raise abort_required()
        opened = self._open.pop(transactional_id)
        if generation is not None:
            opened.offsets[generation.group] = dict(positions)
        self._end(opened, Fate.COMMITTED)

    def abort(self, transactional_id: str, epoch: int) -> None:
        """Undo the open transaction."""
        self._check(transactional_id, epoch)
        opened = self._open.pop(transactional_id, None)
        if opened is not None:
            self._end(opened, Fate.ABORTED)

    def time_out_transactions(self) -> None:
        """The coordinator aborts whatever is open, as after a transaction's timeout, and fences its producer."""
        for transactional_id in list(self._open):
            self.take_id(transactional_id)

    def write_late_markers(self, until_ms: int | None = None) -> None:
        """Write the markers that `late_markers` held back: those due by now, or all."""
        while self._late and (until_ms is None or self._late[0][0] <= until_ms):
            _, at, transaction = self._late.pop(0)
            self.topics[at.topic].partitions[at.partition].mark(transaction)

    def _end(self, opened: OpenTransaction, fate: Fate) -> None:
        opened.transaction.fate = fate
        for at in sorted(opened.touched):
            if at.topic in self.late_markers:
                self._late.append((self.clock.now_ms() + LATE_BY_MS, at, opened.transaction))
            else:
                self.log(at).mark(opened.transaction)
        if fate is Fate.COMMITTED:
            for name, positions in opened.offsets.items():
                self.groups[name].offsets.update(positions)

    def _check(self, transactional_id: str, epoch: int) -> None:
        if self._epochs.get(transactional_id) != epoch:
            raise fenced()

    def _partition_count(self, topics: Iterable[str]) -> dict[str, int]:
        return {name: len(self.topics[name].partitions) for name in topics if name in self.topics}


def _size(record: StoredRecord) -> int:
    headers = sum(len(value or b"") for _, value in record.headers or [])
    return len(record.key or b"") + len(record.value or b"") + headers
