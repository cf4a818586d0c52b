"""SQL of a contract sees the records and nothing else."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from watermaster.adapters.assertion import table
from watermaster.adapters.assertion.table import RecordTable
from watermaster.contract.checks import Checks, Limits
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


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("SELECT approx_count_distinct(id) FROM things", "approx_count_distinct"),
        ("WITH a AS (SELECT approx_quantile(size, 0.5) AS b FROM things) SELECT b + 1 FROM a", "approx_quantile"),
        ("SELECT reservoir_quantile(size, 0.5) FROM things", "reservoir_quantile"),
        ("SELECT (SELECT count(*) FROM things TABLESAMPLE 50%) > 1", "a sample"),
        ("FROM things SELECT count(*) USING SAMPLE 2", "a sample"),
        ("SELECT list_approx_count_distinct(list(id)) FROM things", "list_approx_count_distinct"),
        ("SELECT list_aggregate(list(id), 'approx_count_distinct') FROM things", "approx_count_distinct"),
        ("SELECT list(size).list_aggr('Reservoir_Quantile', 0.5) FROM things", "reservoir_quantile"),
        ("SELECT max(approx_unique) FROM (SUMMARIZE things)", "SUMMARIZE"),
        ("PIVOT (SELECT 1 AS a) ON a IN (1) USING approx_count_distinct(a)", "approx_count_distinct"),
    ],
)
def test_an_estimate_is_no_measurement(records: RecordTable, query: str, named: str) -> None:
    found = records.measure(query)
    assert isinstance(found, NotMeasured)
    assert f"estimates ({named})" in found.reason


def test_what_only_speaks_of_an_estimate_is_measured(records: RecordTable) -> None:
    query = """SELECT count(*) AS approx_quantile FROM things WHERE "odd ~/'""name" <> 'approx_quantile('"""
    assert records.measure(query) == 2


def test_what_is_more_than_memory_goes_to_the_disk(records: RecordTable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(table._SHUT, "memory_limit", "60MB")
    many = "(SELECT hash(range) AS k, 'user-' || range AS s FROM range(4000000))"
    assert records.measure(f"SELECT count(DISTINCT k) FROM {many}") == 4_000_000
    assert records.measure(f"SELECT count(*) FROM (SELECT s FROM {many} GROUP BY s HAVING count(*) > 1)") == 0
    assert records.measure(f"SELECT avg((k >= 0)::INTEGER) FROM {many}") == 1
    found = records.measure(f"SELECT median(s) FROM {many}")
    assert isinstance(found, NotMeasured)
    assert "a median" in found.reason


@pytest.mark.parametrize(("bytes_max", "threads"), [(1_000, 8), (40_000_000, 6), (10**9, 1)])
def test_many_cores_do_not_take_all_memory_to_read_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bytes_max: int, threads: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(64))
    checks = replace(CHECKS, limits=Limits(value_bytes_max=bytes_max))
    assert RecordTable(tmp_path, [], checks, []).measure("SELECT current_setting('threads')") == threads


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
