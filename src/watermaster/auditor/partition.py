"""The audit of one source partition: facts in, findings out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from watermaster.auditor.content import altered_fields
from watermaster.auditor.entry import arithmetic_fault, audit_entry
from watermaster.auditor.finding import Finding, FindingKind, Findings, Place
from watermaster.auditor.interval import IntervalSet, Range
from watermaster.auditor.ledger import Entry, EntryQueue, LedgerClaim
from watermaster.auditor.origin import Origin
from watermaster.auditor.page import DROPPED, HELD, OUTPUT, SOURCE, TRUSTED, Pages
from watermaster.auditor.reference import Reference, References
from watermaster.auditor.replay import ReplayAudit
from watermaster.auditor.replay_content import Difference, ReplayContents
from watermaster.auditor.sample import Sample
from watermaster.auditor.totals import DeclaredGap, Totals
from watermaster.stream.coordinates import TopicPartition

GAPS_SHOWN_MAX = 100
"""Gaps listed one by one; all are summed."""

UNREADABLE: Final = b""
"""In the place of a fingerprint: the client could not hand the source record over whole."""


@dataclass(frozen=True, slots=True)
class _CountSuspect:
    """An entry whose counts differ from what was found; reported unless a finding inside of it explains that."""

    entry: Range
    detail: str


class PartitionAudit:
    """State of one source partition. Facts may come in any interleaving; `judge` says what is complete."""

    def __init__(self, source: TopicPartition, sample: Sample) -> None:
        self.source = source
        self.sample = sample
        self.totals = Totals()
        self.begin: int | None = None
        """Start of the first ledger entry; None before the first is judged."""
        self.judged: int = 0
        """Everything below is judged (offsets below `begin` have no entry)."""
        self.gaps: list[DeclaredGap] = []
        self.compacted = False
        """Landing is compacted, so a source record may be gone although its output is right."""
        self.ledger_cut = False
        """The ledger's oldest records are gone, so outputs may be older than its first entry."""
        self._queue = EntryQueue()
        self._pages = Pages()
        self._covered = IntervalSet()
        self._source_contents: dict[int, bytes] = {}
        self._output_contents: dict[int, bytes] = {}
        self._last_trusted = -1
        self.replay = ReplayAudit()
        self.contents = ReplayContents()
        self._references = References()
        self._findings = Findings()
        self._lost = IntervalSet()
        self._holes = IntervalSet()
        self._troubled = IntervalSet()
        self._suspects: list[_CountSuspect] = []
        self._outputs_whole_from = 0

    # --- facts --------------------------------------------------------------------------------------------------

    def claim(self, claim: LedgerClaim) -> None:
        """A ledger entry of this partition."""
        self._queue.push(claim)

    def first_claim(self) -> int | None:
        """Where the ledger begins for this partition; None if it has no entry."""
        if self.begin is not None:
            return self.begin
        entry = self._queue.first()
        return None if entry is None else entry.start

    def last_claim(self) -> int | None:
        """The highest end of all entries; None if there is none."""
        waiting = self._queue.last_end()
        if self.begin is None:
            return waiting
        return max(self.judged, waiting or 0)

    def output(
        self,
        mark: int,
        origin: Origin,
        where: TopicPartition,
        at: int,
        content: bytes | None,
        mended: bytes | None = None,
    ) -> None:
        """An output at offset `at` of `where`, with its fingerprint, and with that after the fix that a state names."""
        offset = origin.offset
        if origin.attempt:
            self._replay(origin, where, at, content)
            return
        strayed = where.partition != self.source.partition
        if offset < self.judged:
            self._late(offset, strayed, where, at)
            return
        if self._pages.mark_output(offset, mark, origin.activation) & OUTPUT:
            self._find(FindingKind.DUPLICATE, Place(offset, where, at))
            return
        if mark == HELD:
            self.replay.held(offset, at)
            self._find_all(self.contents.held(offset, content, self.replay.claim_of(offset), mended))
        if strayed:
            self._find(FindingKind.WRONG_PARTITION, Place(offset, where, at))
        elif mark == TRUSTED:
            if offset < self._last_trusted:
                self._find(FindingKind.REORDERED, Place(offset, where, at, f"after offset {self._last_trusted}"))
            else:
                self._last_trusted = offset
        source = self._source_contents.pop(offset, None)
        if content is None:
            return
        if source is None:
            self._output_contents[offset] = content
        else:
            self._compare(offset, source, content, where, at)

    def record(self, offset: int, content: bytes | None) -> None:
        """A source record. `content` is its fingerprint, `UNREADABLE`, or None if it is not to be compared."""
        if offset < self.judged:
            return
        before = self._pages.mark(offset, SOURCE)
        output = self._output_contents.pop(offset, None)
        if content is None:
            return
        if output is not None:
            self._compare(offset, content, output, None, None)
        elif not before & OUTPUT:
            self._source_contents[offset] = content

    def cover(self, start: int, end: int) -> None:
        """Landing was read from `start` to `end`: what was not handed over there does not exist."""
        self._covered.add(max(start, self.judged), end)

    def refer(self, offset: int, reference: Reference) -> None:
        """A record is held by reference: its facts are compared when landing is fetched."""
        if not self._references.add(offset, reference):
            self._findings.add(FindingKind.SOURCE_UNREADABLE, Place(offset, detail="too many held by reference"))

    def outputs_cut(self, whole_from: int) -> None:
        """Retention cut an output topic: outputs of sources below `whole_from` may have been there."""
        self._outputs_whole_from = max(self._outputs_whole_from, whole_from)

    def find(self, kind: FindingKind, place: Place) -> None:
        """A finding that was made elsewhere and concerns this partition."""
        self._find(kind, place)

    @property
    def is_begun(self) -> bool:
        """Whether any offset was judged; entries with an empty range only say where the gate will begin."""
        return self.begin is not None and self.judged > self.begin

    # --- judgement ----------------------------------------------------------------------------------------------

    def judge(self, upto: int) -> None:
        """All facts about offsets below `upto` are in: judge the entries that end there or before."""
        while (entry := self._queue.first()) is not None and entry.end <= upto:
            self._queue.drop_first()
            self._judge_entry(entry)
        self._retire()

    def finish(self, committed: int | None, confirmed: int | None) -> None:
        """Judge up to the committed offset, and what stands beyond it.

        `committed` was asked for before the outputs and the ledger were read, `confirmed` after (both stable ones).
        None means that the group has no offset.
        """
        if committed is None:
            last = self.last_claim()
            if last is not None:
                self._find(FindingKind.COMMIT_GONE, Place(last, detail="the ledger ends here"))
                self.judge(last)
            return
        self.judge(committed)
        self._judge_tail(committed)
        self._judge_beyond(max(committed, confirmed or 0))

    def unresolved(self) -> list[Range]:
        """What must be fetched from landing, in order: holes, and the sources of judged records held by reference."""
        wanted = IntervalSet(self._holes)
        for offset in self._references.below(self.judged):
            wanted.add(offset, offset + 1)
        return list(wanted)

    def check_reference(self, offset: int, found: Reference) -> None:
        """A source was fetched from landing; compare it with the facts, if it is held by reference."""
        if offset in self._references:
            for kind, name in self._references.check(offset, found):
                self._find(kind, Place(offset, detail=f"held by reference with another {name} than the source"))

    def resolve(self, start: int, end: int, found: list[int]) -> None:
        """Landing was read from `start` to `end` once more; records stand at `found`, and references are checked."""
        for offset in self._references.take(start, min(end, self.judged)):
            if offset not in self._troubled:
                self._find(FindingKind.ORPHAN, Place(offset, detail="held by reference without a source record"))
        lost = [offset for offset in found if offset in self._holes]
        for offset in lost:
            self._lost.add(offset, offset + 1)
            self._troubled.add(offset, offset + 1)
        self.totals.holes += sum(hole.end - hole.start for hole in self._holes.inside(start, end)) - len(lost)
        self._holes.remove(start, end)

    def unreadable(self, start: int, end: int) -> None:
        """Landing no longer holds `[start, end)`: holes there stay unexplained for ever."""
        for hole in self._holes.inside(start, end):
            place = Place(hole.start, detail=f"offsets {hole.start} to {hole.end - 1} cannot be read any more")
            self._findings.add(FindingKind.SOURCE_GONE, place, hole.end - hole.start)
        self._holes.remove(start, end)
        for offset in self._references.take(start, min(end, self.judged)):
            self._findings.add(FindingKind.SOURCE_GONE, Place(offset, detail="held by reference; the source is gone"))

    def findings(self) -> tuple[Finding, ...]:
        """Everything found so far. Holes that nobody resolved count as gone."""
        shown = self._findings.copy()
        for start, end in self._lost:
            kind = FindingKind.OUTPUT_GONE if start < self._outputs_whole_from else FindingKind.LOST
            shown.add(kind, Place(start, detail=f"offsets {start} to {end - 1}"), end - start)
        for start, end in self._holes:
            place = Place(start, detail=f"offsets {start} to {end - 1} were not fetched")
            shown.add(FindingKind.SOURCE_GONE, place, end - start)
        for suspect in self._suspects:
            if not self._troubled.inside(*suspect.entry):
                is_cut = suspect.entry.start < self._outputs_whole_from
                kind = FindingKind.OUTPUT_GONE if is_cut else FindingKind.LEDGER_COUNT
                shown.add(kind, Place(suspect.entry.start, detail=suspect.detail))
        for found in self.replay.findings():
            shown.add(*found)
        return shown.all()

    # --- inside -------------------------------------------------------------------------------------------------

    def _find(self, kind: FindingKind, place: Place, count: int = 1) -> None:
        self._findings.add(kind, place, count)
        if place.source_offset is not None:
            self._troubled.add(place.source_offset, place.source_offset + 1)

    def _compare(self, offset: int, source: bytes, output: bytes, where: TopicPartition | None, at: int | None) -> None:
        if source == UNREADABLE:
            self._findings.add(FindingKind.SOURCE_UNREADABLE, Place(offset, where, at))
            return
        self.totals.compared += 1
        if source != output:
            for kind in altered_fields(source, output):
                self._find(kind, Place(offset, where, at))

    def repair(self, origin: Origin, where: TopicPartition, at: int, content: bytes | None) -> None:
        """A replay of a record of this partition, in a repair topic."""
        self._replay(origin, where, at, content, repair=True)

    def _replay(
        self, origin: Origin, where: TopicPartition, at: int, content: bytes | None, *, repair: bool = False
    ) -> None:
        self.totals.replays += 1
        if where.partition != self.source.partition:
            self._find(FindingKind.WRONG_PARTITION, Place(origin.offset, where, at, "a replay"))
        found = self.replay.output(origin.offset, origin.attempt, where, at, fix=origin.fix, repair=repair)
        if found is not None:
            self._find(*found)
        else:
            self._find_all(self.contents.written(origin.offset, content, origin.fix, where, at))

    def _find_all(self, differences: Iterable[Difference]) -> None:
        for difference in differences:
            self._find(*difference)

    def _late(self, offset: int, strayed: bool, where: TopicPartition, at: int) -> None:
        """An output for an offset that was judged: it was missed there, or it is one too many."""
        place = Place(offset, where, at)
        if self.begin is None or offset < self.begin:
            self._before_ledger(offset, 1, place)
        elif offset in self._lost or offset in self._holes:
            self._lost.remove(offset, offset + 1)
            self._holes.remove(offset, offset + 1)
            self._find(FindingKind.WRONG_PARTITION if strayed else FindingKind.REORDERED, place)
        else:
            self._find(FindingKind.DUPLICATE, place)

    def _before_ledger(self, offset: int, count: int, place: Place | None = None) -> None:
        kind = FindingKind.LEDGER_GONE if self.ledger_cut else FindingKind.ORPHAN
        detail = f"outputs from before the ledger's first entry at {self.begin}"
        self._find(kind, place or Place(offset, detail=detail), count)

    def _judge_entry(self, entry: Entry) -> None:
        if self.begin is None:
            self._open_at(entry.start)
        if entry.start > self.judged:
            self._ledger_hole(self.judged, entry.start, f"the next entry starts at {entry.start}")
        overlaps = entry.start < self.judged
        if overlaps:
            self._find(FindingKind.LEDGER_OVERLAP, Place(entry.start, detail=f"already covered to {self.judged}"))
        fault = arithmetic_fault(entry)
        if fault:
            self._find(FindingKind.LEDGER_COUNT, Place(entry.start, detail=fault))
        start = max(self.judged, entry.start)
        if start < entry.end:
            self._audit_range(entry, start, counts_matter=not overlaps and not fault)
        self._add_up(entry)

    def _audit_range(self, entry: Entry, start: int, *, counts_matter: bool) -> None:
        audit = audit_entry(entry, start, self._pages, self._covered)
        for kind, offset, detail, count in audit.findings:
            is_compacted = kind is FindingKind.ORPHAN and self.compacted
            self._find(FindingKind.SOURCE_GONE if is_compacted else kind, Place(offset, detail=detail), count)
        for low, high in audit.lost:
            self._lost.add(low, high)
            self._troubled.add(low, high)
        for low, high in audit.holes:
            self._holes.add(low, high)
        if counts_matter and (audit.passed, audit.held) != (entry.passed, entry.held):
            detail = (
                f"entry {entry.start} to {entry.end}: passed {entry.passed}, found {audit.passed}; "
                f"held {entry.held}, found {audit.held}"
            )
            self._suspects.append(_CountSuspect(Range(entry.start, entry.end), detail))

    def _add_up(self, entry: Entry) -> None:
        self.judged = max(self.judged, entry.end)
        totals = self.totals
        totals.entries += 1
        totals.read += entry.read
        totals.passed += entry.passed
        totals.held += entry.held
        totals.dropped += entry.dropped
        for gap in entry.gaps:
            totals.lost_max += gap.lost_max
            if len(self.gaps) < GAPS_SHOWN_MAX:
                self.gaps.append(DeclaredGap(gap.start, gap.end, gap.cause, gap.lost_max))

    def _open_at(self, start: int) -> None:
        self.begin = self.judged = start
        for stretch in self._pages.stretches(0, start):
            outputs = [at for at, mark in enumerate(stretch.marks) if mark & OUTPUT]
            if outputs:
                self._before_ledger(stretch.start + outputs[0], len(outputs))

    def _ledger_hole(self, start: int, end: int, detail: str) -> None:
        """Outputs and sources in there are covered by this one finding."""
        self._find(FindingKind.LEDGER_HOLE, Place(start, detail=f"no entry for {start} to {end - 1}: {detail}"))
        self._pages.mark_range(start, end, DROPPED)
        self.judged = end

    def _judge_tail(self, committed: int) -> None:
        """The ledger must end exactly where the committed offset is."""
        waiting = self._queue.first()
        if self.begin is None and waiting is None:
            if committed > 0:
                kind = FindingKind.LEDGER_GONE if self.ledger_cut else FindingKind.LEDGER_HOLE
                self._find(kind, Place(None, detail=f"no entry at all below the committed offset {committed}"))
            return
        if waiting is not None and waiting.start < committed:
            detail = f"the committed offset {committed} lies inside of the entry {waiting.start} to {waiting.end}"
            self._find(FindingKind.COMMIT_MISMATCH, Place(committed, detail=detail))
        elif self.begin is None:
            self._find(FindingKind.LEDGER_HOLE, Place(committed, detail="the ledger begins above the committed offset"))
        elif self.judged < committed:
            self._ledger_hole(self.judged, committed, f"the committed offset is {committed}")
        elif self.judged > committed:
            detail = f"the committed offset {committed} went back; entries reach {self.judged}"
            self._find(FindingKind.COMMIT_MISMATCH, Place(committed, detail=detail))
        self._retire()

    def _judge_beyond(self, confirmed: int) -> None:
        """Nothing may stand at or above an offset that was committed after everything had been read."""
        last = self._queue.last_end()
        if last is not None and last > confirmed:
            if confirmed in self._troubled:
                return  # said in an earlier round
            detail = f"entries reach {last}, the committed offset is {confirmed}"
            self._find(FindingKind.COMMIT_MISMATCH, Place(confirmed, detail=detail))
            return
        _, end = self._pages.bounds()
        for stretch in self._pages.stretches(confirmed, end):
            for at, mark in enumerate(stretch.marks):
                if mark & OUTPUT and stretch.start + at not in self._troubled:
                    detail = f"an output beyond the committed offset {confirmed}"
                    self._find(FindingKind.ORPHAN, Place(stretch.start + at, detail=detail))

    def _retire(self) -> None:
        """Forget what is judged. An output whose source was never read cannot be compared any more."""
        self._pages.free_below(self.judged)
        for offset in [offset for offset in self._output_contents if offset < self.judged]:
            del self._output_contents[offset]
            if offset >= (self.begin or 0) and offset not in self._covered:
                self._findings.add(FindingKind.SOURCE_GONE, Place(offset, detail="the bytes cannot be compared"))
        for offset in [offset for offset in self._source_contents if offset < self.judged]:
            del self._source_contents[offset]
        self._covered.remove(0, self.judged)
