"""One byte for each offset: what was seen there. Pages come when they are written to and go when they are judged."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

TRUSTED = 1
HELD = 2
SOURCE = 4
DROPPED = 8
OUTPUT = TRUSTED | HELD

_PAGE_BITS = 14
PAGE_OFFSETS = 1 << _PAGE_BITS
"""Offsets of one page: 80 KB with the activations, so that a sparse partition costs little."""
_IN_PAGE = PAGE_OFFSETS - 1


@cache
def _with(mark: int) -> bytes:
    """The translation of all marks to themselves and `mark`."""
    return bytes(value | mark for value in range(256))


class Stretch(NamedTuple):
    """A part of a page: `marks[0]` is what was seen at offset `start`."""

    start: int
    marks: bytearray
    activations: array[int]


class Pages:
    """The marks of one source partition, and the activation of each output."""

    def __init__(self) -> None:
        self._marks: dict[int, bytearray] = {}
        self._activations: dict[int, array[int]] = {}

    def mark(self, offset: int, mark: int) -> int:
        """Set a mark; returns the marks that were there before."""
        page = self._marks.get(offset >> _PAGE_BITS)
        if page is None:
            page = self._open(offset >> _PAGE_BITS)
        before = page[offset & _IN_PAGE]
        page[offset & _IN_PAGE] = before | mark
        return before

    def mark_output(self, offset: int, mark: int, activation: int) -> int:
        """Set an output's mark with its activation, unless there is an output already; returns the marks before."""
        number, at = offset >> _PAGE_BITS, offset & _IN_PAGE
        page = self._marks.get(number)
        if page is None:
            page = self._open(number)
        before = page[at]
        if not before & OUTPUT:
            page[at] = before | mark
            self._activations[number][at] = activation
        return before

    def _open(self, number: int) -> bytearray:
        page = self._marks[number] = bytearray(PAGE_OFFSETS)
        self._activations[number] = array("i", bytes(4 * PAGE_OFFSETS))
        return page

    def mark_range(self, start: int, end: int, mark: int) -> None:
        """Set a mark on every offset of `[start, end)` that lies in a page that is there; the others stay absent."""
        table = _with(mark)
        for number in self._between(start, end):
            page, base = self._marks[number], number << _PAGE_BITS
            low, high = max(start - base, 0), min(end - base, PAGE_OFFSETS)
            page[low:high] = page[low:high].translate(table)

    def stretches(self, start: int, end: int) -> Iterator[Stretch]:
        """What is there of `[start, end)`, in order; offsets between the stretches bear no mark."""
        for number in self._between(start, end):
            base = number << _PAGE_BITS
            low, high = max(start - base, 0), min(end - base, PAGE_OFFSETS)
            yield Stretch(base + low, self._marks[number][low:high], self._activations[number][low:high])

    def free_below(self, offset: int) -> None:
        """Forget the pages that end at or below `offset`."""
        for number in [number for number in self._marks if (number + 1) << _PAGE_BITS <= offset]:
            del self._marks[number], self._activations[number]

    def bounds(self) -> tuple[int, int]:
        """The offsets between which all marks lie; `(0, 0)` if there is none."""
        if not self._marks:
            return 0, 0
        return min(self._marks) << _PAGE_BITS, (max(self._marks) + 1) << _PAGE_BITS

    def _between(self, start: int, end: int) -> list[int]:
        if start >= end:
            return []
        first, last = start >> _PAGE_BITS, (end - 1) >> _PAGE_BITS
        if last - first < len(self._marks):
            return [number for number in range(first, last + 1) if number in self._marks]
        return sorted(number for number in self._marks if first <= number <= last)
