"""Trying a fix on sample records: which are meant, what changes, and whether they would pass the contract."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import BinaryIO, Final

from watermaster.contract.checks import Checks, KeyCheck
from watermaster.gate.judge import build_judge
from watermaster.gate.verdict import PASSED, Judge, Outcome, Verdict
from watermaster.quarantine.fix.apply import Fixed, Unfixable, apply_fix
from watermaster.quarantine.fix.difference import DifferenceLine, difference
from watermaster.quarantine.fix.document import Fix
from watermaster.quarantine.held import OriginalRecord

SAMPLES_MAX: Final = 100_000
"""Lines of a sample that are tried; more says nothing new."""
SHOWN_MAX: Final = 5
LINE_BYTES_MAX: Final = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class TriedRecord:
    """One sample record that the fix changes; `passes` is None without a contract."""

    line: int
    changes: tuple[DifferenceLine, ...]
    passes: bool | None


@dataclass(slots=True)
class FixTrial:
    """What a fix does to a sample. `passing` of the changed ones; `broken` are the rules that these still break."""

    fix: str
    records: int = 0
    changed: int = 0
    unfixable: int = 0
    passing_before: int = 0
    passing: int = 0
    passing_after: int = 0
    is_judged: bool = False
    shown: list[TriedRecord] = field(default_factory=list)
    troubles: Counter[str] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)


def try_fix(fix: Fix, stream: BinaryIO, checks: Checks | None, now_ms: int) -> FixTrial:
    """Apply a fix to JSON lines. Lines carry no key, no headers and no coordinates: what asks for these is left out.

    Of the document's selection only its rules (if there is a contract) and its predicate are asked.
    """
    trial = FixTrial(fix.label, is_judged=checks is not None)
    judge = None if checks is None else build_judge(replace(checks, key=KeyCheck()))
    for number, value in islice(_lines(stream), SAMPLES_MAX):
        _try(trial, fix, OriginalRecord(None, value, [], -1), number, judge, checks, now_ms)
    return trial


def _lines(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    number = 0
    while line := stream.readline(LINE_BYTES_MAX):
        number += 1
        bare = line.rstrip(b"\r\n")
        if bare:
            yield number, bare


def _try(
    trial: FixTrial,
    fix: Fix,
    before: OriginalRecord,
    line: int,
    judge: Judge | None,
    checks: Checks | None,
    now_ms: int,
) -> None:
    verdict = _judge(judge, before, now_ms)
    trial.records += 1
    trial.passing_before += _passes(verdict)
    rules = fix.selection.rules
    is_meant = judge is None or not rules or any(broken.rule in rules for broken in verdict.broken)
    outcome = apply_fix(fix, before) if is_meant else None
    if isinstance(outcome, Unfixable):
        trial.unfixable += 1
        trial.troubles[outcome.why] += 1
    if not isinstance(outcome, Fixed):
        trial.passing_after += _passes(verdict)
        return
    after = _judge(judge, outcome.record, now_ms)
    trial.changed += 1
    trial.passing += _passes(after)
    trial.passing_after += _passes(after)
    trial.broken.update(dict.fromkeys(_rules(after), 1))
    if len(trial.shown) < SHOWN_MAX:
        changes = tuple(difference(before, outcome.record, checks))
        trial.shown.append(TriedRecord(line, changes, None if judge is None else _passes(after)))


def _judge(judge: Judge | None, record: OriginalRecord, now_ms: int) -> Verdict:
    return PASSED if judge is None else judge.judge([None], [record.value], now_ms).get(0, PASSED)


def _passes(verdict: Verdict) -> bool:
    return verdict.outcome is Outcome.PASS


def _rules(verdict: Verdict) -> Iterable[str]:
    return () if _passes(verdict) else (broken.rule for broken in verdict.broken)
