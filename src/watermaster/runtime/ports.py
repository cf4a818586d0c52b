"""What the runtime asks of the outside, batch-shaped, so that a compiled hot loop can stand behind it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple, Protocol

from watermaster.stream.batch import RawHeaders, RecordBatch
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import Fault, WorldFault


class AbortRequired(WorldFault):
    """The open transaction cannot be committed: abort, rewind, and read again.

    `record_at_fault` says that one of its records cannot be written as it is (too large, refused timestamp), so that
    trying again in the same size would fail for ever.
    """

    record_at_fault = False


class Fenced(WorldFault):
    """Another process took our name. Nothing is rebuilt inside of this one: who is fenced exits."""


class ConnectionLost(WorldFault):
    """The producer is of no use any more; build a new one, which aborts what it left open."""


class Superseded(ConnectionLost):
    """Nothing failed and nothing is open, but this producer must be replaced before the next transaction."""


class Output(NamedTuple):
    """One record to write. `timestamp_ms` None lets the client set the time."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    timestamp_ms: int | None
    headers: RawHeaders


@dataclass(frozen=True, slots=True)
class CommittedPosition:
    """A committed offset with what our metadata says of it; `ours` is False if somebody else committed it."""

    offset: int
    activation: int = 0
    topic_id: str = ""
    ours: bool = False
    leader_epoch: int = -1
    """Of the record before the offset: by it a log that was cut off and has grown again is told from the old one."""


class TroubleKind(Enum):
    """What can be wrong with one source partition."""

    OUT_OF_RANGE = "out_of_range"
    TRUNCATED = "truncated"
    UNREADABLE = "unreadable"
    """The broker has the bytes and the client cannot read them (corrupt, undecodable batch)."""
    DENIED = "denied"
    FATAL = "fatal"
    """The client will never read again; the fault says why."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Trouble:
    """An error event of the reader; `source` is None if it concerns the connection."""

    kind: TroubleKind
    source: TopicPartition | None
    fault: Fault


@dataclass(frozen=True, slots=True)
class ReadResult:
    """Batches in offset order for each partition, and what went wrong while reading."""

    batches: Sequence[RecordBatch]
    troubles: Sequence[Trouble] = ()
    ends: Mapping[TopicPartition, int] = field(default_factory=dict)
    """Partitions read to their end, with the offset there: past transaction markers behind the last record."""


class AssignmentListener(Protocol):
    """Called inside `Upstream.read` when the group changes. May raise; the fault comes out of `read`.

    If `on_assign` raises, nothing of its partitions is read, and it is called again by the next `read`.
    """

    def on_assign(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        """The offset to start from, for each partition."""
        ...

    def on_revoke(self, partitions: Sequence[TopicPartition]) -> None:
        """Still ours until this returns: finish the open transaction."""
        ...

    def on_lost(self, partitions: Sequence[TopicPartition]) -> None:
        """No longer ours: abort the open transaction."""
        ...


class Upstream(Protocol):
    """The reading side: a member of a consumer group, read_committed, that never commits by itself."""

    def subscribe(self, topics: Sequence[str], listener: AssignmentListener) -> None:
        """Join the group."""
        ...

    def read(self, records_max: int, timeout_s: float) -> ReadResult:
        """At most about `records_max` records; empty after `timeout_s` seconds without any."""
        ...

    def generation(self) -> object:
        """The group metadata of the assignment in hand, to commit with; it does not change before the next `read`."""
        ...

    def committed(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, CommittedPosition | None]:
        """Committed positions, stable ones only (none hidden in an open transaction); None where there is none."""
        ...

    def epochs_before(self, positions: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, int]:
        """The leader epoch of the record right before each position; -1 where none is there any more."""
        ...

    def bounds(self, source: TopicPartition) -> tuple[int, int]:
        """Log start offset and end offset as the broker has them now."""
        ...

    def behind(self, positions: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, int]:
        """Records between each position and the end of the log as last heard of; asks nobody."""
        ...

    def seek(self, positions: Mapping[TopicPartition, int]) -> None:
        """Read next from here; everything fetched before is forgotten."""
        ...

    def pause(self, partitions: Collection[TopicPartition]) -> None:
        """Stay a member but fetch no more from these."""
        ...

    def resume(self, partitions: Collection[TopicPartition]) -> None:
        """Fetch from these again."""
        ...

    def close(self) -> None:
        """Leave the group."""
        ...


class Downstream(Protocol):
    """The writing side: a transactional producer. Every method may raise the three faults at the top."""

    def open(self) -> None:
        """Take the transactional id: fences older owners and ends what they left open."""
        ...

    def begin(self) -> None:
        """Start a transaction."""
        ...

    def forward(self, target: str, batch: RecordBatch, withheld: Collection[int], stamp: Stamp) -> None:
        """Write the batch byte for byte to the same partition of `target`, except the `withheld` indices."""
        ...

    def write(self, outputs: Sequence[Output]) -> None:
        """Write single records."""
        ...

    def write_alike(self, target: TopicPartition, keys: Sequence[bytes], value: bytes) -> None:
        """Write a record without headers for each key, all with this value."""
        ...

    def commit(self, positions: Mapping[TopicPartition, CommittedPosition], generation: object) -> None:
        """Add the source positions to the transaction and commit it; returns when it is decided."""
        ...

    def abort(self) -> None:
        """Abort the open transaction."""
        ...

    def close(self) -> None:
        """Release the connection without ending anything."""
        ...


class Stamp(NamedTuple):
    """The reserved header of forwarded records is `head + offset + tail` (see `stream.coordinates`)."""

    head: bytes
    tail: bytes


class TopicFacts(NamedTuple):
    """What the broker says of a topic now."""

    topic_id: str
    partitions: int


class ClusterView(Protocol):
    """Read-only questions about the cluster."""

    def cluster_id(self) -> str:
        """The id of the cluster."""
        ...

    def topics(self, names: Sequence[str]) -> Mapping[str, TopicFacts]:
        """The topics that exist among `names`."""
        ...


class LogRecord(NamedTuple):
    """A record of one of our own topics (control, ledger)."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp_ms: int


class LogReader(Protocol):
    """Reads one of our own topics whole, then follows it. Read_committed, without a group."""

    def read_to_end(self, timeout_s: float) -> list[LogRecord]:
        """Everything from the last position up to the end as it is now."""
        ...

    def poll(self) -> list[LogRecord]:
        """What has come since, without waiting."""
        ...

    def close(self) -> None:
        """Release the connection."""
        ...


class LedgerTail(Protocol):
    """Looks backwards in the ledger."""

    def last_records(self, sources: Sequence[TopicPartition]) -> Mapping[TopicPartition, Sequence[LogRecord]]:
        """For each source partition its newest entry and every note behind it, oldest first; empty if never seen."""
        ...


class TopicReader(Protocol):
    """Reads topics from given positions without a group; writes and commits nothing."""

    def partitions(self, topic: str) -> Sequence[TopicPartition]:
        """The partitions of a topic."""
        ...

    def bounds(self, source: TopicPartition) -> tuple[int, int]:
        """Log start and last stable end offset."""
        ...

    def begin(self, positions: Mapping[TopicPartition, int]) -> None:
        """Read from these positions and no others."""
        ...

    def read(self, timeout_s: float) -> ReadResult:
        """What is there; empty after `timeout_s` seconds without any."""
        ...

    def close(self) -> None:
        """Release the connection."""
        ...


class NoteWriter(Protocol):
    """Writes single records to our own topics, outside of any transaction of the loop."""

    def write(self, notes: Sequence[Output]) -> None:
        """Write all; returns when they are safe."""
        ...


class Clock(Protocol):
    """Time, so that tests can set it."""

    def now_ms(self) -> int:
        """Wall clock, milliseconds since the epoch."""
        ...

    def monotonic_s(self) -> float:
        """Seconds that never jump."""
        ...
