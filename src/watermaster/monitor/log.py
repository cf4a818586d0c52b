"""One partition's log and one group's place in it, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class PartitionLog:
    """Offsets of one look: the first one kept, what read_committed readers reach, and the high watermark."""

    start: int
    stable: int
    end: int

    @property
    def held_back(self) -> int:
        """Offsets behind the first transaction that is still open; read_committed readers cannot reach them."""
        return max(0, self.end - self.stable)


@dataclass(frozen=True, slots=True)
class FirstUnread:
    """The first record that a read_committed reader meets at or behind a position."""

    offset: int
    timestamp_ms: int
    """Negative where the producer gave none."""
    stored_bytes: int | None = None
    """What it and its neighbours take on the disk, each, at most: uncompressed, and alone in a batch. None: unknown."""


@dataclass(frozen=True, slots=True)
class NothingUnread:
    """Between a position and `up_to` (exclusive) there are only transaction markers, aborted records and holes."""

    up_to: int


Probe: TypeAlias = FirstUnread | NothingUnread
"""What reading from a position showed. It stays true until the log is cut."""
