"""Rows that are left out before they are text: the judge would have passed them, or said what it says of others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from watermaster.adapters.records.files import RecordFiles
from watermaster.adapters.records.row_screen import compile_screen
from watermaster.adapters.records.row_text import row_text
from watermaster.contract.checks import CelRule, Checks, FieldCheck, Limits, LogicalType, Range, UnknownFields
from watermaster.contract.compiler import compile_contract
from watermaster.contract.document import read_contract
from watermaster.contract.temporal import TemporalKind, default_form
from watermaster.gate.exact import ExactLane
from watermaster.gate.verdict import PASSED, Verdict
from watermaster.runtime.check_report import EXAMPLES_MAX, FAILING_MAX
from watermaster.runtime.record_source import ALIKE_FIRST, Chunk, ManyTexts, Reading

NOW_MS = 1_700_000_000_000
EMPTY = compile_contract(
    read_contract(
        b"apiVersion: v3.2.0\nkind: DataContract\nid: x\nversion: '1'\nstatus: draft\nschema:\n  - name: s\n"
        b"    logicalType: object\n    properties:\n      - {name: a, logicalType: integer}\n",
        "c",
    )
).checks[0]


def integers(low: int, high: int) -> st.SearchStrategy[int]:
    edges = [each for each in (low, -1, 0, 1, 5, 10**15, 2**53 + 1, high) if low <= each <= high]
    return st.one_of(st.integers(max(low, -9), min(high, 9)), st.sampled_from(edges))


TEXTS = st.one_of(
    st.sampled_from(["", "a", "ab", "abc", "B", "a\nb", "a\0b", "é", "👍", '"', "\\", "x" * 40, "\u2028", "\x7f"]),
    st.text(max_size=3),
)
STORED: dict[str, st.SearchStrategy[Any]] = {
    "TINYINT": integers(-128, 127),
    "INTEGER": integers(-(2**31), 2**31 - 1),
    "BIGINT": integers(-(2**63), 2**63 - 1),
    "UINTEGER": integers(0, 2**32 - 1),
    "UBIGINT": integers(0, 2**64 - 1),
    "DOUBLE": st.one_of(st.floats(), st.sampled_from([0.1, -0.0, 2.0**-24, 1e22, 5e-324, 0.5, 3.0, 1e15, 123456.789])),
    "VARCHAR": TEXTS,
    "BOOLEAN": st.booleans(),
    "TIMESTAMP": st.sampled_from(["2024-02-29 10:00:00", "0999-12-31 00:00:00", "1970-01-01 00:00:00.5", "infinity"]),
    "TIMESTAMPTZ": st.sampled_from(["2024-02-29 10:00:00+00", "9999-12-31 23:00:00+00", "0044-01-01 00:00:00+00"]),
}
PATTERNS = st.sampled_from([None, None, "^[a-c]+$", "^.*$", "b", "^[^x]{1,3}$", r"^\w+$", "^a|b$"])
NUMBER_RULES = (
    "this.a == null || this.a % 3 == 0", "this.a / 2 - this.b > 0", "this.a != null && this.b < this.a * this.a",
    "this.a <= this.b", "this.a < 5", "this.a >= this.b || this.b == null", "!(this.a == 1 && this.b == 2)",
    "!(this.a == this.b)", "this.a + 1 > this.a", "this.a + 1 < 5", "this.a / this.b == 1",
    "this.a / 2 == 0 || this.a % 4 > -2",
    "this.a - this.b == 0 || this.a % this.b == 0", "this.a > 0.5", "this.a == null ? true : this.b == null",
)  # fmt: skip
TEXT_RULES = (
    "this.a in ['a', 'ab'] || has(this.b)", "this.a == null || this.a != 'a'", "this.a < 'b'", "this.a <= this.b",
    "!(this.a in ['a'])", "this.a.startsWith('a') || this.b == null", "has(this.b)", "this.a == 'it\'s'",
)  # fmt: skip


@st.composite
def field(draw: st.DrawFn, name: str, kind: LogicalType) -> FieldCheck:
    check = FieldCheck(name, f"$.{name}", kind, required=draw(st.booleans()))
    if kind in (LogicalType.INTEGER, LogicalType.NUMBER):
        low = st.sampled_from([None, -3, 0, 1] + [Decimal("0.5")] * (kind is LogicalType.NUMBER))
        high = st.sampled_from([None, 5, 7, 10**6, 10**16])
        edges = {draw(st.sampled_from(["minimum", "exclusive_minimum"])): draw(low)}
        edges |= {draw(st.sampled_from(["maximum", "exclusive_maximum"])): draw(high)}
        if kind is LogicalType.INTEGER:
            check = replace(check, format=draw(st.sampled_from([None, None, "i8", "u32", "u64"])))
        return replace(check, range=Range(**edges) if any(each is not None for each in edges.values()) else None)
    if kind is LogicalType.STRING:
        lengths = {"min_length": draw(st.sampled_from([None, 1])), "max_length": draw(st.sampled_from([None, 2]))}
        listed = draw(st.sampled_from([None, None, None, ("a", "ab", "it's")]))
        named = draw(st.sampled_from([None, None, None, "uuid", "date"]))
        return replace(check, pattern=draw(PATTERNS), format=named, enum=listed, **(lengths if listed is None else {}))
    if kind is LogicalType.TIMESTAMP:
        return replace(check, temporal=replace(default_form(TemporalKind.TIMESTAMP), offset=draw(OFFSETS)))
    return check


OFFSETS = st.sampled_from([None, True, False])
FITTING = {
    LogicalType.INTEGER: ["TINYINT", "INTEGER", "BIGINT", "BIGINT", "UINTEGER", "UBIGINT", "DOUBLE"],
    LogicalType.NUMBER: ["DOUBLE", "DOUBLE", "INTEGER", "BIGINT"],
    LogicalType.STRING: ["VARCHAR"],
    LogicalType.BOOLEAN: ["BOOLEAN"],
    LogicalType.TIMESTAMP: ["TIMESTAMP", "TIMESTAMPTZ"],
}


@st.composite
def cases(draw: st.DrawFn) -> tuple[Checks, dict[str, str], list[tuple[Any, Any]]]:
    kind = draw(st.sampled_from(list(FITTING)))
    other = draw(st.sampled_from([kind, kind, *FITTING]))
    properties = (draw(field("a", kind)), draw(field("b", other)))
    known = TEXT_RULES if kind is LogicalType.STRING else NUMBER_RULES
    rules = tuple(
        CelRule(id=f"r{number}", path="$", expression=text, message="")
        for number, text in enumerate(draw(st.lists(st.sampled_from(known), max_size=1)))
    )
    value = replace(EMPTY.value, properties=properties, required_names=())
    limits = Limits(value_bytes_max=draw(st.sampled_from([110, 1_000_000])))
    checks = replace(EMPTY, value=value, rules=rules, limits=limits, unknown_fields=UnknownFields.HOLD)
    columns = {child.name: draw(st.sampled_from(FITTING[child.type])) for child in properties}
    assume(compile_screen(checks, {name: DUCKDB_NAMES.get(kind, kind.lower()) for name, kind in columns.items()}))
    cells = [st.one_of(STORED[kind], STORED[kind], STORED[kind], st.none()) for kind in columns.values()]
    return checks, columns, draw(st.lists(st.tuples(*cells), min_size=8, max_size=40))


DUCKDB_NAMES = {"TIMESTAMPTZ": "timestamp with time zone"}


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


@settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))
@given(case=cases())
def test_what_passes_is_passed_and_what_is_alike_is_judged_alike(
    database: duckdb.DuckDBPyConnection, case: tuple[Checks, dict[str, str], list[tuple[Any, Any]]]
) -> None:
    checks, columns, rows = case
    made = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    database.execute(f"CREATE OR REPLACE TABLE t ({made})")
    marks = ", ".join(f"({', '.join(f'?::{kind}' for kind in columns.values())})" for _ in rows)
    database.execute(f"INSERT INTO t VALUES {marks}", [cell for row in rows for cell in row])
    relation = database.sql("SELECT * FROM t")
    stored = list(zip(relation.columns, relation.types, strict=True))
    screen = compile_screen(checks, {name: kind.id for name, kind in stored})
    assert screen is not None
    exact = ExactLane(checks)
    query = f"SELECT {row_text(stored)}, {screen.passes}, {', '.join(screen.kinds)} FROM t"
    said: dict[tuple[int, ...], Verdict] = {}
    for text, passes, *kind in database.execute(query).fetchall():
        verdict = exact.judge(None, text.encode(), NOW_MS)
        if passes:
            assert verdict is PASSED, (text, columns)
        if None not in kind:
            assert said.setdefault(tuple(kind), verdict) == verdict, (text, columns)


def write(file: Path, columns: dict[str, str], rows: list[tuple[Any, ...]]) -> None:
    with duckdb.connect() as database:
        database.execute(f"CREATE TABLE t ({', '.join(f'{name} {kind}' for name, kind in columns.items())})")
        marks = ", ".join(f"?::{kind}" for kind in columns.values())
        database.executemany(f"INSERT INTO t VALUES ({marks})", rows)
        database.execute(f"COPY t TO '{file}' (FORMAT parquet)")


def texts(file: Path, judged_by: Checks | None) -> tuple[dict[int, bytes | None], int]:
    """Texts by number, and how many rows there are in all."""
    chunks = read(file, judged_by)
    found = {n: value for chunk in chunks for n, value in zip(chunk.numbers, chunk.values, strict=True)}
    return found, sum(len(chunk.values) + chunk.passing + sum(chunk.alike.values()) for chunk in chunks)


def read(file: Path, judged_by: Checks | None, texts_max: int | None = None) -> list[Chunk]:
    source = RecordFiles([file])
    (part,) = source.parts()
    return list(source.read(part, Reading(judged_by=judged_by, texts_max=texts_max)))


FLAT = {"a": "bigint", "b": "varchar"}


def checks_of(*properties: FieldCheck, rule: str | None = None) -> Checks:
    rules = () if rule is None else (CelRule(id="r", path="$", expression=rule, message=""),)
    return replace(EMPTY, value=replace(EMPTY.value, properties=properties), rules=rules)


A = FieldCheck("a", "$.a", LogicalType.INTEGER, range=Range(minimum=-9, maximum=10**9))
B = FieldCheck("b", "$.b", LogicalType.STRING)


def test_good_rows_are_left_out(tmp_path: Path) -> None:
    write(tmp_path / "f.parquet", FLAT, [(1, "x"), (None, None), (7, "x"), (2**63 - 1, "x")])
    kept, count = texts(tmp_path / "f.parquet", checks_of(A, B, rule="this.a == null || this.a + 1 < 5"))
    assert (kept, count) == ({3: b'{"a":7,"b":"x"}', 4: b'{"a":9223372036854775807,"b":"x"}'}, 4)


def test_of_rows_that_are_alike_the_first_have_texts(tmp_path: Path) -> None:
    # 5 breaks the rule; 2e9 its own bound and the rule; of 2^63 - 1 the sum is an error, which is known of no row.
    rows: list[tuple[Any, ...]] = [(5, "x"), (2 * 10**9, "x"), (1, "x")] * 30 + [(2**63 - 1, "x")]
    write(tmp_path / "f.parquet", FLAT, rows)
    checks = checks_of(A, B, rule="this.a == null || this.a + 1 < 5")
    chunks = read(tmp_path / "f.parquet", checks)
    assert sum(chunk.passing for chunk in chunks) == 30
    numbers = [number for chunk in chunks for number in chunk.numbers]
    fives, others = [3 * at + 1 for at in range(ALIKE_FIRST)], [3 * at + 2 for at in range(30)]
    assert numbers == sorted([*fives, *others, 91])
    assert [more for chunk in chunks for more in chunk.alike.items()] == [(0, 30 - ALIKE_FIRST)]
    with pytest.raises(ManyTexts):
        read(tmp_path / "f.parquet", checks, texts_max=30)
    assert read(tmp_path / "f.parquet", checks, texts_max=31) == chunks


def test_the_report_shows_none_that_has_no_text() -> None:
    assert max(FAILING_MAX, EXAMPLES_MAX) <= ALIKE_FIRST


@pytest.mark.parametrize(
    ("checks", "columns"),
    [
        (checks_of(A), FLAT),
        (checks_of(A, B), {}),
        (checks_of(A, B, replace(B, name="c", required=True)), FLAT),
        (checks_of(A, B), {"a": "hugeint", "b": "varchar"}),
        (checks_of(A, B), {"a": "double", "b": "varchar"}),
        (checks_of(A, replace(B, format="hostname")), FLAT),
        (checks_of(A, B, rule="this.c == null"), FLAT),
        (checks_of(A, B, rule="this.b.matches('a')"), FLAT),
        (checks_of(A, B, rule="key == 'a'"), FLAT),
        (checks_of(A, B, rule="this.a >= 0.5"), FLAT),
        (checks_of(replace(A, range=None), B, rule="this.a + 1 > 0"), FLAT),
        (checks_of(A, B, rule="1 / this.a == 0"), FLAT),
        (checks_of(A, B, rule="this.a == 1 ? true : false"), FLAT),
        (checks_of(A, replace(B, enum=("\0",))), FLAT),
        (replace(checks_of(A, B), limits=Limits(depth_max=0)), FLAT),
        (replace(checks_of(A, B), value=replace(EMPTY.value, properties=(A, B), max_properties=3)), FLAT),
    ],
)
def test_what_is_not_known_to_mean_the_same_has_no_condition(checks: Checks, columns: dict[str, str]) -> None:
    assert compile_screen(checks_of(A, B), FLAT) is not None
    assert compile_screen(checks, columns) is None
