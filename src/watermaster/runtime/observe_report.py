"""What an observation tells: a snapshot made of plain values, for a table and for JSON alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from watermaster.gate.ledger import Gap
from watermaster.runtime.observe import Note, Observation
from watermaster.runtime.observe_comparison import Comparison
from watermaster.runtime.observe_stream import Judged, StreamObservation
from watermaster.runtime.observe_tally import BreakerForecast, Example, PartitionCount, Reason, ReasonTally, total

REASONS_SHOWN: Final = 20
"""Reasons in a report; who has more problems begins with these."""


@dataclass(frozen=True, slots=True)
class ContractLine:
    """Which contract judged: its file, id, version and content hash, and what it asks that records cannot answer."""

    source: str
    contract_id: str
    version: str
    content_hash: str
    unjudged: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PartitionLine:
    """What enforcement would enter for `[start, end)` of one partition: in = passed + held + dropped."""

    partition: int
    start: int
    end: int
    records: int
    passed: int
    held: int
    dropped: int
    without_record: int
    """Offsets of transaction markers, aborted or compacted records."""
    lost_max: int
    """At most so many records were deleted before they could be read."""
    gaps: tuple[Gap, ...]
    read_to_end: bool


@dataclass(frozen=True, slots=True)
class ExampleLine:
    """One record; sizes in bytes, None for null. `value` only when asked for."""

    at: str
    timestamp_ms: int
    key_bytes: int | None
    value_bytes: int | None
    headers: int
    message: str
    value: str | None


@dataclass(frozen=True, slots=True)
class ReasonLine:
    """One rule and the records that break it; `per_1000` of all records that were read."""

    rule: str
    code: str
    severity: str
    records: int
    per_1000: float
    examples: tuple[ExampleLine, ...]


@dataclass(frozen=True, slots=True)
class BreakerLine:
    """The contract's budget, and whether the breaker would open at it; shares from 0 to 1."""

    budget_share: float
    window: int
    minimum: int
    openings: int
    first_opening: str | None
    share_at_opening: float | None


@dataclass(frozen=True, slots=True)
class ComparisonLine:
    """What another contract would change on the same records."""

    contract: ContractLine
    held_by_both: int
    newly_held: int
    newly_passed: int
    holding: tuple[ReasonLine, ...]
    releasing: tuple[ReasonLine, ...]


@dataclass(frozen=True, slots=True)
class StreamReport:
    """One stream under observation."""

    topic: str
    contract: ContractLine
    records: int
    passed: int
    held: int
    dropped: int
    held_per_1000: float
    partitions: tuple[PartitionLine, ...]
    reasons: tuple[ReasonLine, ...]
    reasons_not_shown: int
    unforwardable: tuple[ReasonLine, ...]
    oversize: int
    oversize_examples: tuple[ExampleLine, ...]
    record_bytes_max: int | None
    breaker: BreakerLine
    comparison: ComparisonLine | None


@dataclass(frozen=True, slots=True)
class NoteLine:
    """Something that went wrong while reading."""

    code: str
    message: str
    times: int


@dataclass(frozen=True, slots=True)
class ObserveReport:
    """The whole answer. `complete` is False if a partition could not be read to its end."""

    streams: tuple[StreamReport, ...]
    notes: tuple[NoteLine, ...]
    complete: bool

    @property
    def held(self) -> int:
        """Records that enforcement would hold."""
        return sum(stream.held for stream in self.streams)


def report_on(observation: Observation) -> ObserveReport:
    """A snapshot of what was counted so far."""
    unread = {(source.topic, source.partition) for source in observation.unread}
    return ObserveReport(
        streams=tuple(_stream(stream, unread) for stream in observation.streams.values()),
        notes=tuple(_note(note) for note in observation.notes.values()),
        complete=not observation.unread,
    )


def _note(note: Note) -> NoteLine:
    return NoteLine(note.code, note.message, note.times)


def _stream(stream: StreamObservation, unread: set[tuple[str, int]]) -> StreamReport:
    topic = stream.subject.topic
    records, held = total(stream.partitions, "read"), total(stream.partitions, "held")
    reasons = stream.reasons.ranked()
    return StreamReport(
        topic=topic,
        contract=_contract(stream.subject.contract),
        records=records,
        passed=total(stream.partitions, "passed"),
        held=held,
        dropped=total(stream.partitions, "dropped"),
        held_per_1000=_per_1000(held, records),
        partitions=tuple(
            _partition(count, read_to_end=(topic, number) not in unread)
            for number, count in sorted(stream.partitions.items())
        ),
        reasons=_reasons(reasons[:REASONS_SHOWN], records),
        reasons_not_shown=sum(reason.records for reason in reasons[REASONS_SHOWN:]) + stream.reasons.beyond,
        unforwardable=_reasons(stream.unforwardable.ranked()[:REASONS_SHOWN], records),
        oversize=stream.oversize.records,
        oversize_examples=_examples(stream.oversize.examples),
        record_bytes_max=stream.subject.record_bytes_max,
        breaker=_breaker(stream.breaker),
        comparison=(
            comparison_line(stream.comparison, stream.subject.against, records)
            if stream.comparison is not None and stream.subject.against is not None
            else None
        ),
    )


def _contract(judged: Judged) -> ContractLine:
    checks = judged.checks
    return ContractLine(
        judged.source, checks.contract_id, checks.contract_version, checks.content_hash, checks.unjudged
    )


def _partition(count: PartitionCount, *, read_to_end: bool) -> PartitionLine:
    return PartitionLine(
        partition=count.source.partition,
        start=count.start,
        end=count.next,
        records=count.read,
        passed=count.passed,
        held=count.held,
        dropped=count.dropped,
        without_record=count.without_record,
        lost_max=count.lost_max,
        gaps=tuple(count.gaps),
        read_to_end=read_to_end,
    )


def _reasons(reasons: Iterable[Reason], records: int, place: Callable[[Example], str] = str) -> tuple[ReasonLine, ...]:
    return tuple(
        ReasonLine(
            rule=reason.rule,
            code=reason.code,
            severity=reason.severity.value,
            records=reason.records,
            per_1000=_per_1000(reason.records, records),
            examples=_examples(reason.examples, place),
        )
        for reason in reasons
    )


def _examples(examples: Iterable[Example], place: Callable[[Example], str] = str) -> tuple[ExampleLine, ...]:
    return tuple(
        ExampleLine(place(one), one.timestamp_ms, one.key_bytes, one.value_bytes, one.headers, one.message, one.value)
        for one in examples
    )


def _breaker(forecast: BreakerForecast) -> BreakerLine:
    budget = forecast.budget
    return BreakerLine(
        budget.share,
        budget.window,
        budget.minimum,
        forecast.openings,
        forecast.first_opening,
        forecast.share_at_opening,
    )


def comparison_line(
    comparison: Comparison, against: Judged, records: int, place: Callable[[Example], str] = str
) -> ComparisonLine:
    """What was counted of two contracts on `records` records; `place` names an example."""
    return ComparisonLine(
        contract=_contract(against),
        held_by_both=comparison.held_by_both,
        newly_held=comparison.newly_held,
        newly_passed=comparison.newly_passed,
        holding=_ranked(comparison.holding, records, place),
        releasing=_ranked(comparison.releasing, records, place),
    )


def _ranked(tally: ReasonTally, records: int, place: Callable[[Example], str]) -> tuple[ReasonLine, ...]:
    return _reasons(tally.ranked()[:REASONS_SHOWN], records, place)


def _per_1000(part: int, whole: int) -> float:
    return 1000 * part / whole if whole else 0.0
