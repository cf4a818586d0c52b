"""One look at everything that a monitor needs of a cluster, as values; what could not be seen is a value too."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from watermaster.monitor.freshness import Freshness, measure_freshness, newest_by_topic
from watermaster.monitor.health import Certificate
from watermaster.monitor.kafka_release import BrokerVersion
from watermaster.monitor.log import PartitionLog, Probe
from watermaster.monitor.log_directory import LogDirectory
from watermaster.monitor.transaction import Holder
from watermaster.runtime.observed import ObservedCluster, Unseen
from watermaster.stream.coordinates import TopicPartition


class Placement(NamedTuple):
    """Where a partition lives: broker ids. `leader` is None if nobody leads it."""

    leader: int | None
    replicas: tuple[int, ...]
    in_sync: tuple[int, ...]


class Owner(NamedTuple):
    """The member of a group that reads a partition."""

    member_id: str
    client_id: str
    host: str


@dataclass(frozen=True, slots=True)
class SurveyedGroup:
    """A group; `state` is Kafka's word in capitals, `UNKNOWN` where it could not be seen, `members` None then.

    `simple` groups only keep offsets: their readers assign partitions by hand, so they never have members.
    """

    group_id: str
    state: str
    simple: bool
    members: int | None
    positions: Mapping[TopicPartition, int] = field(default_factory=dict)
    owners: Mapping[TopicPartition, Owner] = field(default_factory=dict)

    @property
    def empty(self) -> bool | None:
        """Whether nobody is in it; None if that could not be seen."""
        return None if self.members is None else self.members == 0


@dataclass(frozen=True, slots=True)
class Survey:
    """A cluster at `taken_ms`. A partition without a log, or a topic without settings, could not be seen."""

    taken_ms: int
    cluster: ObservedCluster
    placements: Mapping[TopicPartition, Placement]
    logs: Mapping[TopicPartition, PartitionLog]
    settings: Mapping[str, Mapping[str, str]]
    groups: tuple[SurveyedGroup, ...]
    positions_kept_ms: int | None
    """How long the cluster keeps the positions of an empty group."""
    unseen: tuple[Unseen, ...] = ()
    brokers: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    """Settings that all brokers should share, by broker id."""
    certificates: tuple[Certificate, ...] = ()
    directories: tuple[LogDirectory, ...] = ()
    """Log directories of the brokers that told of theirs."""
    directories_ms: int | None = None
    """When they were asked for; None: with everything else."""
    versions: tuple[BrokerVersion, ...] = ()
    """Releases of the brokers that told of theirs."""
    newest: Mapping[TopicPartition, int] = field(default_factory=dict)
    """The newest timestamp of each partition that holds one and told of it, in milliseconds since the epoch."""
    settings_ms: int | None = None
    """When the settings were read; None: with everything else."""

    def freshness(self) -> Mapping[str, Freshness]:
        """Of each topic whose log could be seen somewhere."""
        newest, filled = newest_by_topic(self.newest), dict[str, set[int]]()
        for source, log in self.logs.items():
            parts = filled.setdefault(source.topic, set())
            if log.end > log.start:
                parts.add(source.partition)
        return {
            topic: measure_freshness(newest.get(topic, {}), parts, self.settings.get(topic))
            for topic, parts in filled.items()
        }


class Place(NamedTuple):
    """An offset to look at."""

    source: TopicPartition
    offset: int


class Surveyor(Protocol):
    """Read-only looks at one cluster, in batched requests. Joins no group, commits and creates nothing."""

    def survey(self, group_ids: Collection[str] | None = None) -> Survey:
        """The cluster now; of the groups only the named ones if any are named. Raises only if nobody answers."""
        ...

    def probe_open(self, places: Sequence[Place]) -> Mapping[Place, Probe | Unseen]:
        """As `probe`, for readers that see the records of open and aborted transactions."""
        ...

    def holders(self, leaders: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, tuple[Holder, ...] | Unseen]:
        """Who has a transaction open on each partition, by the broker that leads it. Nobody: it has just ended."""
        ...

    def probe(self, places: Sequence[Place]) -> Mapping[Place, Probe | Unseen]:
        """What read_committed readers meet first from each place, or why that could not be read."""
        ...
