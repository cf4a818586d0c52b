"""Judging a file of JSON lines as the gate would judge the same bytes as record values.

One line is one record; an empty line is none and is only counted. Lines carry no keys, so checks on keys are left out.
Memory is bounded by the largest allowed value and by the number of the contract's rules, whatever the file holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, Final

from watermaster.contract.checks import Checks, KeyCheck
from watermaster.gate.judge import build_judge
from watermaster.gate.verdict import BrokenRule, Judge, Outcome, Verdict
from watermaster.stream.fault import UsageFault, WorldFault

EXAMPLES_MAX: Final = 5
"""Line numbers kept for each reason: enough to look at, few enough to print."""
_BATCH_LINES: Final = 500
_BATCH_BYTES: Final = 8 * 1024 * 1024
"""A batch is closed by whichever comes first."""


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """One broken rule: how many records broke it, and the numbers (from 1) of the first lines that did."""

    reason: BrokenRule
    records: int
    lines: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What was found in one file. `records = passed + held + dropped`; `warned` passed with warnings."""

    source: str
    contract: str
    records: int
    passed: int
    held: int
    dropped: int
    warned: int
    blank_lines: int
    reasons: tuple[ReasonCount, ...]
    """Most frequent first."""


@dataclass(slots=True)
class _Tally:
    records: int = 0
    outcomes: dict[Outcome, int] = field(default_factory=lambda: dict.fromkeys(Outcome, 0))
    warned: int = 0
    blank_lines: int = 0
    counts: dict[BrokenRule, int] = field(default_factory=dict)
    lines: dict[BrokenRule, list[int]] = field(default_factory=dict)

    def add(self, verdict: Verdict, line: int) -> None:
        self.outcomes[verdict.outcome] += 1
        self.warned += verdict.outcome is Outcome.PASS
        for reason in verdict.broken:
            self.counts[reason] = self.counts.get(reason, 0) + 1
            examples = self.lines.setdefault(reason, [])
            if len(examples) < EXAMPLES_MAX:
                examples.append(line)


def check_file(path: Path, checks: Checks, now_ms: int) -> CheckReport:
    """Judge every line of a file. Raises `UsageFault` if there is no such file, `WorldFault` if it cannot be read."""
    try:
        with path.open("rb") as stream:
            return check_stream(stream, checks, now_ms, str(path))
    except (FileNotFoundError, IsADirectoryError):
        raise UsageFault(
            "WM-CHECK-FILE", f"There is no file {path}.", hint="Give the path of a file of JSON lines."
        ) from None
    except OSError as error:
        raise WorldFault(
            "WM-CHECK-READ", f"{path} cannot be read: {error.strerror}.", hint="Check the file's permissions and disk."
        ) from error


def check_stream(stream: BinaryIO, checks: Checks, now_ms: int, source: str) -> CheckReport:
    """Judge every line of an open file; `now_ms` is what rules see as `now`."""
    judge = build_judge(replace(checks, key=KeyCheck()))
    tally = _Tally()
    for numbers, values in _batches(stream, checks.limits.value_bytes_max, tally):
        _judge_batch(judge, numbers, values, now_ms, tally)
    clean = tally.records - sum(tally.outcomes.values())
    ranked = sorted(tally.counts, key=lambda reason: (-tally.counts[reason], reason.rule, reason.code))
    return CheckReport(
        source=source,
        contract=f"{checks.contract_id} {checks.contract_version}",
        records=tally.records,
        passed=clean + tally.outcomes[Outcome.PASS],
        held=tally.outcomes[Outcome.HOLD],
        dropped=tally.outcomes[Outcome.DROP],
        warned=tally.warned,
        blank_lines=tally.blank_lines,
        reasons=tuple(ReasonCount(reason, tally.counts[reason], tuple(tally.lines[reason])) for reason in ranked),
    )


def _judge_batch(judge: Judge, numbers: list[int], values: list[bytes | None], now_ms: int, tally: _Tally) -> None:
    tally.records += len(values)
    for index, verdict in judge.judge([None] * len(values), values, now_ms).items():
        tally.add(verdict, numbers[index])


def _batches(stream: BinaryIO, bytes_max: int, tally: _Tally) -> Iterator[tuple[list[int], list[bytes | None]]]:
    numbers: list[int] = []
    values: list[bytes | None] = []
    size = 0
    for number, line in enumerate(_lines(stream, bytes_max), start=1):
        if not line:
            tally.blank_lines += 1
            continue
        numbers.append(number)
        values.append(line)
        size += len(line)
        if len(values) >= _BATCH_LINES or size >= _BATCH_BYTES:
            yield numbers, values
            numbers, values, size = [], [], 0
    if values:
        yield numbers, values


def _lines(stream: BinaryIO, bytes_max: int) -> Iterator[bytes]:
    """Lines without their ends. Of a line beyond the limit only so much is kept that it is seen to be beyond."""
    # Two more bytes for the end of a line that just fits.
    while line := stream.readline(bytes_max + 2):
        if not line.endswith(b"\n") and len(line) == bytes_max + 2:
            _skip_line(stream)
            yield line[: bytes_max + 1]
            continue
        yield line.removesuffix(b"\n").removesuffix(b"\r")


def _skip_line(stream: BinaryIO) -> None:
    while (rest := stream.readline(_BATCH_BYTES)) and not rest.endswith(b"\n"):
        pass
