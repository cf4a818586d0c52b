"""Kept runs of `check`, and what is wrong with the newest one of each stream: it failed, or the next is overdue."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from watermaster.incident.answer import span
from watermaster.incident.signal import Signal, SignalKind, Subject

BATCHES: Final = "batch"
"""Stands where a cluster does in a subject: files and tables lie in none."""
GRACE_SHARE: Final = 0.25
"""Of the cadence: a batch that is a little late is no incident."""


@dataclass(frozen=True, slots=True)
class BatchRun:
    """One kept run. `exit_code` 0 is a good batch; `every_ms` is the cadence by the contract, None without one."""

    at_ms: int
    stream: str
    contract: str
    content_hash: str
    source: str
    records: int
    passed: int
    held: int
    dropped: int
    failed_assertions: int
    exit_code: int
    every_ms: int | None = None
    window_ms: tuple[int, int] | None = None
    """The window of a topic that it was: begin and end, since the epoch."""
    stops: Mapping[int, int] = field(default_factory=dict)
    """Of a window: the offset behind its last record, by partition."""


def batch_signals(newest: Iterable[BatchRun], now_ms: int) -> tuple[Signal, ...]:
    """What is wrong, given the newest run of each stream."""
    return tuple(signal for run in newest for signal in _signals(run, now_ms))


def _signals(run: BatchRun, now_ms: int) -> Iterator[Signal]:
    subject, age_ms = Subject(BATCHES, topic=run.stream), now_ms - run.at_ms
    if run.exit_code:
        sentence = (
            f"The newest batch of {run.stream} failed: {run.held + run.dropped} of {run.records} records and"
            f" {run.failed_assertions} assertions, exit code {run.exit_code}."
        )
        evidence = (sentence, f"It was checked {span(age_ms)} ago by {run.contract}.")
        yield Signal(SignalKind.BATCH_FAILED, subject, now_ms, evidence)
    if run.every_ms is not None and age_ms > run.every_ms * (1 + GRACE_SHARE):
        sentence = (
            f"No batch of {run.stream} was checked for {span(age_ms)}; by {run.contract} one comes every"
            f" {span(run.every_ms)}."
        )
        yield Signal(SignalKind.BATCH_MISSING, subject, now_ms, (sentence,))
