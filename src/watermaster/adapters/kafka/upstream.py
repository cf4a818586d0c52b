"""The reading side on librdkafka: a consumer-group member that never commits by itself.

Invariant: `auto.offset.reset=error`; the position is set by us on every assignment.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from confluent_kafka import (
    OFFSET_INVALID,
    Consumer,
    KafkaError,
    KafkaException,
)
from confluent_kafka import (
    TopicPartition as KafkaTopicPartition,
)

from watermaster.adapters.kafka.columns import CONSUME_MAX, as_columns
from watermaster.adapters.kafka.connection import consumer_settings
from watermaster.adapters.kafka.epoch_probe import epochs_before
from watermaster.runtime.ports import (
    AssignmentListener,
    CommittedPosition,
    ReadResult,
)
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import Fault

REQUEST_TIMEOUT_S = 30.0
"""For the rare questions (committed, watermarks, seek); a cluster that needs longer is treated as down."""


SESSION_TIMEOUT_S = 10.0
"""How long a machine may be gone before its partitions go to others; brokers allow no less than 6 s by default."""


class PositionMetadata(msgspec.Struct, frozen=True):
    """What we write beside a committed offset: `a` the activation, `t` the topic id."""

    a: int
    t: str


_Answer = TypeVar("_Answer")

_decode_metadata = msgspec.json.Decoder(PositionMetadata).decode


class KafkaUpstream:
    """Implements `runtime.ports.Upstream`. `translate` turns client errors into faults."""

    def __init__(
        self,
        settings: Mapping[str, Any],
        group: str,
        translate: Callable[[KafkaError], Fault],
        *,
        member: str | None = None,
    ) -> None:
        """`member` makes the membership static: a worker that comes back under it takes over at once.

        Without it the group would wait for the dead one's session to end.
        """
        self._settings = settings
        self._translate = translate
        self._consumer = Consumer(
            consumer_settings(
                settings,
                group,
                {
                    **({"group.instance.id": member} if member else {}),
                    "session.timeout.ms": int(SESSION_TIMEOUT_S * 1000),
                    "heartbeat.interval.ms": int(SESSION_TIMEOUT_S * 1000 / 4),
                    "partition.assignment.strategy": "range",
                    # Bounds memory: librdkafka prefetches this much, in one queue for all partitions.
                    "queued.max.messages.kbytes": 65536,
                    "topic.metadata.refresh.interval.ms": 30_000,
                    "enable.partition.eof": True,
                },
            )
        )
        self._listener: AssignmentListener | None = None
        self._at_end: set[TopicPartition] = set()
        self._unanswered: list[KafkaTopicPartition] | None = None
        """An assignment that the listener could not take over; it is asked again by the next read."""
        self._generation: object = None
        self._next: dict[TopicPartition, int] = {}
        """Of each assigned partition the offset that is handed out next."""
        self._paused: set[TopicPartition] = set()
        self._raised: BaseException | None = None

    def subscribe(self, topics: Sequence[str], listener: AssignmentListener) -> None:
        """Join the group."""
        self._listener = listener
        self._consumer.subscribe(
            list(topics), on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
        )

    def read(self, records_max: int, timeout_s: float) -> ReadResult:
        """Read what is there, as columns; errors of partitions come as troubles."""
        if self._unanswered is not None:
            self._on_assign(self._consumer, self._unanswered)
            self._raise_if_raised()
        try:
            # consume() alone would wait out its time unless so many records come: the first is waited for, no other.
            first = self._consumer.poll(timeout_s)
            messages = [] if first is None else [first]
            if messages and records_max > 1:
                messages += self._consumer.consume(min(records_max, CONSUME_MAX) - 1, 0)
        except KafkaException as error:
            self._raise_if_raised()
            raise self._translate(error.args[0]) from error
        self._raise_if_raised()
        result = as_columns(messages, self._translate)
        for batch in result.batches:
            self._next[batch.source] = batch.offsets[-1] + 1
            self._at_end.discard(batch.source)
        self._at_end.update(result.ends)
        return result

    def generation(self) -> object:
        """The consumer group metadata of the assignment in hand.

        Taken when it was assigned: a client that has just been thrown out of the group, and has not told us yet,
        answers with generation -1, which the broker lets pass unchecked.
        """
        return self._generation

    def committed(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, CommittedPosition | None]:
        """Stable committed offsets (librdkafka asks with require_stable under read_committed)."""
        asked = [KafkaTopicPartition(p.topic, p.partition) for p in partitions]
        answered = self._call(lambda: self._consumer.committed(asked, timeout=REQUEST_TIMEOUT_S))
        return {TopicPartition(a.topic, a.partition): self._position(a) for a in answered}

    def epochs_before(self, positions: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, int]:
        """Asked by a client of its own: the member's must not be moved."""
        return epochs_before(self._settings, positions, self._translate)

    def _position(self, answer: KafkaTopicPartition) -> CommittedPosition | None:
        if answer.error is not None:
            raise self._translate(answer.error)
        if answer.offset == OFFSET_INVALID or answer.offset < 0:
            return None
        try:
            metadata = _decode_metadata(answer.metadata or "")
        except (msgspec.DecodeError, msgspec.ValidationError):
            return CommittedPosition(answer.offset)
        epoch = -1 if answer.leader_epoch is None else answer.leader_epoch
        return CommittedPosition(answer.offset, metadata.a, metadata.t, ours=True, leader_epoch=epoch)

    def bounds(self, source: TopicPartition) -> tuple[int, int]:
        """Log start and end offset, asked from the broker."""
        partition = KafkaTopicPartition(source.topic, source.partition)
        low, high = self._call(
            lambda: self._consumer.get_watermark_offsets(partition, timeout=REQUEST_TIMEOUT_S, cached=False)
        )
        return low, high

    def behind(self, positions: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, int]:
        """From the watermarks of the last fetch; 0 where the end was reached (markers are no records)."""
        behind = {}
        for source, position in positions.items():
            partition = KafkaTopicPartition(source.topic, source.partition)
            _, high = self._call(lambda p=partition: self._consumer.get_watermark_offsets(p, cached=True))  # type: ignore[misc]
            behind[source] = 0 if source in self._at_end else max(0, high - position)
        return behind

    def seek(self, positions: Mapping[TopicPartition, int]) -> None:
        """Rewind or move on; librdkafka forgets what it had fetched for these partitions."""
        self._at_end.difference_update(positions)
        self._next.update(positions)
        try:
            for source, offset in positions.items():
                self._consumer.seek(KafkaTopicPartition(source.topic, source.partition, offset))
        except KafkaException as error:
            if error.args[0].code() != KafkaError._STATE:
                raise self._translate(error.args[0]) from error
            self._fetch_anew()

    def _fetch_anew(self) -> None:
        """Assign what is assigned already: after an error librdkafka has stopped its fetcher, and seek wants one."""
        partitions = [KafkaTopicPartition(p.topic, p.partition, offset) for p, offset in self._next.items()]
        self._call(lambda: self._consumer.assign(partitions))
        if self._paused:
            self.pause(list(self._paused))

    def pause(self, partitions: Collection[TopicPartition]) -> None:
        """Stay a member but fetch no more from these."""
        self._paused.update(partitions)
        self._call(lambda: self._consumer.pause([KafkaTopicPartition(p.topic, p.partition) for p in partitions]))

    def resume(self, partitions: Collection[TopicPartition]) -> None:
        """Fetch from these again."""
        self._paused.difference_update(partitions)
        self._call(lambda: self._consumer.resume([KafkaTopicPartition(p.topic, p.partition) for p in partitions]))

    def close(self) -> None:
        """Leave the group (the destructor would not: the group would wait for the session timeout)."""
        self._consumer.close()
        self._raise_if_raised()

    def _call(self, ask: Callable[[], _Answer]) -> _Answer:
        try:
            return ask()
        except KafkaException as error:
            raise self._translate(error.args[0]) from error

    # --- callbacks; an exception must not travel through the client, so it is kept and raised by `read` ---------

    def _on_assign(self, consumer: Consumer, partitions: list[KafkaTopicPartition]) -> None:
        self._at_end.clear()
        self._paused.clear()
        self._next.clear()
        self._unanswered = None
        try:
            self._generation = consumer.consumer_group_metadata()
            starts = self._listening().on_assign([TopicPartition(p.topic, p.partition) for p in partitions])
        except BaseException as error:  # noqa: BLE001 - raised again by `read`
            self._raised = error
            self._unanswered = partitions
            # Hold the assignment at no position: nothing is fetched before the fault has been dealt with.
            consumer.assign([])
            return
        self._next.update(starts)
        consumer.assign([KafkaTopicPartition(p.topic, p.partition, offset) for p, offset in starts.items()])
        consumer.resume(partitions)  # a pause would outlive the assignment that it was made in

    def _on_revoke(self, _consumer: Consumer, partitions: list[KafkaTopicPartition]) -> None:
        self._told(self._listening().on_revoke, partitions)

    def _on_lost(self, _consumer: Consumer, partitions: list[KafkaTopicPartition]) -> None:
        self._told(self._listening().on_lost, partitions)

    def _told(self, tell: Callable[[Sequence[TopicPartition]], None], partitions: list[KafkaTopicPartition]) -> None:
        self._unanswered = None
        self._next.clear()
        try:
            tell([TopicPartition(p.topic, p.partition) for p in partitions])
        except BaseException as error:  # noqa: BLE001 - raised again by `read`
            self._raised = error

    def _listening(self) -> AssignmentListener:
        assert self._listener is not None  # noqa: S101 - callbacks come only after subscribe()
        return self._listener

    def _raise_if_raised(self) -> None:
        if self._raised is not None:
            error, self._raised = self._raised, None
            raise error
