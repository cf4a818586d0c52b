"""Looking without being seen: metadata, offsets, settings and groups of a cluster, in batched requests.

Every part that fails becomes an `Unseen`; the rest goes on. Everything is read with read_committed, so that an end
is what consumers can reach. Answers of the admin client are taken with `_settle`, which never raises: a traceback
would hold the client in a cycle, and librdkafka aborts the process if a client is freed on one of its own threads.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, Final, TypeAlias, TypeVar

from confluent_kafka import (
    OFFSET_INVALID,
    ConsumerGroupTopicPartitions,
    IsolationLevel,
    KafkaException,
    TopicCollection,
)
from confluent_kafka import TopicPartition as KafkaTopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public names that its typing does not export
    AdminClient,
    ConfigResource,
    OffsetSpec,
    ResourceType,
)

from watermaster.adapters.kafka.cluster_view import kafka_id
from watermaster.adapters.kafka.connect_check import Connection
from watermaster.adapters.kafka.connection import admin_settings
from watermaster.adapters.kafka.faults import translate_error
from watermaster.adapters.kafka.sampling import Sampler
from watermaster.runtime.observed import (
    ObservedCluster,
    ObservedGroup,
    ObservedPartition,
    ObservedPosition,
    ObservedTopic,
    Samples,
    Unseen,
)
from watermaster.stream.coordinates import TopicPartition

REQUEST_TIMEOUT_S: Final = 10.0
"""One batched request; a broker that needs longer is treated as down."""

TOPICS_PER_REQUEST: Final = 200
"""Keeps answers at a few hundred kilobytes on clusters with thousands of topics."""

COORDINATOR_ATTEMPTS: Final = 5
COORDINATOR_PAUSE_S: Final = 0.5
"""Together as long as a broker usually needs to load the groups of a partition."""

_HOUR_MS: Final = 3_600_000
_SETTINGS: Final = (
    "cleanup.policy",
    "compression.type",
    "max.message.bytes",
    "message.timestamp.type",
    "min.insync.replicas",
    "retention.bytes",
    "retention.ms",
)
_Seen = TypeVar("_Seen")
_Offsets: TypeAlias = dict[tuple[str, int], int | Unseen]


class KafkaObserver:
    """Implements `runtime.observed.Observer` for a cluster that has answered."""

    def __init__(self, connection: Connection, clock_ms: Callable[[], int] = lambda: int(time.time() * 1000)) -> None:
        self._settings = connection.settings
        self._cluster = connection.cluster
        self._clock_ms = clock_ms
        self._admin = AdminClient(admin_settings(connection.settings))

    @property
    def cluster(self) -> ObservedCluster:
        """Who answered on connecting."""
        return self._cluster

    def topics(self, names: Sequence[str] | None = None) -> Mapping[str, ObservedTopic]:
        """The named topics, or all that this login may see. Raises a fault only if metadata cannot be had at all."""
        found = self._metadata(names)
        for chunk in _chunks(sorted(found)):
            visible = [name for name in chunk if found[name].partitions]
            if visible:
                self._complete(visible, found)
        return found

    def groups(self, group_ids: Sequence[str]) -> Mapping[str, ObservedGroup]:
        """Groups with their committed positions; a group that nobody ever used is `DEAD` and has none."""
        return {group_id: self._group(group_id) for group_id in group_ids}

    def sample(self, topics: Sequence[ObservedTopic], records_per_topic: int) -> Samples:
        """Recent records of each topic, by manual assignment, within the byte budget."""
        return Sampler(self._settings).sample(topics, records_per_topic)

    def _metadata(self, names: Sequence[str] | None) -> dict[str, ObservedTopic]:
        try:
            metadata = self._admin.list_topics(timeout=REQUEST_TIMEOUT_S)
        except KafkaException as error:
            failure = error.args[0]
        else:
            failure = None
        if failure is not None:
            raise translate_error(failure, doing="listing topics")
        wanted = metadata.topics.keys() if names is None else names
        return {name: _observed_topic(name, metadata.topics.get(name)) for name in wanted}

    def _complete(self, names: Sequence[str], found: dict[str, ObservedTopic]) -> None:
        """Ids, settings and offsets. All is asked before any is awaited: a broker that hangs costs one timeout."""
        resources = {name: ConfigResource(ResourceType.TOPIC, name) for name in names}
        partitions = [
            KafkaTopicPartition(name, part.partition)
            for name in names
            for part in found[name].partitions
            if part.leader is not None
        ]
        specs = (
            OffsetSpec.earliest(),  # type: ignore[no-untyped-call]
            OffsetSpec.latest(),  # type: ignore[no-untyped-call]
            OffsetSpec.for_timestamp(self._clock_ms() - _HOUR_MS),
        )
        described = self._ask(lambda: self._admin.describe_topics(TopicCollection(list(names)), **_timeout()))
        configured = self._ask(lambda: self._admin.describe_configs(list(resources.values()), **_timeout()))
        asked = [self._ask_offsets(partitions, spec) for spec in specs]
        start, end, hour_ago = (_offsets(partitions, answers) for answers in asked)
        for name in names:
            topic_id = _settle(described, name, f"the id of topic {name}")
            settings = _settle(configured, resources[name], f"the settings of topic {name}")
            topic = _with_offsets(found[name], start, end, hour_ago)
            found[name] = _with_settings(_with_id(topic, topic_id), settings)

    def _ask_offsets(self, partitions: Sequence[KafkaTopicPartition], spec: OffsetSpec) -> Any:  # noqa: ANN401 -- as `_ask`
        if not partitions:
            return {}
        wanted = dict.fromkeys(partitions, spec)
        return self._ask(
            lambda: self._admin.list_offsets(wanted, isolation_level=IsolationLevel.READ_COMMITTED, **_timeout())
        )

    def _group(self, group_id: str) -> ObservedGroup:
        described = self._patiently(
            lambda: self._admin.describe_consumer_groups([group_id], **_timeout()), group_id, "the consumer group {}"
        )
        request = [ConsumerGroupTopicPartitions(group_id)]
        committed = self._patiently(
            lambda: self._admin.list_consumer_group_offsets(request, require_stable=False, **_timeout()),
            group_id,
            "the committed offsets of {}",
        )
        if not isinstance(committed, Unseen):
            committed = read_positions(committed.topic_partitions)
        unseen = tuple(seen for seen in (described, committed) if isinstance(seen, Unseen))
        positions = None if isinstance(committed, Unseen) else committed
        if isinstance(described, Unseen):
            return ObservedGroup(group_id, "UNKNOWN", 0, positions, unseen)
        return ObservedGroup(group_id, described.state.name, len(described.members), positions, unseen)

    def _patiently(self, request: Callable[[], Any], group_id: str, what: str) -> Any:  # noqa: ANN401 -- as `_settle`
        """Ask a group's coordinator; one that has just moved or started needs a moment to load its groups."""
        for _ in range(COORDINATOR_ATTEMPTS - 1):
            seen = _settle(self._ask(request), group_id, what.format(group_id))
            if not isinstance(seen, Unseen) or seen.code != "WM-KAFKA-COORDINATOR":
                return seen
            time.sleep(COORDINATOR_PAUSE_S)
        return _settle(self._ask(request), group_id, what.format(group_id))

    def _ask(self, request: Callable[[], Any]) -> Any:  # noqa: ANN401 -- futures of several shapes
        """Send a batched request; a request that cannot even be sent is unseen as a whole."""
        try:
            return request()
        except (KafkaException, ValueError) as error:
            failure = error.args[0]
        fault = translate_error(failure) if isinstance(failure, KafkaException) else translate_error(RuntimeError())
        return Unseen("the cluster", fault.message, fault.code)


def _offsets(partitions: Sequence[KafkaTopicPartition], answers: Any) -> _Offsets:  # noqa: ANN401 -- futures of several shapes
    seen = _each(partitions, answers, "the offsets of {}")
    return {
        (part.topic, part.partition): value if isinstance(value, Unseen) else _known(value.offset, part)
        for part, value in seen.items()
    }


def _known(offset: int, part: KafkaTopicPartition) -> int | Unseen:
    """The client answers an invalid offset, and no error, for the partitions of a broker that hangs."""
    if offset != OFFSET_INVALID:
        return offset
    return Unseen(f"the offsets of {_name(part)}", "its broker did not answer in time.", "WM-KAFKA-TIMEOUT")


def _each(keys: Iterable[_Seen], answers: Any, what: str) -> dict[_Seen, Any]:  # noqa: ANN401 -- futures of several shapes
    """The answer for each key, or an `Unseen`; `what` has a place for the key."""
    return {key: _settle(answers, key, what.format(_name(key))) for key in keys}


def _name(key: object) -> str:
    return f"{key.topic}[{key.partition}]" if isinstance(key, KafkaTopicPartition) else str(key)


def _settle(answers: Any, key: object, what: str) -> Any:  # noqa: ANN401 -- futures of several shapes
    if isinstance(answers, Unseen):
        return replace(answers, what=what)
    future: Future[Any] | None = answers.get(key)
    if future is None:
        return Unseen(what, "the cluster did not answer for it.", "WM-KAFKA-ERROR")
    failure = future.exception(timeout=2 * REQUEST_TIMEOUT_S)
    if failure is None:
        return future.result()
    fault = translate_error(failure, doing="looking", resource=str(key) if isinstance(key, str) else _name(key))
    return Unseen(what, fault.message, fault.code)


def _timeout() -> dict[str, float]:
    return {"request_timeout": REQUEST_TIMEOUT_S}


def _chunks(names: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(names), TOPICS_PER_REQUEST):
        yield names[first : first + TOPICS_PER_REQUEST]


def _observed_topic(name: str, metadata: Any) -> ObservedTopic:  # noqa: ANN401 -- the client's metadata
    if metadata is None:
        return ObservedTopic(name, unseen=(Unseen(f"topic {name}", "it does not exist.", "WM-KAFKA-UNKNOWN-TOPIC"),))
    if metadata.error is not None:
        fault = translate_error(metadata.error, doing="looking", resource=name)
        return ObservedTopic(name, unseen=(Unseen(f"topic {name}", fault.message, fault.code),))
    partitions = tuple(
        ObservedPartition(number, part.leader if part.leader >= 0 else None, len(part.replicas), len(part.isrs))
        for number, part in sorted(metadata.partitions.items())
    )
    leaderless = tuple(
        Unseen(f"{name}[{part.partition}]", "it has no leader.", "WM-KAFKA-NO-LEADER")
        for part in partitions
        if part.leader is None
    )
    return ObservedTopic(name, partitions=partitions, unseen=leaderless)


def _with_id(topic: ObservedTopic, seen: Any) -> ObservedTopic:  # noqa: ANN401 -- the client's description
    return (
        _add_unseen(topic, seen) if isinstance(seen, Unseen) else replace(topic, topic_id=kafka_id(str(seen.topic_id)))
    )


def _with_settings(topic: ObservedTopic, seen: Any) -> ObservedTopic:  # noqa: ANN401 -- the client's entries
    if isinstance(seen, Unseen):
        return _add_unseen(topic, seen)
    return replace(topic, settings={key: seen[key].value for key in _SETTINGS if key in seen})


def _with_offsets(topic: ObservedTopic, start: _Offsets, end: _Offsets, hour_ago: _Offsets) -> ObservedTopic:
    partitions, reasons = [], []
    for part in topic.partitions:
        key = (topic.name, part.partition)
        known_start, known_end, since = start.get(key), end.get(key), hour_ago.get(key)
        reasons += [seen for seen in (known_start, known_end) if isinstance(seen, Unseen)]
        first, last = (seen if isinstance(seen, int) else None for seen in (known_start, known_end))
        # Kafka answers -1 when no record is that young.
        young = last if isinstance(since, int) and since < 0 else since
        partitions.append(replace(part, start=first, end=last, end_hour_ago=young if isinstance(young, int) else None))
    placed = replace(topic, partitions=tuple(partitions))
    return _add_unseen(placed, reasons[0]) if reasons else placed


def _add_unseen(topic: ObservedTopic, unseen: Unseen) -> ObservedTopic:
    return replace(topic, unseen=(*topic.unseen, unseen))


def read_positions(partitions: Iterable[Any]) -> dict[TopicPartition, ObservedPosition] | Unseen:
    """The committed positions of an answer; unseen as a whole if one of them could not be read.

    A position that could not be read must not look like one that was never committed.
    """
    positions: dict[TopicPartition, ObservedPosition] = {}
    for part in partitions:
        if part.error is not None:
            fault = translate_error(part.error, doing="looking", resource=_name(part))
            return Unseen(f"the committed offset of {part.topic}[{part.partition}]", fault.message, fault.code)
        if part.offset >= 0:
            positions[TopicPartition(part.topic, part.partition)] = ObservedPosition(part.offset, part.metadata or "")
    return positions
