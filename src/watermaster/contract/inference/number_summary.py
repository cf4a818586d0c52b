"""What is kept of the numbers of one field."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from watermaster.contract.inference.moments import is_clock
from watermaster.contract.number import as_integer, loses_precision

_DOUBLE_MAX: Final = 2**1024 - 2**970


@dataclass(slots=True)
class NumberSummary:
    """Numbers so far, exactly."""

    count: int = 0
    fractions: int = 0
    """Those that are no whole number (`1.0` is one)."""
    spelled: int = 0
    """Those written with a fraction or an exponent."""
    minimum: int | Decimal = 0
    maximum: int | Decimal = 0
    falls: int = 0
    """How often a number was smaller than the one before it."""
    first: int | Decimal = 0
    last: int | Decimal = 0
    clock: bool = True
    """Every one can be read as HHMM."""
    unfit: bool = False
    """At least one that a double does not keep: then the field is not called a number."""

    def add(self, value: int | Decimal) -> None:
        """Take in one number."""
        if self.count == 0:
            self.minimum = self.maximum = self.first = self.last = value
        self.count += 1
        self.falls += value < self.last
        self.last = value
        if value < self.minimum:
            self.minimum = value
        elif value > self.maximum:
            self.maximum = value
        if isinstance(value, Decimal):
            self.spelled += 1
            self.fractions += as_integer(value) is None
            self.clock = False
        elif self.clock and not is_clock(value):
            self.clock = False
        if loses_precision(value) or not -_DOUBLE_MAX <= value <= _DOUBLE_MAX:
            self.unfit = True

    def merge(self, other: NumberSummary) -> None:
        """Take in the numbers that come after these."""
        if other.count == 0:
            return
        if self.count == 0:
            self.minimum, self.maximum, self.first, self.last = other.minimum, other.maximum, other.first, other.first
        self.falls += other.falls + (other.first < self.last)
        self.count += other.count
        self.fractions += other.fractions
        self.spelled += other.spelled
        self.minimum, self.maximum = min(self.minimum, other.minimum), max(self.maximum, other.maximum)
        self.last = other.last
        self.clock = self.clock and other.clock
        self.unfit = self.unfit or other.unfit

    @property
    def whole(self) -> bool:
        """Whether all are whole numbers."""
        return self.fractions == 0

    @property
    def growing(self) -> bool:
        """Whether the numbers grow with the records, as ids and counters do: their maximum says nothing."""
        return self.falls * 20 < self.count
