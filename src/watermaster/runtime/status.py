"""`status`: clusters, the topics of gates, and how far each gate is, straight from Kafka and without a database.

Every part that cannot be seen is named and the rest shown, so that it works when a cluster is half down. Lag is the
distance from the committed offset to what read_committed readers can reach; on a landing topic that is written in
transactions their markers count too, so it is an upper bound.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from watermaster.gate.ledger import LedgerEntry, decode_entry
from watermaster.runtime.configuration import (
    ClusterConfiguration,
    Configuration,
    GateConfiguration,
    StreamConfiguration,
)
from watermaster.runtime.observed import (
    ObservedCluster,
    ObservedGroup,
    ObservedPosition,
    ObservedTopic,
    Observer,
    Unseen,
)
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import Fault

LEDGER_RECORDS: Final = 300
"""The newest entries of a ledger that the held share is computed from."""


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """One stream of a gate. Counts are records, `last_commit_age_ms` milliseconds; None is unknown or never."""

    landing: str
    trusted: str
    quarantine: str
    lag: int | None
    """An upper bound of the records that are waiting."""
    uncommitted_partitions: int | None
    """Partitions that the gate never committed; their records are part of the lag. Like the lag, None is unknown."""
    activation: int | None
    contract: str | None
    judged_recently: int
    held_share: float | None
    """Of the records in the newest ledger entries."""
    last_commit_age_ms: int | None
    recreated: bool
    """The committed metadata names another topic id: the landing topic was created anew."""


@dataclass(frozen=True, slots=True)
class GateStatus:
    """One gate: its group, and each of its streams."""

    gate: str
    group: ObservedGroup
    streams: tuple[StreamStatus, ...]


@dataclass(frozen=True, slots=True)
class ClusterStatus:
    """One cluster: who answered (None: nobody), the topics of its gates, the gates, and what could not be seen."""

    name: str
    environment: str
    cluster: ObservedCluster | None
    topics: tuple[ObservedTopic, ...]
    gates: tuple[GateStatus, ...]
    unseen: tuple[Unseen, ...]


@dataclass(frozen=True, slots=True)
class StatusReport:
    """What `status` shows. `taken_ms` is milliseconds since the epoch."""

    taken_ms: int
    clusters: tuple[ClusterStatus, ...]

    @property
    def complete(self) -> bool:
        """Whether everything could be seen."""
        return not any(cluster.unseen for cluster in self.clusters)


def take_status(
    configuration: Configuration,
    clusters: Sequence[str],
    observe: Callable[[ClusterConfiguration], Observer],
    now_ms: Callable[[], int],
) -> StatusReport:
    """Look at the named clusters. A cluster that cannot be reached is named with its reason."""
    taken_ms = now_ms()
    seen = tuple(_cluster_status(configuration, configuration.clusters[name], observe, taken_ms) for name in clusters)
    return StatusReport(taken_ms, seen)


def _cluster_status(
    configuration: Configuration,
    cluster: ClusterConfiguration,
    observe: Callable[[ClusterConfiguration], Observer],
    now_ms: int,
) -> ClusterStatus:
    gates = [gate for gate in configuration.gates.values() if gate.cluster == cluster.name]
    environment = cluster.environment.value
    try:
        observer = observe(cluster)
        topics = observer.topics(tuple(dict.fromkeys(name for gate in gates for name in _topics_of(gate))))
    except Fault as fault:
        unseen = (Unseen(f"cluster {cluster.name}", fault.message, fault.code),)
        return ClusterStatus(cluster.name, environment, None, (), (), unseen)
    groups = observer.groups([gate.group_id for gate in gates])
    ledgers = [topics[gate.ledger] for gate in gates if topics[gate.ledger].records]
    samples = observer.sample(ledgers, LEDGER_RECORDS)
    statuses = []
    unseen_parts = [seen for topic in topics.values() for seen in topic.unseen]
    for gate in gates:
        group = groups[gate.group_id]
        sample = samples.by_topic.get(gate.ledger)
        entries = _entries(record.value for record in sample.records) if sample else []
        unseen_parts += [*group.unseen, *([sample.unseen] if sample and sample.unseen else [])]
        streams = tuple(_stream_status(stream, topics, group, entries, now_ms) for stream in gate.streams)
        statuses.append(GateStatus(gate.name, group, streams))
    return ClusterStatus(
        cluster.name, environment, observer.cluster, tuple(topics.values()), tuple(statuses), tuple(unseen_parts)
    )


def _topics_of(gate: GateConfiguration) -> Iterable[str]:
    for stream in gate.streams:
        yield from (stream.landing, stream.trusted, stream.quarantine)
    yield from (gate.ledger, gate.control)


def _entries(values: Iterable[bytes | None]) -> list[LedgerEntry]:
    return [entry for value in values if value is not None and (entry := decode_entry(value)) is not None]


def _stream_status(
    stream: StreamConfiguration,
    topics: Mapping[str, ObservedTopic],
    group: ObservedGroup,
    entries: Sequence[LedgerEntry],
    now_ms: int,
) -> StreamStatus:
    landing = topics[stream.landing]
    positions = _positions(landing, group)
    of_stream = [entry for entry in entries if entry.topic == stream.landing]
    newest = max(of_stream, key=lambda entry: entry.now_ms, default=None)
    judged = sum(entry.read for entry in of_stream)
    return StreamStatus(
        landing=stream.landing,
        trusted=stream.trusted,
        quarantine=stream.quarantine,
        lag=None if positions is None else _lag(landing, positions),
        uncommitted_partitions=None if positions is None else sum(at is None for at in positions.values()),
        activation=newest.activation if newest else None,
        contract=newest.contract if newest else None,
        judged_recently=judged,
        held_share=sum(entry.held for entry in of_stream) / judged if judged else None,
        last_commit_age_ms=max(0, now_ms - newest.now_ms) if newest else None,
        recreated=_recreated(landing, (positions or {}).values()),
    )


def _positions(landing: ObservedTopic, group: ObservedGroup) -> dict[int, ObservedPosition | None] | None:
    """By partition; None for one that was never committed, and no dict at all if nobody could say."""
    if group.positions is None:
        return None
    return {
        partition.partition: group.positions.get(TopicPartition(landing.name, partition.partition))
        for partition in landing.partitions
    }


def _lag(landing: ObservedTopic, positions: Mapping[int, ObservedPosition | None]) -> int | None:
    """Records between position and end; None unless every partition could be seen."""
    lag = 0
    for partition in landing.partitions:
        if partition.end is None or partition.start is None:
            return None
        position = positions[partition.partition]
        lag += max(0, partition.end - (partition.start if position is None else position.offset))
    return lag if landing.partitions else None


def _recreated(landing: ObservedTopic, positions: Iterable[ObservedPosition | None]) -> bool:
    if not landing.topic_id:
        return False
    ids = {_topic_id(position.metadata) for position in positions if position is not None}
    return bool(ids - {None, landing.topic_id})


def _topic_id(metadata: str) -> str | None:
    """The topic id that a commit's metadata names; None if somebody else wrote it."""
    try:
        found = json.loads(metadata)
    except ValueError:
        return None
    return found["t"] if isinstance(found, dict) and isinstance(found.get("t"), str) else None
