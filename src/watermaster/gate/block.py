"""Typed records as a block of columns, and the columns of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import UNSET
from msgspec.structs import astuple

from watermaster.gate.rule_column import Selection
from watermaster.gate.typed_record import SAFE_DIGITS, Unsure

Records: TypeAlias = list[Any]
Numbers: TypeAlias = list[float | None]

NUL: Final = "\0"
ABSENT: Final = "\x01"
"""Stands for what is no text: no string of a record without backslashes holds a control character."""

_NUMERIC: Final = bytes(ord("0") if byte in b"0123456789." else ord("a") for byte in range(256))
_LONG: Final = b"0" * (SAFE_DIGITS + 1)


@dataclass(slots=True)
class Block:
    """Decoded records as parallel lists; `keys` is empty where nothing is asked of keys.

    `numbers` holds the columns of number fields by attribute: null where a number is null or absent.
    """

    indexes: Sequence[int]
    keys: Sequence[bytes | None]
    values: Sequence[bytes]
    records: Records
    numbers: dict[str, Numbers]
    size: int
    """Bytes of the values."""
    _joined: bytes | None = None
    _texts: dict[tuple[str, ...], bytes] = field(default_factory=dict)
    _literals: dict[str, bytes] = field(default_factory=dict)
    _columns: dict[str, Sequence[Any]] | None = None
    compact: bool | None = None
    """Whether the values take no more than what they say needs; null while nobody has looked (`member_proof`)."""
    selection: Selection | None = None
    """All rows, with what column rules have read of them, kept for the next rule."""

    @property
    def joined(self) -> bytes:
        """All values without anything between them."""
        if self._joined is None:
            self._joined = b"".join(self.values)
        return self._joined

    def texts(self, attributes: tuple[str, ...]) -> bytes:
        """The texts of some attributes, record by record, NUL after each; `ABSENT` stands for what is no text."""
        found = self._texts.get(attributes)
        if found is None:
            found = self._texts[attributes] = _join_texts([self.raw(attribute) for attribute in attributes])
        return found

    def literals(self, attribute: str) -> bytes:
        """The literals of a number field, a comma between them; null where it is absent."""
        found = self._literals.get(attribute)
        if found is None:
            column = self.raw(attribute)
            try:
                found = b",".join(column)
            except TypeError:
                found = b",".join([b"null" if literal is UNSET else literal for literal in column])
            self._literals[attribute] = found
        return found

    def part(self, start: int, stop: int | None) -> Block:
        """A slice."""
        numbers = {attribute: column[start:stop] for attribute, column in self.numbers.items()}
        values = self.values[start:stop]
        size = sum(map(len, values))
        return Block(self.indexes[start:stop], self.keys[start:stop], values, self.records[start:stop], numbers, size)

    def without(self, failed: list[int]) -> Block:
        """The block without some rows."""
        gone = set(failed)
        rows = [row for row in range(len(self.indexes)) if row not in gone]
        return Block(
            [self.indexes[at] for at in rows],
            [self.keys[at] for at in rows] if self.keys else [],
            [self.values[at] for at in rows],
            [self.records[at] for at in rows],
            {attribute: [column[at] for at in rows] for attribute, column in self.numbers.items()},
            self.size - sum(len(self.values[at]) for at in gone),
        )

    def column(self, attribute: str) -> Sequence[Any]:
        """The values of one attribute; of a number that has been read, the numbers."""
        numbers = self.numbers.get(attribute)
        return self.raw(attribute) if numbers is None else numbers

    def raw(self, attribute: str) -> Sequence[Any]:
        """The values of one attribute as they were decoded."""
        if "." in attribute or not self.records:
            return list(map(attrgetter(attribute), self.records))
        if self._columns is None:  # all of them at once cost less than three one by one
            names = self.records[0].__struct_fields__
            self._columns = dict(zip(names, zip(*map(astuple, self.records), strict=True), strict=True))
        return self._columns[attribute]


def _join_texts(columns: list[Sequence[Any]]) -> bytes:
    texts: list[Any] = [""] * (len(columns) * len(columns[0]) + 1)  # an empty one at the end, for the last NUL
    for at, column in enumerate(columns):  # a fifth of the time of walking through the records
        texts[at : -1 : len(columns)] = column
    try:
        return NUL.join(texts).encode()
    except TypeError:  # null or absent
        return NUL.join([text if type(text) is str else ABSENT for text in texts]).encode()


def has_long_number(text: bytes) -> bool:
    """Whether a run of digits is too long to be a number that a double surely keeps."""
    return text.translate(_NUMERIC).find(_LONG) >= 0


class NumberColumn:
    """One number field of all records: raw literals, judged and read together.

    Apart from its neighbours in the record, a literal shows its digits: if there are at most `SAFE_DIGITS` and no
    exponent, the double keeps them all.
    """

    def __init__(self, attribute: str, kind: Any, *, keep: bool) -> None:  # noqa: ANN401 - a type
        holder, _, self._name = attribute.rpartition(".")
        self._attribute = attribute
        self._holder = attrgetter(holder) if holder else None
        self._get = attrgetter(attribute)
        self._decode = msgspec.json.Decoder(list[kind]).decode
        self._keep = keep

    def readable(self, block: Block) -> bool:
        """Reads the column into the block; raises if a number is not surely good. Leaves the records as they are."""
        text = block.literals(self._attribute)
        if has_long_number(text) or b"e" in text or b"E" in text:
            raise Unsure
        block.numbers[self._attribute] = self._decode(b"[" + text + b"]")
        return True

    def settle(self, block: Block) -> None:
        """Once all numbers of the block are readable: put them into the records, if rules read them there."""
        if self._attribute not in block.numbers:
            self.readable(block)
        if not self._keep:
            return
        holders = block.records if self._holder is None else map(self._holder, block.records)
        for record, holder, number in zip(block.records, holders, block.numbers[self._attribute], strict=True):
            if self._get(record) is not UNSET:  # what is absent stays absent
                setattr(holder, self._name, number)
