"""Assertions over whole files give what a naive computation gives, whatever the form and however many processes."""

from __future__ import annotations

import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watermaster.cli.errors import ExitCode
from watermaster.cli.main import execute
from watermaster.runtime.assertion import AssertionOutcome
from watermaster.runtime.check_report import CheckReport
from watermaster.wiring.check_files import check_files
from watermaster.wiring.contract import compile_checks

CONTRACT = b"""
apiVersion: v3.2.0
kind: DataContract
id: orders
version: 1.0.0
status: active
schema:
  - name: orders
    logicalType: object
    quality:
      - {id: rows, metric: rowCount, mustBe: 3}
      - {id: pair, metric: duplicateValues, arguments: {properties: [a, b]}, mustBe: 0}
      - {id: same, metric: duplicateValues, mustBeLessThan: 2}
      - {id: sql, type: sql, query: "SELECT count(*) FROM ${table} WHERE b = 'x'", mustBeBetween: [1, 2]}
    properties:
      - name: a
        logicalType: number
        unique: true
        logicalTypeOptions: {maximum: 2}
        quality:
          - {id: null_share, metric: nullValues, mustBeLessOrEqualTo: 25, unit: percent}
          - {id: wrong, metric: invalidValues, mustBe: 0}
      - name: b
        logicalType: string
        quality:
          - {id: absent, metric: missingValues, arguments: {missingValues: ["", n/a]}, mustBe: 0}
          - {id: listed, metric: invalidValues, arguments: {validValues: [x, ""]}, mustBe: 0}
          - {id: spelt, metric: invalidValues, arguments: {pattern: "^[a-z]$"}, mustNotBe: 1, severity: warning}
      - name: c
        logicalType: object
        properties:
          - {name: d, logicalType: integer, quality: [{id: deep, metric: nullValues, mustBeGreaterThan: 1}]}
      - {name: e, logicalType: array, items: {logicalType: string, quality: [{metric: nullValues, mustBe: 0}]}}
"""
CHECKS = compile_checks(CONTRACT, "c", None)

numbers = st.sampled_from([0, 1, 1.0, 2.5, -0.0, 3, 1e300, 2**53]) | st.floats(allow_nan=False, allow_infinity=False)
records = st.fixed_dictionaries(
    {},
    optional={
        "a": st.none() | numbers,
        "b": st.none() | st.sampled_from(["x", "", "n/a", "q", "Z"]),
        "c": st.none() | st.fixed_dictionaries({"d": st.none() | st.integers(0, 2)}),
    },
)


def naive(rows: list[dict[str, Any]]) -> dict[str, bool]:
    """Whether each assertion is met, computed the simplest way."""
    a = [None if row.get("a") is None else Fraction(row["a"]) for row in rows]
    b = [row.get("b") for row in rows]
    d = [(row.get("c") or {}).get("d") for row in rows]
    whole = [json.dumps({k: str(Fraction(v)) if k == "a" and v is not None else v for k, v in sorted(row.items())})
             for row in rows]  # fmt: skip
    pairs = [pair for pair in zip(a, b, strict=True) if None not in pair]
    known = [value for value in a if value is not None]
    return {
        "rows": len(rows) == 3,
        "pair": len(pairs) == len(set(pairs)),
        "same": len(whole) - len(set(whole)) < 2,
        "sql": 1 <= b.count("x") <= 2,
        "$.a:unique": len(known) == len(set(known)),
        "null_share": not rows or a.count(None) * 100 <= 25 * len(rows),
        "wrong": all(value <= 2 for value in known),
        "absent": not any(value in (None, "", "n/a") for value in b),
        "listed": not any(value not in (None, "x", "") for value in b),
        "spelt": sum(value is not None and not (len(value) == 1 and value.islower()) for value in b) != 1,
        "deep": d.count(None) > 1,
    }


def outcomes(report: CheckReport) -> dict[str, bool]:
    assert all(result.outcome is not AssertionOutcome.UNJUDGED for result in report.assertions)
    return {result.id: result.outcome is AssertionOutcome.MET for result in report.assertions}


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(records, max_size=6))
def test_assertions_are_those_of_a_naive_computation(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]
) -> None:
    file = tmp_path_factory.getbasetemp() / "assertions.jsonl"
    # What cannot be read is in the record verdicts and in no assertion.
    file.write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"a": 1, "a": 2}\n[]\n{\n')
    report = check_files([file], CHECKS, 0)
    assert report.asserted == len(rows)
    assert outcomes(report) == naive(rows)


def test_processes_forms_and_files_make_no_difference(tmp_path: Path) -> None:
    rows = [{"a": number % 40, "b": "x", "c": None} for number in range(60)]
    for number in range(2):
        part = rows[number * 30 : number * 30 + 30]
        (tmp_path / f"{number}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in part))
        with duckdb.connect() as database:
            source = f"SELECT a, b, NULL::STRUCT(d BIGINT) AS c FROM '{tmp_path}/{number}.jsonl'"
            database.execute(f"COPY ({source}) TO '{tmp_path}/{number}.parquet' (FORMAT parquet)")
    report = check_files([f"{tmp_path}/*.jsonl"], CHECKS, 0)
    measured = {result.id: result.measured for result in report.assertions}
    assert measured["$.a:unique"] == measured["pair"] == measured["same"] == "20"
    assert (measured["rows"], measured["sql"], measured["deep"]) == ("60", "60", "60")
    assert check_files([f"{tmp_path}/*.jsonl"], CHECKS, 0, processes=2) == report
    assert check_files([f"{tmp_path}/*.parquet"], CHECKS, 0, processes=2).assertions == report.assertions


def test_findings_end_the_command_and_hold_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "c.odcs.yaml").write_bytes(CONTRACT)
    (tmp_path / "f.jsonl").write_text('{"a": 1, "b": "x"}\n' * 3)
    arguments = ["check", f"{tmp_path}/f.jsonl", "--contract", f"{tmp_path}/c.odcs.yaml", "--output"]
    for output in ("table", "json", "junit", "markdown"):
        assert execute([*arguments, output]) == ExitCode.FINDINGS
        shown = capsys.readouterr().out
        assert "unique" in shown
        if output == "json":
            assert json.loads(shown)["held"] == 0
            assert "$.e[]" in json.loads(shown)["unjudged"][0], "what cannot be judged is said"
            assert len(json.loads(shown)["unjudged"]) == 1, "and nothing else"
    (tmp_path / "f.jsonl").write_text('{"a": 1, "b": "x"}\n{"a": 2, "b": "x", "c": {}}\n{"a": 0, "b": "q"}\n')
    assert execute([*arguments, "table"]) == ExitCode.FINDINGS  # "q" is not among the listed values
    (tmp_path / "f.jsonl").write_text('{"a": 1, "b": "x"}\n{"a": 2, "b": "x", "c": {}}\n{"a": 0, "b": "x"}\n')
    assert execute([*arguments, "table"]) == ExitCode.FINDINGS  # one more x than the query may count
    (tmp_path / "c.odcs.yaml").write_bytes(CONTRACT.replace(b"[1, 2]", b"[1, 3]"))
    assert execute([*arguments, "table"]) == ExitCode.OK
    capsys.readouterr()


def test_nothing_is_said_of_all_records_where_some_could_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"a": 1}\n')
    (tmp_path / "b.parquet").write_bytes(b"PAR1 and no more")
    report = check_files([f"{tmp_path}/*"], CHECKS, 0)
    assert report.unread is not None
    assert {result.outcome for result in report.assertions} == {AssertionOutcome.UNJUDGED}


CHILD = """
import functools, sys
from pathlib import Path
from watermaster.adapters.assertion import repeats, spool
from watermaster.wiring.check_files import check_files
from watermaster.wiring.contract import compile_checks

spool.count_repeats = functools.partial(repeats.count_repeats, at_once=10_000)
report = check_files([sys.argv[1]], compile_checks(Path(sys.argv[2]).read_bytes(), "c", None), 0, processes=1)
(peak,) = [line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
print(int(peak) // 1024, *(one.measured for one in report.assertions))
"""
MANY = """
apiVersion: v3.2.0
kind: DataContract
id: orders
version: 1.0.0
status: active
schema:
  - name: orders
    logicalType: object
    properties: [{name: id, logicalType: string, unique: true}]
"""


def test_memory_does_not_grow_with_the_records(tmp_path: Path) -> None:
    contract, records = tmp_path / "c.odcs.yaml", tmp_path / "f.jsonl"
    contract.write_text(MANY)

    def peak_mb(count: int) -> int:
        records.write_text("".join(f'{{"id": "customer-{number}"}}\n' for number in range(count)))
        command = [sys.executable, "-c", CHILD, str(records), str(contract)]
        peak, repeats = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        assert repeats == "0"
        return int(peak)

    # All digests in one set would be 60 MB.
    assert peak_mb(600_000) < peak_mb(50_000) + 30
