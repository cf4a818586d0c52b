"""Stored records as columns."""

from __future__ import annotations

from collections.abc import Iterable

from watermaster.adapters.memory.log import StoredRecord
from watermaster.stream.batch import RecordBatch
from watermaster.stream.coordinates import TopicPartition


def as_batch(source: TopicPartition, records: Iterable[tuple[int, StoredRecord]]) -> RecordBatch:
    """A batch as the client hands it over."""
    batch = RecordBatch(source)
    for offset, record in records:
        if record.uncarriable:
            batch.uncarriable[len(batch)] = record.uncarriable
        batch.leader_epoch = record.epoch
        batch.offsets.append(offset)
        batch.timestamps_ms.append(record.timestamp_ms)
        batch.keys.append(record.key)
        batch.values.append(record.value)
        batch.headers.append(None if record.uncarriable or not record.headers else list(record.headers))
        batch.bytes += len(record.key or b"") + len(record.value or b"")
    return batch
