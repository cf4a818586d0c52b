"""What the cells of CSV files spell: they are texts, yet a column of nothing but numbers is meant to be one of numbers.

`check` reads a cell as the contract says what it is meant to be, so the same spelling counts: numbers as JSON writes
them, `true` and `false` in any case. A column with one other text in it (`NA`, `01234`) stays a column of texts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Final

from watermaster.contract.inference.naming import says_time
from watermaster.contract.inference.number_summary import NumberSummary
from watermaster.contract.inference.summary import NAMES_MAX, Document, ValueSummary

_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_CHARACTERS_MAX: Final = 40
"""A longer row of digits is no quantity."""
_TRUTHS: Final = frozenset({"true", "false"})


@dataclass(slots=True)
class CellSummary:
    """The cells of one column so far."""

    numbers: NumberSummary = field(default_factory=NumberSummary)
    truths: int = 0
    plain: bool = False
    """At least one is a text and nothing else, or a number that readers do not keep."""

    def add(self, text: str) -> None:
        """Take in one cell."""
        if self.plain:
            return
        number = _number(text)
        if number is not None:
            self.numbers.add(number)
            self.plain = self.numbers.unfit
        elif text.lower() in _TRUTHS:
            self.truths += 1
        else:
            self.plain = True

    def merge(self, other: CellSummary) -> None:
        """Take in the cells that come after these."""
        self.numbers.merge(other.numbers)
        self.truths += other.truths
        self.plain = self.plain or other.plain

    def retype(self, name: str, member: ValueSummary) -> bool:
        """Make the texts of a column what all of them spell; whether they spell anything."""
        texts = member.texts
        if self.plain or texts is None or texts.count not in (self.numbers.count, self.truths):
            return False
        if texts.moments and says_time(name):
            return False  # days in digits
        member.texts = None
        if self.truths:
            member.booleans = self.truths
        else:
            member.numbers = self.numbers
        return True


def _number(text: str) -> int | Decimal | None:
    if len(text) > _CHARACTERS_MAX or not _NUMBER.fullmatch(text):
        return None
    if text.removeprefix("-").isdecimal():
        return int(text)
    try:
        return Decimal(text)
    except InvalidOperation:  # an exponent that no reader keeps, as in a digest of digits and one `e`
        return None


@dataclass(slots=True)
class CellsSummary:
    """The columns of CSV files so far."""

    columns: dict[str, CellSummary] = field(default_factory=dict)

    def add(self, row: Mapping[str, Document]) -> None:
        """Take in one row."""
        for name, text in row.items():
            if isinstance(text, str):
                column = self.columns.get(name)
                if column is None and len(self.columns) <= NAMES_MAX:
                    column = self.columns[name] = CellSummary()
                if column is not None:
                    column.add(text)

    def merge(self, other: CellsSummary) -> None:
        """Take in the rows that come after these."""
        for name, column in other.columns.items():
            self.columns.setdefault(name, CellSummary()).merge(column)
