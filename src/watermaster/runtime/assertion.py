"""Assertions over whole files: seen part by part, concluded once all parts are there.

What is asked of single values is counted while records are judged. What needs all records together goes to the disk
(`Spool`): a keyed digest of each value that must not repeat, and the records themselves where SQL is asked. Counts are
exact; memory does not grow with the records.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Protocol, assert_never

from watermaster.contract.assertion import Assertion, LibraryMetric, Measured, Metric, SqlQuery, Unit
from watermaster.contract.checks import Checks, RuleSeverity
from watermaster.gate.metric import compile_counter, repeatable
from watermaster.gate.swift_json import decode_swiftly


class AssertionOutcome(Enum):
    """What came of an assertion. UNJUDGED counts as a finding: nothing is met that was not seen."""

    MET = "met"
    BROKEN = "broken"
    UNJUDGED = "unjudged"


@dataclass(frozen=True, slots=True)
class AssertionResult:
    """One assertion over everything that was checked. `reason` says why it could not be judged.

    `measured` is a count or a number; of a query that gave a text, only its length: it may be a record's.
    """

    id: str
    path: str
    severity: RuleSeverity
    asks: str
    message: str
    outcome: AssertionOutcome
    measured: str | None = None
    reason: str = ""

    @property
    def is_failure(self) -> bool:
        """Whether it is a finding that a pipeline should stop for."""
        return self.outcome is not AssertionOutcome.MET and self.severity is RuleSeverity.ERROR


@dataclass(frozen=True, slots=True)
class NotMeasured:
    """Why a query gave no value, in words that repeat no value of a record."""

    reason: str


class Spool(Protocol):
    """Where one process puts what needs all records together. `number` is the index of the assertion."""

    def keep_texts(self, number: int, texts: Sequence[bytes]) -> None:
        """Digests of texts that must not repeat. Raises WorldFault if the disk does not take them."""
        ...

    def keep_records(self, values: Sequence[bytes]) -> None:
        """Records as JSON objects. Raises WorldFault if the disk does not take them."""
        ...

    def flush(self) -> None:
        """All that was kept can be read by others."""
        ...


class Gathered(Protocol):
    """What all processes kept, read once at the end."""

    def repeats(self, number: int) -> int:
        """Texts beyond the first of each; exact, in bounded memory."""
        ...

    def measure(self, query: SqlQuery, checks: Checks) -> Measured | NotMeasured:
        """The value of a query over all records, shut in: it reads nothing else and changes nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Seen:
    """Of some records: how many were JSON objects, and the counts by the index of the assertion."""

    records: int = 0
    counts: tuple[int, ...] = ()

    def plus(self, other: Seen) -> Seen:
        """Both together."""
        longest = max(len(self.counts), len(other.counts))
        mine, theirs = (one.counts + (0,) * (longest - len(one.counts)) for one in (self, other))
        return Seen(self.records + other.records, tuple(map(sum, zip(mine, theirs, strict=True))))


class AssertionReader:
    """Sees records in the process that judges them."""

    def __init__(self, checks: Checks, spool: Spool) -> None:
        self._limits = checks.limits
        self._spool = spool
        measures = [(n, one.measure) for n, one in enumerate(checks.assertions)]
        library = [(n, measure) for n, measure in measures if isinstance(measure, LibraryMetric)]
        counters = ((n, compile_counter(measure, checks.value, checks.unknown_fields)) for n, measure in library)
        self._counters = [(n, counter) for n, counter in counters if counter is not None]
        self._texts = [(n, repeatable(m)) for n, m in library if m.metric is Metric.DUPLICATE_VALUES]
        self._keeps_records = len(library) < len(measures)
        self._width = len(measures)

    def see(self, values: Sequence[bytes | None]) -> Seen:
        """Count these records; those that are no JSON objects are left out, as the record verdicts say of them."""
        whole = [value for value in values if value is not None and len(value) <= self._limits.value_bytes_max]
        decoded = [(value, decode_swiftly(value, self._limits)) for value in whole]
        objects = [(value, document) for value, document in decoded if isinstance(document, dict)]
        documents = [document for _, document in objects]
        counts = [0] * self._width
        for number, counter in self._counters:
            counts[number] = counter(documents)
        for number, texts in self._texts:
            self._spool.keep_texts(number, texts(documents))
        if self._keeps_records:
            self._spool.keep_records([value for value, _ in objects])
        return Seen(len(objects), tuple(counts))


def conclude(checks: Checks, seen: Seen, gathered: Gathered, *, whole: bool) -> tuple[AssertionResult, ...]:
    """The outcome of each assertion. Not `whole`: something could not be read, and nothing is said of all records."""
    seen = seen.plus(Seen(counts=(0,) * len(checks.assertions)))
    results = []
    for number, one in enumerate(checks.assertions):
        value: Measured | NotMeasured = NotMeasured("not everything could be read to its end")
        if whole:
            value = _measure(one, number, checks, seen, gathered)
        results.append(_result(one, value))
    return tuple(results)


def _measure(one: Assertion, number: int, checks: Checks, seen: Seen, gathered: Gathered) -> Measured | NotMeasured:
    match one.measure:
        case SqlQuery():
            return gathered.measure(one.measure, checks)
        case LibraryMetric(metric, _, unit):
            count = gathered.repeats(number) if metric is Metric.DUPLICATE_VALUES else seen.counts[number]
            if unit is Unit.ROWS:
                return Decimal(count)
            return Decimal(count) * 100 / seen.records if seen.records else Decimal(0)
        case _:
            assert_never(one.measure)


def _result(one: Assertion, value: Measured | NotMeasured) -> AssertionResult:
    if isinstance(value, NotMeasured):
        outcome, measured, reason = AssertionOutcome.UNJUDGED, None, value.reason
    else:
        outcome = AssertionOutcome.MET if one.expectation.holds(value) else AssertionOutcome.BROKEN
        measured, reason = _shown(value), ""
    return AssertionResult(one.id, one.path, one.severity, one.asks, one.message, outcome, measured, reason)


def _shown(value: Measured) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return f"a text of {len(value)} characters"
        case Decimal():
            return f"{value:f}" if value == value.to_integral_value() else f"{value:.6g}"
        case _:
            assert_never(value)
