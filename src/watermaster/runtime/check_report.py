"""What a check found: counts that can be added up part by part, and the report made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from watermaster.gate.verdict import BrokenRule, Outcome, Verdict
from watermaster.runtime.assertion import AssertionResult, Seen
from watermaster.runtime.record_source import Form, Part, Store

EXAMPLES_MAX: Final = 5
"""Line numbers kept for each reason: enough to look at, few enough to print."""
FAILING_MAX: Final = 20
"""Failing records shown with all their broken rules: the first ones, in the order of the files."""


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """One broken rule: how many records broke it, and the first that did: lines (records of Parquet) from 1.

    `files` names the file of each of the `lines`.
    """

    reason: BrokenRule
    records: int
    lines: tuple[int, ...]
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FailingRecord:
    """A record that would be held or dropped, with every rule that it breaks and its shape without its values."""

    file: str
    line: int
    outcome: Outcome
    broken: tuple[BrokenRule, ...]
    masked: str


@dataclass(frozen=True, slots=True)
class Unread:
    """Why a file could not be read to its end; what was read until then is counted."""

    code: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class FileCount:
    """One file. `failures` counts the records for each broken rule of severity error, by the rule's id."""

    file: str
    form: Form | Store
    records: int
    passed: int
    held: int
    dropped: int
    warned: int
    failures: dict[str, int] = field(default_factory=dict)
    unread: Unread | None = None


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What was found. `records = passed + held + dropped`; `warned` passed with warnings."""

    source: str
    contract: str
    content_hash: str
    records: int
    passed: int
    held: int
    dropped: int
    warned: int
    blank_lines: int
    reasons: tuple[ReasonCount, ...]
    """Most frequent first."""
    files: tuple[FileCount, ...] = ()
    failing: tuple[FailingRecord, ...] = ()
    """The first `FAILING_MAX`."""
    unjudged: tuple[str, ...] = ()
    """What the contract asks and is not judged here: said and not passed over."""
    assertions: tuple[AssertionResult, ...] = ()
    """What the contract asks of all records together; they never change the verdict of a record."""
    asserted: int = 0
    """The records that assertions are about: those that are JSON objects."""

    @property
    def has_findings(self) -> bool:
        """Whether a pipeline should stop: a record that does not pass, or an assertion that is not met."""
        return bool(self.held or self.dropped or any(result.is_failure for result in self.assertions))

    @property
    def unread(self) -> Unread | None:
        """Why the first file that could not be read could not."""
        return next((file.unread for file in self.files if file.unread is not None), None)


@dataclass(slots=True)
class Tally:
    """Counts of one part, small whatever the part holds; numbers of lines are those inside the part."""

    part: Part
    records: int = 0
    outcomes: dict[Outcome, int] = field(default_factory=lambda: dict.fromkeys(Outcome, 0))
    blank_lines: int = 0
    counts: dict[BrokenRule, int] = field(default_factory=dict)
    lines: dict[BrokenRule, list[int]] = field(default_factory=dict)
    failing: list[FailingRecord] = field(default_factory=list)
    failures: dict[str, int] = field(default_factory=dict)
    last_number: int = 0
    unread: Unread | None = None
    seen: Seen = field(default_factory=Seen)

    def add(self, verdict: Verdict, line: int) -> None:
        """One record that does not simply pass."""
        self.add_alike(verdict, [line])

    def add_alike(self, verdict: Verdict, lines: Sequence[int], more: int = 0) -> None:
        """Some that do not simply pass, and for the same reasons; `lines` in their order, and `more` without one."""
        records = len(lines) + more
        self.outcomes[verdict.outcome] += records
        for reason in verdict.broken:
            self.counts[reason] = self.counts.get(reason, 0) + records
            # The first ones, whatever else their records break: those that break the same come in order, all do not.
            self.lines[reason] = sorted([*self.lines.get(reason, ()), *lines[:EXAMPLES_MAX]])[:EXAMPLES_MAX]
        if verdict.outcome is not Outcome.PASS:
            for rule in {reason.rule for reason in verdict.broken}:
                self.failures[rule] = self.failures.get(rule, 0) + records

    @property
    def passed(self) -> int:
        """Records that pass, with and without warnings."""
        return self.records - self.outcomes[Outcome.HOLD] - self.outcomes[Outcome.DROP]


class Summary:
    """Adds up tallies that come in the order of their files and parts."""

    def __init__(self) -> None:
        self._files: list[list[Tally]] = []
        self._counts: dict[BrokenRule, int] = {}
        self._places: dict[BrokenRule, list[tuple[str, int]]] = {}
        self._failing: list[FailingRecord] = []
        self.seen = Seen()

    def add(self, tally: Tally) -> None:
        """The next part."""
        self.seen = self.seen.plus(tally.seen)
        if not self._files or self._files[-1][0].part.file != tally.part.file:
            self._files.append([])
        before = sum(earlier.last_number for earlier in self._files[-1])
        self._files[-1].append(tally)
        for reason, count in tally.counts.items():
            self._counts[reason] = self._counts.get(reason, 0) + count
            places = self._places.setdefault(reason, [])
            room = EXAMPLES_MAX - len(places)
            places += [(tally.part.file, before + line) for line in tally.lines[reason][:room]]
        for failing in tally.failing[: FAILING_MAX - len(self._failing)]:
            moved = (failing.file, before + failing.line, failing.outcome, failing.broken, failing.masked)
            self._failing.append(FailingRecord(*moved))

    def report(self, source: str, contract: str, content_hash: str, unjudged: tuple[str, ...]) -> CheckReport:
        """Everything so far."""
        files = tuple(_count_file(tallies) for tallies in self._files)
        ranked = sorted(self._counts, key=lambda reason: (-self._counts[reason], reason.rule, reason.code))
        return CheckReport(
            source=source,
            contract=contract,
            content_hash=content_hash,
            records=sum(file.records for file in files),
            passed=sum(file.passed for file in files),
            held=sum(file.held for file in files),
            dropped=sum(file.dropped for file in files),
            warned=sum(file.warned for file in files),
            blank_lines=sum(tally.blank_lines for tallies in self._files for tally in tallies),
            reasons=tuple(self._reason(reason) for reason in ranked),
            files=files,
            failing=tuple(self._failing),
            unjudged=unjudged,
        )

    def _reason(self, reason: BrokenRule) -> ReasonCount:
        places = self._places[reason]
        lines, files = tuple(line for _, line in places), tuple(file for file, _ in places)
        return ReasonCount(reason, self._counts[reason], lines, files)


def _count_file(tallies: Sequence[Tally]) -> FileCount:
    failures: dict[str, int] = {}
    for tally in tallies:
        for rule, count in tally.failures.items():
            failures[rule] = failures.get(rule, 0) + count
    return FileCount(
        file=tallies[0].part.file,
        form=tallies[0].part.form,
        records=sum(tally.records for tally in tallies),
        passed=sum(tally.passed for tally in tallies),
        held=sum(tally.outcomes[Outcome.HOLD] for tally in tallies),
        dropped=sum(tally.outcomes[Outcome.DROP] for tally in tallies),
        warned=sum(tally.outcomes[Outcome.PASS] for tally in tallies),
        failures=failures,
        unread=next((tally.unread for tally in tallies if tally.unread is not None), None),
    )
