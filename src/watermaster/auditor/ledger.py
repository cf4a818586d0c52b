"""The auditor's own reading of ledger records, and a compact queue of what they say."""

from __future__ import annotations

from array import array
from typing import Annotated, NamedTuple

import msgspec

from watermaster.auditor.interval import Range

SUPERVISOR_NOTE = b"suspect/"
"""Records of the ledger topic under such keys are notes and no entries."""

_Offset = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_COLUMNS = 8
_TRIM_ENTRIES = 8192
"""Judged entries are cut off the queue in such lots, since cutting costs a copy of the rest."""


class LedgerGap(msgspec.Struct, frozen=True):
    """Offsets `[start, end)` that the gate says nobody can read."""

    start: _Offset = msgspec.field(name="from")
    end: _Offset = msgspec.field(name="to")
    cause: str
    lost_max: _Offset


class LedgerClaim(msgspec.Struct, frozen=True):
    """What one ledger record claims. Only what the audit needs; further fields are ignored."""

    v: int
    gate: str
    cluster: str
    topic: str
    topic_id: str
    partition: _Offset
    start: _Offset = msgspec.field(name="from")
    end: _Offset = msgspec.field(name="to")
    activation: _Offset
    read: _Offset = msgspec.field(name="in")
    passed: _Offset
    held: _Offset
    dropped: _Offset
    dropped_offsets: list[tuple[_Offset, _Offset]] = []
    gaps: list[LedgerGap] = []


_decoder = msgspec.json.Decoder(LedgerClaim)


def read_claim(key: bytes | None, value: bytes | None) -> LedgerClaim | str:
    """Read one ledger record, or say in a few words why it is not one."""
    if value is None:
        return "no value"
    try:
        claim = _decoder.decode(value)
    except (msgspec.DecodeError, msgspec.ValidationError, RecursionError):
        return "not a ledger entry"
    return _fault(claim, key) or claim


def _fault(claim: LedgerClaim, key: bytes | None) -> str:
    if claim.v != 1:
        return f"version {claim.v} is not known"
    if key != f"{claim.topic}/{claim.partition}".encode():
        return "key and content name different partitions"
    if claim.start > claim.end:
        return "a range that ends before it begins"
    if claim.start == claim.end and (claim.read or claim.dropped_offsets or claim.gaps):
        return "counts in an empty range"  # an empty one without counts says where the gate began, and nothing else
    return ""


class Entry(NamedTuple):
    """A claim without the names, which the partition's audit knows."""

    start: int
    end: int
    activation: int
    read: int
    passed: int
    held: int
    dropped: int
    dropped_ranges: tuple[Range, ...] = ()
    """Half-open, as written; not yet checked."""
    gaps: tuple[LedgerGap, ...] = ()


class EntryQueue:
    """Entries by their start, about 64 bytes each, so that a ledger of millions of entries can wait in memory."""

    def __init__(self) -> None:
        self._columns = array("q")
        self._extras: dict[int, tuple[tuple[Range, ...], tuple[LedgerGap, ...]]] = {}
        self._extras_count = 0
        self._head = 0
        self._sorted = True

    def __len__(self) -> int:
        return len(self._columns) // _COLUMNS - self._head

    def push(self, claim: LedgerClaim) -> None:
        """Add what a ledger record claims, in any order."""
        if len(self) and claim.start < self._columns[-_COLUMNS]:
            self._sorted = False
        extra = 0
        if claim.dropped_offsets or claim.gaps:
            extra = self._extras_count = self._extras_count + 1
            dropped = tuple(Range(first, last + 1) for first, last in claim.dropped_offsets)
            self._extras[extra] = (dropped, tuple(claim.gaps))
        counts = (claim.read, claim.passed, claim.held, claim.dropped)
        self._columns.extend((claim.start, claim.end, claim.activation, *counts, extra))

    def first(self) -> Entry | None:
        """The entry with the lowest start; it stays in the queue."""
        if not len(self):
            return None
        if not self._sorted:
            self._sort()
        at = self._head * _COLUMNS
        start, end, activation, read, passed, held, dropped, extra = self._columns[at : at + _COLUMNS]
        ranges, gaps = self._extras.get(extra, ((), ()))
        return Entry(start, end, activation, read, passed, held, dropped, ranges, gaps)

    def drop_first(self) -> None:
        """Remove the entry that `first` returned."""
        self._head += 1
        self._extras.pop(self._columns[self._head * _COLUMNS - 1], None)
        if self._head >= _TRIM_ENTRIES or not len(self):
            del self._columns[: self._head * _COLUMNS]
            self._head = 0

    def last_end(self) -> int | None:
        """The highest end of all waiting entries."""
        return max(self._columns[self._head * _COLUMNS + 1 :: _COLUMNS], default=None)

    def _sort(self) -> None:
        waiting = self._columns[self._head * _COLUMNS :]
        rows = sorted(tuple(waiting[at : at + _COLUMNS]) for at in range(0, len(waiting), _COLUMNS))
        self._columns = array("q", [number for row in rows for number in row])
        self._head = 0
        self._sorted = True
