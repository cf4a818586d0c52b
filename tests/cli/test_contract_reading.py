"""`contract show`, `test` and `diff`: what they say, for people and for scripts, and how they end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from watermaster.cli.main import app
from watermaster.stream.fault import UsageFault

OLD = """apiVersion: v3.2.0
kind: DataContract
id: x
version: '1'
status: active
team: {name: checkout}
schema:
- name: orders
  properties:
  - {name: order_id, logicalType: string, required: true}
  - {name: total, logicalType: integer, logicalTypeOptions: {minimum: 0}}
"""
NEW = OLD.replace("version: '1'", "version: '2'").replace("minimum: 0", "maximum: 100")
LOOSER = OLD.replace("version: '1'", "version: '2'").replace(", required: true", "")
SAMPLE = '{"order_id":"o-1","total":5}\n{"order_id":"o-2","total":500}\n{"order_id":"o-3","total":-500}\n'
TWO = Path("tests/contract/examples/two_streams.odcs.yaml").absolute()


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["contract", *map(str, arguments)])


def fault(result: Result) -> str:
    assert isinstance(result.exception, UsageFault), result.output
    return result.exception.code


@pytest.fixture
def old(tmp_path: Path) -> Path:
    file = tmp_path / "orders.odcs.yaml"
    file.write_text(OLD)
    return file


@pytest.fixture
def new(tmp_path: Path) -> Path:
    file = tmp_path / "next.odcs.yaml"
    file.write_text(NEW)
    return file


def test_show_names_every_field_and_its_consequence(old: Path) -> None:
    output = run("show", old).output
    assert "x 1 for orders, owned by checkout" in output
    assert "Good records pass in the fast lane, many at a time." in output
    (row,) = [line for line in output.splitlines() if line.startswith("$.total")]
    assert row.split("  ")[0] == "$.total"
    assert "a whole number" in row
    assert "at least 0" in row
    assert "holds the record" in row


def test_show_takes_all_streams_or_the_named_one() -> None:
    streams = json.loads(run("show", TWO, "--output", "json").output)["streams"]
    assert len(streams) == 2
    name = streams[1]["stream"]
    (only,) = json.loads(run("show", TWO, "--stream", name, "--output", "json").output)["streams"]
    assert only == streams[1]
    assert only["fields"][0].keys() == {"path", "required", "type", "asks", "breaking_it", "classification"}


def test_test_finds_the_samples_beside_the_contract(old: Path) -> None:
    assert fault(run("test", old)) == "WM-SAMPLES-NONE"
    folder = old.parent / "orders.samples"
    folder.mkdir()
    (folder / "good.jsonl").write_text(SAMPLE.splitlines()[0])
    (folder / "bad.jsonl").write_text('{"broken": ["$.total:minimum"], "value": {"order_id": "o", "total": -1}}\n')
    good = run("test", old)
    assert (good.exit_code, good.output) == (0, "orders: 1 good and 1 bad samples, all judged as they say.\n")
    (folder / "good.jsonl").write_text(SAMPLE)
    wrong = run("test", old)
    assert wrong.exit_code == 1
    assert f"{folder / 'good.jsonl'}:3: the record is held, and should pass" in wrong.output
    found = json.loads(run("test", old, "--output", "json").output)["streams"][0]
    assert [(one["line"], one["missing"]) for one in found["surprises"]] == [(3, [])]


def test_test_looks_for_each_stream_in_a_folder_of_its_name(tmp_path: Path) -> None:
    contract = tmp_path / "two.odcs.yaml"
    contract.write_bytes(TWO.read_bytes())
    streams = [one["stream"] for one in json.loads(run("show", contract, "--output", "json").output)["streams"]]
    for name in streams:
        (tmp_path / "two.samples" / name).mkdir(parents=True)
        (tmp_path / "two.samples" / name / "bad.jsonl").write_text('{"broken": ["json.syntax"], "text": "{"}')
    found = json.loads(run("test", contract, "--output", "json").output)
    assert [(one["stream"], one["bad"], one["surprises"]) for one in found["streams"]] == [
        (name, 1, []) for name in streams
    ]


def test_test_refuses_a_moment_that_is_none(old: Path) -> None:
    assert fault(run("test", old, "--now", "tomorrow")) == "WM-NOW"


def test_diff_says_what_is_stricter_and_looser(old: Path, new: Path) -> None:
    result = run("diff", old, new)
    assert result.exit_code == 0
    assert "orders: x 2 after x 1" in result.output
    assert "2 changes: 1 stricter, 1 looser, 0 other." in result.output
    assert run("diff", old, new, "--fail-on-stricter").exit_code == 1
    new.write_text(LOOSER)
    assert run("diff", old, new, "--fail-on-stricter").exit_code == 0
    assert "byte for byte" in run("diff", old, old).output
    new.write_text(OLD + "# a comment more\n")
    assert "activating the new one would be refused" in run("diff", old, new).output


def test_diff_judges_a_sample_by_both_and_never_shows_values(old: Path, new: Path) -> None:
    sample = old.parent / "recent.jsonl"
    sample.write_text(SAMPLE + "{broken\n")
    result = run("diff", old, new, "--sample", sample)
    assert "4 records judged by both:" in result.output
    assert "o-2" not in result.output
    found = json.loads(run("diff", old, new, "--sample", sample, "--output", "json").output)
    comparison = found["comparison"]
    assert (found["records"], comparison["held_by_both"]) == (4, 1)
    assert (comparison["newly_held"], comparison["newly_passed"]) == (1, 1)
    (holding,), (releasing,) = comparison["holding"], comparison["releasing"]
    assert (holding["rule"], holding["examples"][0]["at"]) == ("$.total:maximum", f"{sample}:2")
    assert (releasing["rule"], releasing["examples"][0]["at"]) == ("$.total:minimum", f"{sample}:3")
    assert run("diff", old, new, "--sample", sample, "--fail-on-held").exit_code == 1


def test_diff_of_several_streams_wants_one_named_for_a_sample(old: Path) -> None:
    assert fault(run("diff", TWO, TWO, "--sample", old)) == "WM-DIFF-STREAM"
    assert fault(run("diff", old, old, "--sample", old, "--topic", "x")) == "WM-DIFF-SOURCE"


def test_diff_names_streams_that_come_and_go(old: Path) -> None:
    found = json.loads(run("diff", TWO, old, "--output", "json").output)
    assert found["added"] == ["orders"]
    assert len(found["removed"]) == 2
    assert found["streams"] == []
