"""The committed positions of groups, read and moved over the admin client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, assert_never

from confluent_kafka import ConsumerGroupTopicPartitions, IsolationLevel, TopicCollection
from confluent_kafka import TopicPartition as KafkaTopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public names that its typing does not export
    AdminClient,
    OffsetSpec,
)

from watermaster.adapters.kafka.connection import admin_settings
from watermaster.adapters.kafka.faults import translate_error
from watermaster.runtime.observed import ObservedPosition
from watermaster.runtime.reset import Anchor, GroupPositions, Moment, Move, Offset, Target
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import Fault, UsageFault

REQUEST_TIMEOUT_S: Final = 30.0


class KafkaPositionAdmin:
    """Implements `runtime.reset.PositionAdmin`."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._admin = AdminClient(admin_settings(settings))

    def group(self, group_id: str) -> GroupPositions:
        """The group now, with the metadata of its commits."""
        about = self._admin.describe_consumer_groups([group_id], request_timeout=REQUEST_TIMEOUT_S)
        described = _answer(about[group_id], "looking at group", group_id)
        asked = self._admin.list_consumer_group_offsets(
            [ConsumerGroupTopicPartitions(group_id)], require_stable=True, request_timeout=REQUEST_TIMEOUT_S
        )
        committed = _answer(asked[group_id], "reading the positions of", group_id)
        positions = {
            TopicPartition(part.topic, part.partition): ObservedPosition(part.offset, part.metadata or "")
            for part in committed.topic_partitions
            if part.error is None and part.offset >= 0
        }
        return GroupPositions(len(described.members), positions)

    def offsets(self, topics: Sequence[str], target: Target) -> Mapping[TopicPartition, int]:
        """Where the target lies; a moment after the newest record is the end, and no offset lies outside of the log."""
        sources = self._partitions(topics)
        start = self._list(sources, OffsetSpec.earliest())  # type: ignore[no-untyped-call]
        end = self._list(sources, OffsetSpec.latest())  # type: ignore[no-untyped-call]
        match target:
            case Anchor.EARLIEST:
                return start
            case Anchor.LATEST:
                return end
            case Moment(at_ms):
                found = self._list(sources, OffsetSpec.for_timestamp(at_ms))
                return {source: offset if offset >= 0 else end[source] for source, offset in found.items()}
            case Offset(offset):
                return {source: min(max(offset, start[source]), end[source]) for source in sources}
            case _:
                assert_never(target)

    def move(self, group_id: str, moves: Sequence[Move]) -> Fault | None:
        """Commit in the group's name; the broker refuses it if somebody has joined meanwhile."""
        parts = [
            KafkaTopicPartition(move.source.topic, move.source.partition, move.after.offset, move.after.metadata)
            for move in moves
        ]
        asked = self._admin.alter_consumer_group_offsets(
            [ConsumerGroupTopicPartitions(group_id, parts)], request_timeout=REQUEST_TIMEOUT_S
        )
        failure = asked[group_id].exception(timeout=2 * REQUEST_TIMEOUT_S)
        if failure is not None:
            return translate_error(failure, doing="moving the positions of", resource=group_id)
        refused = [part.error for part in asked[group_id].result().topic_partitions if part.error is not None]
        return translate_error(refused[0], doing="moving the positions of", resource=group_id) if refused else None

    def _partitions(self, topics: Sequence[str]) -> list[TopicPartition]:
        asked = self._admin.describe_topics(TopicCollection(list(topics)), request_timeout=REQUEST_TIMEOUT_S)
        found = []
        for topic in topics:
            described = _answer(asked[topic], "looking at topic", topic)
            found += [TopicPartition(topic, part.id) for part in described.partitions]
        return found

    def _list(self, sources: Sequence[TopicPartition], spec: OffsetSpec) -> dict[TopicPartition, int]:
        asked = {KafkaTopicPartition(source.topic, source.partition): spec for source in sources}
        answers = self._admin.list_offsets(
            asked, isolation_level=IsolationLevel.READ_COMMITTED, request_timeout=REQUEST_TIMEOUT_S
        )
        return {
            source: int(_answer(future, "reading offsets of", str(source)).offset)
            for source, future in zip(sources, answers.values(), strict=True)
        }


def _answer(future: Any, doing: str, resource: str) -> Any:  # noqa: ANN401 -- answers of several shapes
    failure = future.exception(timeout=2 * REQUEST_TIMEOUT_S)
    if failure is None:
        return future.result()
    fault = translate_error(failure, doing=doing, resource=resource)
    if fault.code == "WM-KAFKA-UNKNOWN-TOPIC":
        raise UsageFault(fault.code, f"The topic {resource} does not exist.", hint="Check the spelling of --topic.")
    raise fault
