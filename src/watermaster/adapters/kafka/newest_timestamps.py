"""The newest timestamp in each partition, wherever in its log the record lies; asked anew of logs that have changed.

Kafka finds it by its index, so that records out of order cost nothing. Markers of transactions have timestamps too:
the newest one may be the moment at which a transaction ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from confluent_kafka import TopicPartition as KafkaTopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public names that its typing does not export
    AdminClient,
    OffsetSpec,
)

from watermaster.adapters.kafka.answer import settle
from watermaster.monitor.log import PartitionLog
from watermaster.runtime.observed import Unseen
from watermaster.stream.coordinates import TopicPartition

_NONE: Final = -1


class NewestTimestamps:
    """Remembers what it was told of each log as it then was. One for each cluster."""

    def __init__(self, admin: AdminClient, timeout_s: float) -> None:
        self._admin, self._timeout_s = admin, timeout_s
        self._known: dict[TopicPartition, tuple[PartitionLog, int]] = {}

    def read(self, logs: Mapping[TopicPartition, PartitionLog], unseen: list[Unseen]) -> dict[TopicPartition, int]:
        """Milliseconds since the epoch, of partitions that hold a record with a timestamp."""
        self._known = {source: known for source, known in self._known.items() if logs.get(source) == known[0]}
        wanted = [source for source, log in logs.items() if log.end > log.start and source not in self._known]
        asked = {source: KafkaTopicPartition(source.topic, source.partition) for source in wanted}
        spec = OffsetSpec.max_timestamp()  # type: ignore[no-untyped-call]
        answers: Mapping[Any, Any] = (
            self._admin.list_offsets(dict.fromkeys(asked.values(), spec), request_timeout=self._timeout_s)
            if asked
            else {}
        )
        hidden: dict[tuple[str, str], int] = {}
        for source, partition in asked.items():
            seen = settle(answers[partition], f"the newest timestamp of {source}", 2 * self._timeout_s)
            if isinstance(seen, Unseen):
                hidden[seen.reason, seen.code] = hidden.get((seen.reason, seen.code), 0) + 1
            else:
                self._known[source] = (logs[source], seen.timestamp)
        # A cluster that is too old for the question says so for each partition.
        unseen += [Unseen(f"the newest timestamps of {count} partitions", *why) for why, count in hidden.items()]
        return {source: moment for source, (_, moment) in self._known.items() if moment > _NONE}
