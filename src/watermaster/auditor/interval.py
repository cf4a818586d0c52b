"""A set of offsets as sorted, disjoint, half-open ranges."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Range(NamedTuple):
    """Offsets `[start, end)`."""

    start: int
    end: int


class IntervalSet:
    """Offsets held as ranges: memory grows with the number of runs, not with the number of offsets."""

    def __init__(self, ranges: Iterable[tuple[int, int]] = ()) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for start, end in ranges:
            self.add(start, end)

    def __iter__(self) -> Iterator[Range]:
        return map(Range, self._starts, self._ends)

    def __contains__(self, offset: int) -> bool:
        at = bisect_right(self._starts, offset) - 1
        return at >= 0 and offset < self._ends[at]

    def add(self, start: int, end: int) -> None:
        """Add `[start, end)`; touching ranges become one."""
        if start >= end:
            return
        first, last = bisect_left(self._ends, start), bisect_right(self._starts, end)
        if first < last:
            start, end = min(start, self._starts[first]), max(end, self._ends[last - 1])
        self._starts[first:last] = [start]
        self._ends[first:last] = [end]

    def remove(self, start: int, end: int) -> None:
        """Take `[start, end)` out."""
        if start >= end:
            return
        first, last = bisect_right(self._ends, start), bisect_left(self._starts, end)
        if first >= last:
            return
        left, right = self._starts[first], self._ends[last - 1]
        kept = [(a, b) for a, b in ((left, start), (end, right)) if a < b]
        self._starts[first:last] = [a for a, _ in kept]
        self._ends[first:last] = [b for _, b in kept]

    def inside(self, start: int, end: int) -> list[Range]:
        """The ranges of this set within `[start, end)`, cut to it."""
        first, last = bisect_right(self._ends, start), bisect_left(self._starts, end)
        return [Range(max(start, self._starts[i]), min(end, self._ends[i])) for i in range(first, last)]

    def outside(self, start: int, end: int) -> list[Range]:
        """What of `[start, end)` is not in this set."""
        missing, at = [], start
        for held in self.inside(start, end):
            if at < held.start:
                missing.append(Range(at, held.start))
            at = held.end
        if at < end:
            missing.append(Range(at, end))
        return missing
