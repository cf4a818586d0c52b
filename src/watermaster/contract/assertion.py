"""Assertions: what a contract asks of many records together. They raise findings and never hold a record."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import TypeAlias

from watermaster.contract.checks import RuleSeverity, Scalar

Measured: TypeAlias = Decimal | bool | str | None
"""What a metric or a query gave: counts and numbers are exact, a query may give any single value."""


class Metric(Enum):
    """The library of ODCS."""

    ROW_COUNT = "rowCount"
    NULL_VALUES = "nullValues"
    MISSING_VALUES = "missingValues"
    INVALID_VALUES = "invalidValues"
    DUPLICATE_VALUES = "duplicateValues"


class Unit(Enum):
    """What a metric counts in: records, or hundredths of all records that can be read."""

    ROWS = "rows"
    PERCENT = "percent"


class Operator(Enum):
    """How a measured value is compared."""

    BE = "mustBe"
    NOT_BE = "mustNotBe"
    GREATER = "mustBeGreaterThan"
    GREATER_OR_EQUAL = "mustBeGreaterOrEqualTo"
    LESS = "mustBeLessThan"
    LESS_OR_EQUAL = "mustBeLessOrEqualTo"
    BETWEEN = "mustBeBetween"
    NOT_BETWEEN = "mustNotBeBetween"


@dataclass(frozen=True, slots=True)
class Expectation:
    """An operator with its operands: two for BETWEEN and NOT_BETWEEN (both ends belong to it), else one."""

    operator: Operator
    operands: tuple[Measured, ...]

    def holds(self, value: Measured) -> bool:
        """Whether a measured value is as asked. What cannot be ordered against a number is not."""
        wanted = self.operands[0]
        if self.operator is Operator.BE:
            return _same(value, wanted)
        if self.operator is Operator.NOT_BE:
            return not _same(value, wanted)
        if not isinstance(value, Decimal) or value.is_nan():
            return False
        low, high = Decimal(str(wanted)), Decimal(str(self.operands[-1]))
        return {
            Operator.GREATER: value > low,
            Operator.GREATER_OR_EQUAL: value >= low,
            Operator.LESS: value < low,
            Operator.LESS_OR_EQUAL: value <= low,
            Operator.BETWEEN: low <= value <= high,
            Operator.NOT_BETWEEN: not low <= value <= high,
        }[self.operator]

    def __str__(self) -> str:
        words = {
            Operator.BE: "must be",
            Operator.NOT_BE: "must not be",
            Operator.GREATER: "must be more than",
            Operator.GREATER_OR_EQUAL: "must be at least",
            Operator.LESS: "must be less than",
            Operator.LESS_OR_EQUAL: "must be at most",
            Operator.BETWEEN: "must be between",
            Operator.NOT_BETWEEN: "must not be between",
        }[self.operator]
        return f"{words} {' and '.join(str(operand) for operand in self.operands)}"


def _same(value: Measured, wanted: Measured) -> bool:
    """For Python True is 1; for a contract it is not."""
    return isinstance(value, bool) is isinstance(wanted, bool) and value == wanted


@dataclass(frozen=True, slots=True)
class LibraryMetric:
    """A count over records. `columns` are the names that lead to each value; `((),)` is the record itself.

    `missing` are the values that count as missing (nullValues: only null). `valid` and `pattern` say what invalidValues
    asks; without both it is the property's own rules.
    """

    metric: Metric
    columns: tuple[tuple[str, ...], ...]
    unit: Unit = Unit.ROWS
    missing: tuple[Scalar, ...] = (None,)
    valid: tuple[Scalar, ...] | None = None
    pattern: str | None = None


@dataclass(frozen=True, slots=True)
class SqlQuery:
    """A query that gives one value, over the records as a table with one column for each property of the object.

    `${table}` and `${column}` are already names; `tables` are those that the query may use for the table.
    """

    query: str
    tables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Assertion:
    """One thing that is asked of many records. `said` are the sentences with which record checks pass it on."""

    id: str
    path: str
    measure: LibraryMetric | SqlQuery
    expectation: Expectation
    said: tuple[str, ...]
    severity: RuleSeverity = RuleSeverity.ERROR
    message: str = ""
    line: int | None = None

    @property
    def asks(self) -> str:
        """One sentence for people."""
        match self.measure:
            case LibraryMetric(metric, columns, unit):
                names = ", ".join(".".join(steps) for steps in columns if steps)
                what = f"{metric.value} of {names}" if names else metric.value
                return f"{what} {self.expectation}{' %' if unit is Unit.PERCENT else ''}"
            case SqlQuery():
                return f"the query's value {self.expectation}"
