"""One ledger entry against what was seen in its range."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from watermaster.auditor.finding import FindingKind
from watermaster.auditor.interval import IntervalSet, Range
from watermaster.auditor.ledger import Entry
from watermaster.auditor.page import DROPPED, HELD, OUTPUT, SOURCE, TRUSTED, Pages, Stretch

_RETENTION = "retention"
"""The one cause of a gap that landing can contradict: after a truncation offsets are used a second time."""

_NOTHING = re.compile(rb"\x00+")
_SOURCE_ALONE = re.compile(rb"\x04+")
_OUTPUT_ALONE = re.compile(rb"[\x01\x02]")
_OUTPUT = re.compile(rb"[^\x00\x04\x08\x0c]")
_TRUSTED_MARKS = tuple(mark for mark in range(16) if mark & TRUSTED)
_HELD_MARKS = tuple(mark for mark in range(16) if mark & HELD)
_SOURCE_MARKS = tuple(mark for mark in range(16) if mark & SOURCE)
_OUTPUT_MARKS = tuple(mark for mark in range(16) if mark & OUTPUT)


@dataclass(slots=True)
class EntryAudit:
    """What one entry's range shows. Findings are (kind, source offset, detail, count)."""

    passed: int = 0
    held: int = 0
    lost: list[Range] = field(default_factory=list)
    """Source records without an output."""
    holes: list[Range] = field(default_factory=list)
    """Offsets of which nothing is known: to be fetched from landing."""
    findings: list[tuple[FindingKind, int, str, int]] = field(default_factory=list)

    def find(self, kind: FindingKind, offset: int, detail: str = "", count: int = 1) -> None:
        """Note a finding at a source offset."""
        self.findings.append((kind, offset, detail, count))


def arithmetic_fault(entry: Entry) -> str:
    """Why an entry's own numbers cannot be right; empty if they can. `offered = in + lost` holds by construction."""
    if entry.read != entry.passed + entry.held + entry.dropped:
        return f"in {entry.read} is not passed {entry.passed} + held {entry.held} + dropped {entry.dropped}"
    gaps = [Range(gap.start, gap.end) for gap in entry.gaps]
    for name, ranges in (("gaps", gaps), ("dropped offsets", entry.dropped_ranges)):
        if not _are_ordered_within(ranges, entry.start, entry.end):
            return f"{name} are not in order within the range"
    if any(gap.lost_max > gap.end - gap.start for gap in entry.gaps):
        return "a gap counts more lost records than it has offsets"
    dropped = sum(end - start for start, end in entry.dropped_ranges)
    if dropped != entry.dropped:
        return f"{dropped} dropped offsets are listed, {entry.dropped} are counted"
    room = entry.end - entry.start - sum(end - start for start, end in gaps)
    if entry.read > room:
        return f"in {entry.read} exceeds the {room} offsets of the range"
    return ""


def _are_ordered_within(ranges: Iterable[Range], start: int, end: int) -> bool:
    at = start
    for low, high in ranges:
        if low < at or high <= low:
            return False
        at = high
    return at <= end


def audit_entry(entry: Entry, start: int, pages: Pages, covered: IntervalSet) -> EntryAudit:
    """Compare the part of an entry from `start` on with what was seen. `covered` is what landing was read for.

    Marks the dropped offsets in `pages`.
    """
    audit = EntryAudit()
    for low, high in entry.dropped_ranges:
        _audit_drop(Range(max(low, start), min(high, entry.end)), pages, covered, audit)
    passed_over = IntervalSet((gap.start, gap.end) for gap in entry.gaps)
    for gap in entry.gaps:
        _audit_gap(gap.start, min(gap.end, entry.end), gap.cause, pages, audit)
    dropped = IntervalSet(entry.dropped_ranges)
    for piece in passed_over.outside(start, entry.end):
        for blank in _audit_piece(piece, entry.activation, pages, covered, audit):
            for unknown in dropped.outside(*blank):
                audit.holes += covered.outside(*unknown)
    return audit


def _audit_drop(drop: Range, pages: Pages, covered: IntervalSet, audit: EntryAudit) -> None:
    for stretch in pages.stretches(*drop):
        for hit in _OUTPUT.finditer(stretch.marks):
            audit.find(FindingKind.DROPPED_BUT_OUTPUT, stretch.start + hit.start())
    for read in covered.inside(*drop):
        sources = sum(_count(stretch.marks, _SOURCE_MARKS) for stretch in pages.stretches(*read))
        if sources < read.end - read.start:
            detail = "a dropped offset without a source record"
            audit.find(FindingKind.ORPHAN, read.start, detail, read.end - read.start - sources)
    pages.mark_range(*drop, DROPPED)


def _audit_gap(start: int, end: int, cause: str, pages: Pages, audit: EntryAudit) -> None:
    for stretch in pages.stretches(start, end):
        outputs, sources = _count(stretch.marks, _OUTPUT_MARKS), _count(stretch.marks, _SOURCE_MARKS)
        if outputs:
            audit.find(FindingKind.GAP_CONTRADICTED, stretch.start, f"{outputs} outputs in a gap", outputs)
        elif sources and cause == _RETENTION:
            detail = f"{sources} records can be read in a gap"
            audit.find(FindingKind.GAP_CONTRADICTED, stretch.start, detail, sources)


def _audit_piece(
    piece: Range, activation: int, pages: Pages, covered: IntervalSet, audit: EntryAudit
) -> Iterator[Range]:
    """Yields the ranges that bear no mark."""
    at = piece.start
    for stretch in pages.stretches(*piece):
        if at < stretch.start:
            yield Range(at, stretch.start)
        for blank in _NOTHING.finditer(stretch.marks):
            yield Range(stretch.start + blank.start(), stretch.start + blank.end())
        _audit_stretch(stretch, activation, covered, audit)
        at = stretch.start + len(stretch.marks)
    if at < piece.end:
        yield Range(at, piece.end)


def _audit_stretch(stretch: Stretch, activation: int, covered: IntervalSet, audit: EntryAudit) -> None:
    start, marks, activations = stretch
    passed, held = _count(marks, _TRUSTED_MARKS), _count(marks, _HELD_MARKS)
    audit.passed += passed
    audit.held += held
    audit.lost += [Range(start + hit.start(), start + hit.end()) for hit in _SOURCE_ALONE.finditer(marks)]
    if activations.count(activation) < passed + held:
        for hit in _OUTPUT.finditer(marks):
            found = activations[hit.start()]
            if found != activation:
                detail = f"activation {found}, the ledger says {activation}"
                audit.find(FindingKind.WRONG_ACTIVATION, start + hit.start(), detail)
    for read in covered.inside(start, start + len(marks)):
        for hit in _OUTPUT_ALONE.finditer(marks, read.start - start, read.end - start):
            audit.find(FindingKind.ORPHAN, start + hit.start(), "an output without a source record")


def _count(marks: bytearray, which: tuple[int, ...]) -> int:
    return sum(map(marks.count, which))
