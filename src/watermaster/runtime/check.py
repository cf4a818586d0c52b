"""Judging records at rest as the gate would judge the same records on the stream.

Files and tables carry no keys, so checks on keys are left out there; records of a topic have theirs. Memory is bounded
by the largest allowed value and by the number of the contract's rules, whatever the records are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

from watermaster.contract.checks import Checks, KeyCheck
from watermaster.gate.framed import unreadable
from watermaster.gate.judge import build_judge
from watermaster.gate.key_check import KEY_PATH
from watermaster.gate.masked import mask_record
from watermaster.gate.verdict import Outcome, Verdict
from watermaster.runtime.assertion import AssertionReader, Gathered, Spool, conclude
from watermaster.runtime.check_report import FAILING_MAX, CheckReport, FailingRecord, Summary, Tally, Unread
from watermaster.runtime.record_source import Chunk, Part, Reading, RecordSource, Store
from watermaster.stream.fault import WorldFault

Progress: TypeAlias = Callable[[int, int, int], None]
"""Told of bytes done, bytes in all, and records so far."""
KEY_LEFT_OUT: Final = "the key: records at rest have none"


class PartJudge:
    """One compiled contract, used for any number of parts; a process has its own."""

    def __init__(
        self,
        source: RecordSource,
        checks: Checks,
        now_ms: int,
        spool: Spool | None = None,
        *,
        keyed: bool = False,
        texts_max: int | None = None,
    ) -> None:
        """Without a `spool`, no assertion is judged. `keyed`: the records have keys, which are judged too.

        `texts_max`: see `Reading`.
        """
        self._source = source
        self._checks = checks if keyed else replace(checks, key=KeyCheck())
        self._judge = build_judge(self._checks)
        self._now_ms = now_ms
        self._spool = spool
        self._assertions = AssertionReader(checks, spool) if spool is not None and checks.assertions else None
        # Assertions are about all records, also about those that pass.
        judged_by = self._checks if self._assertions is None else None
        self._reading = Reading(self._checks.value, self._checks.limits.value_bytes_max, judged_by, texts_max)

    def judge(self, part: Part, progress: Callable[[Chunk, Tally], None] | None = None) -> Tally:
        """Judge all of a part. Where reading cannot go on, the tally says so and has what came before.

        Raises `ManyTexts` where more than `texts_max` records would have to be texts.
        """
        tally = Tally(part)
        try:
            for chunk in self._source.read(part, self._reading):
                self._judge_chunk(chunk, tally)
                if progress is not None:
                    progress(chunk, tally)
        except WorldFault as fault:
            tally.unread = Unread(fault.code, fault.message, fault.hint)
        if self._spool is not None:
            self._spool.flush()
        return tally

    def _judge_chunk(self, chunk: Chunk, tally: Tally) -> None:
        tally.records += len(chunk.values) + chunk.passing + sum(chunk.alike.values())
        tally.blank_lines += chunk.blank_lines
        tally.last_number = max(tally.last_number, chunk.last_number)
        if self._assertions is not None:
            tally.seen = tally.seen.plus(self._assertions.see(chunk.values))
        keys = chunk.keys if chunk.keys is not None else _no_keys(len(chunk.values))
        found = self._judge.judge(keys, chunk.values, self._now_ms)
        for refused, path in ((chunk.refused_keys, KEY_PATH), (chunk.refused, "$")):
            for index, code in refused.items():
                found[index] = unreadable(code, path)
        # The lanes give verdicts in the order in which they are sure of them.
        alike: dict[int, tuple[Verdict, list[int]]] = {}
        more: dict[int, int] = {}
        for index in sorted(found):
            verdict = found[index]
            alike.setdefault(id(verdict), (verdict, []))[1].append(chunk.numbers[index])
            more[id(verdict)] = more.get(id(verdict), 0) + chunk.alike.get(index, 0)
            if len(tally.failing) < FAILING_MAX and verdict.outcome is not Outcome.PASS:
                tally.failing.append(self._failing(chunk, index, verdict, tally.part))
        for verdict, lines in alike.values():
            tally.add_alike(verdict, lines, more[id(verdict)])

    def _failing(self, chunk: Chunk, index: int, verdict: Verdict, part: Part) -> FailingRecord:
        masked = mask_record(chunk.values[index], self._checks.value)
        return FailingRecord(part.file, chunk.numbers[index], verdict.outcome, verdict.broken, masked)


def _no_keys(count: int) -> list[bytes | None]:
    return [None] * count


def check_records(
    source: RecordSource,
    checks: Checks,
    now_ms: int,
    progress: Progress | None = None,
    spool: Spool | None = None,
    gathered: Gathered | None = None,
) -> CheckReport:
    """Judge everything in this process; `now_ms` is what rules see as `now`."""
    parts = source.parts()
    total = sum(part.size for part in parts)
    keyed = any(part.form is Store.TOPIC for part in parts)
    judge = PartJudge(source, checks, now_ms, spool, keyed=keyed)
    summary, done, records = Summary(), 0, 0
    for part in parts:

        def tell(chunk: Chunk, tally: Tally, done: int = done, records: int = records) -> None:
            if progress is not None:
                progress(done + chunk.read, total, records + tally.records)

        tally = judge.judge(part, tell)
        summary.add(tally)
        done, records = done + part.size, records + tally.records
    return make_report(summary, checks, parts, gathered)


def make_report(
    summary: Summary, checks: Checks, parts: Sequence[Part], gathered: Gathered | None = None
) -> CheckReport:
    """The report of all parts, judged wherever it was. Without what was gathered, no assertion is concluded."""
    files = list(dict.fromkeys(part.file for part in parts))
    source = files[0] if len(files) == 1 else f"{len(files)} files"
    contract = f"{checks.contract_id} {checks.contract_version}"
    keyed = any(part.form is Store.TOPIC for part in parts)
    key = (KEY_LEFT_OUT,) if not keyed and (checks.key.required or checks.key.check is not None) else ()
    if gathered is None:
        return summary.report(source, contract, checks.content_hash, (*checks.unjudged, *key))
    said = {sentence for one in checks.assertions for sentence in one.said}
    unjudged = (*(sentence for sentence in checks.unjudged if sentence not in said), *key)
    report = summary.report(source, contract, checks.content_hash, unjudged)
    results = conclude(checks, summary.seen, gathered, whole=report.unread is None)
    return replace(report, assertions=results, asserted=summary.seen.records)
