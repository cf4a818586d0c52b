"""Typed records as a block of columns, and the columns of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import UNSET
from msgspec.structs import astuple

from watermaster.gate.rule_column import Selection
from watermaster.gate.typed_record import SAFE_DIGITS, Unsure

Records: TypeAlias = list[Any]
Numbers: TypeAlias = list[float | None]

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
    _joined: bytes | None = None
    _columns: dict[str, Sequence[Any]] | None = None
    selection: Selection | None = None
    """All rows, with what column rules have read of them, kept for the next rule."""

    @property
    def joined(self) -> bytes:
        """All values without anything between them."""
        if self._joined is None:
            self._joined = b"".join(self.values)
        return self._joined

    def part(self, start: int, stop: int | None) -> Block:
        """A slice."""
        numbers = {attribute: column[start:stop] for attribute, column in self.numbers.items()}
        return Block(
            self.indexes[start:stop], self.keys[start:stop], self.values[start:stop], self.records[start:stop], numbers
        )

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


def has_long_number(text: bytes) -> bool:
    """Whether a run of digits is too long to be a number that a double surely keeps."""
    return text.translate(_NUMERIC).find(_LONG) >= 0


class NumberColumn:
    """One number field of all records: raw literals, judged and read together.

    Apart from its neighbours in the record, a literal shows its digits: if there are at most `SAFE_DIGITS` and no
    exponent, the double keeps them all.
    """

    def __init__(self, attribute: str, kind: Any, *, optional: bool, keep: bool) -> None:  # noqa: ANN401 - a type
        holder, _, self._name = attribute.rpartition(".")
        self._attribute = attribute
        self._holder = attrgetter(holder) if holder else None
        self._get = attrgetter(attribute)
        self._decode = msgspec.json.Decoder(list[kind]).decode
        self._optional = optional
        self._keep = keep

    def readable(self, block: Block) -> bool:
        """Reads the column into the block; raises if a number is not surely good. Leaves the records as they are."""
        literals = block.raw(self._attribute)
        if self._optional:
            literals = [b"null" if literal is UNSET else literal for literal in literals]
        text = b",".join(literals)
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
