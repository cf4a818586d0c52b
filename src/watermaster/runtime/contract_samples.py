"""Sample records kept beside a contract, and whether it judges each of them as its author says.

`good.jsonl` has one record a line, as a producer would write it; each must pass, without a warning. `bad.jsonl` has one
expectation a line:

    {"broken": ["$.total:minimum"], "value": {…}}

`broken` names every rule that the record breaks, no more and no fewer. Instead of `value` a line may have `text`, the
exact text of what is no JSON, or `value: null`, a tombstone. `key` is the record's key (a text, or null), `outcome` is
`hold` (default), `drop`, or `pass` for what only counts. Records without a `key` are judged without one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import BinaryIO, Final, Literal

import msgspec
from msgspec import UNSET, Raw, UnsetType

from watermaster.contract.checks import Checks, KeyCheck
from watermaster.gate.judge import build_judge
from watermaster.gate.verdict import PASSED, Judge, Outcome, Verdict

SAMPLES_MAX: Final = 100_000
"""Lines of one file. Samples are read by people; more records are for `check`."""
SURPRISES_MAX: Final = 1_000
"""Kept in a report; who has more has named the wrong contract."""
LINE_BYTES_MAX: Final = 16 * 1024 * 1024


class BadSample(msgspec.Struct, forbid_unknown_fields=True):
    """One line of `bad.jsonl`."""

    broken: list[str]
    value: Raw | UnsetType = UNSET
    text: str | UnsetType = UNSET
    key: str | UnsetType | None = UNSET
    outcome: Literal["hold", "drop", "pass"] = "hold"

    @property
    def record(self) -> bytes | None:
        """The record's value, exactly as it is written."""
        if isinstance(self.text, str):
            return self.text.encode("utf-8", "surrogatepass")
        written = bytes(self.value) if isinstance(self.value, Raw) else b""
        return None if written == b"null" else written


@dataclass(frozen=True, slots=True)
class SampleFile:
    """A file of samples; its name is for messages."""

    name: str
    stream: BinaryIO


@dataclass(frozen=True, slots=True)
class Surprise:
    """A sample that is judged otherwise than its author says. `why` repeats nothing of the record."""

    file: str
    line: int
    why: str
    missing: tuple[str, ...] = ()
    """Rules that should have been broken."""
    unexpected: tuple[str, ...] = ()
    """Rules that are broken and not named, with their message."""


@dataclass(slots=True)
class SampleReport:
    """What came of all samples of one stream."""

    stream: str
    good: int = 0
    bad: int = 0
    surprises: list[Surprise] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    """Every rule that some bad sample is said to break, and breaks."""
    untried: tuple[str, ...] = ()
    """Rules across fields that no bad sample breaks: nothing shows that they ever would be."""


def try_samples(checks: Checks, good: SampleFile | None, bad: SampleFile | None, now_ms: int) -> SampleReport:
    """Judge all samples; `now_ms` is what rules see as `now`. Never raises for what a file holds."""
    report = SampleReport(checks.stream)
    judges = _Judges(checks, now_ms)
    for line, text in _lines(good):
        report.good += 1
        _expect(report, (good, line), judges.without_key(text), Outcome.PASS, ())
    for line, text in _lines(bad):
        report.bad += 1
        try:
            sample = _decode(text)
        except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
            _surprise(report, (bad, line), f"the line is no sample: {error}")
            continue
        if (sample.value is UNSET) is (sample.text is UNSET):
            _surprise(report, (bad, line), "the line is no sample: it has one of `value` and `text`")
            continue
        _expect(report, (bad, line), judges.of(sample), Outcome(sample.outcome), sample.broken)
    report.untried = tuple(rule.id for rule in checks.rules if rule.id not in report.broken)
    return report


_decode = msgspec.json.Decoder(BadSample).decode


class _Judges:
    """One contract with its key checks, and without them for samples that have no key."""

    def __init__(self, checks: Checks, now_ms: int) -> None:
        self._whole: Judge = build_judge(checks)
        self._keyless: Judge = build_judge(replace(checks, key=KeyCheck()))
        self._now_ms = now_ms

    def without_key(self, value: bytes | None) -> Verdict:
        return self._keyless.judge([None], [value], self._now_ms).get(0, PASSED)

    def of(self, sample: BadSample) -> Verdict:
        if isinstance(sample.key, UnsetType):
            return self.without_key(sample.record)
        key = None if sample.key is None else sample.key.encode("utf-8", "surrogatepass")
        return self._whole.judge([key], [sample.record], self._now_ms).get(0, PASSED)


def _lines(file: SampleFile | None) -> Iterator[tuple[int, bytes]]:
    if file is None:
        return
    for number, line in enumerate(islice(_raw_lines(file.stream), SAMPLES_MAX), 1):
        bare = line.rstrip(b"\r\n")
        if bare.strip():
            yield number, bare


def _raw_lines(stream: BinaryIO) -> Iterator[bytes]:
    while line := stream.readline(LINE_BYTES_MAX):
        yield line


def _expect(
    report: SampleReport,
    place: tuple[SampleFile | None, int],
    verdict: Verdict,
    outcome: Outcome,
    rules: Iterable[str],
) -> None:
    wanted, found = set(rules), {broken.rule: broken.message for broken in verdict.broken}
    report.broken |= wanted & found.keys()
    missing = tuple(sorted(wanted - found.keys()))
    unexpected = tuple(f"{rule} ({found[rule]})" for rule in found if rule not in wanted)
    if verdict.outcome is not outcome:
        why = f"the record {_WORDS[verdict.outcome]}, and should {_SHOULD[outcome]}"
        _surprise(report, place, why, missing, unexpected)
    elif missing or unexpected:
        _surprise(report, place, "the record breaks other rules than those named", missing, unexpected)


_WORDS: Final = {Outcome.PASS: "passes", Outcome.HOLD: "is held", Outcome.DROP: "is dropped"}
_SHOULD: Final = {Outcome.PASS: "pass", Outcome.HOLD: "be held", Outcome.DROP: "be dropped"}


def _surprise(
    report: SampleReport,
    place: tuple[SampleFile | None, int],
    why: str,
    missing: tuple[str, ...] = (),
    unexpected: tuple[str, ...] = (),
) -> None:
    file, line = place
    if len(report.surprises) < SURPRISES_MAX:
        report.surprises.append(Surprise(file.name if file else "", line, why, missing, unexpected))
