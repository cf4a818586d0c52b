"""A few different values with their counts, until there are too many to be a closed list."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

DISTINCT_MAX: Final = 64
"""A field with more different values is no list that a person would write or read."""

V = TypeVar("V", bound=Hashable)


@dataclass(slots=True)
class Distinct(Generic[V]):
    """Counts by value, and the position (from 1) at which each came first."""

    counts: dict[V, int] = field(default_factory=dict)
    first: dict[V, int] = field(default_factory=dict)
    closed: bool = True
    """False once there were too many values, or one that is not kept; then nothing is kept."""

    @property
    def newest(self) -> int:
        """The position at which the last value that was new came."""
        return max(self.first.values(), default=0)

    def again(self, value: V) -> bool:
        """Count a value that is known; False if it is not."""
        known = value in self.counts
        if known:
            self.counts[value] += 1
        return known

    def add(self, value: V, position: int, *, kept: bool = True) -> None:
        """Note a value for the first time."""
        if not self.closed:
            return
        if not kept or len(self.counts) >= DISTINCT_MAX:
            self._give_up()
            return
        self.counts[value] = 1
        self.first[value] = position

    def merge(self, other: Distinct[V], before: int) -> None:
        """Take in what comes after `before` values."""
        for value, count in other.counts.items():
            self.counts[value] = self.counts.get(value, 0) + count
            self.first.setdefault(value, before + other.first[value])
        if not (self.closed and other.closed) or len(self.counts) > DISTINCT_MAX:
            self._give_up()

    def _give_up(self) -> None:
        self.closed = False
        self.counts, self.first = {}, {}
