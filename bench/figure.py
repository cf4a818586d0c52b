"""What a benchmark says: measured values, ratios of them, and sections that hold both."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Measured:
    """Repeated measurements of one thing; the median stands for them."""

    of: str
    unit: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def __str__(self) -> str:
        spread = ""
        if len(self.values) > 1:
            spread = f" ({brief(min(self.values))}–{brief(max(self.values))})"
        return f"{self.of} {brief(self.median)} {self.unit}{spread}"


def measured(of: str, unit: str, values: Sequence[float]) -> Measured:
    """`values` must not be empty."""
    return Measured(of, unit, tuple(values))


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound on a ratio, or on our own median where `absolute`."""

    at_most: float | None = None
    at_least: float | None = None
    absolute: bool = False

    def __str__(self) -> str:
        return f"≤ {self.at_most:g}" if self.at_most is not None else f"≥ {self.at_least:g}"

    def met(self, value: float) -> bool:
        return (self.at_most is None or value <= self.at_most) and (self.at_least is None or value >= self.at_least)


@dataclass(frozen=True, slots=True)
class Ratio:
    """Ours against a limit or a peer. `value` may be given where it is the median of paired ratios."""

    what: str
    ours: Measured
    reference: Measured
    goal: Goal | None = None
    paired: float | None = None

    @property
    def value(self) -> float:
        return self.paired if self.paired is not None else self.ours.median / self.reference.median

    @property
    def verdict(self) -> str:
        """The goal and whether it was met; empty without a goal."""
        if self.goal is None:
            return ""
        judged = self.ours.median if self.goal.absolute else self.value
        unit = f" {self.ours.unit}" if self.goal.absolute else ""
        return f"{self.goal}{unit}: {'met' if self.goal.met(judged) else 'MISSED'}"


@dataclass(frozen=True, slots=True)
class Table:
    """Plain rows beside the ratios."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the report. `missing` says exactly what could not be had; `facts` are for machines."""

    title: str
    about: str
    ratios: tuple[Ratio, ...] = ()
    tables: tuple[Table, ...] = ()
    missing: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)


class Missing(Exception):
    """Something outside is not there; the text says what."""


def brief(number: float) -> str:
    """Three significant digits, thousands grouped."""
    if abs(number) >= 100:
        return f"{number:,.0f}"
    return f"{number:.3g}"
