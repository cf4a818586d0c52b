"""Files of JSON lines get the gate's verdicts, in bounded memory, without a value in the report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from watermaster.contract.checks import Checks, FieldCheck, KeyCheck, Limits, LogicalType
from watermaster.runtime.check_report import EXAMPLES_MAX, CheckReport
from watermaster.stream.fault import UsageFault
from watermaster.wiring.check_files import check_files

CHECKS = Checks(
    contract_id="c",
    contract_version="1.0.0",
    content_hash="sha256:0",
    stream="t",
    value=FieldCheck(
        "t",
        "$",
        LogicalType.OBJECT,
        required=True,
        properties=(FieldCheck("a", "$.a", LogicalType.INTEGER, required=True),),
    ),
    key=KeyCheck(required=True),
)


B = FieldCheck("b", "$.b", LogicalType.INTEGER, required=True)


def check_text(folder: Path, text: bytes, checks: Checks = CHECKS) -> CheckReport:
    file = folder / "f.jsonl"
    file.write_bytes(text)
    return check_files([file], checks, 0)


def test_counts_lines_and_ranks_reasons(tmp_path: Path) -> None:
    lines = [b'{"a":1}', b'{"a":"secret"}', b"", b'{"a":2}\r', b"{", b'{"a":"x"}', b'{"a":3}']
    report = check_text(tmp_path, b"\n".join(lines))
    assert (report.records, report.passed, report.held, report.blank_lines) == (6, 3, 3, 1)
    assert [(found.reason.code, found.records, found.lines) for found in report.reasons] == [
        ("type.mismatch", 2, (2, 6)),
        ("json.syntax", 1, (5,)),
    ]
    assert "secret" not in repr(report)


def test_examples_are_capped_and_batches_do_not_matter(tmp_path: Path) -> None:
    report = check_text(tmp_path, b'{"a":true}\n' * 1234)
    assert report.held == 1234
    assert report.reasons[0].lines == tuple(range(1, EXAMPLES_MAX + 1))


def test_the_first_lines_are_named_whatever_else_they_break(tmp_path: Path) -> None:
    two = replace(CHECKS, value=replace(CHECKS.value, properties=(*CHECKS.value.properties, B)))
    report = check_text(tmp_path, b'{"a":"x","b":1}\n{"a":"x"}\n' * 10, two)
    assert [found.lines for found in report.reasons] == [(1, 2, 3, 4, 5), (2, 4, 6, 8, 10)]


@pytest.mark.parametrize(("extra", "held"), [(0, 0), (1, 1), (10, 1), (5000, 1)])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
def test_long_lines_are_bounded(tmp_path: Path, extra: int, held: int, end: bytes) -> None:
    checks = replace(CHECKS, limits=Limits(value_bytes_max=100))
    line = b'{"a":1' + b" " * (93 + extra) + b"}"
    report = check_text(tmp_path, line + end + b'{"a":2}' if end else line, checks)
    assert (report.held, report.records) == (held, 2 if end else 1)
    assert [found.reason.code for found in report.reasons] == ["record.too_large"] * held


def test_a_missing_file_is_the_callers_fault(tmp_path: Path) -> None:
    with pytest.raises(UsageFault, match="no file"):
        check_files([tmp_path / "none.jsonl"], CHECKS, 0)
    good = tmp_path / "good.jsonl"
    good.write_bytes(b'{"a":1}\n')
    assert check_files([good], CHECKS, 0).passed == 1
