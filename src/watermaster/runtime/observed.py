"""What a look at a cluster saw, as values; what could not be seen is a value too and never stops the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from watermaster.stream.batch import RawHeaders
from watermaster.stream.coordinates import TopicPartition


@dataclass(frozen=True, slots=True)
class Unseen:
    """Something that could not be seen: what, why in one sentence, and the stable code of the fault."""

    what: str
    reason: str
    code: str

    def __str__(self) -> str:
        return f"could not see {self.what}: {self.reason}"


@dataclass(frozen=True, slots=True)
class ObservedPartition:
    """One partition. Offsets are None where they could not be seen; `end` is what read_committed readers reach."""

    partition: int
    leader: int | None
    replicas: int
    in_sync: int
    start: int | None = None
    end: int | None = None
    end_hour_ago: int | None = None
    """The first offset with a timestamp of the last hour; `end` if there is none."""


@dataclass(frozen=True, slots=True)
class ObservedTopic:
    """One topic, with the settings that were asked for (empty if they could not be seen)."""

    name: str
    topic_id: str = ""
    partitions: tuple[ObservedPartition, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    unseen: tuple[Unseen, ...] = ()

    @property
    def records(self) -> int | None:
        """An upper bound of the records in the partitions that could be seen (markers and compaction leave holes)."""
        counts = [part.end - part.start for part in self.partitions if part.start is not None and part.end is not None]
        return sum(counts) if counts else None

    @property
    def records_last_hour(self) -> int | None:
        """Records whose timestamp lies in the last hour; None if unknown."""
        counts = [
            part.end - part.end_hour_ago
            for part in self.partitions
            if part.end is not None and part.end_hour_ago is not None
        ]
        return sum(counts) if counts else None

    @property
    def replication(self) -> int:
        """Replicas of the partition that has the fewest."""
        return min((part.replicas for part in self.partitions), default=0)


@dataclass(frozen=True, slots=True)
class ObservedPosition:
    """A committed offset and its metadata as text."""

    offset: int
    metadata: str = ""


@dataclass(frozen=True, slots=True)
class ObservedGroup:
    """A consumer group; `state` is Kafka's word for it in capitals (`STABLE`, `EMPTY`, `DEAD`)."""

    group_id: str
    state: str
    members: int
    positions: Mapping[TopicPartition, ObservedPosition] | None = field(default_factory=dict)
    """Partitions that the group never committed are not in it; None where its positions could not be seen at all."""
    unseen: tuple[Unseen, ...] = ()


@dataclass(frozen=True, slots=True)
class SampledRecord:
    """A record as it was read. `size` counts key, value and headers in bytes."""

    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: RawHeaders | None
    size: int


@dataclass(frozen=True, slots=True)
class TopicSample:
    """Recent records of one topic; `unseen` says why there are none or fewer."""

    topic: str
    records: tuple[SampledRecord, ...] = ()
    unseen: Unseen | None = None


@dataclass(frozen=True, slots=True)
class Samples:
    """Samples of many topics, and what they cost: bytes that came over the wire, of the budget that was set."""

    by_topic: Mapping[str, TopicSample]
    bytes_read: int
    bytes_budget: int


@dataclass(frozen=True, slots=True)
class ObservedBroker:
    """A broker as it advertises itself."""

    id: int
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class ObservedCluster:
    """Who answered."""

    cluster_id: str
    brokers: tuple[ObservedBroker, ...]
    controller: int | None


class Observer(Protocol):
    """Read-only looks at one cluster. Nothing here joins a group, commits, creates or raises for a part unseen."""

    @property
    def cluster(self) -> ObservedCluster:
        """Who answered on connecting."""
        ...

    def topics(self, names: Sequence[str] | None = None) -> Mapping[str, ObservedTopic]:
        """The named topics (all for None), with partitions, ids, offsets and settings. Raises if none can be seen."""
        ...

    def groups(self, group_ids: Sequence[str]) -> Mapping[str, ObservedGroup]:
        """Groups with their committed positions."""
        ...

    def sample(self, topics: Sequence[ObservedTopic], records_per_topic: int) -> Samples:
        """Recent records of each topic, within the byte budget."""
        ...
