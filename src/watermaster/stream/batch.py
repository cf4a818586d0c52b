"""Raw records as columns.

The hot path never builds one object per record: a batch is parallel lists for one source partition, in offset order.
Everything in it is exactly what the broker returned. Headers keep order, duplicates and null values.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from watermaster.stream.coordinates import TopicPartition

RawHeaders: TypeAlias = list[tuple[str, bytes | None]]


@dataclass(slots=True)
class RecordBatch:
    """Records of one source partition as parallel lists (equal lengths, offsets strictly increasing).

    `timestamps_ms` holds milliseconds since the epoch, -1 where the record has none. `headers` holds None where a
    record has no header. A key or value of None is null, which differs from empty.
    """

    source: TopicPartition
    offsets: list[int] = field(default_factory=list)
    timestamps_ms: list[int] = field(default_factory=list)
    keys: list[bytes | None] = field(default_factory=list)
    values: list[bytes | None] = field(default_factory=list)
    headers: list[RawHeaders | None] = field(default_factory=list)
    bytes: int = 0
    """Key and value bytes of all records, to bound transactions."""
    leader_epoch: int = -1
    """Under which leader of the partition the last record was written; -1 where nobody tells."""
    uncarriable: dict[int, str] = field(default_factory=dict)
    """Index to reason, for records that the client cannot hand over whole (a header key that is not UTF-8)."""

    def __len__(self) -> int:
        return len(self.offsets)
