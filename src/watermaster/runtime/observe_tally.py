"""What observation counts. Pure, and bounded whatever the topic holds: capped reasons, capped examples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from watermaster.contract.checks import HoldBudget
from watermaster.gate.breaker import Breaker
from watermaster.gate.ledger import Gap
from watermaster.gate.verdict import BrokenRule, Severity, Verdict
from watermaster.stream.batch import RecordBatch
from watermaster.stream.coordinates import TopicPartition

REASONS_MAX: Final = 1_000
"""Different reasons kept by name; a contract has fewer. What comes beyond is counted together."""

EXAMPLES_MAX: Final = 3
"""Examples of one reason; a person looks at one or two."""

GAPS_MAX: Final = 100
"""Gaps kept one by one for a partition; a reader overtaken more often must be looked at anyway."""

VALUE_BYTES_SHOWN: Final = 400
"""Of an example's value, and only when values are asked for."""


@dataclass(frozen=True, slots=True)
class Example:
    """One record by its coordinates and sizes; `value` is None unless values were asked for. `key_bytes` None: null."""

    source: TopicPartition
    offset: int
    timestamp_ms: int
    key_bytes: int | None
    value_bytes: int | None
    headers: int
    message: str = ""
    value: str | None = None

    def __str__(self) -> str:
        return f"{self.source}@{self.offset}"


def example_of(batch: RecordBatch, index: int, message: str = "", *, show_value: bool = False) -> Example:
    """The record at `index` as an example."""
    key, value = batch.keys[index], batch.values[index]
    shown = value[:VALUE_BYTES_SHOWN].decode("utf-8", "replace") if show_value and value is not None else None
    return Example(
        source=batch.source,
        offset=batch.offsets[index],
        timestamp_ms=batch.timestamps_ms[index],
        key_bytes=None if key is None else len(key),
        value_bytes=None if value is None else len(value),
        headers=len(batch.headers[index] or ()),
        message=message,
        value=shown,
    )


@dataclass(slots=True)
class Reason:
    """How many records one rule concerns; a record that breaks it in several places counts once."""

    rule: str
    code: str
    severity: Severity
    records: int = 0
    examples: list[Example] = field(default_factory=list)


@dataclass(slots=True)
class ReasonTally:
    """Reasons with counts and first examples."""

    show_values: bool = False
    beyond: int = 0
    """Occurrences of reasons that came after `REASONS_MAX` others."""
    _by_key: dict[tuple[str, str, Severity], Reason] = field(default_factory=dict)

    def add(self, batch: RecordBatch, index: int, broken: Iterable[BrokenRule]) -> None:
        """Count the reasons of one record."""
        seen: set[tuple[str, str, Severity]] = set()
        for rule in broken:
            key = (rule.rule, rule.code, rule.severity)
            if key in seen:
                continue
            seen.add(key)
            reason = self._reason(key)
            if reason is None:
                self.beyond += 1
                continue
            reason.records += 1
            if len(reason.examples) < EXAMPLES_MAX:
                reason.examples.append(example_of(batch, index, rule.message, show_value=self.show_values))

    def ranked(self) -> list[Reason]:
        """Most frequent first; equal ones by name, so that two runs print the same."""
        return sorted(self._by_key.values(), key=lambda reason: (-reason.records, reason.rule, reason.code))

    def _reason(self, key: tuple[str, str, Severity]) -> Reason | None:
        reason = self._by_key.get(key)
        if reason is None and len(self._by_key) < REASONS_MAX:
            reason = self._by_key[key] = Reason(*key)
        return reason


@dataclass(slots=True)
class PartitionCount:
    """What enforcement would enter for `[start, next)` of one partition: read = passed + held + dropped."""

    source: TopicPartition
    start: int
    next: int
    read: int = 0
    held: int = 0
    dropped: int = 0
    gaps: list[Gap] = field(default_factory=list)
    lost_max: int = 0
    """Upper bound of records that nobody could read any more, over all gaps."""

    @property
    def passed(self) -> int:
        """Records that would be forwarded."""
        return self.read - self.held - self.dropped

    @property
    def without_record(self) -> int:
        """Offsets that hold no record: transaction markers, aborted or compacted records."""
        return self.next - self.start - self.read - self.lost_max

    def enter_gap(self, gap: Gap) -> None:
        """Offsets were passed over."""
        self.lost_max += gap.lost_max
        self.next = gap.to
        if len(self.gaps) < GAPS_MAX:
            self.gaps.append(gap)


@dataclass(slots=True)
class BreakerForecast:
    """Whether and where the breaker would open, had these records come in this order."""

    budget: HoldBudget
    openings: int = 0
    first_opening: str | None = None
    """The batch after which it would open first, `topic[partition]@offset`."""
    share_at_opening: float | None = None
    _breaker: Breaker = field(init=False)

    def __post_init__(self) -> None:
        self._breaker = Breaker(self.budget)

    def observe(self, batch: RecordBatch, held: int) -> None:
        """Count one judged batch; after an opening the window begins anew, as after an operator's word."""
        if not self._breaker.observe(len(batch), held):
            return
        self.openings += 1
        if self.first_opening is None:
            self.first_opening = f"{batch.source}@{batch.offsets[-1]}"
            self.share_at_opening = self._breaker.share
        self._breaker.reset()


def errors_of(verdict: Verdict) -> tuple[BrokenRule, ...]:
    """The rules that hold or drop, without those that only count."""
    return tuple(rule for rule in verdict.broken if rule.severity is Severity.ERROR)


def total(partitions: Mapping[int, PartitionCount], name: str) -> int:
    """The sum of one count over partitions."""
    return sum(int(getattr(count, name)) for count in partitions.values())
