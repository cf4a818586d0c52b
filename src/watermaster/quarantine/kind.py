"""Held records of one kind: ours, differing in nothing but their source offset and their own key, value and headers.

A gate puts one and the same envelope around all records that break the same rules. So an envelope is read once, and of
the other records only what tells whether theirs is the same, byte for byte. Whatever is not surely of a kind, for
instance every letter that others have written, is for `held.read_whole`, which also reads the first of each kind.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from watermaster.quarantine.dialect import MAYBE_GATE
from watermaster.quarantine.envelope_facts import OFFSET_HEADERS, read_envelope
from watermaster.quarantine.held import (
    Adoption,
    HeldRecord,
    NotHeld,
    OriginalRecord,
    Payload,
    QuarantineRecord,
    read_whole,
)
from watermaster.quarantine.hold_key import key_ends
from watermaster.stream.batch import RawHeaders, RecordBatch
from watermaster.stream.coordinates import RESERVED_HEADER, coordinates_prefix

KINDS_MAX: Final = 4096
"""Kept for as many sets of broken rules as the gate keeps; more of them are learnt anew."""
_DIGITS_MAX: Final = 19
_HINT_AT: Final = -4
"""Where the gate writes the broken rules, from the end: what differs most often between envelopes."""
_ZERO: Final = ord("0")


@dataclass(frozen=True, slots=True, eq=False)
class HeldKind:
    """`held` is the first record of the kind: its offsets, sizes, times and facets are that record's alone.

    The key of a hold is `key_head`, the source offset in decimal digits, `key_tail`.
    """

    held: HeldRecord
    key_head: bytes
    key_tail: bytes


@dataclass(slots=True)
class HeldColumns:
    """A batch of a quarantine partition as parallel lists. Where `kinds` is None, a record has to be read alone.

    There the other lists hold nothing of use. `originals` are the headers of the source, None where there are none.
    """

    batch: RecordBatch
    adoption: Adoption
    kinds: list[HeldKind | None] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    """Of the source records."""
    keys: list[bytes] = field(default_factory=list)
    """Of the holds, as they are written."""
    originals: list[RawHeaders | None] = field(default_factory=list)

    def read(self, row: int) -> tuple[HeldRecord, OriginalRecord | None] | NotHeld:
        """One record by itself; see `read_whole`."""
        return read_whole(quarantine_record(self.batch, row), self.adoption)


@dataclass(slots=True, eq=False)
class _Shape:
    """An envelope but for its three numbers: both offset headers, and the offset in the coordinates."""

    kept: int
    """Headers of the source, which stand before it."""
    count: int
    first: int
    second: int
    """Where the offset headers stand."""
    names: tuple[str, str]
    before: RawHeaders
    between: RawHeaders
    behind: RawHeaders
    head: bytes
    """Of the coordinates, up to the offset."""
    kinds: dict[bytes, HeldKind | None] = field(default_factory=dict)
    """By what follows the offset in the coordinates; None where records are read alone."""

    def fits(self, headers: RawHeaders) -> bool:
        """Whether this is the envelope of these headers."""
        if len(headers) != self.count:
            return False
        first, second = headers[self.first], headers[self.second]
        name, stamp = headers[-1]
        return (
            name == RESERVED_HEADER
            and stamp is not None
            and stamp.startswith(self.head)
            and (first[0], second[0]) == self.names
            and headers[self.first + 1 : self.second] == self.between
            and headers[self.second + 1 : -1] == self.behind
            and headers[self.kept : self.first] == self.before
        )


class KindSorter:
    """Sorts batches by kind; what it has learnt of one batch it knows of the next."""

    def __init__(self, adoption: Adoption) -> None:
        self._adoption = adoption
        self._shapes: dict[tuple[object, ...], _Shape] = {}
        self._hints: dict[tuple[int, bytes | None], _Shape] = {}

    def sort(self, batch: RecordBatch) -> HeldColumns:
        """The batch with the kind of each record. Never raises for bad data."""
        columns = HeldColumns(batch, self._adoption)
        if self._adoption.dialect not in MAYBE_GATE:
            rows = len(batch)
            columns.kinds, columns.offsets, columns.keys = [None] * rows, [-1] * rows, [b""] * rows
            columns.originals = [None] * rows
            return columns
        kinds, offsets, keys, originals = columns.kinds, columns.offsets, columns.keys, columns.originals
        shape: _Shape | None = None
        tail, kind = b"", None
        for row, headers in enumerate(batch.headers):
            if headers and (shape is None or not shape.fits(headers)):
                shape, tail, kind = self._shape_of(headers), b"", None
            if shape is None or not headers:
                _append_unknown(columns)
                continue
            stamp: bytes = headers[-1][1]  # type: ignore[assignment] # the shape fits
            offset, _, rest = stamp[len(shape.head) :].partition(b" ")
            if rest != tail:
                tail, kind = rest, self._kind(shape, rest, batch, row)
            if kind is None or not _is_number(offset):
                _append_unknown(columns)
                continue
            kinds.append(kind)
            offsets.append(int(offset))
            keys.append(kind.key_head + offset + kind.key_tail)
            originals.append(_without_reserved(headers[: shape.kept]) if shape.kept else None)
        return columns

    def _shape_of(self, headers: RawHeaders) -> _Shape | None:
        hint = len(headers), headers[max(_HINT_AT, -len(headers))][1]
        shape = self._hints.get(hint)
        if shape is None or not shape.fits(headers):
            shape = self._learn(headers)
            if shape is not None:
                if len(self._hints) >= KINDS_MAX:
                    self._hints.clear()
                self._hints[hint] = shape
        return shape

    def _learn(self, headers: RawHeaders) -> _Shape | None:
        facts = read_envelope(headers)
        if facts is None or facts.operational or facts.reference is not None:
            return None
        place = facts.coordinates
        head = coordinates_prefix(place.cluster_id, place.topic_id, place.partition)
        found = [at for at in range(facts.originals, len(headers)) if headers[at][0] in OFFSET_HEADERS]
        if len(found) != 2 or place.encode() != headers[-1][1]:  # noqa: PLR2004 - one for each convention
            return None
        kept, (first, second) = facts.originals, found
        before, between, behind = headers[kept:first], headers[first + 1 : second], headers[second + 1 : -1]
        names = headers[first][0], headers[second][0]
        at = (kept, len(headers), first, second, names, tuple(before), tuple(between), tuple(behind), head)
        if at not in self._shapes:
            if len(self._shapes) >= KINDS_MAX:
                self._shapes.clear()
                self._hints.clear()
            self._shapes[at] = _Shape(kept, len(headers), first, second, names, before, between, behind, head)
        return self._shapes[at]

    def _kind(self, shape: _Shape, tail: bytes, batch: RecordBatch, row: int) -> HeldKind | None:
        if tail not in shape.kinds:
            if len(shape.kinds) >= KINDS_MAX:
                shape.kinds.clear()
            shape.kinds[tail] = self._first_of_kind(shape, tail, batch, row)
        return shape.kinds[tail]

    def _first_of_kind(self, shape: _Shape, tail: bytes, batch: RecordBatch, row: int) -> HeldKind | None:
        record = quarantine_record(batch, row)
        found = read_whole(record, self._adoption)
        facts = read_envelope(record.headers)
        if isinstance(found, NotHeld) or facts is None or found[0].payload is not Payload.WHOLE:
            return None
        place = facts.coordinates
        if shape.head + b"%d " % place.offset + tail != place.encode():
            return None  # numbers that are written in another way than ours
        return HeldKind(found[0], *key_ends(found[0].key))


def quarantine_record(batch: RecordBatch, row: int) -> QuarantineRecord:
    """One record of a batch from a quarantine topic."""
    return QuarantineRecord(
        batch.source,
        batch.offsets[row],
        batch.timestamps_ms[row],
        batch.keys[row],
        batch.values[row],
        batch.headers[row] or [],
    )


def _is_number(digits: bytes) -> bool:
    """As we write them: without signs and leading zeros."""
    return digits.isdigit() and len(digits) <= _DIGITS_MAX and (digits[0] != _ZERO or len(digits) == 1)


def _append_unknown(columns: HeldColumns) -> None:
    columns.kinds.append(None)
    columns.offsets.append(-1)
    columns.keys.append(b"")
    columns.originals.append(None)


def _without_reserved(headers: RawHeaders) -> RawHeaders:
    """The reserved header is taken away: it names an earlier journey."""
    return [header for header in headers if header[0] != RESERVED_HEADER]
