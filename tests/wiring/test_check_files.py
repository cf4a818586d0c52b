"""`check` over files: forms and processes make no difference, unreadable files are said, and reports hold no value."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from xml.etree import ElementTree as Xml

import duckdb
import pytest

from watermaster.cli.errors import ExitCode
from watermaster.cli.main import execute
from watermaster.runtime.check_report import CheckReport
from watermaster.wiring.check_files import check_files
from watermaster.wiring.contract import compile_checks

CONTRACT = b"""
apiVersion: v3.2.0
kind: DataContract
id: orders
name: Orders
version: 1.0.0
status: active
schema:
  - name: orders
    logicalType: object
    properties:
      - {name: id, logicalType: integer, required: true, logicalTypeOptions: {minimum: 1}}
      - {name: mail, logicalType: string, required: true, logicalTypeOptions: {pattern: "@"}}
"""
ROWS = [{"id": i, "mail": "secret-" + ("a@b" if i % 5 else "none"), "secret_name": None} for i in range(60)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "c.odcs.yaml").write_bytes(CONTRACT)
    (tmp_path / "data").mkdir()
    for number in range(2):
        rows = ROWS[number * 30 : number * 30 + 30]
        (tmp_path / f"data/{number}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        with duckdb.connect() as database:
            database.execute(
                f"COPY (FROM read_json('{tmp_path}/data/{number}.jsonl'))"
                f" TO '{tmp_path}/data/{number}.parquet' (FORMAT parquet)"
            )
    return tmp_path


def check(folder: Path, pattern: str, processes: int = 1) -> CheckReport:
    return check_files([f"{folder}/data/{pattern}"], compile_checks(CONTRACT, "c", None), 0, processes=processes)


def outline(report: CheckReport) -> object:
    reasons = [(found.reason, found.records, found.lines) for found in report.reasons]
    return report.records, report.held, reasons, [(record.line, record.broken) for record in report.failing]


def test_forms_and_processes_make_no_difference(folder: Path) -> None:
    report = check(folder, "*.jsonl")
    assert (report.records, report.held) == (60, 12)
    assert report.reasons[0].lines == (1, 6, 11, 16, 21)
    assert len(report.failing[0].broken) == 2  # every rule that it breaks
    assert outline(check(folder, "*.parquet")) == outline(report)
    assert check(folder, "*.jsonl", processes=2) == report


def test_no_value_and_no_unknown_name_is_in_any_report(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for output in ("table", "json", "junit", "markdown"):
        arguments = ["check", f"{folder}/data", "--contract", f"{folder}/c.odcs.yaml", "--output", output]
        assert execute([*arguments, "--record-file", f"{folder}/runs.jsonl"]) == ExitCode.FINDINGS
        shown = capsys.readouterr()
        assert "secret" not in shown.out + shown.err
        assert "120" in shown.out or output == "junit"
        if output == "json":
            assert json.loads(shown.out)["failing"][0]["masked"].startswith('{"id": "<number>"')
        if output == "junit":
            suites = list(Xml.fromstring(shown.out))
            assert [suite.get("failures") for suite in suites] == ["3", "3", "2", "2"]
    runs = [json.loads(line) for line in (folder / "runs.jsonl").read_text().splitlines()]
    assert [(run["records"], run["held"], run["exitCode"]) for run in runs] == [(120, 24, 1)] * 4
    assert "secret" not in (folder / "runs.jsonl").read_text()


def test_an_unreadable_file_ends_the_command_and_hides_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = folder / "data/1.parquet"
    broken.write_bytes(broken.read_bytes()[:-20])
    arguments = ["check", f"{folder}/data", "--contract", f"{folder}/c.odcs.yaml"]
    assert execute(arguments) == ExitCode.WORLD
    shown = capsys.readouterr()
    assert "90 records" in shown.out
    assert "WM-CHECK-READ" in shown.err
    assert "Traceback" not in shown.err


@pytest.mark.parametrize(
    ("library", "magic", "extra"),
    [("duckdb", b"PAR1", "watermaster[batch]"), ("fastavro", b"Obj\x01", "watermaster[avro]")],
)
def test_a_missing_extra_is_named_before_anything_is_judged(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    library: str,
    magic: bytes,
    extra: str,
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    (folder / "data/9").write_bytes(magic)
    arguments = ["check", f"{folder}/data/0.jsonl", f"{folder}/data/9", "--contract", f"{folder}/c.odcs.yaml"]
    assert execute([*arguments, "--processes", "2"]) == ExitCode.USAGE
    shown = capsys.readouterr()
    assert extra in shown.err
    assert not shown.out
