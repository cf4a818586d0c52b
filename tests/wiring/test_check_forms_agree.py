"""The same record gets the same verdict on a stream as JSON, framed or not, and Avro, and in files of every form."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watermaster.contract.checks import Encoding
from watermaster.gate.judge import build_judge, build_stream_judge
from watermaster.gate.schema import AVRO, JSON, Schema
from watermaster.gate.verdict import BrokenRule
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
      - id: in_order
        type: custom
        engine: cel
        implementation: "this.low == null || this.high == null || this.low <= this.high"
    properties:
      - {name: id, logicalType: integer, required: true, logicalTypeOptions: {minimum: 0}}
      - {name: low, logicalType: number, logicalTypeOptions: {maximum: 100}}
      - {name: high, logicalType: number}
      - {name: name, logicalType: string, required: true, logicalTypeOptions: {pattern: "^[a-z]", maxLength: 4}}
      - {name: on, logicalType: boolean, required: true}
      - name: tags
        logicalType: array
        items: {logicalType: string, logicalTypeOptions: {minLength: 1}}
      - name: place
        logicalType: object
        properties: [{name: x, logicalType: integer, required: true, logicalTypeOptions: {maximum: 9}}]
""",
    "c",
    None,
)
COLUMNS = 'id BIGINT, low DOUBLE, high DOUBLE, name VARCHAR, "on" BOOLEAN, tags VARCHAR[], place STRUCT(x BIGINT)'
NAMES = ("id", "low", "high", "name", "on", "tags", "place")
PLACE = {"type": "record", "name": "P", "fields": [{"name": "x", "type": ["null", "long"]}]}
PLAIN_SCHEMA: Any = {
    "type": "record", "name": "R", "fields": [
        {"name": "id", "type": ["null", "long"]}, {"name": "low", "type": ["null", "double"]},
        {"name": "high", "type": ["null", "double"]}, {"name": "name", "type": ["null", "string"]},
        {"name": "on", "type": ["null", "boolean"]},
        {"name": "tags", "type": ["null", {"type": "array", "items": "string"}]},
        {"name": "place", "type": ["null", PLACE]},
    ],
}  # fmt: skip
SCHEMA = fastavro.parse_schema(PLAIN_SCHEMA)

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=6)
doubles = st.none() | st.floats(allow_nan=True, allow_infinity=True) | st.sampled_from([0.1, 100.0, 1e300, 5e-324])
records = st.fixed_dictionaries({
    "id": st.none() | st.integers(-(2**63), 2**63 - 1) | st.integers(-2, 9),
    "low": doubles,
    "high": doubles,
    "name": st.none() | texts.filter(bool) | st.sampled_from(["ok", "abcde", '"q,', "1", "true"]),
    "on": st.none() | st.booleans(),
    "tags": st.none() | st.lists(texts, max_size=3),
    "place": st.none() | st.fixed_dictionaries({"x": st.none() | st.integers(5, 12)}),
})  # fmt: skip
Outline = list[frozenset[BrokenRule]]


def on_the_stream(rows: list[dict[str, Any]]) -> Outline:
    found = build_judge(CHECKS).judge([None] * len(rows), [json.dumps(row).encode() for row in rows], 0)
    return [frozenset(found[index].broken) if index in found else frozenset() for index in range(len(rows))]


def behind_a_frame(values: list[bytes | None], encoding: Encoding) -> Outline:
    schemas = {1: Schema(AVRO, json.dumps(PLAIN_SCHEMA)), 2: Schema(JSON, "{}")}
    found = build_stream_judge(replace(CHECKS, encoding=encoding), schemas.__getitem__).judge(
        [None] * len(values), values, 0
    )
    return [frozenset(found[index].broken) if index in found else frozenset() for index in range(len(values))]


def binary(row: dict[str, Any]) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, SCHEMA, row)
    return out.getvalue()


def in_a_file(file: Path, numbers: list[int]) -> Outline:
    report = check_files([file], CHECKS, 0)
    assert report.unread is None
    assert report.records == len(numbers)
    found = {record.line: frozenset(record.broken) for record in report.failing}
    return [found.get(number, frozenset()) for number in numbers]


def write_csv(file: Path, rows: list[dict[str, Any]]) -> list[int]:
    numbers = []
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(NAMES)
        for row in rows:
            stream.flush()
            numbers.append(file.read_bytes().count(b"\n") + 1)
            writer.writerow(
                json.dumps(value) if isinstance(value, bool | list | dict | float) else value
                for value in (row[name] for name in NAMES)
            )
    return numbers


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(records, min_size=1, max_size=8))
def test_forms_agree(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]) -> None:
    folder = tmp_path_factory.getbasetemp()
    wanted = on_the_stream(rows)
    counted = list(range(1, len(rows) + 1))

    (folder / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert in_a_file(folder / "a.jsonl", counted) == wanted

    with duckdb.connect() as database:
        database.execute(f"CREATE TABLE t ({COLUMNS})")
        database.executemany(
            "INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?)", [[row[name] for name in NAMES] for row in rows]
        )
        database.execute(f"COPY t TO '{folder}/a.parquet' (FORMAT parquet)")
    assert in_a_file(folder / "a.parquet", counted) == wanted

    assert behind_a_frame([b"\0\0\0\0\1" + binary(row) for row in rows], Encoding.AVRO) == wanted
    assert behind_a_frame([b"\0\0\0\0\2" + json.dumps(row).encode() for row in rows], Encoding.JSON_SCHEMA) == wanted

    with (folder / "a.avro").open("wb") as stream:
        fastavro.writer(stream, SCHEMA, rows)
    assert in_a_file(folder / "a.avro", counted) == wanted

    # A cell cannot say NaN as a number: those rows are text there, and are held for it.
    plain = [row for row in rows if all(value is None or value - value == 0 for value in (row["low"], row["high"]))]
    if plain:
        assert in_a_file(folder / "a.csv", write_csv(folder / "a.csv", plain)) == on_the_stream(plain)
