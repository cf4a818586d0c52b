"""`watermaster contract lint`: exit codes for a build, and the same findings for people and for scripts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from watermaster.cli.main import app
from watermaster.stream.fault import UsageFault

GOOD = """apiVersion: v3.2.0
kind: DataContract
id: x
version: '1'
status: active
team: {name: checkout}
schema:
- name: orders
  properties:
  - {name: day, logicalType: date, unique: true}
"""
WARNED = GOOD.replace("logicalType: date, unique: true", "logicalType: string")
WRONG = GOOD.replace("logicalType: date", "logicalType: dat")


def lint(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["contract", "lint", *map(str, arguments)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "deep").mkdir()
    (tmp_path / "good.odcs.yaml").write_text(GOOD)
    (tmp_path / "warned.odcs.yaml").write_text(WARNED)
    (tmp_path / "deep" / "wrong.odcs.yaml").write_text(WRONG)
    return tmp_path


def test_a_good_contract_ends_with_zero_and_says_what_is_not_judged(folder: Path) -> None:
    result = lint(folder / "good.odcs.yaml")
    assert result.exit_code == 0
    assert "note: $.day is unique: that it never repeats is judged over many records" in result.output
    assert "can be enforced." in result.output
    assert "note:" not in lint(folder / "good.odcs.yaml", "--quiet").output


def test_warnings_end_with_zero_unless_strict(folder: Path) -> None:
    result = lint(folder / "warned.odcs.yaml")
    assert result.exit_code == 0
    assert f"{folder / 'warned.odcs.yaml'}:10:5: warning: $.day may be any text" in result.output
    assert "can be enforced, with 1 warning." in result.output
    assert lint(folder / "warned.odcs.yaml", "--strict").exit_code == 1


def test_a_folder_is_looked_through_and_every_file_is_said(folder: Path) -> None:
    result = lint(folder, "--output", "json")
    found = json.loads(result.output)
    assert result.exit_code == 1
    assert (found["errors"], found["warnings"], found["notes"]) == (1, 1, 1)
    wrong, good, warned = found["files"]
    assert [Path(report["file"]).name for report in (wrong, good, warned)] == [
        "wrong.odcs.yaml",
        "good.odcs.yaml",
        "warned.odcs.yaml",
    ]
    (error,) = wrong["findings"]
    assert (error["level"], error["code"], error["line"]) == ("error", "schema.unknown_value", 10)
    assert error["path"] == "$.schema[0].properties[0].logicalType"
    assert "'date'" in error["hint"]


def test_an_invalid_document_says_that_more_may_follow(folder: Path) -> None:
    assert "is looked over once the document itself is valid" in lint(folder / "deep" / "wrong.odcs.yaml").output


@pytest.mark.parametrize("name", ["missing.odcs.yaml", "empty"])
def test_what_cannot_be_read_is_a_fault(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    result = lint(tmp_path / name)
    assert isinstance(result.exception, UsageFault)
    assert result.exception.code == "WM-CONTRACT-FILE"
