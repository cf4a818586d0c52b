"""Rows that stay columns are counted as their texts would be judged: as many by each reason, and the same first."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from watermaster.gate.judge import build_judge
from watermaster.gate.verdict import PASSED, BrokenRule, Outcome, Verdict
from watermaster.runtime.check_report import EXAMPLES_MAX, FAILING_MAX, CheckReport
from watermaster.wiring import check_files as wired
from watermaster.wiring.check_files import check_files
from watermaster.wiring.contract import compile_checks

CHECKS = compile_checks(
    b"""
apiVersion: v3.2.0
kind: DataContract
id: readings
name: Readings
version: 1.0.0
status: active
schema:
  - name: readings
    logicalType: object
    quality:
      - {id: in_order, type: custom, engine: cel, implementation: "this.low == null || this.low <= 7.5 || this.on"}
      - {id: sum, type: custom, engine: cel, implementation: "this.small == null || this.id % 3 + this.small * 2 < 9"}
      - {id: few, type: custom, engine: cel, severity: warning, implementation: "this.id < 5 || this.name != 'ok'"}
    properties:
      - {name: id, logicalType: integer, required: true, logicalTypeOptions: {minimum: 0, maximum: 1000000}}
      - {name: small, logicalType: integer, logicalTypeOptions: {minimum: -9, exclusiveMaximum: 6}}
      - {name: low, logicalType: number, logicalTypeOptions: {maximum: 100}}
      - {name: name, logicalType: string, required: true, logicalTypeOptions: {pattern: "^[a-z]+$", maxLength: 4}}
      - {name: sort, logicalType: string, enum: [{value: a}, {value: b}]}
      - {name: note, logicalType: string, logicalTypeOptions: {minLength: 1}}
      - {name: "on", logicalType: boolean, required: true}
      - {name: seen, logicalType: timestamp, required: true, logicalTypeOptions: {timezone: true}}
""",
    "c",
    None,
)
COLUMNS = (
    'id BIGINT, small INTEGER, low DOUBLE, name VARCHAR, sort VARCHAR, note VARCHAR, "on" BOOLEAN, '
    "seen TIMESTAMP WITH TIME ZONE"
)
NAMES = ("id", "small", "low", "name", "sort", "note", "on", "seen")
texts = st.text(st.characters(codec="utf-8"), max_size=6)
AWKWARD = st.sampled_from(["ok", "abcde", "", "o\0k", "a\nb", '"', "\\", "\x7f", "A", "\u2028", "\U0001f44d", "'"])
DOUBLES = st.sampled_from([0.0, -0.0, 7.5, 8.0, 100.0, 100.5, 0.1, 1e15, 1e300, 5e-324])
ODD = st.floats(allow_nan=True, allow_infinity=True)
records = st.fixed_dictionaries({
    "id": st.sampled_from([0, 1, 2, 4, 5, -1]) | st.none() | st.integers(-(2**63), 2**63 - 1),
    "small": st.sampled_from([-9, -10, 0, 5, 6]) | st.none() | st.integers(-(2**31), 2**31 - 1),
    "low": st.none() | DOUBLES | ODD,
    "name": st.just("ok") | st.none() | texts | AWKWARD,
    "sort": st.sampled_from(["a", "b", "c"]) | st.none() | texts | AWKWARD,
    "note": st.none() | texts | AWKWARD,
    "on": st.booleans() | st.none(),
    "seen": st.sampled_from(["2024-02-29T10:00:00Z", "0044-01-01T00:00:00Z", None]),
})  # fmt: skip


def in_columns(folder: Path, rows: list[dict[str, Any]]) -> Path:
    file = folder / "a.parquet"
    with duckdb.connect() as database:
        database.execute(f"CREATE TABLE pool (number INTEGER, {COLUMNS})")
        pool = {id(row): row for row in rows}
        places = {key: place for place, key in enumerate(pool)}
        marks = "?, " * len(NAMES) + "?"
        database.executemany(
            f"INSERT INTO pool VALUES ({marks})",
            [[places[key], *(row[name] for name in NAMES)] for key, row in pool.items()],
        )
        listed = ", ".join(str(places[id(row)]) for row in rows)
        database.execute(
            f"COPY (SELECT pool.* EXCLUDE number FROM (SELECT unnest([{listed}]) AS number,"
            f" unnest(range({len(rows)})) AS place) AS rows JOIN pool USING (number) ORDER BY place)"
            f" TO '{file}' (FORMAT parquet, ROW_GROUP_SIZE 2048)"
        )
    return file


def expected(rows: list[dict[str, Any]]) -> tuple[object, ...]:
    judge, known = build_judge(CHECKS), dict[int, Verdict]()
    for row in rows:
        if id(row) not in known:
            known[id(row)] = judge.judge([None], [json.dumps(row).encode()], 0).get(0, PASSED)
    verdicts = [known[id(row)] for row in rows]
    reasons: dict[BrokenRule, list[int]] = {}
    for line, verdict in enumerate(verdicts, 1):
        for reason in verdict.broken:
            reasons.setdefault(reason, []).append(line)
    failing = [(line, each.broken) for line, each in enumerate(verdicts, 1) if each.outcome is not Outcome.PASS]
    counted = {reason: (len(lines), tuple(lines[:EXAMPLES_MAX])) for reason, lines in reasons.items()}
    warned = sum(each.outcome is Outcome.PASS and bool(each.broken) for each in verdicts)
    return len(rows), len(failing), warned, counted, failing[:FAILING_MAX]


def told(report: CheckReport) -> tuple[object, ...]:
    assert report.unread is None
    counted = {found.reason: (found.records, found.lines) for found in report.reasons}
    failing = [(record.line, record.broken) for record in report.failing]
    return report.records, report.held, report.warned, counted, failing


@settings(
    max_examples=40, deadline=None, phases=(Phase.explicit, Phase.generate), suppress_health_check=list(HealthCheck)
)
@given(pool=st.lists(records, min_size=1, max_size=40), count=st.integers(1, 5000), seed=st.integers(0, 99))
def test_columns_are_counted_as_their_texts_are_judged(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    pool: list[dict[str, Any]],
    count: int,
    seed: int,
) -> None:
    monkeypatch.setattr("watermaster.adapters.records.parquet_rows.PART_ROWS", 2048)
    monkeypatch.setattr("watermaster.adapters.records.parquet_rows._LISTED_MAX", 100 + seed)
    rows = random.Random(seed).choices(pool, k=count)
    file = in_columns(tmp_path_factory.getbasetemp(), rows)
    for processes in (1, 2):
        report = check_files([file], CHECKS, 0, processes=processes)
        assert told(report) == expected(rows), processes


def test_a_part_that_is_mostly_text_is_left_to_a_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = {"id": 1, "small": 1, "low": 1.0, "name": "ok", "sort": "a", "note": "x", "on": True}
    good["seen"] = "2024-02-29T10:00:00Z"
    unclear = {**good, "name": "o\0k"}
    rows = [good] * 3000 + [unclear] * 3000 + [good] * 3000
    file = in_columns(tmp_path, rows)
    monkeypatch.setattr("watermaster.adapters.records.parquet_rows.PART_ROWS", 2048)
    monkeypatch.setattr(wired, "TEXTS_MAX", 1000)
    assert told(check_files([file], CHECKS, 0, processes=2)) == expected(rows)
