"""SQL of a contract sees the records and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from watermaster.adapters.assertion import table
from watermaster.adapters.assertion.table import RecordTable
from watermaster.contract.checks import Checks
from watermaster.runtime.assertion import NotMeasured
from watermaster.wiring.contract import compile_checks

CHECKS: Checks = compile_checks(
    b"""
apiVersion: v3.2.0
kind: DataContract
id: c
version: 1.0.0
status: active
schema:
  - name: things
    logicalType: object
    properties:
      - {name: id, logicalType: integer}
      - {name: "odd ~/'\\"name", logicalType: string}
      - {name: at, logicalType: timestamp}
      - {name: on, logicalType: boolean}
      - {name: size, logicalType: number}
      - {name: place, logicalType: object}
""",
    "c",
    None,
)
ROWS = [
    {"id": 1, "odd ~/'\"name": "a", "at": "2020-01-01T01:00:00+02:00", "on": True, "size": 1.5, "place": {"x": 1}},
    {"id": None, "odd ~/'\"name": "secret", "at": "2020-01-01T01:00:00Z", "place": None},
    {"id": "no number", "size": 2},
]


@pytest.fixture
def records(tmp_path: Path) -> RecordTable:
    rows = tmp_path / "rows.1"
    rows.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return RecordTable(tmp_path, [rows], CHECKS, ["records", "things"])


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("SELECT count(*) FROM records", 3),
        ("SELECT count(*) FROM things WHERE id IS NULL", 2),
        ("SELECT sum(size) FROM things", 3.5),
        ("""SELECT count("odd ~/'""name") FROM things""", 2),
        ("SELECT count(*) FROM things WHERE \"at\" < TIMESTAMP '2020-01-01 00:00:00'", 1),
        ("SELECT count(*) FROM things WHERE place ->> '$.x' = '1'", 1),
        ("SELECT count(place) FROM things", 1),
        ("WITH a AS (SELECT 1 AS b) SELECT b = 1 FROM a", True),
        ("SELECT NULL", None),
    ],
)
def test_a_query_gives_its_value(records: RecordTable, query: str, value: object) -> None:
    assert records.measure(query) == value


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("SELECT count(*) FROM read_text('/etc/passwd')", "may not have"),
        ("SELECT count(*) FROM '/etc/passwd'", "refused"),
        ("SELECT count(*) FROM read_csv('http://127.0.0.1:9/x')", "may not have"),
        ("SELECT count(*) FROM glob('/*')", "may not have"),
        ("COPY things TO '/tmp/stolen.csv'", "no single SELECT"),
        ("SET enable_external_access = true", "no single SELECT"),
        ("INSTALL httpfs", "no single SELECT"),
        ("CREATE TABLE x AS SELECT 1", "no single SELECT"),
        ("ATTACH '/tmp/x.db'", "no single SELECT"),
        ("SELECT 1; DROP TABLE records", "no single SELECT"),
        ("SELECT id, size FROM things", "exactly one value"),
        ("SELECT id FROM things WHERE false", "exactly one value"),
        ("SELECT nothing FROM things", "refused"),
        ("SELEC 1", "refused"),
        ("""SELECT CAST("odd ~/'""name" AS INTEGER) FROM things""", "ended with an error"),
    ],
)
def test_what_a_query_may_not_do_is_said(records: RecordTable, query: str, says: str) -> None:
    found = records.measure(query)
    assert isinstance(found, NotMeasured)
    assert says in found.reason
    assert "secret" not in found.reason


def test_memory_and_disk_are_bounded(records: RecordTable, monkeypatch: pytest.MonkeyPatch) -> None:
    endless = "SELECT count(*) FROM (SELECT DISTINCT a.range, b.range FROM range(1000000) a, range(1000000) b)"
    monkeypatch.setitem(table._SHUT, "memory_limit", "50MB")
    monkeypatch.setitem(table._SHUT, "max_temp_directory_size", "10MB")
    found = records.measure(endless)
    assert isinstance(found, NotMeasured)
    assert "needs more than" in found.reason


def test_time_is_bounded(records: RecordTable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "SECONDS_MAX", 0.5)
    found = records.measure("SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range * b.range = 7")
    assert isinstance(found, NotMeasured)
    assert "did not end" in found.reason


def test_no_records_are_a_table_too(tmp_path: Path) -> None:
    assert RecordTable(tmp_path, [], CHECKS, []).measure("SELECT count(*) FROM records") == 0
