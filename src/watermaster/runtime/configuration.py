"""What one `watermaster.yaml` says, as values: every default filled in, every path absolute.

Nothing here reads a file or the environment; `adapters.files.configuration_file` does. The `Annotated` bounds are
judged there, so that a wrong value is answered with its file and line; values made in code are trusted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field

from watermaster.incident.runbook import SiteRunbook
from watermaster.quarantine.letter import Dialect, PlainMapping
from watermaster.runtime.incident_settings import AlertConfiguration, MonitorConfiguration
from watermaster.runtime.registry_settings import RegistryConfiguration

CONTROL_TOPIC: Final = "watermaster.control"
"""Compacted topic of contracts and activations, shared by the gates of a cluster."""

AUDIT_TOPIC: Final = "watermaster.audit"
"""Who was shown masked values; one topic for a cluster."""

LEDGER_TOPIC_PREFIX: Final = "watermaster.ledger."
HOLDS_TOPIC_PREFIX: Final = "watermaster.holds."
QUARANTINE_TOPIC_PREFIX: Final = "dlq."
"""Kafka's own convention for dead-letter topics (KIP-1191)."""

GROUP_PREFIX: Final = "watermaster."

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]
"""Names of clusters and gates become parts of topic, group and file names, so they stay within Kafka's characters."""

TopicName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+$", max_length=249)]
Port = Annotated[int, Field(ge=1, le=65_535)]


class Environment(Enum):
    """How much care a cluster asks for: production names itself before anything is changed."""

    DEVELOPMENT = "development"
    STAGING = "staging"
    PRODUCTION = "production"


class Start(Enum):
    """Where a landing topic that was never read before is begun."""

    EARLIEST = "earliest"
    LATEST = "latest"


@dataclass(frozen=True, slots=True)
class ClusterConfiguration:
    """One Kafka cluster: where it is, and what of its security was given up in so many words.

    The three `allow_…` flags say that a connection beyond loopback may be unencrypted, without login, or without
    proof of the broker's identity. Without them such a connection is refused.
    """

    name: Name
    bootstrap: Annotated[str, Field(min_length=1, max_length=4096)]
    environment: Environment = Environment.DEVELOPMENT
    client_config: Path | None = None
    """Java or librdkafka client properties; the only home of credentials."""
    registry: Name | None = None
    """The schema registry that its producers use."""
    allow_plaintext: Annotated[bool, Field(strict=True)] = False
    allow_anonymous: Annotated[bool, Field(strict=True)] = False
    allow_unverified_tls: Annotated[bool, Field(strict=True)] = False
    audit: TopicName = AUDIT_TOPIC
    """Where it is written down who looks at masked values, before they are shown."""
    second_person: Annotated[bool, Field(strict=True)] = True
    """In production a replay or discard is asked for by one person and approved by another."""


@dataclass(frozen=True, slots=True)
class StreamConfiguration:
    """One stream of a gate: where a source writes, what consumers may rely on, and by which contract."""

    landing: TopicName
    trusted: TopicName
    contract: Annotated[str, Field(min_length=1, max_length=1024)]
    """Path of the ODCS document under the contracts folder."""
    quarantine: TopicName = ""
    """Empty in code means `dlq.<landing>`; always filled in after construction."""
    schema_object: str | None = None
    """Which schema object of the contract; None means the one of the topic's name, or the only one."""

    def __post_init__(self) -> None:
        if not self.quarantine:
            object.__setattr__(self, "quarantine", QUARANTINE_TOPIC_PREFIX + self.landing)


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """Where the gate serves metrics and health."""

    host: str
    port: Port


@dataclass(frozen=True, slots=True)
class GateConfiguration:
    """One gate: its cluster, topics, streams, and the sizes of its transactions (records, bytes, milliseconds)."""

    name: Name
    cluster: Name
    streams: Annotated[tuple[StreamConfiguration, ...], Field(min_length=1, max_length=1000)]
    control: TopicName = CONTROL_TOPIC
    ledger: TopicName = ""
    """Empty in code means `watermaster.ledger.<gate>`; always filled in after construction."""
    holds: TopicName = ""
    """Compacted topic of what became of held records; empty in code means `watermaster.holds.<gate>`."""
    start: Start = Start.EARLIEST
    workers: Annotated[int, Field(ge=1, le=256)] = 1
    instance: Name | None = None
    """None: an identity is kept under a file lock in the state directory."""
    commit_interval_ms: Annotated[int, Field(ge=1, le=60_000)] = 100
    transaction_records_max: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    transaction_bytes_max: Annotated[int, Field(ge=65_536, le=1_073_741_824)] = 33_554_432
    transaction_timeout_ms: Annotated[int, Field(ge=1_000, le=900_000)] = 15_000
    """How long a dead gate can hold up read_committed readers; the broker's own maximum is 15 minutes."""
    metrics_listen: ListenAddress | None = ListenAddress("127.0.0.1", 9464)
    """None switches metrics and health off. Beyond loopback it needs a token."""
    metrics_token_file: Path | None = None

    def __post_init__(self) -> None:
        if not self.ledger:
            object.__setattr__(self, "ledger", LEDGER_TOPIC_PREFIX + self.name)
        if not self.holds:
            object.__setattr__(self, "holds", HOLDS_TOPIC_PREFIX + self.name)

    @property
    def group_id(self) -> str:
        """The consumer group that carries this gate's progress."""
        return GROUP_PREFIX + self.name

    @property
    def landings(self) -> tuple[str, ...]:
        """The landing topics, in the order of the file."""
        return tuple(stream.landing for stream in self.streams)


@dataclass(frozen=True, slots=True)
class SourceConfiguration:
    """A topic whose failed records lie in an adopted quarantine, and what a replay of them means."""

    topic: TopicName
    target: TopicName
    """Where replays write: a retry or repair topic that the application reads too, never the source itself."""
    contract: Annotated[str, Field(max_length=1024)] = ""
    """Path under the contracts folder. Empty: that of the gate that has the topic as landing or trusted, if any."""
    schema_object: str | None = None


@dataclass(frozen=True, slots=True)
class QuarantineConfiguration:
    """A dead-letter topic that somebody else writes, adopted as a quarantine.

    `dialect` None means: as each record says. The verbs of `quarantine` see it as they see a gate: read from a source,
    written to a target, held in a topic, with states of its own.
    """

    name: Name
    cluster: Name
    topic: TopicName
    sources: Annotated[tuple[SourceConfiguration, ...], Field(max_length=1000)] = ()
    """Without one there is no replay; everything else works."""
    dialect: Dialect | None = None
    mapping: PlainMapping = field(default_factory=PlainMapping)
    """Which headers of a plain topic mean what."""
    holds: TopicName = ""
    """Compacted topic of one partition; empty in code means `watermaster.holds.<name>`."""
    transaction_timeout_ms: Annotated[int, Field(ge=1_000, le=900_000)] = 15_000

    def __post_init__(self) -> None:
        if not self.holds:
            object.__setattr__(self, "holds", HOLDS_TOPIC_PREFIX + self.name)

    @property
    def streams(self) -> tuple[StreamConfiguration, ...]:
        """The sources as streams: `landing` is the source, `trusted` the target of replays."""
        return tuple(
            StreamConfiguration(source.topic, source.target, source.contract, self.topic, source.schema_object)
            for source in self.sources
        )

    @property
    def landings(self) -> tuple[str, ...]:
        """The sources, in the order of the file."""
        return tuple(source.topic for source in self.sources)


@dataclass(frozen=True, slots=True)
class Configuration:
    """One `watermaster.yaml`. Every path is absolute: relative ones were resolved against the file's folder."""

    path: Path
    """The file itself."""
    clusters: Annotated[Mapping[Name, ClusterConfiguration], Field(min_length=1, max_length=100)]
    contracts: Path
    """Folder of `*.odcs.yaml`."""
    state_directory: Path
    gates: Annotated[Mapping[Name, GateConfiguration], Field(max_length=1000)] = field(default_factory=dict)
    quarantines: Annotated[Mapping[Name, QuarantineConfiguration], Field(max_length=1000)] = field(default_factory=dict)
    """Dead-letter topics that others write, by the name under which they are adopted."""
    package_index: str = "https://pypi.org/simple"
    maven_mirror: str = "https://repo1.maven.org/maven2"
    kafka_directory: Path | None = None
    database: Annotated[str, Field(max_length=2048)] = ""
    """Empty: a SQLite file in the state directory; else a PostgreSQL address, for more than one monitor."""
    databases: Annotated[Mapping[Name, Annotated[str, Field(max_length=2048)]], Field(max_length=100)] = field(
        default_factory=dict
    )
    """PostgreSQL addresses by name, whose tables `check` may read; passwords come from the environment."""
    owners: Annotated[Mapping[str, str], Field(max_length=10_000)] = field(default_factory=dict)
    """Topic pattern (`*`, `?`) to owner, for streams whose contract names none; the first that matches."""
    alerts: Annotated[Mapping[Name, AlertConfiguration], Field(max_length=100)] = field(default_factory=dict)
    monitor: MonitorConfiguration = field(default_factory=MonitorConfiguration)
    registries: Annotated[Mapping[Name, RegistryConfiguration], Field(max_length=100)] = field(default_factory=dict)
    runbooks: Annotated[tuple[SiteRunbook, ...], Field(max_length=1000)] = ()
    """What the site has written for its incidents; the first that matches goes before the built-in one."""

    def with_quarantine(self, adopted: QuarantineConfiguration) -> Configuration:
        """The same with one adopted quarantine more."""
        return replace(self, quarantines={**self.quarantines, adopted.name: adopted})

    def gate_stream(self, cluster: str, topic: str) -> tuple[GateConfiguration, StreamConfiguration] | None:
        """The gate of a cluster that has this topic as landing or trusted, with the stream."""
        for gate in self.gates.values():
            for stream in gate.streams if gate.cluster == cluster else ():
                if topic in (stream.landing, stream.trusted):
                    return gate, stream
        return None

    def contract_path(self, stream: StreamConfiguration) -> Path:
        """Where the contract of a stream lies; always under the contracts folder (the reader has checked it)."""
        return self.contracts / stream.contract

    def owner_by_pattern(self, *topics: str) -> tuple[str, str] | None:
        """The first pattern under `owners` that matches one of the topics, and whose they are by it."""
        return next(
            (entry for entry in self.owners.items() if any(fnmatchcase(topic, entry[0]) for topic in topics)), None
        )
