"""One partition's log, as a broker keeps it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from watermaster.stream.batch import RawHeaders


class Fate(Enum):
    """What became of a transaction."""

    OPEN = "open"
    COMMITTED = "committed"
    ABORTED = "aborted"


@dataclass(eq=False, slots=True)
class Transaction:
    """Shared by all records that were written in it."""

    fate: Fate = Fate.OPEN


@dataclass(slots=True)
class StoredRecord:
    """One offset: a record, or a transaction's marker (then nothing but `transaction` counts)."""

    key: bytes | None
    value: bytes | None
    timestamp_ms: int
    headers: RawHeaders | None
    transaction: Transaction | None = None
    is_marker: bool = False
    uncarriable: str = ""
    """Why a client could not hand it over whole; empty if it can."""
    epoch: int = 0
    """Under which leader it was written."""


@dataclass(slots=True)
class PartitionLog:
    """Records from offset `start` on. Deleted offsets are not given again."""

    start: int = 0
    records: list[StoredRecord] = field(default_factory=list)
    first_open: dict[Transaction, int] = field(default_factory=dict)
    """First offset of each transaction whose marker has not come yet."""
    epoch: int = 0
    """Of the leader: another one leads after each truncation."""

    @property
    def end(self) -> int:
        """The next offset."""
        return self.start + len(self.records)

    @property
    def stable_end(self) -> int:
        """The last stable offset: up to here every transaction is decided."""
        return min(self.first_open.values(), default=self.end)

    def append(self, record: StoredRecord) -> int:
        """Write one record; its offset."""
        if record.transaction is not None:
            self.first_open.setdefault(record.transaction, self.end)
        record.epoch = self.epoch
        self.records.append(record)
        return self.end - 1

    def epoch_at(self, offset: int) -> int:
        """The epoch of what stands at an offset; -1 if nothing does."""
        return self.records[offset - self.start].epoch if self.start <= offset < self.end else -1

    def mark(self, transaction: Transaction) -> None:
        """Write a transaction's marker, from which on its records count."""
        if self.first_open.pop(transaction, None) is not None:
            self.records.append(StoredRecord(None, None, -1, None, transaction, is_marker=True))

    def delete_before(self, offset: int) -> None:
        """Move the start, as retention and deleteRecords do; at most to the last stable offset."""
        offset = min(offset, self.stable_end)
        if offset > self.start:
            del self.records[: offset - self.start]
            self.start = offset

    def truncate(self, offset: int) -> None:
        """Cut the end off, as an unclean election does."""
        del self.records[max(0, offset - self.start) :]
        self.epoch += 1

    def committed(self, begin: int, end: int | None = None) -> Iterator[tuple[int, StoredRecord]]:
        """What read_committed shows of `[begin, end)`."""
        last = self.stable_end if end is None else min(end, self.stable_end)
        for offset in range(max(begin, self.start), last):
            record = self.records[offset - self.start]
            if record.is_marker or (record.transaction is not None and record.transaction.fate is Fate.ABORTED):
                continue
            yield offset, record
