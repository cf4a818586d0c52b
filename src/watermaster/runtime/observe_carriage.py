"""Records that pass but cannot be forwarded as they are; enforcement would hold them by reference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from watermaster.stream.batch import RawHeaders, RecordBatch

RESERVED_HEADER_BYTES: Final = 200
"""The one header that every forwarded record gains, with room for long offsets."""

RECORD_OVERHEAD_BYTES: Final = 100
"""Batch header and the lengths in front of key, value and headers."""

TIMESTAMP_ZERO: Final = "the client would replace the timestamp 0 by the current time"


def uncarriable(batch: RecordBatch) -> dict[int, str]:
    """Index to reason for records that the client cannot write as they are."""
    found = {index: TIMESTAMP_ZERO for index, timestamp in enumerate(batch.timestamps_ms) if timestamp == 0}
    return {**found, **batch.uncarriable}


def oversize(batch: RecordBatch, bytes_max: int) -> Iterator[int]:
    """Indices of records that exceed the target's `max.message.bytes` before compression; the broker may refuse them.

    The broker measures after compression, so these are suspects and not certain.
    """
    room = bytes_max - RESERVED_HEADER_BYTES - RECORD_OVERHEAD_BYTES
    for index, value in enumerate(batch.values):
        if len(value or b"") + len(batch.keys[index] or b"") + _header_bytes(batch.headers[index]) > room:
            yield index


def _header_bytes(headers: RawHeaders | None) -> int:
    return sum(len(key) + len(value or b"") + 2 for key, value in headers) if headers else 0
