"""One stream under observation: batches go in, counts come out. No I/O and no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from watermaster.contract.checks import Checks
from watermaster.gate.verdict import PASSED, BrokenRule, Judge, Outcome, Verdict
from watermaster.runtime.observe_carriage import oversize, uncarriable
from watermaster.runtime.observe_comparison import Comparison
from watermaster.runtime.observe_tally import (
    EXAMPLES_MAX,
    BreakerForecast,
    Example,
    PartitionCount,
    ReasonTally,
    example_of,
)
from watermaster.stream.batch import RecordBatch

CARRY_RULE = "operational.carry"
"""The rule under which the gate holds what it cannot forward."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A contract ready to judge; `source` is its file, for reports."""

    source: str
    checks: Checks
    judge: Judge


@dataclass(frozen=True, slots=True)
class Subject:
    """What to observe: a topic, its contract, and perhaps another contract to compare with.

    `record_bytes_max` is the trusted topic's `max.message.bytes`; None where it is not known.
    """

    topic: str
    contract: Judged
    against: Judged | None = None
    record_bytes_max: int | None = None


@dataclass(slots=True)
class Suspects:
    """Records that may not fit into the trusted topic."""

    records: int = 0
    examples: list[Example] = field(default_factory=list)


@dataclass(slots=True)
class StreamObservation:
    """Everything counted for one stream."""

    subject: Subject
    show_values: bool = False
    partitions: dict[int, PartitionCount] = field(default_factory=dict)
    reasons: ReasonTally = field(init=False)
    unforwardable: ReasonTally = field(init=False)
    """Records that the client cannot carry, by what stands against it; they are among `reasons` too."""
    oversize: Suspects = field(default_factory=Suspects)
    breaker: BreakerForecast = field(init=False)
    comparison: Comparison | None = field(init=False)

    def __post_init__(self) -> None:
        self.reasons = ReasonTally(self.show_values)
        self.unforwardable = ReasonTally(self.show_values)
        self.breaker = BreakerForecast(self.subject.contract.checks.hold_budget)
        self.comparison = Comparison(self.show_values) if self.subject.against is not None else None

    def take(self, batch: RecordBatch, now_ms: int) -> None:
        """Judge and count one batch of this stream; its partition must be in `partitions`."""
        verdicts = self._judge(self.subject.contract, batch, now_ms)
        self._count(batch, verdicts)
        if self.subject.record_bytes_max is not None:
            self._suspect(batch, self.subject.record_bytes_max)
        if self.comparison is not None and self.subject.against is not None:
            self.comparison.add(batch, verdicts, self._judge(self.subject.against, batch, now_ms))

    def _judge(self, contract: Judged, batch: RecordBatch, now_ms: int) -> dict[int, Verdict]:
        """As the gate does: what cannot be carried is held, whatever the contract says."""
        verdicts = contract.judge.judge(batch.keys, batch.values, now_ms, batch.headers)
        for index, reason in uncarriable(batch).items():
            already = verdicts.get(index, PASSED)
            broken = BrokenRule(CARRY_RULE, "$", CARRY_RULE, reason)
            verdicts[index] = Verdict(Outcome.HOLD, (*already.broken, broken), operational=True)
        return verdicts

    def _count(self, batch: RecordBatch, verdicts: Mapping[int, Verdict]) -> None:
        count = self.partitions[batch.source.partition]
        held = 0
        for index, verdict in verdicts.items():
            self.reasons.add(batch, index, verdict.broken)
            held += verdict.outcome is Outcome.HOLD
            count.dropped += verdict.outcome is Outcome.DROP
        for index, reason in uncarriable(batch).items():
            self.unforwardable.add(batch, index, [BrokenRule(reason, "$", CARRY_RULE, reason)])
        count.held += held
        count.read += len(batch)
        count.next = max(count.next, batch.offsets[-1] + 1)
        self.breaker.observe(batch, held)

    def _suspect(self, batch: RecordBatch, bytes_max: int) -> None:
        for index in oversize(batch, bytes_max):
            self.oversize.records += 1
            if len(self.oversize.examples) < EXAMPLES_MAX:
                self.oversize.examples.append(example_of(batch, index))
