"""A cluster for the monitor: topics, offsets, settings and groups in batched requests, all asked before any is awaited.

As in `observation`, answers are taken from futures without raising.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from confluent_kafka import OFFSET_INVALID, ConsumerGroupTopicPartitions, IsolationLevel, KafkaException
from confluent_kafka import TopicPartition as KafkaTopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public names that its typing does not export
    AdminClient,
    ConfigResource,
    OffsetSpec,
    ResourceType,
)

from watermaster.adapters.kafka.answer import settle, unseen_because
from watermaster.adapters.kafka.broker_settings import positions_kept_ms, read_broker_settings
from watermaster.adapters.kafka.broker_versions import read_broker_versions
from watermaster.adapters.kafka.certificates import read_certificates
from watermaster.adapters.kafka.connect_check import Connection
from watermaster.adapters.kafka.connection import admin_settings
from watermaster.adapters.kafka.faults import translate_error
from watermaster.adapters.kafka.log_directories import read_log_directories
from watermaster.adapters.kafka.newest_timestamps import NewestTimestamps
from watermaster.adapters.kafka.record_probe import RecordProbe
from watermaster.adapters.kafka.transaction_holders import read_holders
from watermaster.monitor.health import Certificate
from watermaster.monitor.kafka_release import BrokerVersion
from watermaster.monitor.log import PartitionLog, Probe
from watermaster.monitor.log_directory import LogDirectory
from watermaster.monitor.transaction import Holder
from watermaster.runtime.observed import ObservedBroker, ObservedCluster, Unseen
from watermaster.runtime.survey import Owner, Place, Placement, Survey, SurveyedGroup
from watermaster.stream.coordinates import TopicPartition

REQUEST_TIMEOUT_S: Final = 10.0
"""One batched request; a broker that needs longer is treated as down."""

SETTINGS_AGE_S: Final = 60.0
"""Settings change seldom and are the largest answer, so a monitor that looks often asks for them once a minute."""

VERSIONS_AGES: Final = 10
"""Brokers are upgraded once in months, and each costs a connection: they are asked every tenth time."""

TOPICS_PER_REQUEST: Final = 500
GROUPS_IN_FLIGHT: Final = 200
"""Each group is a request of its own; more at once only wait in the broker's queue and run into the timeout."""

_SETTINGS: Final = (
    "cleanup.policy",
    "message.timestamp.type",
    "min.insync.replicas",
    "retention.bytes",
    "retention.ms",
    "segment.bytes",
    "segment.ms",
    "unclean.leader.election.enable",
)
_INTERNAL: Final = "__"
"""Topics of Kafka itself; nobody's data."""


class KafkaSurveyor:
    """Implements `runtime.survey.Surveyor` for a cluster that has answered."""

    def __init__(
        self,
        connection: Connection,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        settings_age_s: float = SETTINGS_AGE_S,
    ) -> None:
        self._settings_age_s = settings_age_s
        self._connection = connection
        self._clock_ms = clock_ms
        self._admin = AdminClient(admin_settings(connection.settings))
        self._newest = NewestTimestamps(self._admin, REQUEST_TIMEOUT_S)
        self._probe: RecordProbe | None = None
        self._open_probe: RecordProbe | None = None
        self._settings: dict[str, dict[str, str]] = {}
        self._brokers: Mapping[int, Mapping[str, str]] = {}
        self._certificates: tuple[Certificate, ...] = ()
        self._settings_unseen: tuple[Unseen, ...] = ()
        self._directories: tuple[LogDirectory, ...] = ()
        self._directories_unseen: tuple[Unseen, ...] = ()
        self._versions: tuple[BrokerVersion, ...] = ()
        self._versions_unseen: tuple[Unseen, ...] = ()
        self._versions_until_s = 0.0
        self._directories_ms = 0
        self._directories_until_s = 0.0
        self._broker_ids: tuple[int, ...] = ()
        self._settings_ms = 0
        self._settings_until_s = 0.0

    def survey(self, group_ids: Collection[str] | None = None) -> Survey:
        """The cluster now. Raises a fault only if no broker tells of topics."""
        unseen: list[Unseen] = []
        # Positions before ends: the lag of a group that goes on meanwhile is then too large, never too small.
        metadata = self._metadata()
        groups = self._groups(group_ids, unseen)
        placements, cluster = _placements(metadata), _cluster(metadata, self._connection.cluster)
        self._broker_ids = tuple(broker.id for broker in cluster.brokers)
        topics = sorted({source.topic for source in placements})
        if time.monotonic() >= self._settings_until_s or set(topics) - self._settings.keys():
            self._read_settings(topics, cluster.brokers)
        if time.monotonic() >= self._directories_until_s:
            self._read_directories()
        if time.monotonic() >= self._versions_until_s:
            self._read_versions(cluster.brokers)
        unseen += (*self._settings_unseen, *self._directories_unseen, *self._versions_unseen)
        taken_ms = self._clock_ms()
        logs = self._logs([source for source, placed in placements.items() if placed.leader is not None], unseen)
        newest = self._newest.read(logs, unseen)
        unseen += [
            Unseen(str(source), "it has no leader.", "WM-KAFKA-NO-LEADER")
            for source, placed in placements.items()
            if placed.leader is None
        ]
        return Survey(
            taken_ms=taken_ms,
            cluster=cluster,
            placements=placements,
            logs=logs,
            settings={topic: self._settings[topic] for topic in topics if topic in self._settings},
            groups=groups,
            positions_kept_ms=positions_kept_ms(self._brokers),
            unseen=tuple(unseen),
            brokers=self._brokers,
            certificates=self._certificates,
            directories=self._directories,
            versions=self._versions,
            newest=newest,
            directories_ms=self._directories_ms,
            settings_ms=self._settings_ms,
        )

    def probe(self, places: Sequence[Place]) -> Mapping[Place, Probe | Unseen]:
        """The first record behind each place, or why it could not be read."""
        if not places:
            return {}
        if self._probe is None:
            self._probe = RecordProbe(self._connection.settings)
        return self._probe.probe(places)

    def probe_open(self, places: Sequence[Place]) -> Mapping[Place, Probe | Unseen]:
        """The first record behind each place, also of a transaction that is still open."""
        if not places:
            return {}
        if self._open_probe is None:
            self._open_probe = RecordProbe(self._connection.settings, uncommitted=True)
        return self._open_probe.probe(places)

    def holders(self, leaders: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, tuple[Holder, ...] | Unseen]:
        """Who has a transaction open on each partition."""
        return read_holders(self._connection.settings, leaders, self._broker_ids)

    def close(self) -> None:
        """Release the connections."""
        for probe in (self._probe, self._open_probe):
            if probe is not None:
                probe.close()

    def _metadata(self) -> Any:  # noqa: ANN401 -- the client's metadata
        try:
            return self._admin.list_topics(timeout=REQUEST_TIMEOUT_S)
        except KafkaException as error:
            failure = error.args[0]
        raise translate_error(failure, doing="listing topics")

    def _groups(self, group_ids: Collection[str] | None, unseen: list[Unseen]) -> tuple[SurveyedGroup, ...]:
        listed = _settle(self._admin.list_consumer_groups(request_timeout=REQUEST_TIMEOUT_S), "the consumer groups")
        if isinstance(listed, Unseen):
            unseen.append(listed)
            return ()
        unseen += [unseen_because(failure, "some consumer groups") for failure in listed.errors]
        wanted = [group for group in listed.valid if group_ids is None or group.group_id in group_ids]
        groups: list[SurveyedGroup] = []
        for first in range(0, len(wanted), GROUPS_IN_FLIGHT):
            groups += self._some_groups(wanted[first : first + GROUPS_IN_FLIGHT], unseen)
        return tuple(sorted(groups, key=lambda group: group.group_id))

    def _some_groups(self, listed: Sequence[Any], unseen: list[Unseen]) -> Iterable[SurveyedGroup]:
        ids = [group.group_id for group in listed]
        described = self._admin.describe_consumer_groups(ids, request_timeout=REQUEST_TIMEOUT_S)
        committed = {
            group_id: self._admin.list_consumer_group_offsets(
                [ConsumerGroupTopicPartitions(group_id)], require_stable=False, request_timeout=REQUEST_TIMEOUT_S
            )[group_id]
            for group_id in ids
        }
        for group in listed:
            about = _settle(described[group.group_id], f"the members of group {group.group_id}")
            offsets = _settle(committed[group.group_id], f"the committed offsets of group {group.group_id}")
            unseen += [seen for seen in (about, offsets) if isinstance(seen, Unseen)]
            unseen += _unread(offsets)
            yield _group(group, about, offsets)

    def _read_settings(self, topics: Sequence[str], brokers: Sequence[ObservedBroker]) -> None:
        unseen: list[Unseen] = []
        self._settings_ms = self._clock_ms()
        resources = {name: ConfigResource(ResourceType.TOPIC, name) for name in topics}
        found: dict[str, dict[str, str]] = {}
        for first in range(0, len(topics), TOPICS_PER_REQUEST):
            names = topics[first : first + TOPICS_PER_REQUEST]
            answers = self._admin.describe_configs(
                [resources[name] for name in names], request_timeout=REQUEST_TIMEOUT_S
            )
            for name in names:
                seen = _settle(answers[resources[name]], f"the settings of topic {name}")
                if isinstance(seen, Unseen):
                    unseen.append(seen)
                else:
                    found[name] = {key: seen[key].value for key in _SETTINGS if key in seen}
        self._settings = found
        self._brokers = read_broker_settings(self._admin, [broker.id for broker in brokers], unseen, REQUEST_TIMEOUT_S)
        self._certificates = read_certificates(self._connection.settings, brokers, unseen)
        self._settings_unseen = tuple(unseen)
        self._settings_until_s = time.monotonic() + self._settings_age_s

    def _read_directories(self) -> None:
        unseen: list[Unseen] = []
        self._directories_ms = self._clock_ms()
        self._directories = read_log_directories(self._connection.settings, self._broker_ids, unseen)
        self._directories_unseen = tuple(unseen)
        self._directories_until_s = time.monotonic() + self._settings_age_s

    def _read_versions(self, brokers: Sequence[ObservedBroker]) -> None:
        unseen: list[Unseen] = []
        self._versions = read_broker_versions(self._connection.settings, brokers, unseen)
        self._versions_unseen = tuple(unseen)
        self._versions_until_s = time.monotonic() + VERSIONS_AGES * self._settings_age_s

    def _logs(self, sources: Sequence[TopicPartition], unseen: list[Unseen]) -> dict[TopicPartition, PartitionLog]:
        if not sources:
            return {}
        asked = {source: KafkaTopicPartition(source.topic, source.partition) for source in sources}
        earliest, latest = OffsetSpec.earliest(), OffsetSpec.latest()  # type: ignore[no-untyped-call]
        committed, uncommitted = IsolationLevel.READ_COMMITTED, IsolationLevel.READ_UNCOMMITTED
        # The stable end is asked before the high watermark, so that what is held back is never overlooked.
        answers = [
            self._admin.list_offsets(
                dict.fromkeys(asked.values(), spec), isolation_level=isolation, request_timeout=REQUEST_TIMEOUT_S
            )
            for spec, isolation in ((earliest, committed), (latest, committed), (latest, uncommitted))
        ]
        logs = {}
        for source, partition in asked.items():
            offsets = [_offset(each[partition], source) for each in answers]
            missing = [offset for offset in offsets if isinstance(offset, Unseen)]
            if missing:
                unseen.append(missing[0])
            else:
                start, stable, end = (offset for offset in offsets if isinstance(offset, int))
                logs[source] = PartitionLog(start, stable, end)
        return logs


def _settle(future: Any, what: str) -> Any:  # noqa: ANN401 -- answers of several shapes
    return settle(future, what, 2 * REQUEST_TIMEOUT_S)


def _offset(future: Any, source: TopicPartition) -> int | Unseen:  # noqa: ANN401 -- the client's future
    seen = _settle(future, f"the offsets of {source}")
    if isinstance(seen, Unseen):
        return seen
    if seen.offset == OFFSET_INVALID:
        # The client answers so, and with no error, for the partitions of a broker that hangs.
        return Unseen(f"the offsets of {source}", "its broker did not answer in time.", "WM-KAFKA-TIMEOUT")
    return int(seen.offset)


def _placements(metadata: Any) -> dict[TopicPartition, Placement]:  # noqa: ANN401 -- the client's metadata
    return {
        TopicPartition(name, number): Placement(
            part.leader if part.leader >= 0 else None, tuple(part.replicas), tuple(part.isrs)
        )
        for name, topic in metadata.topics.items()
        if topic.error is None and not name.startswith(_INTERNAL)
        for number, part in topic.partitions.items()
    }


def _cluster(metadata: Any, connected: ObservedCluster) -> ObservedCluster:  # noqa: ANN401 -- the client's metadata
    brokers = tuple(ObservedBroker(b.id, b.host, b.port) for b in sorted(metadata.brokers.values(), key=lambda b: b.id))
    controller = metadata.controller_id if metadata.controller_id >= 0 else None
    return ObservedCluster(metadata.cluster_id or connected.cluster_id, brokers, controller)


def _unread(offsets: Any) -> Iterable[Unseen]:  # noqa: ANN401 -- the client's answer
    """Positions that the coordinator could not tell: named, for they must not look like never committed ones."""
    for part in () if isinstance(offsets, Unseen) else offsets.topic_partitions:
        if part.error is not None:
            fault = translate_error(part.error, doing="looking")
            yield Unseen(f"the committed offset of {part.topic}[{part.partition}]", fault.message, fault.code)


def _group(listed: Any, described: Any, offsets: Any) -> SurveyedGroup:  # noqa: ANN401 -- the client's answers
    seen = not isinstance(described, Unseen)
    positions = {} if isinstance(offsets, Unseen) else dict(_positions(offsets.topic_partitions))
    return SurveyedGroup(
        group_id=listed.group_id,
        state=described.state.name if seen else "UNKNOWN",
        simple=bool(listed.is_simple_consumer_group),
        members=len(described.members) if seen else None,
        positions=positions,
        owners=dict(_owners(described.members)) if seen else {},
    )


def _positions(partitions: Iterable[Any]) -> Iterable[tuple[TopicPartition, int]]:
    for part in partitions:
        if part.error is None and part.offset >= 0:
            yield TopicPartition(part.topic, part.partition), part.offset


def _owners(members: Iterable[Any]) -> Iterable[tuple[TopicPartition, Owner]]:
    for member in members:
        owner = Owner(member.member_id, member.client_id, member.host.lstrip("/"))
        for part in member.assignment.topic_partitions if member.assignment else ():
            yield TopicPartition(part.topic, part.partition), owner
