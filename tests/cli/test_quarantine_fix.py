"""`quarantine fix check`: problems with their lines, and what a fix does to a sample under a contract."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from watermaster.cli.main import app

FIX = """fix: midnight
version: 2
select: {where: this.dep_time == 2400}
steps:
  - {map: $.dep_time, values: [{from: 2400, to: 0}]}
"""
CONTRACT = """apiVersion: v3.2.0
kind: DataContract
id: t
version: 1.0.0
status: active
schema:
  - name: t
    logicalType: object
    properties:
      - {name: dep_time, logicalType: integer, logicalTypeOptions: {maximum: 2359}}
      - {name: card, logicalType: string, classification: confidential}
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("f.yaml").write_text(FIX)
    Path("c.odcs.yaml").write_text(CONTRACT)
    return tmp_path


def check(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["quarantine", "fix", "check", "f.yaml", *arguments], standalone_mode=True)


def test_a_sample_shows_what_changes_and_whether_it_passes(place: Path) -> None:
    Path("s.jsonl").write_bytes(b'{"dep_time": 2400, "card": "4711"}\n\n{"dep_time": 3000}\n')
    result = check("--sample", "s.jsonl", "--contract", "c.odcs.yaml")
    assert result.exit_code == 0, result.output
    assert '-   "dep_time": 2400,' in result.output
    assert '+   "dep_time": 0,' in result.output
    assert "of all, 0 pass before and 1 after" in result.output
    assert "4711" not in result.output


def test_a_change_of_masked_fields_alone_is_said_and_not_shown(place: Path) -> None:
    Path("f.yaml").write_text("fix: a\nversion: 1\nsteps: [{set: $.card, value: 'secret'}]\n")
    Path("s.jsonl").write_bytes(b'{"card": "4711"}\n')
    result = check("--sample", "s.jsonl", "--contract", "c.odcs.yaml")
    assert "restricts" in result.output
    assert "secret" not in result.output


def test_what_still_breaks_is_named_and_ends_with_findings(place: Path) -> None:
    Path("f.yaml").write_text("fix: a\nversion: 1\nsteps: [{cast: $.dep_time, to: integer}]\n")
    Path("s.jsonl").write_bytes(b'{"dep_time":"9999"}\n{"dep_time":"x"}\n')
    result = check("--sample", "s.jsonl", "--contract", "c.odcs.yaml", "--output", "json")
    assert result.exit_code == 1
    trial = json.loads(result.output)["trial"]
    assert (trial["changed"], trial["passing"], trial["unfixable"]) == (1, 0, 1)
    assert trial["troubles"] == {"$.dep_time: it is no number that JSON knows": 1}
    assert list(trial["broken"].values()) == [1]


def test_problems_have_their_line_and_the_nearest_name(place: Path) -> None:
    Path("f.yaml").write_text(FIX.replace("map:", "mapp:"))
    result = check()
    assert result.exit_code == 1
    assert "f.yaml:5:" in result.output
    assert "Did you mean 'map'?" in result.output
