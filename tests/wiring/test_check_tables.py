"""`check` on tables of a real PostgreSQL: the stream's verdicts, no password shown, and a word for each failure."""

from __future__ import annotations

import base64
import datetime
import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import psycopg
import pytest
from hypothesis import given, settings
from psycopg.sql import SQL, Identifier, Literal
from psycopg.types.json import Jsonb
from test_check_forms_agree import CHECKS, NAMES, on_the_stream, records

from watermaster.cli.errors import ExitCode
from watermaster.cli.main import execute
from watermaster.runtime.check_report import CheckReport
from watermaster.wiring.check import check_table, database_settings
from watermaster.wiring.contract import compile_checks

CONTRACT = """
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
      - {name: id, logicalType: integer, required: true, unique: true, logicalTypeOptions: {minimum: 1}}
      - {name: mail, logicalType: string, required: true, logicalTypeOptions: {pattern: "@"}}
"""
NO_CONFIG = Path("there-is-none.yaml")


@pytest.fixture
def database(postgres: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(postgres, autocommit=True) as connection:
        yield connection


@pytest.fixture
def fresh_table(database: psycopg.Connection[Any]) -> Iterator[Callable[[str], str]]:
    """Makes a table of these columns; gone after the test."""
    made: list[str] = []

    def make(columns: str) -> str:
        made.append(f"t_{uuid.uuid4().hex[:12]}")
        database.execute(SQL("CREATE TABLE {} (").format(Identifier(made[-1])) + SQL(columns) + SQL(")"))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for name in made:
        database.execute(SQL("DROP TABLE {} CASCADE").format(Identifier(name)))


def run(postgres: str, table: str, contract: str = CONTRACT) -> CheckReport:
    checks = compile_checks(contract.encode(), "c", None)
    return check_table(database_settings(postgres, NO_CONFIG), [table], checks, 0)


@settings(max_examples=25, deadline=None)
@given(data=records)
def test_a_row_is_judged_as_the_record_that_a_producer_would_send(postgres: str, data: dict[str, Any]) -> None:
    columns = 'id BIGINT, low FLOAT8, high FLOAT8, name TEXT, "on" BOOLEAN, tags TEXT[], place JSONB'
    row = {**data, "place": None if data["place"] is None else Jsonb(data["place"])}
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(SQL("DROP TABLE IF EXISTS agree; CREATE TABLE agree (") + SQL(columns) + SQL(")"))
        connection.execute("INSERT INTO agree VALUES (%s, %s, %s, %s, %s, %s, %s)", [row[name] for name in NAMES])
    report = check_table(database_settings(postgres, NO_CONFIG), ["agree"], CHECKS, 0)
    assert (report.unread, report.records) == (None, 1)
    found = [frozenset(record.broken) for record in report.failing] or [frozenset()]
    assert found == on_the_stream([data])


def test_times_bytes_and_hostile_names_become_the_json_of_a_producer(
    postgres: str, database: psycopg.Connection[Any], fresh_table: Callable[[str], str]
) -> None:
    odd = 'it\'s "odd" \\ %s {}'
    table = fresh_table(f"at TIMESTAMPTZ, day DATE, raw BYTEA, n NUMERIC(20,2), {Identifier(odd).as_string()} TEXT")
    at = datetime.datetime(2024, 12, 31, 23, 59, 59, 123000, tzinfo=datetime.UTC)
    values = [at, at.date(), bytes(range(256)), "1234567.25", "O'Brien \\ \u2028\n"]
    database.execute(SQL("INSERT INTO {} VALUES (%s, %s, %s, %s, %s)").format(Identifier(table)), values)
    contract = f"""
apiVersion: v3.2.0
kind: DataContract
id: odd
name: Odd
version: 1.0.0
status: active
schema:
  - name: odd
    logicalType: object
    properties:
      - {{name: at, logicalType: timestamp, required: true, logicalTypeOptions: {{timezone: true}}}}
      - {{name: day, logicalType: date, required: true}}
      - {{name: raw, logicalType: string, required: true, logicalTypeOptions: {{minLength: 344, maxLength: 344}}}}
      - {{name: n, logicalType: number, required: true, logicalTypeOptions: {{minimum: 1234567}}}}
      - {{name: {json.dumps(odd)}, logicalType: string, required: true, logicalTypeOptions: {{maxLength: 12}}}}
"""
    assert len(base64.b64encode(bytes(range(256)))) == 344
    report = run(postgres, table, contract)
    assert [reason.reason for reason in report.reasons] == []
    assert (report.records, report.passed) == (1, 1)


def test_many_rows_are_judged_by_number_and_together(
    postgres: str, database: psycopg.Connection[Any], fresh_table: Callable[[str], str]
) -> None:
    table = fresh_table("id INT, mail TEXT")
    fill = "INSERT INTO {} SELECT i, CASE WHEN i % 1000 = 0 THEN 'none' ELSE 'a@b' END FROM generate_series(1, 25000) i"
    database.execute(SQL(fill).format(Identifier(table)))
    database.execute(SQL("INSERT INTO {} VALUES (7, 'a@b')").format(Identifier(table)))
    report = run(postgres, table)
    assert (report.records, report.held) == (25_001, 25)
    (reason,) = report.reasons
    assert list(reason.lines) == [1000, 2000, 3000, 4000, 5000]
    assert [(found.path, found.outcome.value) for found in report.assertions] == [("$.id", "broken")]


def test_a_view_can_be_judged_and_nothing_can_be_written(
    postgres: str, database: psycopg.Connection[Any], fresh_table: Callable[[str], str]
) -> None:
    table = fresh_table("id INT, mail TEXT")
    database.execute(
        SQL("CREATE FUNCTION {}() RETURNS INT LANGUAGE sql AS {}").format(
            Identifier(f"f_{table}"), Literal(f"INSERT INTO {table} VALUES (1, 'a@b') RETURNING id")
        )
    )
    view = SQL("CREATE VIEW {} AS SELECT {}() AS id, 'a@b' AS mail")
    database.execute(view.format(Identifier(f"v_{table}"), Identifier(f"f_{table}")))
    report = run(postgres, f"v_{table}")
    assert report.unread is not None
    assert "25006" in report.unread.message, "read only"
    found = database.execute(SQL("SELECT count(*) FROM {}").format(Identifier(table))).fetchone()
    database.execute(SQL("DROP FUNCTION {}() CASCADE").format(Identifier(f"f_{table}")))
    assert found == (0,)


def test_every_failure_has_its_word(
    postgres: str, database: psycopg.Connection[Any], fresh_table: Callable[[str], str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    table = fresh_table("id INT, mail TEXT")
    contract = tmp_path / "c.odcs.yaml"
    contract.write_text(CONTRACT)
    reader = f"reader_{uuid.uuid4().hex[:8]}"
    database.execute(SQL("CREATE ROLE {} LOGIN PASSWORD 'sesame'").format(Identifier(reader)))
    monkeypatch.setenv("SHOP_DATABASE", postgres)
    query = dict(parse_qsl(urlsplit(postgres).query))
    role = tmp_path / "role"
    role.write_text(f"host={query['host']}\nuser=postgres\ndbname=postgres\noptions=-c role={reader}\n")
    far = tmp_path / "far"
    far.write_text("# no password here\nhost=127.0.0.1\nport=1\ndbname=x\n")
    nothing = tmp_path / "nothing"
    nothing.write_text("colour=blue\n")
    config = tmp_path / "watermaster.yaml"
    config.write_text("clusters:\n  c: {bootstrap: 127.0.0.1:1}\ndatabases:\n  shop: ${env:SHOP_DATABASE}\n")
    wanted = {
        ("postgresql://ada:sesame@127.0.0.1/x", table): "WM-TABLE-PASSWORD",
        ("shopp", table): "WM-TABLE-DATABASE",
        (str(nothing), table): "WM-TABLE-ADDRESS",
        (str(far), table): "WM-TABLE",
        (str(role), table): "WM-TABLE-DENIED",
        ("shop", "public.nowhere"): "WM-TABLE-NAME",
        ("shop", "public.nowhere; DROP TABLE x"): "WM-TABLE-NAME",
    }
    for (named, name), code in wanted.items():
        arguments = ["check", "--contract", str(contract), "--database", named, "--table", name]
        assert execute([*arguments, "--config", str(config)]) != ExitCode.OK
        said = capfd.readouterr().err
        assert f"[{code}]" in said
        assert "sesame" not in said
    assert execute(["check", "--contract", str(contract), "--database", "shop", "--table", table,
                    "--config", str(config)]) == ExitCode.OK  # fmt: skip
    database.execute(SQL("DROP ROLE {}").format(Identifier(reader)))


def test_one_thing_is_checked_at_a_time(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    contract = tmp_path / "c.odcs.yaml"
    contract.write_text(CONTRACT)
    for arguments in ([], ["a.jsonl", "--topic", "t"], ["--table", "t"]):
        assert execute(["check", "--contract", str(contract), *arguments]) == ExitCode.USAGE
        assert "[WM-CHECK-SOURCE]" in capfd.readouterr().err
