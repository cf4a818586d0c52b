"""Which keys already have a newer record downstream, found from the coordinates in trusted.

A held record lets later records of its key pass. When it is replayed at last, a consumer that keeps the newest value
of a key would go back in time. Newer means: of the same source partition, with a higher source offset.

The answer is that of the moment when trusted was read; a gate that runs may pass a newer record of the key meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from watermaster.quarantine.held import HeldRecord
from watermaster.runtime.stretch import Stretch
from watermaster.stream.batch import RecordBatch
from watermaster.stream.coordinates import RESERVED_HEADER, decode_coordinates


@dataclass(slots=True)
class NewestByKey:
    """The highest source offset that trusted holds of each key that is asked about.

    Only keys of chosen records are kept, so memory grows with them and not with trusted.
    """

    asked: dict[tuple[str, int, bytes], int] = field(default_factory=dict)

    def ask(self, held: HeldRecord, key: bytes | None) -> None:
        """Ask about the key of a held record. Records without a key replace nothing."""
        if key is not None:
            self.asked.setdefault((held.key.topic_id, held.key.partition, key), -1)

    def see(self, batch: RecordBatch) -> None:
        """Take in records of the target topic."""
        for key, headers in zip(batch.keys, batch.headers, strict=True):
            if key is None or not headers:
                continue
            name, value = headers[-1]
            found = decode_coordinates(value) if name == RESERVED_HEADER else None
            if found is None:
                continue
            at = (found.topic_id, found.partition, key)
            if found.offset > self.asked.get(at, found.offset):
                self.asked[at] = found.offset

    def is_stale(self, held: HeldRecord, key: bytes | None) -> bool:
        """Whether a record with a later source offset and this key stands in the target."""
        if key is None:
            return False
        return self.asked.get((held.key.topic_id, held.key.partition, key), -1) > held.key.offset

    def any_stale(self, stretch: Stretch) -> bool:
        """Whether that is so of any record of a stretch."""
        key = stretch.like.held.key
        topic_id, partition, asked = key.topic_id, key.partition, self.asked
        return any(
            key is not None and asked.get((topic_id, partition, key), -1) > offset
            for key, offset in zip(stretch.record_keys, stretch.offsets, strict=True)
        )

    def ask_all(self, stretch: Stretch) -> None:
        """Ask about the keys of a stretch."""
        key = stretch.like.held.key
        for record_key in stretch.record_keys:
            if record_key is not None:
                self.asked.setdefault((key.topic_id, key.partition, record_key), -1)
