"""Reads topics for the auditor: manual assignment, read_committed, no group joined, nothing written."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Final, TypeVar, cast

from confluent_kafka import (
    OFFSET_INVALID,
    Consumer,
    ConsumerGroupTopicPartitions,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Message,
    TopicCollection,
)
from confluent_kafka import TopicPartition as KafkaTopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, OffsetSpec  # type: ignore[attr-defined] # client's stubs

from watermaster.adapters.kafka.cluster_view import kafka_id
from watermaster.adapters.kafka.connection import admin_settings, consumer_settings
from watermaster.adapters.kafka.faults import translate_error
from watermaster.adapters.kafka.log_reader import NOT_ASKED_FOR, UNUSED_GROUP
from watermaster.adapters.kafka.message_headers import HEADER_UNREADABLE, headers_of_all
from watermaster.runtime.audit import LogBounds, Scanned, TopicState
from watermaster.stream.batch import RecordBatch
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import WorldFault

CONSUME_MAX = 500
"""Messages per call: measured best; more is slower, because the list outgrows the caches."""

REQUEST_TIMEOUT_S = 30.0

STABLE_PATIENCE_S = 90.0
"""An offset stays unstable while its transaction is open: longer than the broker's default transaction timeout."""

SCAN_PATIENCE_S = 60.0
"""How long a scan may stand still below the end that the broker named, before it is called stalled."""

PREFETCH_KB = 16_384
"""Read ahead by each of the three streams that are read side by side: bounds the memory outside of Python."""

IDLE_MAX = 4
"""Clients kept for the next scan: ledger, landing, and the two outputs of one stream."""

FETCH_WAIT_MS = 50
"""The end of a partition shows only when a fetch comes back empty, so this is added to each scan."""

_POLL_S: Final = 0.05
"""The client waits so long for a full list, also behind the last record: each scan pays it once at its end."""
_OUT_OF_RANGE: Final = frozenset({KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE})

_Result = TypeVar("_Result")


class KafkaAuditReader:
    """Implements `runtime.audit.AuditReader`. `settings` come from `connection.client_settings`."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = settings
        self._admin = AdminClient(admin_settings(settings))
        self._idle: list[tuple[str, Consumer]] = []
        """With the topic that each has read: a client needs up to a second before it reads from a new one."""
        self._busy: list[Consumer] = []

    def cluster_id(self) -> str:
        """The id of the cluster; empty for a broker that has none."""
        described = _result(self._admin.describe_cluster(request_timeout=REQUEST_TIMEOUT_S), "looking at the cluster")
        return described.cluster_id or ""

    def topics(self, names: Sequence[str]) -> Mapping[str, TopicState]:
        """The topics that exist among `names`. Where the settings may not be read, a topic counts as not compacted."""
        futures = self._admin.describe_topics(TopicCollection(list(names)), request_timeout=REQUEST_TIMEOUT_S)
        states = {}
        for name, future in futures.items():
            try:
                described = future.result()
            except KafkaException as error:
                if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                    continue
                raise translate_error(error, doing="looking at topics", resource=name) from error
            is_compacted = self._is_compacted(name)
            states[name] = TopicState(kafka_id(str(described.topic_id)), len(described.partitions), is_compacted)
        return states

    def _is_compacted(self, topic: str) -> bool:
        return "compact" in (self.settings(topic).get("cleanup.policy") or "")

    def settings(self, topic: str) -> Mapping[str, str | None]:
        """A topic's settings in force; empty where they may not be read."""
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
        try:
            asked = self._admin.describe_configs([resource], request_timeout=REQUEST_TIMEOUT_S)
            return {name: entry.value for name, entry in asked[resource].result().items()}
        except KafkaException as error:
            if error.args[0].code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
                return {}
            raise translate_error(error, doing="reading topic settings", resource=topic) from error

    def committed(self, group: str, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int | None]:
        """Stable committed offsets; None where the group has none. Waits while a transaction holds them open."""
        until_s = time.monotonic() + STABLE_PATIENCE_S
        while True:
            answers = self._group_offsets(group, partitions)
            unstable = [a for a in answers if a.error and a.error.code() == KafkaError.UNSTABLE_OFFSET_COMMIT]
            if not unstable:
                break
            if time.monotonic() > until_s:
                raise WorldFault(
                    "WM-AUDIT-UNSTABLE",
                    f"An open transaction has held the offsets of group {group} for {STABLE_PATIENCE_S:.0f} s.",
                    hint="Look for a hanging transaction: `kafka-transactions.sh find-hanging`.",
                    retriable=True,
                )
            time.sleep(0.2)
        offsets: dict[TopicPartition, int | None] = dict.fromkeys(partitions)
        for answer in answers:
            if answer.error is not None:
                raise translate_error(answer.error, doing="reading committed offsets", resource=group)
            if answer.offset != OFFSET_INVALID and answer.offset >= 0:
                offsets[TopicPartition(answer.topic, answer.partition)] = answer.offset
        return offsets

    def _group_offsets(self, group: str, partitions: Sequence[TopicPartition]) -> list[KafkaTopicPartition]:
        asked = ConsumerGroupTopicPartitions(group, [KafkaTopicPartition(p.topic, p.partition) for p in partitions])
        futures = self._admin.list_consumer_group_offsets(
            [asked], require_stable=True, request_timeout=REQUEST_TIMEOUT_S
        )
        answer: Any = _result(futures[group], "reading committed offsets", group)
        return cast(list[KafkaTopicPartition], answer.topic_partitions)

    def bounds(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, LogBounds]:
        """Log start and last stable offset, asked from the leaders."""
        lows = self._offsets(partitions, OffsetSpec.earliest())  # type: ignore[no-untyped-call] # client's stubs
        highs = self._offsets(partitions, OffsetSpec.latest())  # type: ignore[no-untyped-call] # client's stubs
        return {partition: LogBounds(lows[partition], highs[partition]) for partition in partitions}

    def high_watermarks(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Where the logs end, open transactions included."""
        return self._offsets(partitions, OffsetSpec.latest(), IsolationLevel.READ_UNCOMMITTED)  # type: ignore[no-untyped-call] # client's stubs

    def _offsets(
        self,
        partitions: Sequence[TopicPartition],
        spec: OffsetSpec,
        isolation: IsolationLevel = IsolationLevel.READ_COMMITTED,
    ) -> dict[TopicPartition, int]:
        if not partitions:
            return {}
        futures = self._admin.list_offsets(
            {KafkaTopicPartition(p.topic, p.partition): spec for p in partitions},
            isolation_level=isolation,
            request_timeout=REQUEST_TIMEOUT_S,
        )
        return {
            TopicPartition(asked.topic, asked.partition): _result(future, "reading log bounds", asked.topic).offset
            for asked, future in futures.items()
        }

    def scan(self, partition: TopicPartition, start: int, end: int) -> Iterator[Scanned]:
        """Read `[start, end)` in order; ends early only if the log does.

        Raises WorldFault WM-AUDIT-STALLED if nothing comes although the broker says that there is more.
        """
        if start >= end:
            return
        consumer = self._take(partition.topic)
        try:
            yield from self._steps(consumer, partition, start, end)
        finally:
            self._give_back(partition.topic, consumer)

    def close(self) -> None:
        """Release the connections. Open scans must not be used any more."""
        for consumer in [*self._busy, *(idle for _, idle in self._idle)]:
            consumer.close()
        self._busy.clear()
        self._idle.clear()

    # --- inside -------------------------------------------------------------------------------------------------

    def _take(self, topic: str) -> Consumer:
        at = next((at for at, (read, _) in enumerate(self._idle) if read == topic), None)
        consumer = self._open() if at is None else self._idle.pop(at)[1]
        self._busy.append(consumer)
        return consumer

    def _give_back(self, topic: str, consumer: Consumer) -> None:
        if consumer not in self._busy:
            return  # closed meanwhile
        self._busy.remove(consumer)
        consumer.unassign()
        self._idle.append((topic, consumer))
        while len(self._idle) > IDLE_MAX:
            self._idle.pop(0)[1].close()

    def _open(self) -> Consumer:
        more = {
            "enable.partition.eof": True,
            "queued.max.messages.kbytes": PREFETCH_KB,
            "fetch.wait.max.ms": FETCH_WAIT_MS,
        }
        return Consumer(consumer_settings(self._settings, UNUSED_GROUP, more))

    def _steps(self, consumer: Consumer, partition: TopicPartition, start: int, end: int) -> Iterator[Scanned]:
        at = self._assign(consumer, partition, start)
        if at >= end:
            yield Scanned(at, at, RecordBatch(partition))
            return
        moved_s = time.monotonic()
        while at < end:
            messages = consumer.consume(CONSUME_MAX, _POLL_S)
            event = next((message for message in messages if message.error() is not None), None)
            if event is not None:
                messages = [message for message in messages if message.error() is None]
            step = _step(partition, at, end, messages)
            if event is not None and step.next < end:
                step, goes_on = self._after_event(consumer, event, step, end)
                if not goes_on:
                    yield step
                    return
            if step.next > at:
                moved_s = time.monotonic()
            elif time.monotonic() - moved_s > SCAN_PATIENCE_S:
                raise _stalled(partition, at, end)
            at = step.next
            yield step

    def _assign(self, consumer: Consumer, partition: TopicPartition, start: int) -> int:
        """Read from `start`, or from where the log begins; returns which."""
        begin = max(start, self._offsets([partition], OffsetSpec.earliest())[partition])  # type: ignore[no-untyped-call] # client's stubs
        consumer.assign([KafkaTopicPartition(partition.topic, partition.partition, begin)])
        return begin

    def _after_event(self, consumer: Consumer, event: Message, step: Scanned, end: int) -> tuple[Scanned, bool]:
        """What an end of partition or an error means for the step before it, and whether the scan goes on."""
        error, partition = event.error(), step.batch.source
        assert error is not None  # noqa: S101 - chosen because it has one
        if error.code() == KafkaError._PARTITION_EOF:
            reached = max(step.next, min(event.offset() or 0, end))  # behind the last record there may be markers
            is_over = reached >= end or self.bounds([partition])[partition].end <= reached
            return step._replace(next=reached), not is_over
        if error.code() in _OUT_OF_RANGE:
            begin = self._assign(consumer, partition, step.next)
            if begin > step.next:  # retention was faster than we: what lies between is nowhere any more
                if len(step.batch):
                    self._assign(consumer, partition, step.next)
                    return step, True
                return Scanned(begin, begin, step.batch), begin < end
        elif error.retriable() or error.code() == NOT_ASKED_FOR:
            return step, True
        raise translate_error(error, doing="reading for the audit", resource=partition.topic)


def _step(partition: TopicPartition, start: int, end: int, messages: list[Message]) -> Scanned:
    """The records below `end` as columns."""
    offsets: list[Any] = [message.offset() for message in messages]
    if offsets and offsets[-1] >= end:
        within = sum(offset < end for offset in offsets)
        batch = _columns(partition, offsets[:within], messages[:within])
        return Scanned(start, end, batch)
    return Scanned(start, offsets[-1] + 1 if offsets else start, _columns(partition, offsets, messages))


def _columns(partition: TopicPartition, offsets: list[int], messages: list[Message]) -> RecordBatch:
    batch = RecordBatch(partition, offsets)
    batch.timestamps_ms = [message.timestamp()[1] for message in messages]
    batch.keys = cast(list[bytes | None], [message.key() for message in messages])
    batch.values = cast(list[bytes | None], [message.value() for message in messages])
    batch.bytes = sum(map(len, messages))
    batch.headers, unreadable = headers_of_all(messages)
    batch.uncarriable = dict.fromkeys(unreadable, HEADER_UNREADABLE)
    return batch


def _result(future: Future[_Result], doing: str, resource: str = "") -> _Result:
    try:
        return future.result()
    except KafkaException as error:
        raise translate_error(error, doing=doing, resource=resource) from error


def _stalled(partition: TopicPartition, at: int, end: int) -> WorldFault:
    return WorldFault(
        "WM-AUDIT-STALLED",
        f"{partition}: nothing was read from offset {at} on for {SCAN_PATIENCE_S:.0f} s, though the log reaches {end}.",
        hint="Look for a broker that is down, or a batch there that the client cannot decode.",
        retriable=True,
    )
